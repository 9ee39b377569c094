//! Faults: what can be made wrong, one file for each kind and one line of it in [`KINDS`].
//!
//! A kind says what it hits, its parameters with their ranges, which commands make it and end it, and how
//! it is seen that it acts. From the list come the files' vocabulary and its schema, REST, metrics and the
//! documents.

use bess_core::control::UnitFunctions;
use bess_core::id::UnitId;
use bess_core::snapshot::{FarmView, FaultPlane, RackView, Snapshot, UnitView};
use bess_core::spec::{FarmSpec, PlantSettings};
use bess_core::stage::{Effect, FaultKindInfo};
use std::sync::Arc;

mod act;
mod document;
mod kinds;
mod parameter;
mod shared;
mod target;

pub use act::{Act, ClientAct, HeartbeatMode, HostAct};
pub use document::document;
pub use kinds::KINDS;
pub use parameter::{Arg, Args, Parameter, ParameterKind};
pub use target::{Target, TargetKind};

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
    use bess_core::defect::Reading;

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
}
