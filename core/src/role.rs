//! Who may do what from outside.

/// A role, from the least to the most that it allows; each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Gives setpoints and operates units.
    Operator,
    /// Changes settings.
    Engineer,
    /// Forces points and disturbs links.
    Tester,
}

impl Role {
    /// Every role with its name in files, certificates and REST.
    pub const ALL: [(&'static str, Self); 4] = [
        ("viewer", Self::Viewer),
        ("operator", Self::Operator),
        ("engineer", Self::Engineer),
        ("tester", Self::Tester),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
    /// The role called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, role)| *role)
    }
}
