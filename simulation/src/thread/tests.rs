use super::*;
use crate::engine::{EngineOptions, Inputs};
use bess_core::command::{ControlChange, Origin};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::trace::Sort;
use bess_core::units::Watts;
use std::sync::mpsc as std_mpsc;

mod directed;

fn farm(options: LoopOptions) -> FarmHandle {
    spawn(engine(), options).unwrap()
}
fn engine() -> Engine {
    let text = BUILT_IN_FARM
        .replace("count = 10", "count = 2")
        .replace("racks = 12", "racks = 1")
        .replace("cells_in_series = 416", "cells_in_series = 16")
        .replace("cells_per_module = 52", "cells_per_module = 16")
        .replace("rated_power_kw = 2500", "rated_power_kw = 8");
    let spec = Arc::new(parse_farm("farm", &text, &|_| unreachable!()).unwrap());
    Engine::new(spec, Inputs::default(), EngineOptions::default())
}
fn ask_later(farm: &FarmHandle, request: Request) -> std_mpsc::Receiver<Outcome> {
    let (answer, answers) = std_mpsc::channel();
    let reply = Reply::new(move |outcome| drop(answer.send(outcome)));
    let origin = Origin::local(ControlSource::Rest);
    farm.mailbox().post(Submission { request, origin, reply });
    answers
}
fn ask(farm: &FarmHandle, request: Request) -> Outcome {
    ask_later(farm, request).recv_timeout(Duration::from_secs(20)).expect("the loop answers")
}
fn set_power(watts: f64) -> Request {
    let change = ControlChange::active_power(Watts(watts));
    Request::Control(Command::ControlUnit { unit: UnitId::from_idx(1), change })
}
fn paused() -> LoopOptions {
    LoopOptions { paused: true, ..LoopOptions::default() }
}

#[test]
fn who_has_an_answer_reads_a_snapshot_that_shows_the_effect() {
    let farm = farm(LoopOptions { speed: 20.0, ..LoopOptions::default() });
    for watts in [1000.0, -2000.0, 3000.0] {
        let applied = ask(&farm, set_power(watts)).unwrap();
        let seen = farm.snapshots().borrow().clone();
        assert!(seen.tick >= applied.tick && seen.publication >= applied.publication);
        assert!((seen.units[1].control.active.absolute - watts).abs() < 1e-9);
    }
    farm.stop().unwrap();
}

#[test]
fn a_paused_farm_keeps_answering_and_publishes_the_change_at_the_same_tick() {
    let farm = farm(paused());
    let before = farm.snapshots().borrow().clone();
    let applied = ask(&farm, set_power(1234.0)).unwrap();
    let after = farm.snapshots().borrow().clone();
    assert_eq!(applied.tick, before.tick);
    assert!(after.publication > before.publication);
    assert!((after.units[1].setpoint.0 - 1234.0).abs() < 1e-9);
    farm.stop().unwrap();
}

#[test]
fn a_step_runs_exactly_its_ticks_and_answers_when_they_are_done() {
    let farm = farm(paused());
    let applied = ask(&farm, Request::Clock(vec![ClockCommand::Step(250)])).unwrap();
    assert_eq!(applied.tick.0, 250);
    assert_eq!(farm.snapshots().borrow().tick.0, 250);
    assert_eq!(farm.snapshots().borrow().clock.mode, ClockMode::Paused);
    farm.stop().unwrap();
}

#[test]
fn letters_are_answered_while_a_long_step_runs() {
    let farm = farm(paused());
    let step = ask_later(&farm, Request::Clock(vec![ClockCommand::Step(500_000)]));
    let applied = ask(&farm, set_power(500.0)).unwrap();
    assert!(applied.tick.0 < 500_000);
    ask(&farm, Request::Clock(vec![ClockCommand::Pause])).unwrap();
    let stopped = step.recv_timeout(Duration::from_secs(20)).expect("the step ends");
    let Err(Rejection::StepCutShort { tick, ran, asked: 500_000 }) = stopped else {
        panic!("the pause cut the step short: {stopped:?}");
    };
    assert!(tick.0 == ran && ran >= applied.tick.0 && ran < 500_000, "{ran} ticks until {tick}");
    assert_eq!(farm.snapshots().borrow().tick, tick);
    farm.stop().unwrap();
}

#[test]
fn bad_clock_commands_are_refused_and_change_nothing() {
    let farm = farm(paused());
    for command in
        [ClockCommand::SetSpeed(0.0), ClockCommand::SetSpeed(f64::NAN), ClockCommand::Step(0)]
    {
        assert!(matches!(
            ask(&farm, Request::Clock(vec![ClockCommand::Resume, command])),
            Err(Rejection::OutOfRange { .. })
        ));
    }
    let clock = farm.snapshots().borrow().clock;
    assert!((clock.speed - 1.0).abs() < 1e-12);
    assert_eq!(clock.mode, ClockMode::Paused, "the good part of a bad change is not applied");
    farm.stop().unwrap();
}

/// Holds the loop in its first publication until it is let go.
#[derive(Debug)]
struct Gate {
    entered: std_mpsc::Sender<()>,
    open: std_mpsc::Receiver<()>,
}
impl Observer for Gate {
    fn published(&mut self, _: &Snapshot) {
        let _ = self.entered.send(());
        let _ = self.open.recv_timeout(Duration::from_secs(20));
    }
}

#[test]
fn a_full_inbox_says_busy_at_once_and_who_waits_at_the_stop_is_told_so() {
    let (entered, at_gate) = std_mpsc::channel();
    let (let_go, open) = std_mpsc::channel();
    let observers: Vec<Box<dyn Observer>> = vec![Box::new(Gate { entered, open })];
    let farm = farm(LoopOptions { inbox: 4, observers, ..paused() });
    // The loop takes the first letter and is held while it publishes.
    let first = ask_later(&farm, set_power(1.0));
    at_gate.recv_timeout(Duration::from_secs(20)).expect("the loop publishes");
    let answers: Vec<_> = (0..10).map(|_| ask_later(&farm, set_power(1.0))).collect();
    let count =
        |wanted: &Outcome| answers.iter().filter(|a| a.try_recv().as_ref() == Ok(wanted)).count();
    assert_eq!(count(&Err(Rejection::Busy)), 6);
    farm.stop.store(true, Ordering::Release);
    drop(let_go);
    farm.stop().unwrap();
    assert!(first.try_recv().unwrap().is_ok());
    assert_eq!(count(&Err(Rejection::Closed)), 4);
}

#[test]
fn a_check_is_answered_and_leaves_no_trace() {
    let farm = farm(paused());
    let check = |request| match request {
        Request::Control(command) => Request::Check(command),
        other => other,
    };
    let before = farm.snapshots().borrow().clone();
    assert!(ask(&farm, check(set_power(700.0))).is_ok());
    assert!(matches!(ask(&farm, check(set_power(1e12))), Err(Rejection::OutOfRange { .. })));
    let after = farm.snapshots().borrow().clone();
    assert_eq!(after.units[1].control, before.units[1].control);
    assert_eq!(after.farm.commands_refused + after.farm.commands_applied, 0);
    assert_eq!(after.audit.after(0).count(), 0);
    farm.stop().unwrap();
}

#[test]
fn a_slow_clock_still_answers_at_once() {
    let farm = farm(LoopOptions { speed: 0.01, ..LoopOptions::default() });
    let applied = ask(&farm, set_power(700.0)).unwrap();
    assert_eq!(applied.tick.0, 0, "a tick takes ten seconds; the answer did not wait for it");
    assert!((farm.snapshots().borrow().units[1].setpoint.0 - 700.0).abs() < 1e-9);
    farm.stop().unwrap();
}

#[test]
fn a_pause_lets_no_further_tick_happen_and_steps_are_exact_from_there() {
    let farm = farm(LoopOptions { speed: 50.0, ..LoopOptions::default() });
    let at = ask(&farm, Request::Clock(vec![ClockCommand::Pause])).unwrap().tick.0;
    let applied = ask(&farm, Request::Clock(vec![ClockCommand::Step(10)])).unwrap();
    assert_eq!(applied.tick.0, at + 10);
    let both = vec![ClockCommand::Resume, ClockCommand::Pause, ClockCommand::Step(3)];
    assert_eq!(ask(&farm, Request::Clock(both)).unwrap().tick.0, at + 13);
    farm.stop().unwrap();
}

#[test]
fn cells_are_shown_to_who_asks() {
    let farm = farm(paused());
    assert!(farm.snapshots().borrow().cells.is_empty());
    ask(&farm, Request::ShowCells(UnitId::from_idx(1))).unwrap();
    let seen = farm.snapshots().borrow().clone();
    assert_eq!((seen.cells.len(), seen.cells[0].unit_idx, seen.cells[0].soc.len()), (1, 1, 16));
    assert!(ask(&farm, Request::ShowCells(UnitId::from_idx(9))).is_err());
    farm.stop().unwrap();
}

#[test]
fn the_loop_beats_while_paused() {
    let farm = farm(paused());
    let beat = || farm.stats().ticks.last_beat_unix_ns.load(Ordering::Relaxed);
    let first = beat();
    let mut waited = Duration::ZERO;
    while beat() == first && waited < Duration::from_secs(5) {
        std::thread::park_timeout(Duration::from_millis(20));
        waited += Duration::from_millis(20);
    }
    assert!(beat() > first);
    farm.stop().unwrap();
}

/// Keeps the spans that it gets.
#[derive(Debug, Default)]
struct Collector(std::sync::Mutex<Vec<Span>>);

impl Tracer for Collector {
    fn samples(&self, _: Sort) -> bool {
        true
    }
    fn begin(&self, caller: Option<TraceContext>, _: Sort) -> Option<TraceContext> {
        caller
    }
    fn child(&self, parent: TraceContext) -> TraceContext {
        TraceContext { span_id: parent.span_id + 1, ..parent }
    }
    fn end(&self, span: Span) {
        self.0.lock().unwrap().push(span);
    }
}

#[test]
fn a_letter_of_a_trace_leaves_a_span_with_the_tick_that_shows_its_effect() {
    let collector = Arc::new(Collector::default());
    let tracer = Some(Arc::clone(&collector) as Arc<dyn Tracer>);
    let farm = farm(LoopOptions { speed: 50.0, tracer, ..LoopOptions::default() });
    let ask_traced = |request, trace| {
        let (answer, answers) = std_mpsc::channel();
        let reply = Reply::new(move |outcome| drop(answer.send(outcome)));
        let origin = Origin { trace, ..Origin::local(ControlSource::Rest) };
        farm.mailbox().post(Submission { request, origin, reply });
        answers.recv_timeout(Duration::from_secs(20)).expect("the loop answers")
    };
    let of_trace = TraceContext { trace_id: 9, span_id: 4, is_sampled: true };
    // Its span is there before its answer is.
    let span = || collector.0.lock().unwrap().pop();
    let applied = ask_traced(set_power(700.0), Some(of_trace)).unwrap();
    let shown = span().expect("a span");
    assert_eq!((shown.name.as_str(), shown.parent), ("tick", Some(of_trace)));
    assert_eq!((shown.context.trace_id, shown.context.span_id, &shown.error), (9, 5, &None));
    let tick = FieldValue::Count(applied.tick.0 as i64);
    assert!(shown.fields.contains(&("bess.tick", tick)), "{shown:?}");
    assert!(0 < shown.start_unix_ns && shown.start_unix_ns <= shown.end_unix_ns);
    let refusal = ask_traced(set_power(1e12), Some(of_trace)).unwrap_err();
    let refused = span().expect("a span");
    assert_eq!(refused.error, Some(refusal.to_string()));
    assert!(refused.fields.contains(&("bess.result", "refused".into())));
    ask_traced(set_power(1.0), Some(TraceContext { is_sampled: false, ..of_trace })).unwrap();
    ask_traced(set_power(2.0), None).unwrap();
    assert_eq!(span(), None, "what is not collected leaves none");
    ask_traced(Request::Clock(vec![ClockCommand::Pause]), None).unwrap();
    let step = Request::Clock(vec![ClockCommand::Step(3)]);
    let stepped = ask_traced(step, Some(of_trace)).unwrap();
    let tick = FieldValue::Count(stepped.tick.0 as i64);
    assert!(span().expect("a span").fields.contains(&("bess.tick", tick)));
    farm.stop().unwrap();
}

#[test]
fn the_phases_of_the_ticks_are_timed_and_make_up_their_work() {
    let farm = farm(paused());
    ask(&farm, Request::Clock(vec![ClockCommand::Step(40)])).unwrap();
    let stats = farm.stats();
    let work = stats.ticks.duration.read();
    let phases: Vec<_> = stats.ticks.phases.iter().map(Histogram::read).collect();
    assert!(phases.iter().all(|phase| phase.count == 40), "{phases:?}");
    let sum_s: f64 = phases.iter().map(|phase| phase.sum).sum();
    // Between two looks at the clock there is next to nothing.
    assert!(sum_s <= work.sum && sum_s > 0.8 * work.sum, "{sum_s} of {} s", work.sum);
    farm.stop().unwrap();
}

#[test]
fn how_long_a_command_waited_is_noted_for_its_sender_when_it_was_applied() {
    let farm = farm(paused());
    let stats = farm.stats();
    let waited = |source: ControlSource| stats.commands.apply[source as usize].read();
    ask(&farm, set_power(1000.0)).unwrap();
    assert!(ask(&farm, set_power(1e9)).is_err());
    let reading = waited(ControlSource::Rest);
    assert_eq!(reading.count, 1, "a refused command was not applied");
    assert!(reading.sum < 10.0, "{reading:?}");
    assert_eq!(waited(ControlSource::Modbus).count, 0);
    farm.stop().unwrap();
}

#[test]
fn the_next_tick_is_due_soon_while_the_clock_runs_and_never_while_it_is_paused() {
    let farm = farm(LoopOptions::default());
    let stats = farm.stats();
    let due = || stats.ticks.due_unix_ns.load(Ordering::Relaxed);
    let mut snapshots = farm.snapshots();
    while snapshots.borrow_and_update().tick.0 < 2 {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let ahead_ns = due() - wall_unix_ns();
    assert!(ahead_ns < 150_000_000, "{ahead_ns}");
    assert!(due() > 0);
    ask(&farm, Request::Clock(vec![ClockCommand::Pause])).unwrap();
    let mut looks = 0;
    // It says so at its next beat.
    while due() != 0 {
        std::thread::park_timeout(Duration::from_millis(10));
        looks += 1;
        assert!(looks < 2_000, "a paused clock has a tick that is due");
    }
    farm.stop().unwrap();
}

#[test]
fn who_changed_the_clock_is_on_record_and_who_was_refused_too() {
    let farm = farm(paused());
    ask(&farm, Request::Clock(vec![ClockCommand::SetSpeed(2.0), ClockCommand::Step(3)])).unwrap();
    assert!(ask(&farm, Request::Clock(vec![ClockCommand::SetSpeed(0.0)])).is_err());
    let needs = bess_core::role::Role::Tester;
    ask(&farm, Request::Noted { what: "log levels info".to_owned(), needs }).unwrap();
    let snapshot = Arc::clone(&farm.snapshots().borrow());
    let audit: Vec<_> = snapshot.audit.after(0).map(|(_, record)| record).collect();
    let what: Vec<&str> = audit.iter().map(|record| record.what.as_str()).collect();
    assert_eq!(
        what,
        ["clock speed = 2; clock step of 3 ticks", "clock speed = 0", "log levels info"]
    );
    let refused: Vec<bool> = audit.iter().map(|record| record.refused.is_some()).collect();
    assert_eq!(refused, [false, true, false]);
    assert!(audit.iter().all(|record| record.origin.source == ControlSource::Rest));
    farm.stop().unwrap();
}
