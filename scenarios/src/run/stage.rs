//! Directs faults and scenarios: the director of the loop.

use super::eyes::{Eyes, sight_kind};
use super::fault::{Begin, Fault, Orders};
use super::judge::ticks;
use super::layers::Layers;
use super::phases::{Left, Shown};
use super::play::{Ready, Run};
use super::select::Cast;
use super::timeline::take_stall;
use crate::expr::{Expr, Names};
use crate::faults::{FaultKind, HostAct, KINDS, Target};
use crate::format::{Recovery, Selector, SingleFault, Who};
use crate::report::{HostPart, Report};
use crate::run::chance::Chance;
use crate::sight::{LinkSight, Memory, Story};
use bess_core::alarm::AlarmPhase;
use bess_core::command::{Command, Rejection, UnitAction, validate};
use bess_core::id::UnitId;
use bess_core::snapshot::Snapshot;
use bess_core::stage::{
    Director, ENDED_KEPT, FAULTS_MAX, FaultView, FaultWish, Prepared, RUNS_KEPT, RunView,
    StageRequest, StageView, Verdict,
};
use bess_core::stats::Stats;
use bess_core::time::{TICKS_PER_S, Tick};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Runs that may go on at a time.
pub const RUNNING_MAX: usize = 16;
/// Ticks after a run in which latched alarms are reset as soon as that is possible.
const RESET_TICKS: u64 = 120 * TICKS_PER_S;
/// Acts for the host that wait for it; where nobody takes them the oldest fall out.
const HOST_ACTS_MAX: usize = 10_000;

/// A single fault that was read, ready to begin.
#[derive(Clone, Debug)]
pub struct ReadyFault {
    /// It.
    pub fault: SingleFault,
    /// Seed of its chance.
    pub seed: u64,
}

/// What the director and the edges share: reports of runs that are done, and what the host is to do.
#[derive(Debug, Default)]
pub struct Shared {
    reports: Mutex<VecDeque<(String, Arc<Report>)>>,
    host_acts: Mutex<VecDeque<HostAct>>,
}

impl Shared {
    /// The report of a run that is done.
    pub fn report(&self, run: &str) -> Option<Arc<Report>> {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let found = reports.iter().rev().find(|(id, _)| id == run);
        found.map(|(_, report)| Arc::clone(report))
    }
    /// Takes what the host is to do, in order.
    pub fn take_host_acts(&self) -> Vec<HostAct> {
        let mut acts = self.host_acts.lock().unwrap_or_else(PoisonError::into_inner);
        acts.drain(..).collect()
    }
    fn keep(&self, report: Report) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        if reports.len() == RUNS_KEPT {
            reports.pop_front();
        }
        reports.push_back((report.run.clone(), Arc::new(report)));
    }
    fn order(&self, acts: Vec<HostAct>) {
        let mut waiting = self.host_acts.lock().unwrap_or_else(PoisonError::into_inner);
        for act in acts {
            if waiting.len() == HOST_ACTS_MAX {
                waiting.pop_front();
            }
            waiting.push_back(act);
        }
    }
}

/// A fault that belongs to no run, or not any more.
#[derive(Debug)]
struct Single {
    fault: Fault,
    /// What shows that it acts, where an expression does, and what that sees.
    proof: Option<(Expr, Eyes, Memory)>,
}

/// The director.
#[derive(Debug)]
pub struct Stage {
    host: HostPart,
    shared: Arc<Shared>,
    runs: Vec<Run>,
    done: VecDeque<Arc<RunView>>,
    started: u64,
    singles: Vec<Single>,
    ended: VecDeque<Arc<FaultView>>,
    /// What is due at the next tick.
    orders: Orders,
    /// What faults have laid on something, those of runs and single ones.
    layers: Layers,
    stall: u64,
    cells: Vec<UnitId>,
    /// Until when latched alarms are reset as soon as that is possible.
    resets: Option<Tick>,
    view: Arc<StageView>,
    is_changed: bool,
}

fn no(field: &'static str, reason: String) -> Rejection {
    Rejection::NotPossible { field, reason }
}

impl Stage {
    /// A director of nothing yet.
    pub fn new(host: HostPart, shared: Arc<Shared>) -> Self {
        let injected = KINDS.iter().map(|kind| (kind.name, 0)).collect();
        let view = StageView { injected, ..StageView::default() };
        Self {
            host,
            shared,
            runs: Vec::new(),
            done: VecDeque::new(),
            started: 0,
            singles: Vec::new(),
            ended: VecDeque::new(),
            orders: Orders::default(),
            layers: Layers::default(),
            stall: 0,
            cells: Vec::new(),
            resets: None,
            view: Arc::new(view),
            is_changed: false,
        }
    }

    fn inject(&mut self, wish: &FaultWish, seen: &Snapshot) -> Result<Orders, Rejection> {
        let Some(ready) = wish.prepared.0.downcast_ref::<ReadyFault>() else {
            return Err(no("fault", "it was not read by this book".to_owned()));
        };
        if self.faults().any(|fault| fault.is_active() && fault.id() == wish.id) {
            return Err(no("id", format!("a fault {:?} is in force already", wish.id)));
        }
        if self.singles.iter().filter(|single| single.fault.is_active()).count() >= FAULTS_MAX {
            return Err(no(
                "fault",
                format!("{FAULTS_MAX} faults are in force, the most there may be"),
            ));
        }
        self.layers.note(&seen.spec);
        let chance = Chance { seed: ready.seed };
        let mut eyes = Eyes {
            cast: Cast::new(1, 1),
            story: Story::new(0, seen),
            link: LinkSight::default(),
            since: seen.tick.next(),
        };
        let targets = match &ready.fault.target {
            Who::Named(targets) if targets.is_empty() => vec![own_target(ready.fault.kind)],
            Who::Named(targets) => targets.clone(),
            Who::Selected(selector) => {
                let selectors: &[Selector] = std::slice::from_ref(selector);
                let blind = eyes.clone();
                let sight = blind.sight(seen, None, Memory::none(), false);
                eyes.cast.resolve(0, selectors, chance, &sight);
                eyes.cast.members(0).to_vec()
            }
        };
        if targets.is_empty() {
            return Err(no("target", "nothing of the farm matches it".to_owned()));
        }
        eyes.cast.set_extra(1, &seen.spec, &targets);
        let proof = Fault::probe_text(ready.fault.kind).and_then(|text| {
            let mut names = Names::new(&seen.spec);
            names.add_target("", sight_kind(targets[0].kind()));
            names.add_target("target", sight_kind(targets[0].kind()));
            Expr::condition(text, &names).ok()
        });
        let lasts = match ready.fault.recovery {
            Recovery::Never => None,
            Recovery::Auto | Recovery::Manual => ready.fault.duration.map(ticks),
        };
        let mut orders = Orders::default();
        let begin = Begin {
            id: wish.id.clone(),
            key: &wish.id,
            kind: ready.fault.kind,
            run: None,
            targets,
            settings: &ready.fault.settings,
            lasts,
            chance,
            is_proven_elsewhere: false,
        };
        let fault = Fault::begin(begin, seen, &mut orders);
        if let Some(refused) = fault.refused() {
            return Err(no("fault", refused.to_owned()));
        }
        let proof = proof.map(|expr| {
            let memory = Memory::new(expr.memory_needs());
            (expr, eyes, memory)
        });
        self.singles.push(Single { fault, proof });
        Ok(orders)
    }

    fn start_run(
        &mut self,
        id: &str,
        prepared: &Prepared,
        seen: &Snapshot,
    ) -> Result<Orders, Rejection> {
        let Ok(ready) = Arc::clone(&prepared.0).downcast::<Ready>() else {
            return Err(no("scenario", "it was not read by this book".to_owned()));
        };
        let is_known =
            self.runs.iter().any(|run| run.id() == id) || self.done.iter().any(|run| run.id == id);
        if is_known {
            return Err(no("id", format!("there is a run {id:?} already")));
        }
        if self.runs.len() >= RUNNING_MAX {
            return Err(no("scenario", format!("{RUNNING_MAX} runs go on, the most there may be")));
        }
        self.layers.note(&seen.spec);
        let mut orders = Orders::default();
        let run = Run::start(id.to_owned(), &ready, self.host.clone(), seen, &mut orders);
        self.runs.push(run);
        self.started += 1;
        Ok(orders)
    }

    fn end_fault(&mut self, id: &str, seen: &Snapshot) -> Result<Orders, Rejection> {
        let mut orders = Orders::default();
        let of_runs = self.runs.iter_mut().flat_map(Run::faults_mut);
        let mut all = self.singles.iter_mut().map(|single| &mut single.fault).chain(of_runs);
        match all.find(|fault| fault.is_active() && fault.id() == id) {
            Some(fault) => {
                fault.end(true, seen, &mut orders);
                Ok(orders)
            }
            None => Err(no("id", format!("no fault {id:?} is in force"))),
        }
    }

    fn faults(&self) -> impl Iterator<Item = &Fault> {
        let singles = self.singles.iter().map(|single| &single.fault);
        singles.chain(self.runs.iter().flat_map(Run::faults))
    }

    /// Hands out what is ordered: commands to `out`, the rest to the host.
    fn hand_out(&mut self, orders: Orders, out: &mut Vec<Command>) {
        let (mut commands, mut host) = self.layers.settle(orders);
        out.append(&mut commands);
        self.stall += take_stall(&mut host);
        if !host.is_empty() {
            self.shared.order(host);
        }
    }

    fn go_on_with_singles(&mut self, seen: &Snapshot) {
        for Single { fault, proof } in &mut self.singles {
            if !fault.is_active() {
                continue;
            }
            if let Some((expr, eyes, memory)) = proof {
                eyes.story.note(seen);
                memory.note(&eyes.sight(seen, None, Memory::none(), false));
                if fault.wants_proof() && fault.begun < seen.tick {
                    let effect = fault.effect();
                    fault.prove(expr.truth(&eyes.sight(seen, None, memory, false)), seen.tick);
                    self.is_changed |= fault.effect() != effect;
                }
            }
            self.is_changed |= fault.go_on(seen, &mut self.orders);
            if fault.is_over(seen.tick) {
                fault.end(true, seen, &mut self.orders);
                self.is_changed = true;
            }
        }
    }

    /// Resets latched alarms as far as their causes are gone.
    fn reset(&mut self, seen: &Snapshot) {
        let Some(until) = self.resets else { return };
        if seen.tick >= until {
            self.resets = None;
            return;
        }
        if !seen.tick.0.is_multiple_of(TICKS_PER_S) {
            return;
        }
        let latched = |unit: UnitId| {
            let mut alarms = seen.alarms.iter().filter(|alarm| alarm.unit == unit);
            alarms.any(|alarm| alarm.phase == AlarmPhase::Latched)
        };
        for unit in seen.spec.units.iter().map(|unit| unit.id).filter(|unit| latched(*unit)) {
            let command = Command::OperateUnit { unit, action: UnitAction::ResetAlarms };
            // One whose cause is there still is asked again a second later.
            if validate(&seen.spec, &seen.units, &command).is_ok() {
                self.orders.command(command);
            }
        }
    }

    fn close(&mut self, place: usize, left: Left, now: Tick) {
        let run = &mut self.runs[place];
        if left.resets {
            self.resets = Some(Tick(now.0 + RESET_TICKS));
        }
        let view = Arc::make_mut(&mut self.view);
        if let Some(verdict) = run.verdict() {
            view.verdicts[verdict as usize] += 1;
        }
        for state in run.check_states() {
            view.checks[state as usize] += 1;
        }
        self.shared.keep(left.report);
    }

    /// Makes the view anew.
    fn rebuild(&mut self, seen: &Snapshot) {
        self.is_changed = false;
        let view = Arc::make_mut(&mut self.view);
        let of_runs = self.runs.iter_mut().flat_map(Run::faults_mut);
        for fault in self.singles.iter_mut().map(|single| &mut single.fault).chain(of_runs) {
            if fault.take_begun()
                && let Some(place) = KINDS.iter().position(|kind| kind.name == fault.kind().name)
            {
                view.injected[place].1 += 1;
            }
            if fault.take_ended() {
                view.effects[fault.effect() as usize] += 1;
                if self.ended.len() == ENDED_KEPT {
                    self.ended.pop_front();
                }
                self.ended.push_back(Arc::new(fault.view()));
            }
        }
        // What goes on after its run is a fault like one that somebody injected.
        for run in self.runs.iter_mut().filter(|run| run.is_done()) {
            let left = run.take_active().into_iter();
            self.singles.extend(left.map(|fault| Single { fault, proof: None }));
            if self.done.len() == RUNS_KEPT {
                self.done.pop_front();
            }
            self.done.push_back(Arc::new(run.view()));
        }
        self.runs.retain(|run| !run.is_done());
        self.singles.retain(|single| single.fault.is_active());
        let active = self.singles.iter().map(|single| &single.fault);
        let active = active.chain(self.runs.iter().flat_map(Run::faults));
        let active = active.filter(|fault| fault.is_active()).map(|fault| Arc::new(fault.view()));
        view.faults = self.ended.iter().cloned().chain(active).collect();
        view.faults.sort_by_key(|fault| fault.since);
        let running = self.runs.iter().map(|run| Arc::new(run.view()));
        view.runs = self.done.iter().cloned().chain(running).collect();
        self.note_cells(seen);
    }

    fn note_cells(&mut self, seen: &Snapshot) {
        let mut units: Vec<usize> = Vec::new();
        for run in &self.runs {
            units.extend(run.cells(&seen.spec));
        }
        for Single { fault, proof } in &self.singles {
            let has_cells = fault.targets().any(|target| matches!(target, Target::Cell { .. }));
            let sees_cells = proof.as_ref().is_some_and(|(expr, ..)| expr.uses().cells);
            if has_cells || sees_cells {
                units.extend(fault.targets().filter_map(Target::unit).map(UnitId::idx));
            }
        }
        units.sort_unstable();
        units.dedup();
        self.cells = units.into_iter().map(|idx| seen.spec.units[idx].id).collect();
    }
}

/// The target of a kind that leaves no choice.
fn own_target(kind: &FaultKind) -> Target {
    use crate::faults::TargetKind;
    match kind.targets[0] {
        TargetKind::Grid => Target::Grid,
        TargetKind::Listener => Target::Listener(None),
        TargetKind::Client => Target::Client("ems".into()),
        _ => Target::Farm,
    }
}

impl Director for Stage {
    fn ask(
        &mut self,
        request: &StageRequest,
        seen: &Snapshot,
        out: &mut Vec<Command>,
    ) -> Result<(), Rejection> {
        let orders = match request {
            StageRequest::Inject(wish) => self.inject(wish, seen)?,
            StageRequest::EndFault(id) => self.end_fault(id, seen)?,
            StageRequest::EndFaults => {
                let mut orders = Orders::default();
                for single in &mut self.singles {
                    single.fault.end(true, seen, &mut orders);
                }
                orders
            }
            StageRequest::StartRun { id, prepared } => self.start_run(id, prepared, seen)?,
            StageRequest::EndRun(id) => {
                let Some(run) = self.runs.iter_mut().find(|run| run.id() == id) else {
                    return Err(no("id", format!("no run {id:?} goes on")));
                };
                run.settle(Verdict::Aborted, "it was ended from outside".to_owned());
                Orders::default()
            }
            StageRequest::Observe { run: id, observation } => {
                let Some(run) = self.runs.iter_mut().find(|run| run.id() == id) else {
                    return Err(no("run", format!("no run {id:?} goes on")));
                };
                run.observe(observation, seen.tick);
                Orders::default()
            }
        };
        self.hand_out(orders, out);
        self.rebuild(seen);
        Ok(())
    }

    fn due(&mut self, _now: Tick, out: &mut Vec<Command>) {
        let orders = std::mem::take(&mut self.orders);
        self.hand_out(orders, out);
    }

    fn saw(&mut self, seen: &Snapshot, shadow: Option<&Snapshot>, stats: &Stats) {
        if self.runs.is_empty() && self.singles.is_empty() && self.resets.is_none() {
            return;
        }
        for place in 0..self.runs.len() {
            let shown = Shown { seen, shadow, stats };
            if let Some(left) = self.runs[place].saw(shown, &mut self.orders) {
                self.close(place, left, seen.tick);
            }
            self.is_changed |= self.runs[place].take_changed();
        }
        self.go_on_with_singles(seen);
        self.reset(seen);
        if self.is_changed {
            self.rebuild(seen);
        }
    }

    fn view(&self) -> Arc<StageView> {
        Arc::clone(&self.view)
    }
    fn cells(&self) -> &[UnitId] {
        &self.cells
    }
    fn stall(&mut self) -> u64 {
        std::mem::take(&mut self.stall)
    }
    fn is_done(&self) -> bool {
        self.started > 0 && self.runs.is_empty()
    }
}
