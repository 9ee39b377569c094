//! One run of a scenario.

use super::chance::Chance;
use super::check::{self, Check};
use super::course::Course;
use super::deed;
use super::eyes::{self, Eyes};
use super::fault::{Fault, Orders};
use super::invariants::Invariants;
use super::judge::ticks;
use super::record::Record;
use super::select::Cast;
use super::timeline::Doing;
use crate::book::FarmOverrides;
use crate::expr::{EventPattern, Expr, Uses};
use crate::faults::Target;
use crate::format::{Feature, Mode, Prove, Scenario, Start, SutMode, Value, setup};
use crate::report::{Attendance, HostPart};
use crate::sight::{LinkSight, Memory, Story};
use bess_core::control::{FunctionName, FunctionSet};
use bess_core::id::UnitId;
use bess_core::link::LinkEffect;
use bess_core::snapshot::Snapshot;
use bess_core::spec::FarmSpec;
use bess_core::stage::{CheckState, Observation, Phase, RunView, Verdict};
use bess_core::stats::{Served, Stats};
use bess_core::time::Tick;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A scenario that was read for a farm, ready to run.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The scenario.
    pub scenario: Scenario,
    /// Seed of its chance; never 0.
    pub seed: u64,
    /// FNV-1a of its text.
    pub digest: u64,
    /// What it was read as: a path, or the id of one that comes with bess.
    pub file: String,
}

impl Ready {
    /// Whether its checks look at the farm as it would be without the faults.
    pub fn uses_shadow(&self) -> bool {
        let scenario = &self.scenario;
        let of_checks =
            scenario.expectations.iter().flat_map(|expectation| expectation.kind.conditions());
        let steady = scenario.steady_state.checks.iter().map(|check| &check.condition);
        let aborts = scenario.abort.iter().map(|abort| &abort.condition);
        let starts = scenario.timeline.iter().filter_map(|action| match &action.start {
            Start::When { condition, .. } => Some(condition),
            Start::At(_) | Start::After(_) => None,
        });
        let proofs = scenario.timeline.iter().filter_map(|action| match &action.prove {
            Prove::Condition(condition) => Some(condition),
            Prove::Auto => None,
        });
        let mut all = of_checks.chain(steady).chain(aborts).chain(starts).chain(proofs);
        all.any(|condition| condition.expr.uses().shadow)
            || scenario.report.record.iter().any(|wish| wish.starts_with("shadow."))
    }

    /// What a fresh farm may begin with, as far as it is the same for every unit.
    pub fn farm_overrides(&self) -> FarmOverrides {
        let mut overrides = FarmOverrides::default();
        for initial in &self.scenario.initial {
            let target = &self.scenario.targets[initial.target];
            let matching = &target.matching;
            let is_everybody = matching.units.is_none()
                && matching.condition.is_none()
                && target.mode == Mode::All
                && target.not.is_empty()
                && target.of.is_none();
            for setting in &initial.set {
                if let (true, Value::Number(number)) = (is_everybody, &setting.value) {
                    match setting.name {
                        "soc" => overrides.soc = Some(*number),
                        "ambient_degc" => overrides.ambient_degc = Some(*number),
                        _ => {}
                    }
                }
            }
        }
        overrides
    }
}

/// Counters of the process, as far as a run is graded by them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) requests: u64,
    pub(super) stale_reads: u64,
}

impl Counters {
    pub(super) fn read(stats: &Stats) -> Self {
        /// Reads of a picture older than this count as stale, in s.
        const STALE_S: f64 = 1.0;
        let freezes = [LinkEffect::FreezeRegisters, LinkEffect::StaleTime { by_s: 1.0 }];
        let hits = |effect: LinkEffect| stats.modbus.link_hits[effect.position()].load(Relaxed);
        let ages = stats.snapshot_age[Served::Modbus as usize].read();
        let old = ages.buckets.iter().filter(|(bound, _)| *bound > STALE_S).map(|(_, n)| *n);
        Self {
            requests: stats.modbus.requests.iter().map(|n| n.load(Relaxed)).sum(),
            stale_reads: freezes.map(hits).into_iter().chain(old).sum(),
        }
    }
}

/// Something that an outside system noticed.
#[derive(Clone, Debug)]
pub(super) struct Noticed {
    pub(super) at: Tick,
    pub(super) what: String,
    pub(super) unit: Option<UnitId>,
    pub(super) text: String,
}

/// Observations that are kept of a run.
const NOTICED_MAX: usize = 10_000;

/// One run: it waits for clients, looks whether the farm is steady, runs the time line and comes to a
/// verdict.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) ready: Arc<Ready>,
    pub(super) host: HostPart,
    pub(super) chance: Chance,
    pub(super) phase: Phase,
    pub(super) verdict: Option<Verdict>,
    pub(super) reason: String,
    pub(super) start: Tick,
    pub(super) baseline: Option<Tick>,
    pub(super) zero: Option<Tick>,
    /// The instant since which every check of the start holds.
    pub(super) steady: Option<Tick>,
    pub(super) eyes: Eyes,
    pub(super) memory: Memory,
    pub(super) uses: Uses,
    pub(super) record: Option<Record>,
    pub(super) invariants: Invariants,
    pub(super) doings: Vec<Doing>,
    /// By action: what shows that it acts, where an expression does.
    pub(super) proofs: Vec<Option<Expr>>,
    /// By action: the event that it comes after.
    pub(super) triggers: Vec<Option<EventPattern>>,
    pub(super) checks: Vec<Check>,
    /// By condition to abort: since when it holds.
    pub(super) aborts: Vec<Option<Tick>>,
    pub(super) noticed: Vec<Noticed>,
    pub(super) noticed_left_out: u64,
    pub(super) counters: Counters,
    pub(super) is_changed: bool,
}

/// Whether the plant or a unit answers to the frequency, or will once the scenario has set what it sets.
fn responds(scenario: &Scenario, seen: &Snapshot) -> bool {
    let answers = |on: FunctionSet| {
        on.has(FunctionName::FrequencyResponse) || on.has(FunctionName::FrequencyDroop)
    };
    let of_scenario = scenario.initial.iter().filter_map(|initial| initial.functions.as_ref()?.on);
    seen.plant.frequency_response.is_some()
        || seen.units.iter().map(|unit| unit.control.functions).chain(of_scenario).any(answers)
}

/// What a farm lacks of what a scenario needs.
fn lacks(scenario: &Scenario, seen: &Snapshot, has_modbus: bool) -> Option<String> {
    let (requires, spec) = (&scenario.requires, &seen.spec);
    let shard = spec.shard.as_ref();
    let n_units = shard.map_or(spec.units.len(), |shard| shard.farm_units);
    if n_units < requires.min_units {
        let (has, needs) = (n_units, requires.min_units);
        return Some(format!("the farm has {has} units, the scenario needs {needs}"));
    }
    if let Some(least) = requires.min_power
        && let rated = spec.rated_power() * (1.0 / shard.map_or(1.0, |shard| shard.share))
        && rated < least
    {
        return Some(format!("the farm is rated {rated}, the scenario needs {least}"));
    }
    if let Some(wanted) = &requires.chemistry {
        let other =
            spec.units.iter().map(|unit| &unit.design.chemistry.name).find(|has| *has != wanted);
        if let Some(has) = other {
            return Some(format!("the farm has cells of {has}, the scenario needs {wanted}"));
        }
    }
    let is_lacking = |feature: &&Feature| match feature {
        Feature::Transformer => spec.transformer.is_none(),
        Feature::FrequencyResponse => !responds(scenario, seen),
        // Every unit has one.
        Feature::Cooling => false,
        Feature::Modbus => !has_modbus,
        Feature::Racks => spec.units.iter().any(|unit| unit.design.n_racks < 2),
    };
    let lacking = requires.features.iter().find(is_lacking);
    lacking.map(|feature| format!("the farm has no {}, which the scenario needs", feature.name()))
}

impl Run {
    /// Begins a run at the instant that `seen` shows. What cannot be run is done at once.
    pub(super) fn start(
        id: String,
        ready: &Arc<Ready>,
        host: HostPart,
        seen: &Snapshot,
        orders: &mut Orders,
    ) -> Self {
        let scenario = &ready.scenario;
        let chance = Chance { seed: ready.seed };
        let names = eyes::names(scenario, &seen.spec);
        let n_actions = scenario.timeline.len();
        let mut run = Self {
            doings: (0..n_actions).map(|place| Doing::new(place, scenario, chance)).collect(),
            proofs: (0..n_actions).map(|n| eyes::proof_of(n, scenario, &seen.spec)).collect(),
            triggers: eyes::triggers(scenario),
            checks: check::all(scenario, &names, scenario.sut.mode != SutMode::None),
            eyes: Eyes {
                cast: Cast::new(scenario.targets.len(), n_actions),
                story: Story::new(n_actions, seen),
                link: LinkSight::default(),
                since: seen.tick.next(),
            },
            memory: Memory::default(),
            uses: Uses::default(),
            record: None,
            invariants: Invariants::default(),
            aborts: vec![None; scenario.abort.len()],
            noticed: Vec::new(),
            noticed_left_out: 0,
            counters: Counters::default(),
            phase: Phase::Waiting,
            verdict: None,
            reason: String::new(),
            start: seen.tick,
            baseline: None,
            zero: None,
            steady: None,
            is_changed: true,
            id,
            host,
            chance,
            ready: Arc::clone(ready),
        };
        run.uses = run.exprs().fold(Uses::default(), |uses, expr| uses.and(expr.uses()));
        run.memory = Memory::new(run.exprs().flat_map(Expr::memory_needs));
        let has_modbus = run.host.attendance != Attendance::Alone;
        if let Some(lacks) = lacks(scenario, seen, has_modbus) {
            run.settle(Verdict::Error, lacks);
            return run;
        }
        if let Err(why) = run.eyes.resolve_all(scenario, chance, seen) {
            run.settle(Verdict::Error, why);
            return run;
        }
        let cast = &run.eyes.cast;
        let members = |name: &str| Some(cast.members(scenario.target(name)?).to_vec());
        let length = ticks(scenario.duration) + ticks(scenario.steady_state.window);
        let record = Record::new(&scenario.report, length, seen, &members);
        run.uses.transport |= record.uses_transport();
        run.record = Some(record);
        run.set_up(seen, orders);
        run
    }

    /// Every expression that is evaluated.
    fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let scenario = &self.ready.scenario;
        let starts = scenario.timeline.iter().filter_map(|action| match &action.start {
            Start::When { condition, .. } => Some(condition),
            Start::At(_) | Start::After(_) => None,
        });
        let targets = scenario.targets.iter().filter_map(|t| t.matching.condition.as_ref());
        let aborts = scenario.abort.iter().map(|abort| &abort.condition);
        let conditions = starts.chain(targets).chain(aborts).map(|condition| &*condition.expr);
        let checks = self.checks.iter().flat_map(Check::exprs);
        conditions.chain(checks).chain(self.proofs.iter().flatten())
    }

    /// Sets what the scenario wants set before the farm is looked at.
    fn set_up(&mut self, seen: &Snapshot, orders: &mut Orders) {
        for (n, initial) in self.ready.scenario.initial.iter().enumerate() {
            for target in self.eyes.cast.members(initial.target) {
                let parameters = setup::parameters(target.kind());
                let (key, name) = (format!("initial {n}"), target.to_string());
                let mut course = Course::new(&initial.set, &parameters, self.chance, &key, &name);
                let mut given = deed::set(&course.at(0), target, seen, orders);
                if let (Some(functions), Some(unit)) = (&initial.functions, target.unit()) {
                    given.extend(deed::give(functions.commands(unit), seen, orders));
                }
                if let Some(record) = &mut self.record {
                    for given in given {
                        record.command(seen.tick, target.unit(), given.what, given.refused);
                    }
                }
            }
        }
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
    /// Whether it has a verdict.
    pub(super) fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }
    /// What it came to.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }
    /// Its faults in force, and those that were.
    pub(super) fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.doings.iter().flat_map(|doing| &doing.faults)
    }
    /// The same, to be changed.
    pub(super) fn faults_mut(&mut self) -> impl Iterator<Item = &mut Fault> {
        self.doings.iter_mut().flat_map(|doing| &mut doing.faults)
    }
    /// Takes the faults that are in force still after it, such as those that never recover.
    pub(super) fn take_active(&mut self) -> Vec<Fault> {
        let faults = self.doings.iter_mut().flat_map(|doing| doing.faults.drain(..));
        faults.filter(Fault::is_active).collect()
    }
    /// How each check stands.
    pub(super) fn check_states(&self) -> impl Iterator<Item = CheckState> {
        self.checks.iter().map(|check| check.judge.state)
    }
    /// Whether something changed that others may see, since this was asked last.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// Units whose cells it looks at, by index; some of them may come twice.
    pub(super) fn cells(&self, spec: &FarmSpec) -> Vec<usize> {
        let mut units = Vec::new();
        if self.is_done() {
            return units;
        }
        let scenario = &self.ready.scenario;
        for expr in self.exprs() {
            let used = expr.cells();
            if used.all {
                return (0..spec.units.len()).collect();
            }
            for place in &used.targets {
                let target = match place.checked_sub(scenario.targets.len()) {
                    None => Some(*place),
                    Some(action) => scenario.timeline.get(action).and_then(|a| a.target),
                };
                if let Some(target) = target {
                    let members = self.eyes.cast.members(target).iter();
                    units.extend(members.filter_map(Target::unit).map(UnitId::idx));
                }
            }
        }
        units.extend(self.record.iter().flat_map(Record::cells));
        // A fault of a cell is seen by the cell.
        let active = self.faults().filter(|fault| fault.is_active());
        let cells = active.flat_map(Fault::targets).filter(|t| matches!(t, Target::Cell { .. }));
        units.extend(cells.filter_map(Target::unit).map(UnitId::idx));
        units
    }

    /// An outside system noticed something.
    pub(super) fn observe(&mut self, observation: &Observation, now: Tick) {
        // What is told after a tick is of the next one.
        self.eyes.story.observe(now.next(), observation);
        self.is_changed = true;
        if self.noticed.len() >= NOTICED_MAX {
            self.noticed_left_out += 1;
            return;
        }
        self.noticed.push(Noticed {
            at: now,
            what: observation.what.clone(),
            unit: observation.unit,
            text: observation.text.clone(),
        });
    }

    /// How others see it.
    pub(super) fn view(&self) -> RunView {
        let scenario = &self.ready.scenario;
        RunView {
            id: self.id.clone(),
            scenario: scenario.metadata.id.clone(),
            title: scenario.metadata.title.clone(),
            seed: self.ready.seed,
            phase: self.phase,
            verdict: self.verdict,
            reason: (!self.reason.is_empty()).then(|| self.reason.clone()),
            start: self.zero.unwrap_or(self.start),
            length: ticks(scenario.duration),
            checks: self.checks.iter().map(Check::view).collect(),
            observations: self.noticed.len() as u64 + self.noticed_left_out,
        }
    }
}
