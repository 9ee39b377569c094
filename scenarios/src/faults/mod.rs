//! Faults: what can be made wrong, one file for each kind and one line of it in [`KINDS`].
//!
//! A kind says what it hits, its parameters with their ranges, which commands make it and end it, and how
//! it is seen that it acts. From the list come the files' vocabulary and its schema, REST, metrics and the
//! documents.

use bess_core::command::Command;
use bess_core::control::UnitFunctions;
use bess_core::defect::Reading;
use bess_core::id::UnitId;
use bess_core::link::LinkEffect;
use bess_core::snapshot::{FarmView, FaultPlane, RackView, Snapshot, UnitView};
use bess_core::spec::{DisturbanceKind, FarmSpec, PlantSettings, PoiMeter};
use bess_core::stage::{Effect, FaultKindInfo, ParameterInfo};
use std::fmt;
use std::sync::Arc;

mod document;
mod kinds;
mod shared;

pub use document::document;
pub use kinds::KINDS;

/// The parameter that says which measured value a fault is about.
pub(crate) const SIGNAL: &str = "signal";

/// The kind called `name`.
pub fn kind(name: &str) -> Option<&'static FaultKind> {
    KINDS.iter().find(|kind| kind.name == name).copied()
}

/// One kind of fault.
#[derive(Debug)]
pub struct FaultKind {
    /// Its name, `<namespace>.<what>` in lower case.
    pub name: &'static str,
    /// What it makes wrong.
    pub plane: FaultPlane,
    /// What a target of it may be; the first is the usual one.
    pub targets: &'static [TargetKind],
    /// Where it stands in the catalogue of faults.
    pub catalogue: &'static [&'static str],
    /// What happens, in a sentence.
    pub summary: &'static str,
    /// What it does to the physics.
    pub effect: &'static str,
    /// How it shows.
    pub symptoms: &'static str,
    /// What is expected of the farm, or of whoever watches it.
    pub reaction: &'static str,
    /// Where that is known from.
    pub source: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// When [`FaultKind::act`] is called again while it lasts.
    pub pace: Pace,
    /// What makes it so at one target: called when it begins, and again by its [`Pace`].
    pub act: fn(&Case<'_>, &mut Vec<Act>),
    /// What ends it at one target.
    pub end: fn(&Case<'_>, &mut Vec<Act>),
    /// How it is seen that it acts.
    pub probe: Probe,
}

/// When a fault that lasts acts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Never: it acts when it begins.
    Once,
    /// Never, and it is over by itself after the seconds that this parameter says, at least a tick; where
    /// there is none of that name, after a tick.
    OnceFor(&'static str),
    /// Never, and it is over by itself as soon as it was seen to act.
    OnceSeen,
    /// When a value of its parameters changes, looked at once a second.
    OnChange,
    /// When a value of its parameters changes, looked at each tick.
    OnChangeEachTick,
    /// Each second.
    EachSecond,
    /// Each tick.
    EachTick,
}

/// What a fault, or another action, is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetKind {
    /// The whole farm at its POI.
    Farm,
    /// The grid behind it.
    Grid,
    /// A unit.
    Unit,
    /// A rack.
    Rack,
    /// A cell.
    Cell,
    /// A measured value of a unit or of a rack.
    Sensor,
    /// A listener of the Modbus server.
    Listener,
    /// The built-in EMS.
    Client,
}

impl TargetKind {
    /// Every one, with its name in files, REST and documents.
    pub const ALL: [(&'static str, Self); 8] = [
        ("farm", Self::Farm),
        ("grid", Self::Grid),
        ("unit", Self::Unit),
        ("rack", Self::Rack),
        ("cell", Self::Cell),
        ("sensor", Self::Sensor),
        ("listener", Self::Listener),
        ("client", Self::Client),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// One target. Its text is its id in reports, and part of the key of its random streams.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The farm.
    Farm,
    /// The grid.
    Grid,
    /// A unit.
    Unit(UnitId),
    /// A rack of a unit.
    Rack {
        /// The unit.
        unit: UnitId,
        /// Index of the rack in it.
        rack_idx: usize,
    },
    /// A cell of a rack.
    Cell {
        /// The unit.
        unit: UnitId,
        /// Index of the rack in it.
        rack_idx: usize,
        /// Index of the cell in its rack.
        cell_idx: usize,
    },
    /// A measured value.
    Sensor {
        /// The unit.
        unit: UnitId,
        /// Index of the rack in it; `None` where the value is one of the unit.
        rack_idx: Option<usize>,
        /// Position of the value in [`Reading::ALL`].
        reading_idx: usize,
    },
    /// A listener by its name; `None` for every one.
    Listener(Option<Arc<str>>),
    /// A client of the built-in EMS by its name.
    Client(Arc<str>),
}

impl Target {
    /// Its kind.
    pub const fn kind(&self) -> TargetKind {
        match self {
            Self::Farm => TargetKind::Farm,
            Self::Grid => TargetKind::Grid,
            Self::Unit(_) => TargetKind::Unit,
            Self::Rack { .. } => TargetKind::Rack,
            Self::Cell { .. } => TargetKind::Cell,
            Self::Sensor { .. } => TargetKind::Sensor,
            Self::Listener(_) => TargetKind::Listener,
            Self::Client(_) => TargetKind::Client,
        }
    }
    /// The unit that it is, or is in.
    pub const fn unit(&self) -> Option<UnitId> {
        match self {
            Self::Unit(unit)
            | Self::Rack { unit, .. }
            | Self::Cell { unit, .. }
            | Self::Sensor { unit, .. } => Some(*unit),
            Self::Farm | Self::Grid | Self::Listener(_) | Self::Client(_) => None,
        }
    }
    /// Index in its unit of the rack that it is, or is in.
    pub const fn rack_idx(&self) -> Option<usize> {
        match self {
            Self::Rack { rack_idx, .. } | Self::Cell { rack_idx, .. } => Some(*rack_idx),
            Self::Sensor { rack_idx, .. } => *rack_idx,
            _ => None,
        }
    }
    /// The value of a sensor.
    pub fn reading(&self) -> Option<Reading> {
        match self {
            Self::Sensor { reading_idx, .. } => Reading::ALL.get(*reading_idx).map(|row| row.1),
            _ => None,
        }
    }
}

impl fmt::Display for Target {
    /// `farm`, `grid`, `unit-001`, `unit-001/rack-2`, `unit-001/rack-2/cell-17`,
    /// `unit-001/rack-2/current_a`, `listener-main`, `listeners`, `client-ems`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(unit) = self.unit() {
            write!(f, "unit-{:03}", unit.number())?;
        }
        if let Some(rack_idx) = self.rack_idx() {
            write!(f, "/rack-{}", rack_idx + 1)?;
        }
        match self {
            Self::Farm => f.write_str("farm"),
            Self::Grid => f.write_str("grid"),
            Self::Unit(_) | Self::Rack { .. } => Ok(()),
            Self::Cell { cell_idx, .. } => write!(f, "/cell-{}", cell_idx + 1),
            Self::Sensor { reading_idx, .. } => {
                write!(f, "/{}", Reading::ALL.get(*reading_idx).map_or("?", |row| row.0))
            }
            Self::Listener(Some(name)) => write!(f, "listener-{name}"),
            Self::Listener(None) => f.write_str("listeners"),
            Self::Client(name) => write!(f, "client-{name}"),
        }
    }
}

/// One parameter of a fault.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name, ending in its unit.
    pub name: &'static str,
    /// What it is.
    pub text: &'static str,
    /// What it may be.
    pub kind: ParameterKind,
    /// Whether a fault without it is refused; one that has a default is not needed.
    pub is_needed: bool,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterKind {
    /// A number in the unit at the end of its name; it may be a shape or a distribution.
    Number {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// What it is where it is not given; `None` for absent.
        default: Option<f64>,
    },
    /// One of some words.
    Word {
        /// Which.
        choices: &'static [&'static str],
        /// What it is where it is not given; `None` for absent.
        default: Option<&'static str>,
    },
    /// Yes or no; no where it is not given.
    Flag,
    /// A list of numbers; empty where it is not given.
    Numbers {
        /// Smallest of each.
        min: f64,
        /// Largest of each.
        max: f64,
    },
    /// Text such as a name or an address; absent where it is not given.
    Text,
}

impl Parameter {
    /// A number that is needed.
    pub const fn number(name: &'static str, min: f64, max: f64, text: &'static str) -> Self {
        let kind = ParameterKind::Number { min, max, default: None };
        Self { name, text, kind, is_needed: true }
    }
    /// A number that may be absent.
    pub const fn optional(name: &'static str, min: f64, max: f64, text: &'static str) -> Self {
        Self { is_needed: false, ..Self::number(name, min, max, text) }
    }
    /// A number with a default.
    pub const fn number_or(
        name: &'static str,
        default: f64,
        min: f64,
        max: f64,
        text: &'static str,
    ) -> Self {
        let kind = ParameterKind::Number { min, max, default: Some(default) };
        Self { name, text, kind, is_needed: false }
    }
    /// A word that is needed.
    pub const fn word(
        name: &'static str,
        choices: &'static [&'static str],
        text: &'static str,
    ) -> Self {
        let kind = ParameterKind::Word { choices, default: None };
        Self { name, text, kind, is_needed: true }
    }
    /// A word with a default, which is one of the choices.
    pub const fn word_or(
        name: &'static str,
        default: &'static str,
        choices: &'static [&'static str],
        text: &'static str,
    ) -> Self {
        let kind = ParameterKind::Word { choices, default: Some(default) };
        Self { name, text, kind, is_needed: false }
    }
    /// A yes or no.
    pub const fn flag(name: &'static str, text: &'static str) -> Self {
        Self { name, text, kind: ParameterKind::Flag, is_needed: false }
    }
    /// A list of numbers.
    pub const fn numbers(name: &'static str, min: f64, max: f64, text: &'static str) -> Self {
        Self { name, text, kind: ParameterKind::Numbers { min, max }, is_needed: false }
    }
    /// A text that may be absent.
    pub const fn text(name: &'static str, text: &'static str) -> Self {
        Self { name, text, kind: ParameterKind::Text, is_needed: false }
    }

    /// It for documents.
    pub fn info(&self) -> ParameterInfo {
        let none = (f64::NAN, f64::NAN);
        let (takes, (min, max), default) = match self.kind {
            ParameterKind::Number { min, max, default } => {
                ("number", (min, max), default.map(|number| number.to_string()))
            }
            ParameterKind::Word { default, .. } => ("word", none, default.map(str::to_owned)),
            ParameterKind::Flag => ("flag", none, Some("false".to_owned())),
            ParameterKind::Numbers { min, max } => ("numbers", (min, max), Some("[]".to_owned())),
            ParameterKind::Text => ("text", none, None),
        };
        let choices: &'static [&'static str] = match self.kind {
            ParameterKind::Word { choices, .. } => choices,
            _ => &[],
        };
        // What is neither needed nor has a default is absent.
        let default = default.or_else(|| (!self.is_needed).then(String::new));
        ParameterInfo { name: self.name, text: self.text, takes, min, max, choices, default }
    }
}

impl FaultKind {
    /// It for documents.
    pub fn info(&self) -> FaultKindInfo {
        FaultKindInfo {
            name: self.name,
            plane: self.plane,
            targets: self.fitting().into_iter().map(TargetKind::name).collect(),
            summary: self.summary,
            effect: self.effect,
            symptoms: self.symptoms,
            reaction: self.reaction,
            source: self.source,
            catalogue: self.catalogue,
            parameters: self.parameters.iter().map(Parameter::info).collect(),
        }
    }
    /// What a target of it may be, the usual one first: also a sensor where a parameter says which measured
    /// value of a rack it is about, since a sensor says that by itself.
    pub fn fitting(&self) -> Vec<TargetKind> {
        let mut fitting = self.targets.to_vec();
        if fitting.contains(&TargetKind::Rack) && self.parameter(SIGNAL).is_some() {
            fitting.push(TargetKind::Sensor);
        }
        fitting
    }
    /// Its parameters at targets of `kind`.
    pub fn parameters_at(&self, kind: Option<TargetKind>) -> Vec<Parameter> {
        let is_said =
            |parameter: &Parameter| kind == Some(TargetKind::Sensor) && parameter.name == SIGNAL;
        self.parameters.iter().filter(|parameter| !is_said(parameter)).copied().collect()
    }
    /// Whether it is an order that the built-in EMS carries out as it should: nothing is wrong, and nobody is
    /// to notice it.
    pub fn is_order(&self) -> bool {
        self.name == "client.setpoint"
    }
    /// How long it lasts by itself with these parameters, in s, whatever else ends it; `None` for as long
    /// as it is let.
    pub fn own_length_s(&self, number: impl FnOnce(&str) -> Option<f64>) -> Option<f64> {
        let Pace::OnceFor(name) = self.pace else { return None };
        Some(number(name).unwrap_or(0.0).max(bess_core::time::TICK_S))
    }
    /// Its parameter called `name`.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// A value of a parameter at one moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// A number.
    Number(f64),
    /// A word, one of the parameter's choices.
    Word(&'static str),
    /// A yes or no.
    Flag(bool),
    /// Numbers.
    Numbers(Vec<f64>),
    /// A text.
    Text(Arc<str>),
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Numbers(numbers) => write!(f, "{numbers:?}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The values of a fault's parameters at one moment, checked: each within its range, none missing that is
/// needed, defaults filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args(Vec<(&'static str, Arg)>);

impl Args {
    /// These values.
    pub fn new(values: Vec<(&'static str, Arg)>) -> Self {
        Self(values)
    }
    /// Every value with its name, in the order of the parameters.
    pub fn values(&self) -> &[(&'static str, Arg)] {
        &self.0
    }
    /// The value called `name`, if it is not absent.
    pub fn get(&self, name: &str) -> Option<&Arg> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
    /// The number called `name`, if it is not absent.
    pub fn maybe(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Arg::Number(number)) => Some(*number),
            _ => None,
        }
    }
    /// The number called `name`.
    ///
    /// # Panics
    /// When the kind has no such number that is needed or has a default.
    pub fn number(&self, name: &str) -> f64 {
        self.maybe(name).expect("a number that is needed or has a default")
    }
    /// The word called `name`; empty when it is absent.
    pub fn word(&self, name: &str) -> &'static str {
        match self.get(name) {
            Some(Arg::Word(word)) => word,
            _ => "",
        }
    }
    /// The yes or no called `name`.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Arg::Flag(true)))
    }
    /// The numbers called `name`.
    pub fn numbers(&self, name: &str) -> &[f64] {
        match self.get(name) {
            Some(Arg::Numbers(numbers)) => numbers,
            _ => &[],
        }
    }
    /// The text called `name`, if it is not absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Arg::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// What stood before a fault began: to put back settings that it changes, and to see what it did.
#[derive(Clone, Debug)]
pub struct Before {
    /// The unit of the target, with its settings of control; that of unit 1 where it has none.
    pub unit: UnitView,
    /// The settings of its functions.
    pub functions: Arc<UnitFunctions>,
    /// Its racks, in order.
    pub racks: Vec<RackView>,
    /// Settings of the plant controller.
    pub plant: Arc<PlantSettings>,
    /// The farm.
    pub farm: FarmView,
    /// Ticks for which the loop had stood still.
    pub stalled_ticks: u64,
}

/// One fault at one target, at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Case<'c> {
    /// Its parameters as they are now.
    pub args: &'c Args,
    /// The target.
    pub target: &'c Target,
    /// The farm.
    pub spec: &'c FarmSpec,
    /// What stood before it.
    pub before: &'c Before,
    /// A name that no other fault at no other target has: for a link condition.
    pub tag: &'c str,
    /// A seed of its own, another one each time that it acts.
    pub seed: u64,
    /// Ticks since it began.
    pub age: u64,
}

impl Case<'_> {
    /// The unit of the target.
    ///
    /// # Panics
    /// For a target that is in no unit: the kind's list of targets keeps those away.
    pub fn unit(&self) -> UnitId {
        self.target.unit().expect("the kind hits units and what is in them alone")
    }
    /// The racks of the unit that it hits: the one of the target, or all.
    pub fn racks(&self) -> std::ops::Range<usize> {
        let all = 0..self.spec.units[self.unit().idx()].design.n_racks;
        self.target.rack_idx().map_or(all, |rack_idx| rack_idx..rack_idx + 1)
    }
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Something with the farm.
    Command(Box<Command>),
    /// Something with who runs the farm or asks it.
    Host(HostAct),
}

impl Act {
    /// Whether it leaves everything as it is: a defect that is none, a step of 0, a client that does its
    /// work.
    pub fn is_neutral(&self) -> bool {
        match self {
            Self::Command(command) => match &**command {
                Command::SetDefect { defect, .. } => !defect.is_active(),
                Command::Disturb(disturbance) => match disturbance.kind {
                    DisturbanceKind::PhaseJump(degrees) => degrees == 0.0,
                    DisturbanceKind::LoadStep(load) => load.0 == 0.0,
                    _ => false,
                },
                Command::PoiMeter(meter) => *meter == PoiMeter::default(),
                Command::SetLink(link) => {
                    let nothing = LinkEffect::Delay { delay_s: 0.0, jitter_s: 0.0 };
                    link.probability <= 0.0 || link.effect == nothing
                }
                _ => false,
            },
            Self::Host(HostAct::Stall { ticks }) => *ticks == 0,
            Self::Host(HostAct::Client { act, .. }) => match *act {
                ClientAct::Heartbeat(mode) => mode == HeartbeatMode::Normal,
                ClientAct::Setpoint(power_w) => power_w.is_none(),
                ClientAct::FreezeSetpoint(on) | ClientAct::Stop(on) => !on,
                ClientAct::Flood(rate) | ClientAct::Replay(rate) => rate == 0.0,
                ClientAct::Scale(factor) => factor == 1.0,
            },
        }
    }
}

impl From<Command> for Act {
    fn from(command: Command) -> Self {
        Self::Command(Box::new(command))
    }
}

/// What is done by who runs the farm, beside the farm.
#[derive(Clone, Debug, PartialEq)]
pub enum HostAct {
    /// The loop stands still for so many ticks of wall time.
    Stall {
        /// How many.
        ticks: u64,
    },
    /// The built-in EMS does something else than its work.
    Client {
        /// Which one.
        client: Arc<str>,
        /// What.
        act: ClientAct,
    },
}

/// What the built-in EMS is told.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientAct {
    /// How its heartbeat counts.
    Heartbeat(HeartbeatMode),
    /// A setpoint of the farm in W that it writes in place of its own; `None` for its own again.
    Setpoint(Option<f64>),
    /// Whether it goes on writing the setpoint that it wrote last, whatever happens.
    FreezeSetpoint(bool),
    /// Whether it has closed its connections and does nothing.
    Stop(bool),
    /// Requests per second that it makes beside its work; 0 for none.
    Flood(f64),
    /// Whether it writes again, in their order, the writes that it made in the last so many seconds; 0
    /// ends it.
    Replay(f64),
    /// What it writes over what it means: 0.001 for kW where MW were meant, -1 for a reversed sign; 1 ends
    /// it.
    Scale(f64),
}

/// How a heartbeat counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatMode {
    /// Up by one each time.
    Normal,
    /// Nothing is written.
    Stop,
    /// The same number is written again and again.
    Frozen,
    /// Numbers come in no order.
    Erratic,
}

impl HeartbeatMode {
    /// Every one with its name in files.
    pub const ALL: [(&'static str, Self); 4] = [
        ("normal", Self::Normal),
        ("stop", Self::Stop),
        ("frozen", Self::Frozen),
        ("erratic", Self::Erratic),
    ];
}

/// How it is seen that a fault acts.
#[derive(Clone, Copy, Debug)]
pub enum Probe {
    /// An expression that becomes true; `target` in it stands for the targets of the fault, such as
    /// `max(truth.cell_temperature_max_degc@target) > 60`.
    Expr(&'static str),
    /// This says it of one target, asked each tick while the fault lasts. What stays
    /// [`Effect::Pending`] at the end is [`Effect::NoEffect`].
    Func(fn(&Case<'_>, &Snapshot) -> Effect),
}

/// Requests that the link condition with the tag of a fault hit so far: what shows that a fault of the
/// transport acts. Inconclusive while nobody asks.
pub fn link_probe(case: &Case<'_>, seen: &Snapshot) -> Effect {
    let link = seen.link.iter().find(|link| link.condition.name == case.tag);
    match link {
        Some(link) if link.hits() > 0 => Effect::Confirmed,
        Some(link) if link.seen() > 0 => Effect::Pending,
        _ => Effect::Inconclusive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_listed_by_name_and_say_all_that_a_reader_wants() {
        assert!(KINDS.is_sorted_by(|a, b| a.name < b.name), "sorted, none twice");
        for kind in KINDS {
            let name = kind.name;
            let fits = |c: char| c.is_ascii_lowercase() || c == '.' || c == '_';
            assert!(name.contains('.') && name.chars().all(fits), "{name}");
            assert!(!kind.targets.is_empty() && !kind.catalogue.is_empty(), "{name}");
            for text in [kind.summary, kind.effect, kind.symptoms, kind.reaction, kind.source] {
                assert!(text.len() > 3, "{name}: {text:?}");
            }
        }
    }

    #[test]
    fn a_default_is_within_its_range_and_an_own_name_in_its_kind() {
        for kind in KINDS {
            for (place, parameter) in kind.parameters.iter().enumerate() {
                let Parameter { name, .. } = parameter;
                let earlier = &kind.parameters[..place];
                assert!(earlier.iter().all(|other| other.name != *name), "{}: {name}", kind.name);
                match parameter.kind {
                    ParameterKind::Number { min, max, default } => {
                        assert!(min < max, "{}: {name}", kind.name);
                        let fits = default.is_none_or(|default| (min..=max).contains(&default));
                        assert!(fits, "{}: {name}", kind.name);
                    }
                    ParameterKind::Word { choices, default } => {
                        let fits = default.is_none_or(|default| choices.contains(&default));
                        assert!(fits && !choices.is_empty(), "{}: {name}", kind.name);
                    }
                    ParameterKind::Numbers { min, max } => assert!(min < max, "{name}"),
                    ParameterKind::Flag | ParameterKind::Text => {}
                }
            }
        }
    }

    #[test]
    fn a_kind_that_takes_sensors_takes_every_one() {
        let takes = |kind: &&&FaultKind| kind.fitting().contains(&TargetKind::Sensor);
        let taking: Vec<_> = KINDS.iter().filter(takes).collect();
        assert!(taking.iter().any(|kind| kind.name == "sensor.bias"));
        for kind in taking {
            let choices = match kind.parameter(SIGNAL).map(|parameter| parameter.kind) {
                Some(ParameterKind::Word { choices, .. }) => choices,
                other => panic!("{}: {other:?}", kind.name),
            };
            for (reading, ..) in Reading::ALL {
                assert!(choices.contains(&reading), "{}: {reading}", kind.name);
            }
        }
    }

    #[test]
    fn a_target_has_the_name_that_people_use() {
        let unit = UnitId::from_idx(0);
        let sensor = |rack_idx| Target::Sensor { unit, rack_idx, reading_idx: 4 };
        let named = [
            (Target::Unit(unit), "unit-001"),
            (Target::Rack { unit, rack_idx: 1 }, "unit-001/rack-2"),
            (Target::Cell { unit, rack_idx: 0, cell_idx: 16 }, "unit-001/rack-1/cell-17"),
            (sensor(Some(2)), "unit-001/rack-3/current_a"),
            (sensor(None), "unit-001/current_a"),
            (Target::Listener(None), "listeners"),
            (Target::Listener(Some("main".into())), "listener-main"),
            (Target::Client("ems".into()), "client-ems"),
        ];
        for (target, name) in named {
            assert_eq!(target.to_string(), name);
        }
    }
}
