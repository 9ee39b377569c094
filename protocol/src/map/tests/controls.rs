//! Control settings: what a write changes, what it reads as then, and what refuses it.

use super::{bits, registers};
use crate::device::Gateway;
use crate::map::{Refusal, Table};
use crate::testing;
use bess_core::UnitId;
use bess_core::command::{Command, ControlChange, RackAction, UnitAction};
use bess_core::control::{FunctionName, FunctionSet, HeartbeatKind, LossAction};
use bess_core::event::Reverted;
use bess_core::snapshot::{Snapshot, UnitState};

/// A unit behind registers, whose loop applies changes of settings at once.
struct Desk {
    snapshot: Snapshot,
    gateway: Gateway,
}

impl Desk {
    fn new() -> Self {
        let snapshot = testing::snapshot();
        Self { gateway: Gateway::new(&snapshot.spec), snapshot }
    }

    fn in_state(state: UnitState) -> Self {
        let mut desk = Self::new();
        desk.snapshot.units[0].state = state;
        desk
    }

    /// First register of the field called `name`, or that begins so; digits are a register.
    fn address(&self, name: &str) -> u16 {
        if let Ok(address) = name.parse() {
            return address;
        }
        let layout = &self.gateway.device(1).unwrap().layout;
        let field = layout.fields_of(Table::Holding).find(|field| field.about.name == name);
        field.unwrap_or_else(|| panic!("no {name}")).address
    }

    /// The command that a write becomes.
    fn command(&self, name: &str, words: &[u16]) -> Result<Command, Refusal> {
        let device = self.gateway.device(1).unwrap();
        let sight = device.sight(&self.snapshot);
        let edit = device.layout.write(sight, self.address(name), words)?;
        Ok(edit.command()?.expect("a write to a unit is always told to the loop"))
    }

    /// Writes settings and applies them.
    fn write(&mut self, name: &str, words: &[u16]) -> Result<(), Refusal> {
        match self.command(name, words)? {
            Command::ControlUnit { unit, change } => {
                change.apply(&mut self.snapshot.units[unit.idx()].control);
                Ok(())
            }
            other => panic!("{other:?}"),
        }
    }

    fn read(&self, name: &str) -> u32 {
        bits(&registers(&self.snapshot, 1), name)
    }

    /// Functions and action that writing `mode` asks for.
    fn mode(&self, mode: u16) -> Result<(Option<FunctionSet>, Option<UnitAction>), Refusal> {
        let commands = match self.command("84", &[mode])? {
            Command::Batch(commands) => commands,
            one => vec![one],
        };
        let mut asked = (None, None);
        for command in commands {
            match command {
                Command::ControlUnit { change, .. } => asked.0 = change.functions,
                Command::OperateUnit { action, .. } => asked.1 = Some(action),
                other => panic!("{other:?}"),
            }
        }
        Ok(asked)
    }
}

#[test]
fn registers_of_a_reversion_add_up_and_read_back() {
    let mut desk = Desk::new();
    // -600 kW, then 25 % in one write of the points between, disabled, 90 s.
    let words = [(-600_000i32 >> 16) as u16, -600_000i32 as u16];
    desk.write("704.WSetRvrt", &words).unwrap();
    desk.write("704.WSetPctRvrt", &[2_500, 1, 0, 90]).unwrap();
    let reversion = desk.snapshot.units[0].control.active_reversion;
    assert_eq!((reversion.absolute, reversion.percent), (-600_000.0, 25.0));
    assert_eq!((reversion.enabled, reversion.time_s), (true, 90));
    assert_eq!(desk.read("704.WSetRvrt") as i32, -600_000);
    assert_eq!(desk.read("704.WSetPctRvrt"), 2_500);
    assert_eq!((desk.read("704.WSetEnaRvrt"), desk.read("704.WSetRvrtTms")), (1, 90));
}

#[test]
fn every_control_has_its_own_reversion() {
    let mut desk = Desk::new();
    let times = [
        ("704.WSetRvrtTms", "704.WSetEnaRvrt", "704.WSetRvrtRem"),
        ("704.VarSetRvrtTms", "704.VarSetEnaRvrt", "704.VarSetRvrtRem"),
        ("704.WMaxLimPctRvrtTms", "704.WMaxLimPctEnaRvrt", "704.WMaxLimPctRvrtRem"),
        ("704.PFWInjRvrtTms", "704.PFWInjEnaRvrt", "704.PFWInjRvrtRem"),
        ("704.PFWAbsRvrtTms", "704.PFWAbsEnaRvrt", "704.PFWAbsRvrtRem"),
    ];
    assert_eq!(times.len(), Reverted::ALL.len());
    for (index, (time, enable, _)) in times.iter().enumerate() {
        desk.write(time, &[1, index as u16]).unwrap();
        desk.write(enable, &[1]).unwrap();
    }
    // A tenth of a second left is not none.
    desk.snapshot.units[0].reversion_remaining_s = [0.1, 11.0, 12.7, 0.0, 14.0];
    for (index, (time, enable, left)) in times.iter().enumerate() {
        assert_eq!(desk.read(time), 65_536 + index as u32, "{time}");
        assert_eq!(desk.read(enable), 1, "{enable}");
        assert_eq!(desk.read(left), [1, 11, 13, 0, 14][index], "{left}");
    }
    desk.write("704.VarSetRvrt", &[0xFFFE, 0x7960]).unwrap();
    desk.write("704.VarSetPctRvrt", &[(-1_234i16) as u16]).unwrap();
    desk.write("704.WMaxLimPctRvrt", &[8_000]).unwrap();
    let control = desk.snapshot.units[0].control;
    let reactive = control.reactive_reversion;
    assert_eq!((reactive.absolute, reactive.percent), (-100_000.0, -12.34));
    assert_eq!(control.discharge_limit_reversion.percent, 80.0);
    assert_eq!(control.active_reversion.absolute, 0.0);
}

#[test]
fn power_factors_and_what_they_revert_to_are_written_as_groups() {
    let mut desk = Desk::new();
    assert_eq!((desk.read("704.PFWInj.PF"), desk.read("704.PFWInjRvrt.PF")), (1_000, 1_000));
    desk.write("704.PFWInjEna", &[1]).unwrap();
    // PF and Ext of injecting, its reversion, absorbing, its reversion.
    let words = [950, 1, 900, 0, 850, 0, 800, 1];
    desk.write("704.PFWInj.PF", &words).unwrap();
    let control = desk.snapshot.units[0].control;
    assert!(control.pf_injecting.enabled && !control.pf_absorbing.enabled);
    assert_eq!((control.pf_injecting.factor, control.pf_injecting.over_excited), (0.95, false));
    assert_eq!((control.pf_absorbing.factor, control.pf_absorbing.over_excited), (0.85, true));
    assert_eq!(control.pf_injecting_reversion.percent, 0.9);
    assert!(control.pf_injecting_reversion.over_excited);
    assert_eq!(control.pf_absorbing_reversion.percent, 0.8);
    let shown = ["PFWInj", "PFWInjRvrt", "PFWAbs", "PFWAbsRvrt"].map(|group| {
        [desk.read(&format!("704.{group}.PF")), desk.read(&format!("704.{group}.Ext"))]
    });
    assert_eq!(shown.concat(), words.map(u32::from));
}

#[test]
fn a_value_out_of_range_refuses_the_whole_request() {
    let mut desk = Desk::new();
    let before = desk.snapshot.units[0].control;
    for (name, words) in [
        // A good factor before a wrong one; nothing and more than one are no factors.
        ("704.PFWInj.PF", &[950, 1, 1_001, 0][..]),
        ("704.PFWInj.PF", &[0]),
        ("704.PFWAbs.Ext", &[2]),
        // 2.5 MW and 1.21 Mvar are the ratings.
        ("704.WSetRvrt", &[0x0026, 0x25A1]),
        ("704.VarSetRvrt", &[0x0012, 0x769B]),
        ("704.WSetPctRvrt", &[10_001]),
        ("704.VarSetPctRvrt", &[(-10_001i16) as u16]),
        ("704.WMaxLimPct", &[5_000, 10_001]),
        ("704.WSetEnaRvrt", &[2, 0, 9]),
        // A good setpoint and watchdog, and a fail-safe power beyond the rating.
        ("80", &[0, 5, 0, 5, 2, 1, 60, 0, 100, 0, 0x0026, 0x25A1]),
        ("92", &[0xFFFF]),
        // The lowest above the highest; more than full.
        ("92", &[6_000, 5_000]),
        ("93", &[10_001]),
        ("94", &[10_001]),
        ("110", &[HeartbeatKind::ALL.len() as u16]),
        ("111", &[LossAction::ALL.len() as u16]),
        ("802.SetOp", &[3]),
        ("803.string[1].StrSetEna", &[0]),
        ("84", &[12]),
        ("84", &[13]),
        ("84", &[14]),
    ] {
        let refused = desk.command(name, words);
        assert_eq!(refused, Err(Refusal::Value), "{words:?} to {name}");
    }
    for (name, words) in [
        ("704.AntiIslEna", &[1][..]),
        ("704.WSetRvrtRem", &[0, 5]),
        ("703.ESDlyRemTms", &[0, 5]),
        ("96", &[0, 5]),
        ("95", &[0]),
        ("107", &[0]),
    ] {
        let refused = desk.write(name, words);
        assert_eq!(refused, Err(Refusal::Address), "{words:?} to {name}");
    }
    assert_eq!(desk.snapshot.units[0].control, before);
}

#[test]
fn the_compact_map_sets_the_watch_and_the_limits_of_charge() {
    let mut desk = Desk::new();
    assert_eq!((desk.read("watchdog, 0 is off"), desk.read("watchdog time left")), (0, 0));
    desk.write("86", &[60]).unwrap();
    let settings = desk.snapshot.units[0].control.watchdog;
    assert_eq!((settings.timeout_s, settings.action), (60.0, LossAction::RampToZero));
    // -1 MW, 10 %, 90 %, 5 %.
    desk.write("90", &[0xFFF0, 0xBDC0, 1_000, 9_000, 500]).unwrap();
    let control = desk.snapshot.units[0].control;
    assert_eq!(control.watchdog.action, LossAction::Value);
    assert_eq!((control.watchdog.value_w, control.watchdog.timeout_s), (-1_000_000.0, 60.0));
    assert_eq!((control.soc_min, control.soc_max, control.soc_reserve), (0.1, 0.9, 0.05));
    assert_eq!((desk.read("802.SoCRsvMin"), desk.read("802.SocRsvMax")), (1_000, 9_000));
    let shown = registers(&desk.snapshot, 1);
    let words: Vec<_> = [90, 92, 93, 94]
        .iter()
        .flat_map(|at| shown.iter().find(|(name, _)| name.starts_with(&format!("{at} "))))
        .flat_map(|(_, words)| words.clone())
        .collect();
    assert_eq!(words, [0xFFF0, 0xBDC0, 1_000, 9_000, 500]);
    desk.write("110", &[HeartbeatKind::AnyRequest as u16]).unwrap();
    desk.write("111", &[LossAction::Standby as u16]).unwrap();
    let settings = desk.snapshot.units[0].control.watchdog;
    assert_eq!((settings.kind, settings.action), (HeartbeatKind::AnyRequest, LossAction::Standby));
    assert_eq!((settings.value_w, settings.timeout_s), (-1_000_000.0, 60.0));
    desk.snapshot.units[0].watchdog.remaining_s = 12.3;
    assert_eq!(desk.read("watchdog time left"), 13);
}

#[test]
fn the_whole_command_block_written_back_changes_nothing() {
    for settings in [(0.0, LossAction::Hold), (7.5, LossAction::Value)] {
        let mut desk = Desk::new();
        let control = &mut desk.snapshot.units[0].control;
        (control.watchdog.timeout_s, control.watchdog.action) = settings;
        control.functions = FunctionSet::default().with(FunctionName::VoltVar);
        control.active.enabled = true;
        control.reactive.enabled = true;
        let before = *control;
        let block = desk.gateway.read(&desk.snapshot, 1, 80, 16).unwrap();
        desk.write("80", &block).unwrap();
        assert_eq!(desk.snapshot.units[0].control, before);
        let controls = desk.address("704.PFWInjEna");
        let block = desk.gateway.read(&desk.snapshot, 1, controls, 2).unwrap();
        desk.write("704.PFWInjEna", &block).unwrap();
        let block = desk.gateway.read(&desk.snapshot, 1, controls + 57, 8).unwrap();
        desk.write("704.PFWInj.PF", &block).unwrap();
        assert_eq!(desk.snapshot.units[0].control, before);
    }
}

#[test]
fn a_mode_is_one_function_alone_and_runs_the_unit() {
    let alone = |function| Some(FunctionSet::default().with(function));
    let off = Desk::in_state(UnitState::Off);
    for (position, (_, function)) in FunctionName::ALL.into_iter().enumerate() {
        let asked = off.mode(3 + position as u16);
        assert_eq!(asked, Ok((alone(function), Some(UnitAction::Start))), "{function:?}");
    }
    // Also of a unit that is off already: a start may be on its way.
    assert_eq!(off.mode(0), Ok((None, Some(UnitAction::Stop))));
    assert_eq!(off.mode(1), Ok((None, Some(UnitAction::EnterStandby))));
    assert_eq!(off.mode(2), Ok((None, Some(UnitAction::Start))));

    let mut running = Desk::new();
    let functions = FunctionSet::default().with(FunctionName::FrequencyDroop);
    running.snapshot.units[0].control.functions = functions;
    assert_eq!(running.mode(3), Ok((None, None)), "so already");
    assert_eq!(running.mode(2), Ok((Some(FunctionSet::default()), None)));
    assert_eq!(running.mode(6), Ok((alone(FunctionName::VoltWatt), None)));
    assert_eq!(running.mode(0), Ok((None, Some(UnitAction::Stop))));
    running.snapshot.units[0].control.functions = functions.with(FunctionName::VoltVar);
    assert_eq!(running.mode(13), Ok((None, None)), "several, as it was read");
    assert_eq!(running.mode(3), Ok((alone(FunctionName::FrequencyDroop), None)));

    let standby = Desk::in_state(UnitState::Standby);
    assert_eq!(standby.mode(2), Ok((None, Some(UnitAction::ExitStandby))));
    // It shows as stopped, but would come back by itself.
    assert_eq!(Desk::in_state(UnitState::Tripped).mode(0), Ok((None, Some(UnitAction::Stop))));
    assert_eq!(Desk::in_state(UnitState::Maintenance).mode(12), Ok((None, None)), "as it is");
}

#[test]
fn the_mode_shows_state_and_functions() {
    let mut desk = Desk::new();
    let mut mode = |state, functions: &[FunctionName]| {
        let unit = &mut desk.snapshot.units[0];
        unit.state = state;
        unit.control.functions = functions.iter().copied().collect();
        desk.gateway.read(&desk.snapshot, 1, 84, 1).unwrap()[0]
    };
    assert_eq!(mode(UnitState::Running, &[]), 2);
    assert_eq!(mode(UnitState::Derated, &[FunctionName::GridForming]), 11);
    assert_eq!(mode(UnitState::Fallback, &[FunctionName::FrequencyDroop]), 3);
    assert_eq!(mode(UnitState::Running, &[FunctionName::VoltVar, FunctionName::VoltWatt]), 13);
    assert_eq!(mode(UnitState::Standby, &[FunctionName::VoltVar]), 1);
    assert_eq!(mode(UnitState::Fault, &[FunctionName::VoltVar]), 0);
    assert_eq!(mode(UnitState::Maintenance, &[]), 12);
}

#[test]
fn contactors_come_up_to_standby_and_go_down_by_a_stop() {
    let asked = |state, value| {
        let command = Desk::in_state(state).command("802.SetOp", &[value]).unwrap();
        match command {
            Command::OperateUnit { action, .. } => Some(action),
            Command::ControlUnit { change, .. } => {
                assert_eq!(change, ControlChange::default());
                None
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(asked(UnitState::Off, 1), Some(UnitAction::EnterStandby));
    assert_eq!(asked(UnitState::Precharge, 1), None);
    assert_eq!(asked(UnitState::Running, 1), None);
    assert_eq!(asked(UnitState::Stopping, 1), Some(UnitAction::EnterStandby));
    assert_eq!(asked(UnitState::Running, 2), Some(UnitAction::Stop));
    assert_eq!(asked(UnitState::Tripped, 2), Some(UnitAction::Stop));
    assert_eq!(asked(UnitState::Off, 2), Some(UnitAction::Stop));
}

#[test]
fn a_string_is_taken_out_and_let_in_again() {
    let mut desk = Desk::new();
    let unit = UnitId::from_idx(0);
    let operate = |action| Command::OperateRack { unit, rack_idx: 2, action };
    let nothing = Command::ControlUnit { unit, change: ControlChange::default() };
    let (enable, connect) = ("803.string[3].StrSetEna", "803.string[3].StrSetCon");
    assert_eq!(desk.command(connect, &[1]), Ok(nothing.clone()), "so already");
    assert_eq!(desk.command(enable, &[2]), Ok(operate(RackAction::Disconnect)));
    assert_eq!(desk.command(connect, &[2]), Ok(operate(RackAction::Disconnect)));
    assert_eq!(desk.command(enable, &[2, 2]), Ok(operate(RackAction::Disconnect)), "once");
    assert_eq!(desk.command(enable, &[2, 1]), Err(Refusal::Value), "a contradiction");
    desk.snapshot.racks[2].enabled = false;
    desk.snapshot.racks[2].connected = false;
    assert_eq!(desk.command(enable, &[2]), Ok(nothing.clone()), "so already");
    assert_eq!(desk.command(connect, &[1]), Ok(operate(RackAction::Connect)));
    // It may take part, but its voltage did not fit: another try.
    desk.snapshot.racks[2].enabled = true;
    assert_eq!(desk.command(connect, &[1]), Ok(operate(RackAction::Connect)));
    desk.snapshot.units[0].state = UnitState::Off;
    assert_eq!(desk.command(connect, &[1]), Ok(nothing), "it follows its unit");
}

#[test]
fn a_write_is_described_with_names_and_values() {
    let desk = Desk::new();
    let layout = &desk.gateway.device(1).unwrap().layout;
    let describe = |name: &str, words: &[u16]| {
        layout.describe_write(Table::Holding, desk.address(name), words)
    };
    assert_eq!(
        describe("704.WSetEna", &[1, 1, 0xFFF6, 0xD840]),
        "704.WSetEna = 1, 704.WSetMod = 1, 704.WSet = -600000 W"
    );
    assert_eq!(describe("92", &[1_050]), "lowest state of charge allowed = 10.5 %");
    // A cut value, "not available", what is in no map, and what is beyond the last register.
    assert_eq!(describe("704.WSet", &[0xFFF6]), format!("{} = 0xfff6", desk.address("704.WSet")));
    assert_eq!(describe("704.WSet", &[0x8000, 0]), "704.WSet = 0x8000 0x0000");
    assert_eq!(layout.describe_write(Table::Holding, 30_000, &[7]), "30000 = 0x0007");
    assert_eq!(
        layout.describe_write(Table::Holding, 65_535, &[1, 2]),
        "65535 = 0x0001, 65536 = 0x0002"
    );
}
