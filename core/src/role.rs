//! Roles: what somebody at a door of the farm may do.

use crate::command::{ClockCommand, Command, ControlChange};

/// What a client may do. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// Reads.
    #[default]
    Viewer,
    /// Gives setpoints and operates units.
    Operator,
    /// Changes settings as well.
    Engineer,
    /// Forces points and disturbs links as well.
    Tester,
}

impl Role {
    /// Every role with its name in files, certificates and the audit, the one that may least first.
    pub const ALL: [(&'static str, Self); 4] = [
        ("viewer", Self::Viewer),
        ("operator", Self::Operator),
        ("engineer", Self::Engineer),
        ("tester", Self::Tester),
    ];
    /// The role called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, role)| *role)
    }
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

impl Command {
    /// The least role that may ask it.
    pub fn role(&self) -> Role {
        match self {
            Self::NoteRequest { .. } => Role::Viewer,
            Self::ControlUnit { change, .. } if !changes_settings(change) => Role::Operator,
            Self::OperateUnit { .. }
            | Self::OperateRack { .. }
            | Self::SetFarmPower { .. }
            | Self::ReleaseFarm
            | Self::PickUpLoad { .. } => Role::Operator,
            Self::ControlUnit { .. } | Self::ConfigureUnit { .. } | Self::ConfigurePlant(_) => {
                Role::Engineer
            }
            Self::SetDefect { .. }
            | Self::Disturb(_)
            | Self::SetGrid { .. }
            | Self::EndDisturbances { .. }
            | Self::SetAmbient(_)
            | Self::PoiMeter(_)
            | Self::PoiBreaker { .. }
            | Self::TransformerLimit(_)
            | Self::NoteFault { .. }
            | Self::SetLink(_)
            | Self::ClearLink { .. }
            | Self::ForcePoint(_)
            | Self::ReleasePoint { .. } => Role::Tester,
            Self::Batch(commands) => commands.iter().map(Self::role).max().unwrap_or_default(),
        }
    }
}

impl ClockCommand {
    /// The least role that may ask it: what no real farm has a button for is a tester's.
    pub const ROLE: Role = Role::Tester;
}

/// Whether it changes how a unit behaves by itself, beside its setpoints, caps and signs of life. Which of
/// its functions are on is how it is operated: a mode register has stop and start beside them.
fn changes_settings(change: &ControlChange) -> bool {
    change.ramp_pct_per_s.is_some()
        || change.soc_min.is_some()
        || change.soc_max.is_some()
        || change.soc_reserve.is_some()
        || !change.watchdog.is_empty()
        || !change.enter_service.is_empty()
        || !change.capacity.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{FunctionName, FunctionSet, WatchdogSettings};
    use crate::id::UnitId;
    use crate::units::Watts;

    #[test]
    fn roles_are_in_the_order_of_what_they_may_and_have_their_own_names() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[0].1 < pair[1].1);
        }
        for (name, role) in Role::ALL {
            assert_eq!((role.name(), Role::by_name(name)), (name, Some(role)));
        }
        assert_eq!(Role::by_name("Operator"), None);
        assert_eq!(Role::default(), Role::Viewer, "who is not known may least");
    }

    #[test]
    fn setpoints_are_an_operators_settings_an_engineers_and_tests_a_testers() {
        let unit = UnitId::from_idx(0);
        let control = |change| Command::ControlUnit { unit, change };
        let power = control(ControlChange::active_power(Watts(1.0)));
        assert_eq!(power.role(), Role::Operator);
        let watchdog = WatchdogSettings::default().into();
        let watch = control(ControlChange { watchdog, ..ControlChange::default() });
        assert_eq!(watch.role(), Role::Engineer);
        let functions = Some(FunctionSet::default().with(FunctionName::VoltVar));
        let mode = control(ControlChange { functions, ..ControlChange::default() });
        assert_eq!(mode.role(), Role::Operator, "a mode is chosen, no setting changes");
        let clear = Command::ClearLink { name: None };
        assert_eq!(clear.role(), Role::Tester);
        assert_eq!(Command::NoteRequest { unit }.role(), Role::Viewer);
        assert_eq!(Command::Batch(vec![power, watch]).role(), Role::Engineer);
    }
}
