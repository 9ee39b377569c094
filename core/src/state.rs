//! States of a unit.

/// State of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UnitState {
    /// Contactors open.
    #[default]
    Off,
    /// Contactors closed, converter stopped.
    Standby,
    /// Converter running; 0 W is still running.
    Running,
    /// Stopped by a fault, contactors open.
    Fault,
}

impl UnitState {
    /// Every state; the position is its number in metrics.
    pub const ALL: [Self; 4] = [Self::Off, Self::Standby, Self::Running, Self::Fault];
    /// Its name in REST and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Standby => "standby",
            Self::Running => "running",
            Self::Fault => "fault",
        }
    }
}
