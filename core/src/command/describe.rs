//! Commands as the audit names them: names and engineering values.

use super::{Command, ControlChange};
use crate::id::UnitId;

impl Command {
    /// The unit that it is about; `None` for the farm, or for several.
    pub fn unit(&self) -> Option<UnitId> {
        match self {
            Self::ControlUnit { unit, .. }
            | Self::ConfigureUnit { unit, .. }
            | Self::OperateUnit { unit, .. }
            | Self::OperateRack { unit, .. }
            | Self::SetDefect { unit, .. }
            | Self::NoteRequest { unit } => Some(*unit),
            Self::Batch(commands) => {
                let first = commands.first().and_then(Self::unit);
                first.filter(|unit| commands.iter().all(|other| other.unit() == Some(*unit)))
            }
            _ => None,
        }
    }

    /// What it asks, with engineering values.
    pub fn describe(&self) -> String {
        match self {
            Self::ControlUnit { change, .. } => describe_change(change),
            Self::OperateUnit { action, .. } => action.name().to_owned(),
            Self::OperateRack { rack_idx, action, .. } => {
                format!("{} rack {}", action.name(), rack_idx + 1)
            }
            Self::SetFarmPower { active, reactive } => {
                let mut text = format!("farm active_power_w = {}", active.0);
                if let Some(reactive) = reactive {
                    text += &format!(", reactive_power_var = {}", reactive.0);
                }
                text
            }
            Self::ReleaseFarm => "farm setpoint released".to_owned(),
            Self::NoteRequest { .. } => "request".to_owned(),
            Self::Batch(commands) => {
                commands.iter().map(Self::describe).collect::<Vec<_>>().join("; ")
            }
            other => format!("{other:?}"),
        }
    }
}

fn describe_change(change: &ControlChange) -> String {
    format!("{change:?}")
}
