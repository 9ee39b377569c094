//! The maps that a device shows: standard ones together, or one from a file.

use super::Reader;
use crate::map::Profile;
use bess_core::config::{Section, did_you_mean};
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
}

impl MapSet {
    /// Compact and SunSpec.
    pub(crate) fn standard(profile: Profile) -> Self {
        Self {
            names: vec!["compact".to_owned(), "sunspec".to_owned()],
            kind: MapKind::Standard { compact: true, sunspec: true, profile },
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
        let known = ["compact", "sunspec"];
        if let Some(other) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let message = format!("no map is called \"{other}\"");
            section.report(span, message, did_you_mean(other, &known));
            return None;
        }
        let has = |name: &str| names.iter().any(|known| known == name);
        let kind = MapKind::Standard { compact: has("compact"), sunspec: has("sunspec"), profile };
        Some(Arc::new(MapSet { names: names.clone(), kind }))
    }
}
