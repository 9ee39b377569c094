//! A farm for tests, without an engine: the built-in one, ten units, everything plain.

use crate::expr::{Expr, Names, Value};
use crate::sight::{LinkSight, Member, Memory, Sight, Story, TargetKind, Targets};
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel, AlarmPhase, AlarmState};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::event::{Event, EventKind};
use bess_core::id::UnitId;
use bess_core::log::Log;
use bess_core::snapshot::{AcView, BatteryView, CellsView, FarmView, RackView, Snapshot, UnitView};
use bess_core::spec::FarmSpec;
use bess_core::state::UnitState;
use bess_core::time::{Moment, Tick};
use bess_core::units::{Celsius, Hertz, Watts};
use std::sync::{Arc, LazyLock};

/// A farm, what happened to it, and the names of a scenario: targets `victim` (unit 3), `healthy` (all
/// others), `racks` (two of unit 3), `hot` (two cells of unit 3), `nobody`, `port` (a listener), `cells-1`
/// (unit 1 as cells); actions `arc` and `later`.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) spec: Arc<FarmSpec>,
    pub(super) snapshot: Snapshot,
    pub(super) shadow: Option<Snapshot>,
    pub(super) link: LinkSight,
    pub(super) targets: Targets,
    pub(super) memory: Memory,
    pub(super) story: Story,
    pub(super) since: Tick,
    pub(super) in_baseline: bool,
}

pub(super) const ARC: usize = 0;
pub(super) const VICTIM: usize = 2;

pub(super) fn unit(idx: usize) -> UnitId {
    UnitId::from_idx(idx)
}

/// Read once: the language does not change it.
static SPEC: LazyLock<Arc<FarmSpec>> = LazyLock::new(|| {
    let spec = parse_farm("farm", BUILT_IN_FARM, &|_| Err(String::new()));
    Arc::new(spec.expect("built in"))
});

impl Bench {
    pub(super) fn new() -> Self {
        let spec = Arc::clone(&SPEC);
        let units = spec.units.iter().map(|_| UnitView {
            state: UnitState::Running,
            ac: AcView { active_power: Watts(1e6), ..AcView::default() },
            measured: BatteryView { soc: 0.6, ..BatteryView::default() },
            truth: BatteryView { soc: 0.61, ..BatteryView::default() },
            insulation_kohm: 1000.0,
            ..UnitView::default()
        });
        let rack =
            RackView { connected: true, contactors: [true, false, true], ..RackView::default() };
        let snapshot = Snapshot {
            tick: Tick(1000),
            publication: 1,
            farm: FarmView {
                active_power: Watts(9.9e6),
                frequency: Hertz(49.9),
                ambient: Celsius(20.0),
                ..FarmView::default()
            },
            units: units.collect(),
            racks: vec![rack; spec.n_racks()],
            functions: spec.units.iter().map(|u| Arc::clone(&u.design.functions)).collect(),
            events: Arc::new(Log::new(10_000)),
            audit: Arc::new(Log::new(10_000)),
            ..Snapshot::empty(Arc::clone(&spec))
        };
        let mut targets = Targets::new(7);
        let others = (0..10).filter(|idx| *idx != VICTIM).map(|idx| Member::unit(unit(idx)));
        targets.set(0, &spec, &[Member::unit(unit(VICTIM))]);
        targets.set(1, &spec, &others.collect::<Vec<_>>());
        targets.set(2, &spec, &[Member::rack(unit(VICTIM), 0), Member::rack(unit(VICTIM), 1)]);
        let hot = [Member::cell(unit(VICTIM), 0, 5), Member::cell(unit(VICTIM), 1, 7)];
        targets.set(3, &spec, &hot);
        targets.set(6, &spec, &[Member::unit(unit(0))]);
        let story = Story::new(2, &snapshot);
        Self {
            spec,
            snapshot,
            shadow: None,
            link: LinkSight::default(),
            targets,
            memory: Memory::default(),
            story,
            since: Tick(0),
            in_baseline: false,
        }
    }

    pub(super) fn names(&self) -> Names<'_> {
        let mut names = Names::new(&self.spec);
        for (name, kind) in [
            ("victim", TargetKind::Unit),
            ("healthy", TargetKind::Unit),
            ("racks", TargetKind::Rack),
            ("hot", TargetKind::Cell),
            ("nobody", TargetKind::Unit),
            ("port", TargetKind::Listener),
            ("cells-1", TargetKind::Module),
        ] {
            names.add_target(name, kind);
        }
        assert_eq!(names.add_action("arc"), ARC);
        names.add_action("later");
        names
    }
    pub(super) fn compile(&self, text: &str) -> Expr {
        Expr::compile(text, &self.names()).unwrap_or_else(|e| panic!("{}", e.problem(text)))
    }
    /// What is wrong with a text, as a person sees it.
    pub(super) fn refusal(&self, text: &str) -> String {
        Expr::compile(text, &self.names()).expect_err(text).problem(text).to_string()
    }
    pub(super) fn sight(&self) -> Sight<'_> {
        Sight {
            snapshot: &self.snapshot,
            shadow: self.shadow.as_ref(),
            link: &self.link,
            targets: &self.targets,
            memory: &self.memory,
            story: &self.story,
            since: self.since,
            in_baseline: self.in_baseline,
        }
    }
    pub(super) fn eval(&self, text: &str) -> Value {
        self.compile(text).eval(&self.sight())
    }
    pub(super) fn number(&self, text: &str) -> f64 {
        match self.eval(text) {
            Value::Number(number) => number,
            other => panic!("{text} is {other:?}"),
        }
    }
    pub(super) fn truth(&self, text: &str) -> Option<bool> {
        let expr = self.compile(text);
        let truth = expr.truth(&self.sight());
        assert_eq!(expr.eval(&self.sight()), truth.map_or(Value::Absent, Value::Truth), "{text}");
        truth
    }
    pub(super) fn holds(&self, text: &str) {
        assert_eq!(self.truth(text), Some(true), "{text}");
    }
    pub(super) fn fails(&self, text: &str) {
        assert_eq!(self.truth(text), Some(false), "{text}");
    }
    pub(super) fn is_absent(&self, text: &str) {
        assert_eq!(self.eval(text), Value::Absent, "{text}");
    }

    /// Begins to remember what these need.
    pub(super) fn remember(&mut self, exprs: &[&Expr]) {
        self.memory = Memory::new(exprs.iter().flat_map(|expr| expr.memory_needs()));
    }
    /// One tick passes after `change`.
    pub(super) fn tick(&mut self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshot.tick = self.snapshot.tick.next();
        change(&mut self.snapshot);
        self.story.note(&self.snapshot);
        let mut memory = std::mem::take(&mut self.memory);
        memory.note(&Sight { memory: Memory::none(), ..self.sight() });
        self.memory = memory;
    }
    /// Something happens in the tick that comes.
    pub(super) fn happens(&mut self, who: Option<usize>, kind: EventKind) {
        let at = Moment::end_of(self.snapshot.tick.next());
        Arc::make_mut(&mut self.snapshot.events).push(Event { at, unit: who.map(unit), kind });
    }
    /// An alarm stands at a unit.
    pub(super) fn alarm(
        &mut self,
        idx: usize,
        code: AlarmCode,
        level: AlarmLevel,
        phase: AlarmPhase,
    ) {
        self.snapshot.units[idx].alarms.insert(code, level);
        let at = Moment::end_of(self.snapshot.tick);
        self.snapshot.alarms.push(AlarmState {
            unit: unit(idx),
            key: AlarmKey::unit(code, level),
            phase,
            since: at,
            value: f64::NAN,
            threshold: f64::NAN,
            cell: None,
            resets_refused: 0,
        });
    }
    /// Shows the cells of a unit, all at 25 degC.
    pub(super) fn show_cells(&mut self, idx: usize) -> &mut CellsView {
        let design = &self.spec.units[idx].design;
        let n = design.n_cells();
        let view = CellsView {
            unit_idx: idx,
            cells_per_rack: design.cells_in_series,
            voltage_v: vec![3.3; n],
            temperature_degc: vec![25.0; n],
            soc: vec![0.6; n],
            true_voltage_v: vec![3.3; n],
            true_temperature_degc: vec![25.0; n],
        };
        self.snapshot.cells.push(Arc::new(view));
        Arc::make_mut(self.snapshot.cells.last_mut().expect("pushed"))
    }
}
