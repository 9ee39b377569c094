use super::replay::replay;
use super::text::{Chain, Entry};
use super::*;
use crate::texts::Texts;
use bess_core::command::{
    ClockCommand, Command, ControlChange, ControlSource, Mailbox, Origin, Reply, Request,
    Submission, UnitAction,
};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::control::{CurveFunction, FunctionSet, FunctionsChange, PeakShaving};
use bess_core::defect::{CellDefect, Defect};
use bess_core::force::{ForcedPoint, ForcedValue};
use bess_core::id::UnitId;
use bess_core::link::{LinkCondition, LinkEffect, LinkScope};
use bess_core::series::Series;
use bess_core::spec::{Disturbance, DisturbanceKind, PlantChange};
use bess_core::time::{SimTime, Tick};
use bess_core::units::{Vars, Watts};
use bess_simulation::{Engine, EngineOptions, FarmHandle, LoopOptions};
use std::path::Path;
use std::sync::Arc;

const UNIT: fn(usize) -> UnitId = UnitId::from_idx;

/// One command of every kind, with figures that a careless text would lose.
fn commands() -> Vec<Command> {
    let third = 1e6 / 3.0;
    let change = ControlChange {
        discharge_limit_pct: Some(0.1 + 0.2),
        functions: Some(FunctionSet::default()),
        ..ControlChange::active_power(Watts(-third)).with_reactive_power(Vars(5e-324))
    };
    let curve = CurveFunction { points: vec![(0.9, 0.3), (1.1, -0.3)], response_s: 1.0 };
    let functions = FunctionsChange {
        peak_shaving: Some(PeakShaving { import_max_w: 1.0, export_max_w: f64::INFINITY }),
        volt_var: Some(curve),
        schedule: Series::new(&[(0.0, 1e5), (60.0, -1e5)], false).ok().map(Arc::new),
        ..FunctionsChange::default()
    };
    let plant = PlantChange {
        ramp_per_s: Some(f64::INFINITY),
        volt_var: Some(None),
        priority: Some(vec![1, 0]),
        ..PlantChange::default()
    };
    let short = CellDefect::Short(f64::INFINITY);
    let link = LinkCondition {
        name: "slow".to_owned(),
        effect: LinkEffect::Delay { delay_s: 0.1, jitter_s: 0.0 },
        scope: LinkScope {
            peer: "10.0.0.0/8".parse().ok(),
            unit: Some(UNIT(1)),
            ..LinkScope::default()
        },
        probability: 0.3,
        seed: u64::MAX,
        until: Some(Tick(70)),
    };
    let point = ForcedPoint {
        unit: None,
        point: "compact/soc".to_owned(),
        value: ForcedValue::Words(vec![0, u16::MAX]),
    };
    let outage = Disturbance { kind: DisturbanceKind::Outage, duration_s: f64::INFINITY };
    vec![
        Command::ControlUnit { unit: UNIT(0), change },
        Command::ConfigureUnit { unit: UNIT(1), change: Box::new(functions) },
        Command::ConfigurePlant(Box::new(plant)),
        Command::SetFarmPower { active: Watts(third), reactive: None },
        Command::ReleaseFarm,
        Command::SetDefect {
            unit: UNIT(0),
            defect: Defect::Cell { rack_idx: 0, cell_idx: 3, defect: short },
        },
        Command::SetDefect { unit: UNIT(0), defect: Defect::Pump(true) },
        Command::Disturb(outage),
        Command::NoteRequest { unit: UNIT(0) },
        Command::SetLink(Box::new(link)),
        Command::ClearLink { name: None },
        Command::ForcePoint(Box::new(point)),
        Command::ReleasePoint { unit: None, point: None },
        Command::Batch(vec![
            Command::OperateUnit { unit: UNIT(0), action: UnitAction::Stop },
            Command::OperateUnit { unit: UNIT(1), action: UnitAction::EnterMaintenance },
        ]),
    ]
}

#[test]
fn a_command_is_read_as_it_was_written_to_the_last_bit() {
    let (mut writing, mut reading) = (Chain::default(), Chain::default());
    for command in commands() {
        let from = Origin { peer: Some("a".to_owned()), ..Origin::local(ControlSource::Modbus) };
        let entry = Entry::Command { tick: Tick(7), from, refused: false, command };
        let line = writing.line(&entry).unwrap();
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert_eq!(reading.value::<Entry>(&line), Ok(entry), "{line}");
    }
    let power = ControlChange::active_power(Watts(1.0));
    let short = Entry::Command {
        tick: Tick(7),
        from: Origin::local(ControlSource::Rest),
        refused: true,
        command: Command::ControlUnit { unit: UNIT(2), change: power },
    };
    let line = writing.line(&short).unwrap();
    assert!(
        line.ends_with(
            " Command(tick:7,from:(source:Rest),refused:true,command:ControlUnit(unit:3,change:\
             (active_enabled:Some(true),active_mode:Some(Absolute),active_w:Some(1.0))))\n"
        ),
        "what is absent is not written: {line}"
    );
}

fn farm_text() -> String {
    BUILT_IN_FARM
        .replace("count = 10", "count = 2")
        .replace("racks = 12", "racks = 1")
        .replace("cells_in_series = 416", "cells_in_series = 16")
        .replace("cells_per_module = 52", "cells_per_module = 16")
        .replace("rated_power_kw = 2500", "rated_power_kw = 8")
}

/// A small farm that stands still and is recorded into `folder`.
fn recorded(folder: &Path) -> (FarmHandle, RecordFile) {
    let text = farm_text();
    let spec = Arc::new(parse_farm("farm", &text, &|_| unreachable!()).unwrap());
    let frequency = Series::new(&[(0.0, 50.02), (5.0, 49.9)], true).unwrap();
    let inputs =
        bess_simulation::Inputs { frequency: Some(Arc::new(frequency)), ..Default::default() };
    let start = SimTime { unix_ns: 1_700_000_000_123_456_789 };
    let engine = Engine::new(spec, inputs.clone(), EngineOptions { start, workers: 1 });
    let header = Header::of(&engine, start, Texts::alone("farm", &text), None, &inputs);
    let (file, recorder) =
        RecordFolder::take(folder).unwrap().begin(&header, None).expect("it can be written");
    let options = LoopOptions { paused: true, recorder: Some(recorder), ..LoopOptions::default() };
    (bess_simulation::spawn(engine, options).unwrap(), file)
}

fn ask(mailbox: &dyn Mailbox, request: Request) {
    let (answer, answers) = std::sync::mpsc::channel();
    let reply = Reply::new(move |outcome| drop(answer.send(outcome)));
    mailbox.post(Submission { request, origin: Origin::local(ControlSource::Rest), reply });
    let _ = answers.recv().expect("the loop answers");
}

/// A run with every command, also refused ones and some while the clock stands.
fn play(folder: &Path) {
    let (farm, file) = recorded(folder);
    let mailbox = farm.mailbox();
    let step = |ticks| Request::Clock(vec![ClockCommand::Step(ticks)]);
    ask(&*mailbox, step(3));
    for command in commands() {
        ask(&*mailbox, Request::Control(command));
        ask(&*mailbox, step(7));
    }
    for watts in [3000.0, f64::NAN, -2500.0] {
        let change = ControlChange::active_power(Watts(watts));
        ask(&*mailbox, Request::Control(Command::ControlUnit { unit: UNIT(0), change }));
    }
    ask(&*mailbox, step(1200));
    farm.stop().unwrap();
    file.finish().unwrap();
}

#[test]
fn a_recorded_run_is_repeated_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    play(folder.path());
    let recording = Recording::open(folder.path()).unwrap_or_else(|e| panic!("{e}"));
    let replayed = replay(&recording, 2, None).unwrap();
    // Tick 0, two whole minutes, and the end.
    let end = Tick(3 + 7 * commands().len() as u64 + 1200);
    assert_eq!((replayed.end, replayed.hashes), (end, 4));
    assert_eq!(replayed.commands, commands().len() as u64 - 1 + 3);
    assert!(replayed.to_string().contains("every bit is the same"), "{replayed}");
}

#[test]
fn a_recording_is_never_half_under_its_name_and_a_folder_takes_one() {
    let folder = tempfile::tempdir().unwrap();
    let (farm, file) = recorded(folder.path());
    let path = folder.path().join(FILE);
    assert!(!path.exists() && folder.path().join(PART).exists());
    let problems = Recording::open(folder.path()).unwrap_err().to_string();
    assert!(problems.contains(FILE) && problems.contains(PART), "{problems}");
    farm.stop().unwrap();
    file.finish().unwrap();
    assert!(path.exists() && !folder.path().join(PART).exists());
    let refusal = RecordFolder::take(folder.path()).unwrap_err().to_string();
    assert!(refusal.contains("not empty") && refusal.contains("--record"), "{refusal}");
}

#[test]
fn a_recording_that_was_touched_or_torn_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    play(folder.path());
    let path = folder.path().join(FILE);
    let whole = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let refusal = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Recording::open(folder.path()).unwrap_err().to_string()
    };
    let touched = whole.replacen("active:333333.3333333333", "active:333333.3333333334", 1);
    assert_ne!(touched, whole);
    let at = 1 + lines.iter().position(|line| line.contains("active:333333.33")).unwrap();
    assert!(refusal(&touched).contains(&format!("{FILE}:{at}")), "{}", refusal(&touched));
    // A line that is gone is found at the next one.
    let gone = [&lines[..4], &lines[5..]].concat().join("\n") + "\n";
    assert!(refusal(&gone).contains(&format!("{FILE}:5")), "{}", refusal(&gone));
    let half = &whole[..whole.len() - 20];
    assert!(refusal(half).contains("torn"), "{}", refusal(half));
    let without_end = lines[..lines.len() - 1].join("\n") + "\n";
    assert!(refusal(&without_end).contains("torn"), "{}", refusal(&without_end));
    assert!(refusal("").contains("empty"));
    assert!(refusal("hello\n").contains(&format!("{FILE}:1")));
}

#[test]
fn a_run_that_is_another_one_says_up_to_which_tick_it_was_the_same() {
    let folder = tempfile::tempdir().unwrap();
    play(folder.path());
    let path = folder.path().join(FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    // Whoever writes it anew with whole digests is found by the state.
    let (mut reading, mut writing, mut forged) =
        (Chain::default(), Chain::default(), String::new());
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if number == 0 {
            let header: Header = reading.value(line).unwrap();
            forged += &writing.line(&header).unwrap();
            continue;
        }
        let mut entry: Entry = reading.value(line).unwrap();
        if let Entry::Command { command: Command::ControlUnit { change, .. }, .. } = &mut entry
            && change.active_w == Some(-2500.0)
        {
            change.active_w = Some(-2400.0);
        }
        forged += &writing.line(&entry).unwrap();
    }
    std::fs::write(&path, forged).unwrap();
    let recording = Recording::open(folder.path()).unwrap_or_else(|e| panic!("{e}"));
    let error = replay(&recording, 1, None).unwrap_err().to_string();
    assert!(error.contains("up to tick 0 and differs at tick 600"), "{error}");
}

#[test]
fn of_recordings_beside_each_other_the_newest_stay_and_nothing_else_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let beside = folder.path().join("notes.txt");
    std::fs::write(&beside, "mine").unwrap();
    let mine = folder.path().join("recording-20200101T000000Z");
    std::fs::create_dir(&mine).unwrap();
    std::fs::write(mine.join("why.txt"), "mine").unwrap();
    std::fs::write(mine.join("recording.ron"), "old").unwrap();
    let mut taken = Vec::new();
    for _ in 0..4 {
        let folder = RecordFolder::take_within(folder.path(), 2).unwrap();
        std::fs::write(folder.path().join("recording.ron"), "new").unwrap();
        taken.push(folder.path().to_owned());
    }
    let there: Vec<bool> = taken.iter().map(|path| path.exists()).collect();
    assert_eq!(there, [false, false, true, true]);
    assert!(beside.exists() && mine.join("why.txt").exists());
    assert!(!mine.join("recording.ron").exists());
    let refusal = RecordFolder::take_within(folder.path(), 0).unwrap_err().to_string();
    assert_eq!(refusal, "--record-keep must be at least 1, got 0");
}
