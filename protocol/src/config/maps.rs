//! The maps that a device shows: standard ones together, or one from a file.

use super::Reader;
use crate::map::Profile;
use crate::map::user::{MapFile, SHIPPED, parse_map, shipped};
use bess_core::config::{Problems, Section, did_you_mean};
use std::sync::Arc;

/// Maps of a device.
#[derive(Clone, Debug)]
pub(crate) struct MapSet {
    /// Names, as the address book tells them.
    pub(crate) names: Vec<String>,
    pub(crate) kind: MapKind,
}

/// See [`MapSet`].
#[derive(Clone, Debug)]
pub(crate) enum MapKind {
    /// One or both of the standard maps.
    Standard { compact: bool, sunspec: bool, profile: Profile },
    /// One of a file, or built in, whole.
    File(Arc<MapFile>),
}

/// Names of the standard maps.
const STANDARD: [&str; 2] = ["compact", "sunspec"];

impl MapSet {
    /// Compact and SunSpec.
    pub(crate) fn standard(profile: Profile) -> Self {
        Self {
            names: STANDARD.map(str::to_owned).to_vec(),
            kind: MapKind::Standard { compact: true, sunspec: true, profile },
        }
    }
}

impl MapSet {
    /// The map, where it is one of a file.
    pub(crate) fn file(&self) -> Option<&MapFile> {
        match &self.kind {
            MapKind::Standard { .. } => None,
            MapKind::File(map) => Some(map),
        }
    }
}

impl Reader<'_, '_> {
    /// The maps that the key `maps` names; the standard ones when it is absent.
    pub(super) fn maps(
        &mut self,
        section: &Section<'_, '_>,
        profile: Profile,
    ) -> Option<Arc<MapSet>> {
        if !section.has("maps") {
            return Some(Arc::new(MapSet::standard(profile)));
        }
        let names = section.texts("maps");
        let span = section.span_of("maps");
        if names.is_empty() {
            let message = format!("`{}` must name at least one map", section.name("maps"));
            section.report(span, message, Some("maps = [\"compact\", \"sunspec\"]".to_owned()));
            return None;
        }
        let is_standard = |name: &String| STANDARD.contains(&name.as_str());
        if names.iter().all(is_standard) {
            let has = |name: &str| names.iter().any(|known| known == name);
            let (compact, sunspec) = (has("compact"), has("sunspec"));
            let kind = MapKind::Standard { compact, sunspec, profile };
            return Some(Arc::new(MapSet { names, kind }));
        }
        if names.len() > 1 {
            let message = format!("`{}`: a map of a file stands alone", section.name("maps"));
            let hint = "the file may `include` standard maps".to_owned();
            section.report(span, message, Some(hint));
            return None;
        }
        let map = self.map_file(section, &names[0])?;
        let names = vec![map.name().to_owned()];
        Some(Arc::new(MapSet { names, kind: MapKind::File(map) }))
    }

    /// The map of the plant that the key `plant_map` names.
    pub(super) fn plant_map(&mut self, section: &Section<'_, '_>) -> Option<Arc<MapSet>> {
        if !section.has("plant_map") {
            return None;
        }
        let name = section.text("plant_map");
        let map = self.map_file(section, &name)?;
        if !map.is_of_plant() {
            let message = format!("`plant_map`: \"{name}\" is a map of units");
            let hint = "a map of the plant has `level = \"plant\"` in `[map]`".to_owned();
            section.report(section.span_of("plant_map"), message, Some(hint));
            return None;
        }
        Some(Arc::new(MapSet { names: vec![map.name().to_owned()], kind: MapKind::File(map) }))
    }

    /// The map called `name`: built in, or a file.
    fn map_file(&mut self, section: &Section<'_, '_>, name: &str) -> Option<Arc<MapFile>> {
        let text = match (shipped(name), (self.source)(name)) {
            (Some(text), _) => text.to_owned(),
            (None, Ok(text)) => text,
            (None, Err(error)) => {
                let known: Vec<&str> =
                    STANDARD.into_iter().chain(SHIPPED.iter().map(|(name, _)| *name)).collect();
                let message = format!("no map \"{name}\" is built in, and no file: {error}");
                let hint = did_you_mean(name, &known)
                    .unwrap_or_else(|| format!("built in are {}", known.join(", ")));
                section.report(section.span_of("maps"), message, Some(hint));
                return None;
            }
        };
        let read = parse_map(name, &text, self.source);
        let checked = read.and_then(|map| map.check(self.spec).map(|()| map));
        checked.map(Arc::new).map_err(|problems| self.add(problems)).ok()
    }

    /// Keeps problems of another file, each once.
    fn add(&mut self, problems: Problems) {
        for problem in problems.0 {
            if !self.foreign.contains(&problem) {
                self.foreign.push(problem);
            }
        }
    }
}
