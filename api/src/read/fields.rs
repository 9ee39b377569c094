//! Fields by their paths, as the OpenAPI document has them: what can be selected is what is documented.

use crate::params::Params;
use crate::problem::{Allowed, Fallible, Problem, kind};
use crate::routes::described;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// The fields of a schema: `measured` and `measured.soc`. Lists are not gone into.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    paths: Vec<String>,
}

/// Defines the sets of fields that can be selected: a name, its schema, and a schema whose fields are always
/// there.
macro_rules! sets {
    ($($name:ident $set:ident $doc:literal = $schema:literal less $less:expr;)*) => {$(
        #[doc = $doc]
        pub(crate) static $set: LazyLock<Fields> = LazyLock::new(|| Fields::of($schema, $less));

        #[doc = $doc]
        #[derive(Debug)]
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let values = $set.paths.iter().map(String::as_str);
                let name = ObjectBuilder::new().schema_type(Type::String).description(Some($doc));
                name.enum_values(Some(values)).into()
            }
        }
        impl ToSchema for $name {}
    )*
        /// Adds the names of the fields to the schemas of the document, from which they are taken.
        pub(crate) fn fill(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
            $(schemas.insert(stringify!($name).to_owned(), $name::schema());)*
        }
    };
}

sets! {
    UnitField UNIT "A field of a unit." = "Unit" less None;
    RackField RACK "A field of a rack." = "Rack" less None;
    FarmField FARM "A field of the farm." = "FarmAnswer" less Some("Stamp");
}

impl Fields {
    /// Those of `schema` but for those of `less`.
    pub(crate) fn of(schema: &str, less: Option<&str>) -> Self {
        let paths_of = |name: &str| {
            let mut paths = Vec::new();
            walk(described(), &described()["components"]["schemas"][name], "", &mut paths);
            paths
        };
        let mut paths = paths_of(schema);
        let gone = less.map(paths_of).unwrap_or_default();
        paths.retain(|path| !gone.contains(path));
        paths.sort();
        paths.dedup();
        Self { paths }
    }

    /// The paths, sorted.
    #[cfg(test)]
    pub(crate) fn paths(&self) -> &[String] {
        &self.paths
    }

    /// The paths within `path` that have none within, sorted; itself when it has none.
    pub(crate) fn leaves<'f>(&'f self, path: &'f str) -> Vec<&'f str> {
        let is_inside = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
        };
        // What is within a path follows it: a dot sorts before all that names are made of.
        let after = self.paths.partition_point(|known| known.as_str() <= path);
        let inside = self.paths[after..].iter().take_while(|inner| is_inside(inner, path));
        let n_inside = inside.count();
        let leaf = |at: &usize| {
            !self.paths.get(at + 1).is_some_and(|next| is_inside(next, &self.paths[*at]))
        };
        let leaves = (after..after + n_inside).filter(leaf).map(|at| self.paths[at].as_str());
        if n_inside == 0 { vec![path] } else { leaves.collect() }
    }

    /// Reads the parameter `fields`: paths with commas between them; `None` for all.
    ///
    /// # Errors
    /// When one is no field.
    pub(crate) fn read(&self, query: &mut Params) -> Fallible<Option<Vec<&str>>> {
        let Some(text) = query.get("fields")? else {
            return Ok(None);
        };
        let paths = text.split(',').map(|asked| {
            let known = self.paths.iter().find(|path| *path == asked);
            known.map(String::as_str).ok_or_else(|| self.unknown(asked))
        });
        paths.collect::<Fallible<Vec<_>>>().map(Some)
    }

    fn unknown(&self, asked: &str) -> Box<Problem> {
        let nearest = self.nearest(asked);
        let detail = format!("there is no field {asked:?} here; near are {}", nearest.join(", "));
        Problem::new(&kind::BAD_PARAMETER, detail)
            .field("fields")
            .value(asked)
            .allowed(Allowed::one_of(self.paths.iter().map(String::as_str)))
    }

    /// The three fields whose names are most like `asked`, as a whole or by their last part.
    fn nearest(&self, asked: &str) -> Vec<&str> {
        let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
        let distance = |path: &&str| {
            let whole = strsim::damerau_levenshtein(path, asked);
            // Asked for without the objects around it.
            let of_last = strsim::damerau_levenshtein(&last(path), &last(asked));
            (whole.min(of_last + 1), path.len())
        };
        // What nobody would write as a name is not compared at length.
        let asked_length = asked.len();
        let mut near: Vec<&str> = self.paths.iter().map(String::as_str).collect();
        if asked_length <= 100 {
            near.sort_by_key(distance);
        }
        near.truncate(3);
        near
    }
}

/// The paths of the fields of `schema`, under `prefix`.
fn walk(document: &Value, schema: &Value, prefix: &str, paths: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        return target.into_iter().for_each(|target| walk(document, target, prefix, paths));
    }
    for choice in ["allOf", "oneOf"] {
        for branch in schema[choice].as_array().into_iter().flatten() {
            walk(document, branch, prefix, paths);
        }
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        walk(document, inner, &path, paths);
        paths.push(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_those_of_the_document_at_every_depth() {
        let has = |path: &str| UNIT.paths().iter().any(|known| known == path);
        for path in [
            "number",
            "alarms",
            "measured",
            "measured.soc",
            "measured.cell_voltage_min_at.rack",
            "reset_blocked_by.code",
            "control.watchdog.state",
        ] {
            assert!(has(path), "{path}");
        }
        for path in ["alarms.code", "tick", "soc", ""] {
            assert!(!has(path), "{path}");
        }
        assert!(FARM.paths().iter().any(|path| path == "truth.soc"));
        assert!(!FARM.paths().iter().any(|path| path == "publication"), "always there");
    }

    #[test]
    fn the_leaves_of_an_object_are_its_values() {
        assert_eq!(
            UNIT.leaves("reset_blocked_by"),
            ["reset_blocked_by.code", "reset_blocked_by.level", "reset_blocked_by.rack"]
        );
        assert_eq!(UNIT.leaves("number"), ["number"]);
    }

    #[test]
    fn what_is_like_a_field_is_near_it() {
        for (asked, near) in [
            ("measured.sok", "measured.soc"),
            ("soh", "truth.soh"),
            ("Number", "number"),
            ("active_power_w", "ac.active_power_w"),
        ] {
            assert!(UNIT.nearest(asked).contains(&near), "{asked}: {:?}", UNIT.nearest(asked));
        }
    }
}
