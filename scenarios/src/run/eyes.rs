//! What the expressions of one run see: who its targets are, what happened since its start, and what its
//! windows and baselines remember.

use super::chance::Chance;
use super::fault::Fault;
use super::select::{Cast, in_order};
use crate::expr::{EventPattern, Expr, Names};
use crate::format::{Anchor, Deed, Mode, OnEmpty, Prove, Scenario, Start, TargetKind};
use crate::sight::{LinkSight, Memory, Sight, Story};
use bess_core::snapshot::Snapshot;
use bess_core::spec::FarmSpec;
use bess_core::time::{TICKS_PER_S, Tick};

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Eyes {
    /// Who the targets are.
    pub cast: Cast,
    /// What happened.
    pub story: Story,
    /// The side of the clients.
    pub link: LinkSight,
    /// From when on events and observations count where nothing else is said.
    pub since: Tick,
}

impl Eyes {
    /// What is seen with the memory of `memory`.
    pub(super) fn sight<'s>(
        &'s self,
        snapshot: &'s Snapshot,
        shadow: Option<&'s Snapshot>,
        memory: &'s Memory,
        in_baseline: bool,
    ) -> Sight<'s> {
        Sight {
            snapshot,
            shadow,
            link: &self.link,
            targets: self.cast.targets(),
            memory,
            story: &self.story,
            since: self.since,
            in_baseline,
        }
    }

    fn resolve(&mut self, place: usize, scenario: &Scenario, chance: Chance, seen: &Snapshot) {
        // An expression of a target sees the targets before it as they are now.
        let as_it_was = self.cast.clone();
        let sight =
            Sight { targets: as_it_was.targets(), ..self.sight(seen, None, Memory::none(), false) };
        let mut cast = as_it_was.clone();
        cast.resolve(place, &scenario.targets, chance, &sight);
        self.cast = cast;
    }

    /// Resolves every target.
    ///
    /// # Errors
    /// Which is nobody, or less than it must be.
    pub(super) fn resolve_all(
        &mut self,
        scenario: &Scenario,
        chance: Chance,
        seen: &Snapshot,
    ) -> Result<(), String> {
        for place in in_order(&scenario.targets) {
            self.resolve(place, scenario, chance, seen);
            let selector = &scenario.targets[place];
            if selector.on_empty != OnEmpty::Fail || !selector.sticky {
                continue;
            }
            let name = &selector.name;
            match (self.cast.members(place).len(), selector.mode) {
                (0, _) => return Err(format!("the target {name} is nobody")),
                (n, Mode::Fixed(wanted)) if n < wanted => {
                    return Err(format!("the target {name} is {wanted}, and {n} match"));
                }
                _ => {}
            }
        }
        self.set_actions(scenario, seen);
        Ok(())
    }
    /// Resolves those that are not sticky anew, once a second.
    pub(super) fn resolve_moving(&mut self, scenario: &Scenario, chance: Chance, seen: &Snapshot) {
        if !seen.tick.0.is_multiple_of(TICKS_PER_S) || scenario.targets.iter().all(|t| t.sticky) {
            return;
        }
        for place in in_order(&scenario.targets) {
            if !scenario.targets[place].sticky {
                self.resolve(place, scenario, chance, seen);
            }
        }
        self.set_actions(scenario, seen);
    }
    /// `target` in the probe of an action stands for its targets: each has a place behind the targets.
    fn set_actions(&mut self, scenario: &Scenario, seen: &Snapshot) {
        for (place, action) in scenario.timeline.iter().enumerate() {
            if let Some(target) = action.target {
                let members = self.cast.members(target).to_vec();
                self.cast.set_extra(scenario.targets.len() + place, &seen.spec, &members);
            }
        }
    }
}

/// The kind of a target in the words of expressions.
pub(super) fn sight_kind(kind: TargetKind) -> crate::sight::TargetKind {
    use crate::sight::TargetKind as Sight;
    match kind {
        TargetKind::Farm => Sight::Farm,
        TargetKind::Grid => Sight::Grid,
        TargetKind::Unit => Sight::Unit,
        TargetKind::Rack => Sight::Rack,
        TargetKind::Cell => Sight::Cell,
        TargetKind::Sensor => Sight::Sensor,
        TargetKind::Listener => Sight::Listener,
        TargetKind::Client => Sight::Client,
    }
}

/// The names that the expressions of a scenario may use.
pub fn names<'f>(scenario: &Scenario, spec: &'f FarmSpec) -> Names<'f> {
    let mut names = Names::new(spec);
    for target in &scenario.targets {
        names.add_target(&target.name, sight_kind(target.kind));
    }
    for action in &scenario.timeline {
        names.add_action(&action.id);
    }
    names
}

/// What shows that the action at `place` acts, where an expression does: its own, or that of its kind, in
/// which `target` stands for its targets.
pub(super) fn proof_of(place: usize, scenario: &Scenario, spec: &FarmSpec) -> Option<Expr> {
    let action = &scenario.timeline[place];
    if let Prove::Condition(condition) = &action.prove {
        return Some(Expr::clone(&condition.expr));
    }
    let Deed::Fault(kind) = action.deed else { return None };
    let text = Fault::probe_text(kind)?;
    let mut names = names(scenario, spec);
    for _ in 0..place {
        names.add_target("", crate::sight::TargetKind::Grid);
    }
    let of = action.target.map_or(kind.targets[0], |target| scenario.targets[target].kind);
    names.add_target("target", sight_kind(of));
    Expr::condition(text, &names).ok()
}

/// By action: the event that it comes after.
pub(super) fn triggers(scenario: &Scenario) -> Vec<Option<EventPattern>> {
    let trigger = |start: &Start| match start {
        Start::After(after) => match &after.anchor {
            Anchor::Event(of) => Some(of.pattern.clone()),
            Anchor::Begin(_) | Anchor::End(_) => None,
        },
        Start::At(_) | Start::When { .. } => None,
    };
    scenario.timeline.iter().map(|action| trigger(&action.start)).collect()
}
