//! The EMS against a real farm over real Modbus, in step with its ticks.

use super::*;
use bess_core::command::{
    ClockCommand, Command, ControlSource, Origin, Reply, Request, Submission, UnitAction,
};
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::id::UnitId;
use bess_core::link::{LinkCondition, LinkEffect, LinkScope};
use bess_core::snapshot::Snapshot;
use bess_core::units::Watts;
use bess_protocol::config::ModbusConfig;
use bess_protocol::plan::{Place, Plan};
use bess_simulation::{Engine, EngineOptions, FarmHandle, Inputs, LoopOptions};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A farm of three units of 2.5 MW with few cells, served on loopback, and an EMS.
struct Play {
    farm: FarmHandle,
    ems: Ems,
    closing: CancellationToken,
    seen: Vec<(u64, String, Option<u32>)>,
}

impl Play {
    async fn new(flaws: &[Flaw]) -> Self {
        let text =
            BUILT_IN_FARM.replace("count = 10", "count = 3").replace("racks = 12", "racks = 1");
        let text = text.replace("rated_power_kw = 2500", "rated_power_kw = 200");
        let spec = Arc::new(parse_farm("farm", &text, &|_| unreachable!()).unwrap());
        let engine = Engine::new(Arc::clone(&spec), Inputs::default(), EngineOptions::default());
        let options = LoopOptions { paused: true, ..LoopOptions::default() };
        let farm = bess_simulation::spawn(engine, options).unwrap();
        let place = Place { bind: Ipv4Addr::LOCALHOST.into(), port: 0, reserved: Vec::new() };
        let plan = Plan::new(&spec, &ModbusConfig::default(), &place).unwrap();
        let (sockets, devices) = plan.bind().await.unwrap_or_else(|_| panic!("ports are free"));
        let closing = CancellationToken::new();
        let access = bess_protocol::FarmAccess {
            snapshots: farm.snapshots(),
            mailbox: farm.mailbox(),
            stats: farm.stats(),
        };
        tokio::spawn(bess_protocol::serve_all(sockets, access, closing.clone()));
        let timeout = Duration::from_secs(2);
        let ems = Ems::new(&devices, &EmsOptions { timeout, flaws: flaws.to_vec() }).unwrap();
        let mut play = Self { farm, ems, closing, seen: Vec::new() };
        play.command(Command::SetFarmPower { active: Watts(150_000.0), reactive: None }).await;
        play.step(10).await;
        play
    }

    async fn ask(&self, request: Request) {
        let (answer, answers) = tokio::sync::oneshot::channel();
        let reply = Reply::new(move |outcome| drop(answer.send(outcome)));
        let origin = Origin::local(ControlSource::Scenario);
        self.farm.mailbox().post(Submission { request, origin, reply });
        answers.await.expect("the loop answers").expect("it is applied");
    }
    async fn command(&mut self, command: Command) {
        self.ask(Request::Control(command)).await;
    }
    async fn step(&self, ticks: u64) {
        self.ask(Request::Clock(vec![ClockCommand::Step(ticks)])).await;
    }
    fn now(&self) -> Arc<Snapshot> {
        self.farm.snapshots().borrow().clone()
    }
    /// So many seconds of work.
    async fn work(&mut self, seconds: u64) {
        for _ in 0..seconds {
            let now = self.now().tick;
            let seen = self.ems.round(now.elapsed_s()).await;
            let of = |seen: Observation| (now.0 / 10, seen.what, seen.unit.map(UnitId::number));
            self.seen.extend(seen.into_iter().map(of));
            self.step(10).await;
        }
    }
    /// Writes of setpoints to a unit by Modbus since the audit had `after` records.
    fn setpoints(&self, number: u32, after: u64) -> usize {
        let now = self.now();
        let of_unit = |row: &&bess_core::audit::AuditRecord| {
            row.unit.map(UnitId::number) == Some(number)
                && row.origin.source == ControlSource::Modbus
                && row.what.contains("active_power_w")
        };
        now.audit.after(after).map(|(_, row)| &**row).filter(of_unit).count()
    }
    fn stop(self) {
        self.closing.cancel();
        self.farm.stop().unwrap();
    }
}

fn unit(number: u32) -> UnitId {
    UnitId::from_number(number).unwrap()
}

#[tokio::test]
async fn it_takes_over_what_the_farm_gives_and_brings_it_to_the_poi() {
    let mut play = Play::new(&[]).await;
    play.work(40).await;
    let now = play.now();
    assert!((now.farm.active_power.0 - 150_000.0).abs() < 3_000.0, "{}", now.farm.active_power);
    for view in &now.units {
        assert_eq!(view.control.source, ControlSource::Modbus);
        assert_eq!(view.control.controller_heartbeat, 40, "one a second");
    }
    assert_eq!(play.seen, [], "nothing is wrong");
    let totals = play.ems.totals();
    assert_eq!((totals.connects, totals.writes > 120), (4, true), "{totals:?}");
    play.stop();
}

#[tokio::test]
async fn a_unit_that_trips_is_left_out_at_once_and_the_others_take_its_part() {
    let mut play = Play::new(&[]).await;
    play.work(30).await;
    let stop = UnitAction::EmergencyStop;
    play.command(Command::OperateUnit { unit: unit(2), action: stop }).await;
    play.work(2).await;
    let before = play.now().audit.total();
    play.work(30).await;
    let now = play.now();
    assert!((now.farm.active_power.0 - 150_000.0).abs() < 4_000.0, "{}", now.farm.active_power);
    assert_eq!(play.setpoints(2, before), 0, "nobody goes on telling it what to do");
    assert!(play.seen.iter().any(|(_, what, of)| what == "unit_fault" && *of == Some(2)));
    play.stop();
    // One that ignores faults goes on.
    let mut play = Play::new(&[Flaw::IgnoresFaults]).await;
    play.work(5).await;
    play.command(Command::OperateUnit { unit: unit(2), action: stop }).await;
    play.work(3).await;
    let now = play.now();
    assert!(now.units[1].control.active.absolute > 30_000.0, "{:?}", now.units[1].control.active);
    play.stop();
}

/// What unit 2 shows stands still from now on.
async fn freeze(play: &mut Play) {
    let scope = LinkScope { unit: Some(unit(2)), ..LinkScope::default() };
    let condition = LinkCondition {
        name: "frozen".to_owned(),
        effect: LinkEffect::FreezeRegisters,
        scope,
        probability: 1.0,
        seed: 1,
        until: None,
    };
    play.command(Command::SetLink(Box::new(condition))).await;
}

#[tokio::test]
async fn an_ems_that_is_late_itself_calls_it_no_fault_of_the_units() {
    let mut play = Play::new(&[]).await;
    for number in 1..=3 {
        let watchdog = bess_core::control::WatchdogChange {
            timeout_s: Some(3.0),
            ..bess_core::control::WatchdogChange::default()
        };
        let change = bess_core::command::ControlChange {
            watchdog,
            ..bess_core::command::ControlChange::default()
        };
        play.command(Command::ControlUnit { unit: unit(number), change }).await;
    }
    play.work(5).await;
    play.ems.act(&ClientAct::Heartbeat(bess_scenarios::faults::HeartbeatMode::Stop));
    play.work(20).await;
    let alarms = play.now().units[0].alarms;
    assert!(alarms.has(bess_core::alarm::AlarmCode::ControllerLost), "{alarms:?}");
    let faults = play.seen.iter().filter(|(_, what, _)| what == "unit_fault").count();
    assert_eq!(faults, 0, "{:?}", play.seen);
    play.stop();
}

#[tokio::test]
async fn data_that_stand_still_are_noticed_and_nothing_is_written_upon_them() {
    let mut play = Play::new(&[]).await;
    play.work(10).await;
    freeze(&mut play).await;
    play.work(8).await;
    assert!(
        play.seen
            .iter()
            .any(|(at, what, of)| what == "stale_data" && *of == Some(2) && (15..=18).contains(at)),
        "{:?}",
        play.seen
    );
    let (before, beat) =
        (play.now().audit.total(), play.now().units[1].control.controller_heartbeat);
    play.work(20).await;
    assert_eq!(play.setpoints(2, before), 0);
    let now = play.now().units[1].control.controller_heartbeat;
    assert_eq!(now, beat, "its own watch must be able to act");
    play.stop();
    let mut play = Play::new(&[Flaw::IgnoresStaleData, Flaw::Mute]).await;
    freeze(&mut play).await;
    play.work(20).await;
    assert_eq!(play.now().units[1].control.controller_heartbeat, 20);
    assert_eq!(play.seen, [], "it says nothing");
    play.stop();
}

#[tokio::test]
async fn a_scenario_can_stop_its_heartbeat_give_it_a_setpoint_and_make_it_repeat_itself() {
    let mut play = Play::new(&[]).await;
    play.work(3).await;
    play.ems.act(&ClientAct::Heartbeat(bess_scenarios::faults::HeartbeatMode::Stop));
    play.ems.act(&ClientAct::Setpoint(Some(-90_000.0)));
    play.work(20).await;
    let now = play.now();
    assert_eq!(now.units[0].control.controller_heartbeat, 3);
    assert!((now.farm.active_power.0 + 90_000.0).abs() < 4_000.0, "{}", now.farm.active_power);
    // It means what it says, and writes it with the other sign.
    play.ems.act(&ClientAct::Scale(-1.0));
    play.ems.act(&ClientAct::Setpoint(Some(-80_000.0)));
    play.work(15).await;
    assert!(play.now().farm.active_power.0 > 40_000.0, "{}", play.now().farm.active_power);
    play.ems.act(&ClientAct::Scale(1.0));
    let now = play.now();
    // The writes of the last time come again, older than the present setpoint.
    let before = now.audit.total();
    play.ems.act(&ClientAct::Replay(20.0));
    play.work(20).await;
    assert!(play.setpoints(1, before) >= 1);
    play.ems.act(&ClientAct::Stop(true));
    let (before, requests) = (play.now().audit.total(), play.ems.totals().requests);
    play.work(5).await;
    assert_eq!((play.now().audit.total() - before, play.ems.totals().requests), (5, requests));
    play.stop();
}

#[tokio::test]
async fn it_backs_off_from_a_unit_that_does_not_answer_and_one_that_hammers_does_not() {
    let connects = async |flaws: &[Flaw]| {
        let mut play = Play::new(flaws).await;
        play.work(2).await;
        let scope = LinkScope { unit: Some(unit(3)), ..LinkScope::default() };
        let condition = LinkCondition {
            name: "reset".to_owned(),
            effect: LinkEffect::Reset,
            scope,
            probability: 1.0,
            seed: 1,
            until: None,
        };
        play.command(Command::SetLink(Box::new(condition))).await;
        let before = play.ems.totals().connects;
        play.work(30).await;
        assert!(
            play.seen.iter().any(|(_, what, of)| what == "communication_lost" && *of == Some(3))
        );
        let tries = play.ems.totals().connects - before;
        play.command(Command::ClearLink { name: None }).await;
        play.work(20).await;
        assert!(play.now().units[2].control.controller_heartbeat > 10, "it comes back");
        play.stop();
        tries
    };
    let patient = connects(&[]).await;
    assert!((3..=6).contains(&patient), "{patient}");
    let rash = connects(&[Flaw::HammersReconnects]).await;
    assert!(rash >= 29, "{rash}");
}
