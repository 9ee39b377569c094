//! What a client may do: the role of whoever asks, as the edges know it.
//!
//! Each role may do what the ones before it may. An edge takes the role from what proves it (a
//! listener, a certificate, a token); who has none may read and not write.

/// A role; a later one may do all that an earlier one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Sets power, starts and stops.
    Operator,
    /// Changes settings.
    Engineer,
    /// Makes faults.
    Tester,
}

impl Role {
    /// Every role with its name, from the least to the most that it may do.
    pub const ALL: [(&'static str, Self); 4] = [
        ("viewer", Self::Viewer),
        ("operator", Self::Operator),
        ("engineer", Self::Engineer),
        ("tester", Self::Tester),
    ];

    /// The role's name, in lower case.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// The role of a name as [`Self::name`] writes it.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, role)| *role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_found_by_its_name_and_may_do_more_than_the_one_before() {
        for (name, role) in Role::ALL {
            assert_eq!(role.name(), name);
            assert_eq!(Role::by_name(name), Some(role));
        }
        assert!(Role::ALL.is_sorted_by(|(_, less), (_, more)| less < more));
        assert_eq!(Role::by_name("Operator"), None);
    }
}
