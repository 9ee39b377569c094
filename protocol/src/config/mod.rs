//! How the farm is reached by Modbus: listeners, devices and their maps, from the tables `[modbus]` of a
//! farm file or of a file of their own. `docs/modbus.md` is the description for people.
//!
//! The text is checked against the farm: every problem of it at once, before a port is bound.

mod listener;
mod maps;

pub use listener::{ListenerSpec, Mode};
pub(crate) use maps::{MapKind, MapSet};

use crate::map::Profile;
use crate::map::user::MapFile;
use bess_core::UnitId;
use bess_core::config::{Problem, Problems, Section, did_you_mean, read_document_with_files};
use bess_core::control::WatchdogSettings;
use bess_core::device::Part;
use bess_core::spec::{FarmSpec, UnitDesign};
use std::sync::Arc;

/// Finds the text of a file that is named in the configuration: a map, a certificate.
pub type FileSource<'s> = dyn Fn(&str) -> Result<String, String> + 's;

/// How the farm is reached by Modbus.
#[derive(Clone, Debug)]
pub struct ModbusConfig {
    /// What each unit is as devices: one as a whole, or parts of it.
    pub(crate) parts: Vec<Part>,
    /// Whether each rack is a device too.
    pub(crate) racks: bool,
    /// The maps of a unit that is not named in `exceptions`.
    pub(crate) maps: Arc<MapSet>,
    /// The maps of the plant; the standard ones when absent.
    pub(crate) plant_maps: Option<Arc<MapSet>>,
    /// Units with maps of their own.
    pub(crate) exceptions: Vec<UnitMaps>,
    /// Registers that are refreshed only now and then.
    pub(crate) refresh: Vec<RefreshRule>,
    /// The listeners; without any there is one with the standard settings.
    pub listeners: Vec<ListenerSpec>,
}

/// Units with maps of their own.
#[derive(Clone, Debug)]
pub(crate) struct UnitMaps {
    pub(crate) units: Vec<UnitId>,
    pub(crate) maps: Arc<MapSet>,
    /// Further unit ids of the same device, each with its maps.
    pub(crate) also: Vec<(u8, Arc<MapSet>)>,
}

impl UnitMaps {
    /// Whether `unit` is one of them. By the number in the farm: the configuration is of the whole farm,
    /// and `unit` may be one of a shard.
    pub(crate) fn is_for(&self, unit: UnitId) -> bool {
        self.units.iter().any(|named| named.number() == unit.number())
    }
}

/// Registers of standard maps that are refreshed only now and then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefreshRule {
    pub(crate) from: u16,
    pub(crate) to: u16,
    pub(crate) period_ticks: u64,
}

impl Default for ModbusConfig {
    /// Unit id k is unit k in the standard maps.
    fn default() -> Self {
        Self {
            parts: vec![Part::Whole],
            racks: false,
            maps: Arc::new(MapSet::standard(Profile::Standard)),
            plant_maps: None,
            exceptions: Vec::new(),
            refresh: Vec::new(),
            listeners: vec![ListenerSpec::default()],
        }
    }
}

/// Reads the tables `[modbus]` of `text`; `file` names it in messages. A farm file may be given: its
/// other tables are left alone.
///
/// # Errors
/// All problems of the text and of the maps that it names.
pub fn parse_modbus(
    file: &str,
    text: &str,
    spec: &FarmSpec,
    source: &FileSource<'_>,
) -> Result<ModbusConfig, Problems> {
    let is_farm_file = has_table(text, "farm");
    read_document_with_files(file, text, |root, foreign| {
        if is_farm_file {
            root.leave_the_rest();
        }
        let mut reader = Reader { spec, source, foreign };
        match root.section("modbus") {
            Some(section) => reader.modbus(section),
            None => {
                if !is_farm_file {
                    let message = "the file has no table `[modbus]`".to_owned();
                    root.report(root.span(), message, None);
                }
                ModbusConfig::default()
            }
        }
    })
}

impl ModbusConfig {
    /// The maps of a unit, where its listener has none of its own.
    pub(crate) fn maps_of(&self, unit: UnitId) -> &Arc<MapSet> {
        let exception = self.exceptions.iter().find(|exception| exception.is_for(unit));
        exception.map_or(&self.maps, |exception| &exception.maps)
    }

    /// Has units watch their controllers as their maps say, where the farm file says nothing of it.
    pub fn set_watchdogs(&self, spec: &mut FarmSpec) {
        let mut known: Vec<(Arc<UnitDesign>, String, Arc<UnitDesign>)> = Vec::new();
        for unit in &mut spec.units {
            let maps = self.maps_of(unit.id);
            let Some(watchdog) = maps.file().and_then(MapFile::watchdog) else { continue };
            if unit.design.watchdog != WatchdogSettings::default() {
                continue;
            }
            let name = format!("{maps:?}");
            let alike = known
                .iter()
                .find(|(design, map, _)| Arc::ptr_eq(design, &unit.design) && *map == name);
            let with = match alike {
                Some((_, _, with)) => Arc::clone(with),
                None => {
                    let with = UnitDesign { watchdog, ..UnitDesign::clone(&unit.design) };
                    let with = Arc::new(with);
                    known.push((Arc::clone(&unit.design), name, Arc::clone(&with)));
                    with
                }
            };
            unit.design = with;
        }
    }
}

/// Whether the text has a table of this name, as far as it can be told without reading it.
fn has_table(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let rest = line.trim_start().strip_prefix('[').map(|rest| rest.trim_start_matches('['));
        rest.and_then(|rest| rest.trim_start().strip_prefix(name))
            .is_some_and(|rest| rest.starts_with([']', '.']))
    })
}

/// Longest period of a refresh in s: an hour (engineering choice).
const REFRESH_MAX_S: f64 = 3_600.0;

/// Reads with the farm and the files at hand.
pub(crate) struct Reader<'r, 's> {
    pub(crate) spec: &'r FarmSpec,
    pub(crate) source: &'r FileSource<'s>,
    /// Problems of other files.
    pub(crate) foreign: &'r mut Vec<Problem>,
}

impl Reader<'_, '_> {
    fn modbus(&mut self, section: Section<'_, '_>) -> ModbusConfig {
        let standard = ModbusConfig::default();
        let parts = parts(&section);
        let racks = section.bool_or("racks", false);
        let profile = profile(&section, Profile::Standard);
        let maps = self.maps(&section, profile).unwrap_or(standard.maps);
        let plant_maps = self.plant_map(&section);
        let exceptions = section.sections("units");
        let exceptions = exceptions.into_iter().map(|units| self.units(units, profile)).collect();
        let refresh = section.sections("refresh").into_iter().map(refresh).collect();
        let listeners = section.sections("listeners");
        let mut listeners: Vec<ListenerSpec> =
            listeners.into_iter().map(|listener| self.listener(listener, profile)).collect();
        if listeners.is_empty() {
            listeners = standard.listeners;
        }
        check_names(&section, &listeners);
        let config =
            ModbusConfig { parts, racks, maps, plant_maps, exceptions, refresh, listeners };
        section.finish();
        config
    }

    /// `[[modbus.units]]`.
    fn units(&mut self, section: Section<'_, '_>, profile: Profile) -> UnitMaps {
        let mut units = Vec::new();
        let named = section.names_or_numbers("units");
        if named.is_empty() {
            let message = "`[[modbus.units]]` needs `units`, a list of numbers or names".to_owned();
            section.report(section.span(), message, None);
        }
        for (name, span) in named {
            match self.spec.find_unit(&name) {
                Some(unit) => units.push(unit),
                None => {
                    let message = format!("no unit \"{name}\": {}", self.spec.unit_numbers());
                    section.report(span, message, None);
                }
            }
        }
        let profile = self::profile(&section, profile);
        let maps = self.maps(&section, profile);
        let also = section.sections("also");
        let also = also.into_iter().filter_map(|also| {
            let id = also.integer("unit_id", 1, 247) as u8;
            let maps = self.maps(&also, profile);
            also.finish();
            Some((id, maps?))
        });
        let also = also.collect();
        section.finish();
        UnitMaps { units, maps: maps.unwrap_or_else(|| ModbusConfig::default().maps), also }
    }
}

/// What a unit is as devices.
fn parts(section: &Section<'_, '_>) -> Vec<Part> {
    let known = [Part::Whole, Part::Bms, Part::Pcs, Part::Meter];
    let names: Vec<&str> = known.iter().map(|part| part.name()).collect();
    let mut parts = Vec::new();
    for name in section.texts("devices") {
        match known.iter().find(|part| part.name() == name) {
            Some(part) if !parts.contains(part) => parts.push(*part),
            Some(_) => {
                let message = format!("`devices` has \"{name}\" twice");
                section.report(section.span_of("devices"), message, None);
            }
            None => {
                let message = format!("`devices` knows {}, not \"{name}\"", names.join(", "));
                let hint = did_you_mean(&name, &names);
                section.report(section.span_of("devices"), message, hint);
            }
        }
    }
    if parts.is_empty() { vec![Part::Whole] } else { parts }
}

fn profile(section: &Section<'_, '_>, default: Profile) -> Profile {
    section.choice_or("profile", default, &Profile::ALL)
}

fn refresh(section: Section<'_, '_>) -> RefreshRule {
    let from = section.integer("from", 0, 65_535) as u16;
    let to = section.integer("to", 0, 65_535) as u16;
    if to < from {
        let message = format!("`to` must be at least `from` ({from}), got {to}");
        section.report(section.span_of("to"), message, None);
    }
    let bounds = bess_core::config::Bounds::within(0.1, REFRESH_MAX_S);
    let period_s = section.f64("period_s", bounds);
    section.finish();
    RefreshRule { from, to, period_ticks: (period_s * 10.0).round().max(1.0) as u64 }
}

/// Names tell listeners apart in the audit and in link conditions.
fn check_names(section: &Section<'_, '_>, listeners: &[ListenerSpec]) {
    for (index, listener) in listeners.iter().enumerate() {
        let name = &listener.config.name;
        if listeners[..index].iter().any(|earlier| earlier.config.name == *name) {
            let message = format!("two listeners are called \"{name}\"");
            let hint = Some("give each a `name` of its own".to_owned());
            section.report(section.span_of("listeners"), message, hint);
        }
    }
}

#[cfg(test)]
mod tests;
