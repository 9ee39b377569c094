//! The names that an expression may use beside those of signals: targets, actions, the farm's units.

use crate::sight::TargetKind;
use bess_core::spec::FarmSpec;

/// What a scenario declares, and the farm that it is for.
#[derive(Clone, Debug)]
pub struct Names<'f> {
    spec: &'f FarmSpec,
    targets: Vec<(String, TargetKind)>,
    actions: Vec<String>,
}

impl<'f> Names<'f> {
    /// Nothing is declared yet.
    pub fn new(spec: &'f FarmSpec) -> Self {
        Self { spec, targets: Vec::new(), actions: Vec::new() }
    }
    /// Declares a target; returns its place in [`Targets`](crate::sight::Targets).
    pub fn add_target(&mut self, name: &str, kind: TargetKind) -> usize {
        self.targets.push((name.to_owned(), kind));
        self.targets.len() - 1
    }
    /// Declares an action; returns its place in [`Story`](crate::sight::Story).
    pub fn add_action(&mut self, id: &str) -> usize {
        self.actions.push(id.to_owned());
        self.actions.len() - 1
    }
    /// The target called `name`: its place and its kind.
    pub fn target(&self, name: &str) -> Option<(usize, TargetKind)> {
        let place = self.targets.iter().position(|(known, _)| known == name)?;
        Some((place, self.targets[place].1))
    }
    /// Place of the action called `id`.
    pub fn action(&self, id: &str) -> Option<usize> {
        self.actions.iter().position(|known| known == id)
    }
    /// The farm.
    pub fn spec(&self) -> &'f FarmSpec {
        self.spec
    }
    /// Names of the targets, in their order.
    pub fn target_names(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(|(name, _)| name.as_str())
    }
    /// Names of the actions, in their order.
    pub fn action_names(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(String::as_str)
    }
}
