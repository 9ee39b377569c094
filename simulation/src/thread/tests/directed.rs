//! A director, a shadow and a recorder in the loop.

use super::*;
use bess_core::audit::AuditRecord;
use bess_core::defect::Defect;
use bess_core::record::Recorder;
use bess_core::stage::{Director, StageRequest, StageView};
use bess_core::time::Tick;
use std::sync::Mutex;

/// Breaks the pump of unit 1 at a tick and says in its view at which tick it saw the farm last.
#[derive(Debug, Default)]
struct Play {
    at: u64,
    stands: u64,
    cells: Vec<UnitId>,
    view: Arc<StageView>,
    /// What it was asked and saw.
    heard: Arc<Mutex<Vec<String>>>,
}

fn pump(failed: bool) -> Command {
    Command::SetDefect { unit: UnitId::from_idx(0), defect: Defect::Pump(failed) }
}

impl Director for Play {
    fn ask(
        &mut self,
        request: &StageRequest,
        seen: &Snapshot,
        out: &mut Vec<Command>,
    ) -> Result<(), Rejection> {
        self.heard.lock().unwrap().push(format!("asked at {}", seen.tick));
        out.push(pump(false));
        match request {
            StageRequest::EndFaults => Ok(()),
            other => {
                let reason = format!("no {other:?}");
                Err(Rejection::NotPossible { field: "request", reason })
            }
        }
    }
    fn due(&mut self, now: Tick, out: &mut Vec<Command>) {
        if now.0 == self.at {
            out.push(pump(true));
        }
    }
    fn saw(&mut self, seen: &Snapshot, shadow: Option<&Snapshot>, _: &Stats) {
        let injected = vec![("device.hvac.pump", seen.tick.0)];
        self.view = Arc::new(StageView { injected, ..StageView::default() });
        let of = |snapshot: &Snapshot| {
            (snapshot.tick.0, snapshot.counts.faults_active[0], snapshot.units[1].setpoint.0)
        };
        let text = format!("{:?} beside {:?}", of(seen), shadow.map(of));
        self.heard.lock().unwrap().push(text);
    }
    fn view(&self) -> Arc<StageView> {
        Arc::clone(&self.view)
    }
    fn cells(&self) -> &[UnitId] {
        &self.cells
    }
    fn stall(&mut self) -> u64 {
        std::mem::take(&mut self.stands)
    }
    fn is_done(&self) -> bool {
        false
    }
}

fn step(farm: &FarmHandle, ticks: u64) {
    ask(farm, Request::Clock(vec![ClockCommand::Step(ticks)])).unwrap();
}
fn last(heard: &Mutex<Vec<String>>) -> String {
    heard.lock().unwrap().last().cloned().unwrap_or_default()
}

#[test]
fn the_snapshot_of_a_tick_carries_what_the_director_made_of_that_tick() {
    let play = Play { at: 3, cells: vec![UnitId::from_idx(1)], ..Play::default() };
    let farm = farm(LoopOptions { director: Some(Box::new(play)), ..paused() });
    for (ticks, at, active) in [(2, 2, 0), (1, 3, 1), (5, 8, 1)] {
        step(&farm, ticks);
        let seen = farm.snapshots().borrow().clone();
        assert_eq!((seen.tick.0, seen.stage.injected[0].1), (at, at));
        assert_eq!(seen.counts.faults_active[0], active, "at tick {at}");
        assert_eq!(seen.cells.len(), 1, "the cells that the director wants to see");
    }
    farm.stop().unwrap();
}

#[test]
fn a_letter_to_the_director_takes_effect_at_once_and_leaves_one_row_in_the_audit() {
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let play = Play { at: 1, heard: Arc::clone(&heard), ..Play::default() };
    let farm = farm(LoopOptions { director: Some(Box::new(play)), ..paused() });
    step(&farm, 1);
    assert_eq!(farm.snapshots().borrow().counts.faults_active[0], 1);
    ask(&farm, Request::Stage(StageRequest::EndFaults)).unwrap();
    let seen = farm.snapshots().borrow().clone();
    assert_eq!((seen.tick.0, seen.counts.faults_active[0]), (1, 0));
    assert_eq!(last(&heard), "asked at 1");
    let ended = "all single faults ended";
    let (_, row) = seen.audit.after(0).find(|(_, row)| row.what == ended).unwrap();
    assert_eq!((row.needs, row.refused.as_ref()), (StageRequest::ROLE, None));
    farm.stop().unwrap();
}

#[test]
fn what_the_director_refuses_changes_nothing_and_where_nobody_directs_it_is_refused_too() {
    let farm_with = farm(LoopOptions {
        director: Some(Box::new(Play { at: 1, ..Play::default() })),
        ..paused()
    });
    step(&farm_with, 1);
    let request = || Request::Stage(StageRequest::EndRun("a".to_owned()));
    assert!(matches!(ask(&farm_with, request()), Err(Rejection::NotPossible { .. })));
    let seen = farm_with.snapshots().borrow().clone();
    assert_eq!(seen.counts.faults_active[0], 1, "what it had on its lips was not done");
    assert_eq!(seen.farm.commands_refused, 1);
    farm_with.stop().unwrap();
    let without = farm(paused());
    assert!(matches!(ask(&without, request()), Err(Rejection::NotPossible { .. })));
    without.stop().unwrap();
}

#[test]
fn the_shadow_takes_what_clients_ask_and_none_of_the_faults() {
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let play = Play { at: 2, heard: Arc::clone(&heard), ..Play::default() };
    let shadow = Some(engine());
    let farm = farm(LoopOptions { director: Some(Box::new(play)), shadow, ..paused() });
    step(&farm, 3);
    ask(&farm, set_power(1500.0)).unwrap();
    step(&farm, 1);
    assert_eq!(last(&heard), "(4, 1, 1500.0) beside Some((4, 0, 1500.0))");
    farm.stop().unwrap();
}

#[test]
fn a_stall_gives_ticks_up_like_a_loop_that_is_too_slow_and_ends_with_the_farm() {
    let play = Play { stands: 10, ..Play::default() };
    let director: Option<Box<dyn Director>> = Some(Box::new(play));
    let handle = farm(LoopOptions { director, speed: 10.0, ..LoopOptions::default() });
    let applied = ask(&handle, set_power(1.0)).unwrap();
    let (stats, mut waited) = (handle.stats(), 0);
    while stats.ticks.skipped.load(Ordering::Relaxed) == 0 && waited < 500 {
        std::thread::park_timeout(Duration::from_millis(10));
        waited += 1;
    }
    assert_eq!(stats.ticks.stalled.load(Ordering::Relaxed), 10);
    assert!(stats.ticks.skipped.load(Ordering::Relaxed) >= 9, "{applied:?}");
    // The next snapshot says that it has stood.
    ask(&handle, set_power(2.0)).unwrap();
    assert_eq!(handle.snapshots().borrow().clock.stalled_ticks, 10);
    handle.stop().unwrap();
    // An hour of it does not keep the farm from stopping.
    let play = Play { stands: 36_000, ..Play::default() };
    let handle = farm(LoopOptions { director: Some(Box::new(play)), ..LoopOptions::default() });
    let stats = handle.stats();
    while stats.ticks.stalled.load(Ordering::Relaxed) == 0 {
        std::thread::park_timeout(Duration::from_millis(10));
    }
    handle.stop().unwrap();
}

#[test]
fn who_steps_a_loop_does_not_wait_for_its_stalls() {
    let play = Play { stands: 36_000, ..Play::default() };
    let farm = farm(LoopOptions { director: Some(Box::new(play)), ..paused() });
    step(&farm, 10);
    assert_eq!(farm.stats().ticks.stalled.load(Ordering::Relaxed), 36_000);
    assert_eq!(farm.snapshots().borrow().clock.stalled_ticks, 36_000);
    farm.stop().unwrap();
}

#[derive(Clone, Debug, Default)]
struct Ear(Arc<Mutex<Vec<String>>>);

impl Ear {
    fn hear(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

impl Recorder for Ear {
    fn came(&mut self, tick: Tick, command: &Command, origin: &Origin, is_refused: bool) {
        let (source, what) = (origin.source.name(), command.describe());
        self.hear(format!("{tick} {source} {what} {is_refused}"));
    }
    fn asked(&mut self, tick: Tick, request: &StageRequest, is_refused: bool) {
        self.hear(format!("{tick} {} {is_refused}", request.describe()));
    }
    fn noted(&mut self, record: &AuditRecord) {
        self.hear(format!("{} noted {} {:?}", record.tick, record.what, record.refused));
    }
    fn looked(&mut self, tick: Tick) {
        self.hear(format!("{tick} looked"));
    }
    fn counted(&mut self, tick: Tick, changes: &[(usize, u64)]) {
        self.hear(format!("{tick} counted {changes:?}"));
    }
    fn wants_hash(&self, tick: Tick) -> bool {
        tick.0.is_multiple_of(4)
    }
    fn passed(&mut self, tick: Tick, state_hash: &[u8; 32]) {
        self.hear(format!("{tick} {state_hash:?}"));
    }
    fn ended(&mut self, tick: Tick, state_hash: &[u8; 32]) {
        self.hear(format!("end {tick} {state_hash:?}"));
    }
}

#[test]
fn the_recorder_hears_everything_that_comes_in_the_order_in_which_it_is_taken() {
    let ear = Ear::default();
    let play = Play { at: 2, ..Play::default() };
    let farm = farm(LoopOptions {
        director: Some(Box::new(play)),
        recorder: Some(Box::new(ear.clone())),
        ..paused()
    });
    ask(&farm, set_power(1000.0)).unwrap();
    assert!(ask(&farm, set_power(f64::INFINITY)).is_err());
    step(&farm, 4);
    ask(&farm, Request::Stage(StageRequest::EndFaults)).unwrap();
    farm.stop().unwrap();
    // The same again.
    let mut again = engine();
    let power = |watts| match set_power(watts) {
        Request::Control(command) => command,
        other => panic!("{other:?}"),
    };
    let scenario = Origin::local(ControlSource::Scenario);
    again.apply(&power(1000.0), ControlSource::Rest).unwrap();
    again.look();
    again.step();
    again.apply_from(&pump(true), &scenario, 0).unwrap();
    (0..3).for_each(|_| again.step());
    let at_four = again.state_hash();
    again.apply_from(&pump(false), &scenario, 0).unwrap();
    again.look();
    let heard = ear.0.lock().unwrap().clone();
    assert_eq!(
        heard,
        [
            "0 rest active_power_w = 1000, active_mode = absolute, active_enabled = true false"
                .to_owned(),
            "0 looked".to_owned(),
            "0 rest active_power_w = none, active_mode = absolute, active_enabled = true true"
                .to_owned(),
            "0 looked".to_owned(),
            "0 noted clock step of 4 ticks None".to_owned(),
            "1 scenario pump fails false".to_owned(),
            format!("4 {at_four:?}"),
            "4 all single faults ended false".to_owned(),
            "4 noted all single faults ended None".to_owned(),
            "4 scenario pump works false".to_owned(),
            "4 looked".to_owned(),
            format!("end 4 {:?}", again.state_hash()),
        ]
    );
}

#[test]
fn a_request_that_counts_as_a_sign_of_life_is_heard_too() {
    let ear = Ear::default();
    let farm = farm(LoopOptions { recorder: Some(Box::new(ear.clone())), ..paused() });
    let watchdog = bess_core::control::WatchdogSettings {
        timeout_s: 5.0,
        kind: bess_core::control::HeartbeatKind::AnyRequest,
        ..Default::default()
    };
    let change = ControlChange { watchdog: watchdog.into(), ..ControlChange::default() };
    let unit = UnitId::from_idx(0);
    ask(&farm, Request::Control(Command::ControlUnit { unit, change })).unwrap();
    farm.mailbox().note_request(unit);
    step(&farm, 1);
    farm.stop().unwrap();
    assert!(ear.0.lock().unwrap().iter().any(|line| line == "0 none request false"));
}
