//! What an action does: a fault of the list, or something that is none: a mark, an operator's doing,
//! a setting.

use super::setup;
use crate::faults::{self, FaultKind, Parameter, TargetKind};

/// What an action does.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// It makes something wrong.
    Fault(&'static FaultKind),
    /// It does something else.
    Control(&'static ControlKind),
}

/// One kind of action that makes nothing wrong.
#[derive(Debug)]
pub struct ControlKind {
    /// Its name, `control.<what>`.
    pub name: &'static str,
    /// Which one it is.
    pub act: Control,
    /// What a target of it may be; none where it has no target.
    pub targets: &'static [TargetKind],
    /// What happens, in a sentence.
    pub summary: &'static str,
    /// Its parameters; of [`Control::Set`] see [`setup::parameters`].
    pub parameters: &'static [Parameter],
}

/// Something that is no fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// A point of time gets a name in the report: `name`.
    Mark,
    /// An operator does something with a unit: `action` of [`bess_core::command::UnitAction::ALL`].
    Operate,
    /// An operator does something with a rack: `action` of [`bess_core::command::RackAction::ALL`].
    OperateRack,
    /// Settings are changed, by the keys of [`setup`].
    Set,
}

const NAME: Parameter = Parameter { is_needed: true, ..Parameter::text("name", "what to call it") };

/// Every kind, by name.
pub const CONTROLS: &[ControlKind] = &[
    ControlKind {
        name: "control.mark",
        act: Control::Mark,
        targets: &[],
        summary: "a point of time gets a name, for the report and for what counts from it",
        parameters: &[NAME],
    },
    ControlKind {
        name: "control.operate",
        act: Control::Operate,
        targets: &[TargetKind::Unit],
        summary: "an operator does something with a unit",
        parameters: &[Parameter::word(
            "action",
            &[
                "start",
                "stop",
                "standby",
                "exit_standby",
                "reset_alarms",
                "estop",
                "release_estop",
                "maintenance",
                "end_maintenance",
                "local",
                "remote",
                "black_start",
            ],
            "what is done",
        )],
    },
    ControlKind {
        name: "control.operate_rack",
        act: Control::OperateRack,
        targets: &[TargetKind::Rack],
        summary: "an operator connects a rack, or takes it out",
        parameters: &[Parameter::word("action", &["connect", "disconnect"], "what is done")],
    },
    ControlKind {
        name: "control.set",
        act: Control::Set,
        targets: &[TargetKind::Unit, TargetKind::Farm],
        summary: "settings are changed, as a client could",
        parameters: &[],
    },
];

impl Deed {
    /// The one called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        let control = || CONTROLS.iter().find(|kind| kind.name == name).map(Self::Control);
        faults::kind(name).map(Self::Fault).or_else(control)
    }
    /// The name of every one.
    pub fn names() -> Vec<&'static str> {
        let controls = CONTROLS.iter().map(|kind| kind.name);
        faults::KINDS.iter().map(|kind| kind.name).chain(controls).collect()
    }
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fault(kind) => kind.name,
            Self::Control(kind) => kind.name,
        }
    }
    /// What a target of it may be; none where it has no target.
    pub fn targets(self) -> Vec<TargetKind> {
        match self {
            Self::Fault(kind) => kind.fitting(),
            Self::Control(kind) => kind.targets.to_vec(),
        }
    }
    /// What happens, in a sentence.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Fault(kind) => kind.summary,
            Self::Control(kind) => kind.summary,
        }
    }
    /// Its parameters at targets of `kind`.
    pub fn parameters(self, kind: Option<TargetKind>) -> Vec<Parameter> {
        match (self, kind) {
            (Self::Fault(fault), kind) => fault.parameters_at(kind),
            (Self::Control(ControlKind { act: Control::Set, .. }), Some(kind)) => {
                setup::parameters(kind)
            }
            (Self::Control(control), _) => control.parameters.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::ParameterKind;
    use bess_core::command::{RackAction, UnitAction};

    #[test]
    fn an_operator_may_do_in_a_scenario_whatever_he_may_do() {
        let words = |name: &str| match Deed::by_name(name).map(|deed| deed.parameters(None)[0].kind)
        {
            Some(ParameterKind::Word { choices, .. }) => choices,
            other => panic!("{other:?}"),
        };
        assert_eq!(words("control.operate"), UnitAction::ALL.map(|row| row.0));
        assert_eq!(words("control.operate_rack"), RackAction::ALL.map(|row| row.0));
    }

    #[test]
    fn no_two_actions_have_one_name() {
        let mut names = Deed::names();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
