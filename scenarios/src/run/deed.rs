//! What an action does that makes nothing wrong: marks, an operator's doing, settings.

use super::course::Course;
use super::fault::Orders;
use crate::faults::{Arg, Args, Target, TargetKind};
use crate::format::setup::Setup;
use crate::format::{Control, ControlKind, Setting, Value};
use bess_core::command::{Command, RackAction, Rejection, UnitAction, validate};
use bess_core::defect::Defect;
use bess_core::snapshot::Snapshot;
use bess_core::time::{TICKS_PER_S, Tick};
use bess_core::units::Celsius;

/// A state of charge nearer than this to the one that is asked for stays as it is.
const SOC_NEAR: f64 = 0.002;

/// What came of a command that a scenario gave as an operator.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given {
    /// It in words.
    pub what: String,
    /// Why it was refused; empty where it was not.
    pub refused: String,
}

/// Gives commands as far as the farm takes them.
pub(super) fn give(commands: Vec<Command>, seen: &Snapshot, orders: &mut Orders) -> Vec<Given> {
    let give = |command: Command| {
        let what = command.describe();
        let refused = match validate(&seen.spec, &seen.units, &command) {
            Ok(()) => {
                orders.command(command);
                String::new()
            }
            Err(refused) => {
                // A reset that is refused counts at the alarm that is in its way: the farm has to hear of it.
                if matches!(refused, Rejection::ResetRefused { .. }) {
                    orders.command(command);
                }
                refused.to_string()
            }
        };
        Given { what, refused }
    };
    commands.into_iter().map(give).collect()
}

/// Does what an operator does, once, at every target.
pub(super) fn operate(
    control: &ControlKind,
    targets: &[Target],
    settings: &[Setting],
    seen: &Snapshot,
    orders: &mut Orders,
) -> Vec<Given> {
    let word = |name: &str| {
        let setting = settings.iter().find(|setting| setting.name == name);
        match setting.map(|setting| &setting.value) {
            Some(Value::Word(word)) => word.as_str(),
            _ => "",
        }
    };
    let commands = match control.act {
        Control::Operate => {
            let Some(action) = UnitAction::by_name(word("action")) else { return Vec::new() };
            let units = targets.iter().filter_map(Target::unit);
            units.map(|unit| Command::OperateUnit { unit, action }).collect()
        }
        Control::OperateRack => {
            let row = RackAction::ALL.iter().find(|(name, _)| *name == word("action"));
            let Some((_, action)) = row.copied() else { return Vec::new() };
            let command = |target: &Target| {
                let (unit, rack_idx) = (target.unit()?, target.rack_idx()?);
                Some(Command::OperateRack { unit, rack_idx, action })
            };
            targets.iter().filter_map(command).collect()
        }
        Control::Mark | Control::Set => Vec::new(),
    };
    give(commands, seen, orders)
}

/// The commands that bring about `args` at `target`.
pub(super) fn set(
    args: &Args,
    target: &Target,
    seen: &Snapshot,
    orders: &mut Orders,
) -> Vec<Given> {
    let kind = if target.unit().is_some() { TargetKind::Unit } else { TargetKind::Farm };
    let setting = |(name, arg): &(&'static str, Arg)| {
        let value = match arg {
            Arg::Number(number) => Value::Number(*number),
            Arg::Word(word) => Value::Word((*word).to_owned()),
            Arg::Flag(flag) => Value::Flag(*flag),
            Arg::Numbers(numbers) => Value::Numbers(numbers.clone()),
            Arg::Text(text) => Value::Word(text.to_string()),
        };
        Setting { name, value }
    };
    let settings: Vec<Setting> = args.values().iter().map(setting).collect();
    let setup = Setup::of(kind, &settings);
    let mut commands = Vec::new();
    if let (Some(soc), Some(unit)) = (setup.soc, target.unit()) {
        let view = &seen.units[unit.idx()];
        for (rack_idx, rack) in seen.racks_of(unit).iter().enumerate() {
            if (rack.truth.soc - soc).abs() > SOC_NEAR {
                let defect = Defect::RackSoc { rack_idx, soc: Some(soc) };
                commands.push(Command::SetDefect { unit, defect });
            }
        }
        // What the BMS believes goes with it: a scenario does not begin with a wrong estimate.
        let by = soc - view.measured.soc;
        if by.abs() > SOC_NEAR {
            commands.push(Command::SetDefect { unit, defect: Defect::SocJump { by } });
        }
    }
    if let Some(ambient_degc) = setup.ambient_degc {
        commands.push(Command::SetAmbient(Some(Celsius(ambient_degc))));
    }
    setup.commands(target.unit(), &mut commands);
    give(commands, seen, orders)
}

/// Settings that a scenario makes, and goes on making while some of them move.
#[derive(Clone, Debug)]
pub(super) struct Setter {
    at: Vec<(Target, Course, Args)>,
    begun: Tick,
    ends: Option<Tick>,
}

impl Setter {
    /// Makes the settings of `courses` at the instant that `seen` shows.
    pub(super) fn begin(
        courses: Vec<(Target, Course)>,
        lasts: Option<u64>,
        seen: &Snapshot,
        orders: &mut Orders,
    ) -> (Self, Vec<Given>) {
        let mut given = Vec::new();
        let begun = seen.tick;
        let at = courses.into_iter().map(|(target, mut course)| {
            let args = course.at(0);
            given.extend(set(&args, &target, seen, orders));
            (target, course, args)
        });
        let at = at.collect();
        let ends = lasts.map(|lasts| Tick(begun.0.saturating_add(lasts)));
        (Self { at, begun, ends }, given)
    }
    /// Makes them anew where they moved, once a second; whether it goes on.
    pub(super) fn go_on(&mut self, seen: &Snapshot, orders: &mut Orders) -> bool {
        let age = seen.tick.0.saturating_sub(self.begun.0);
        let moves = self.at.iter().any(|(_, course, _)| course.moves());
        if !moves || self.ends.is_some_and(|ends| ends <= seen.tick) {
            return false;
        }
        if age.is_multiple_of(TICKS_PER_S) {
            for (target, course, args) in &mut self.at {
                let now = course.at(age);
                if now != *args {
                    set(&now, target, seen, orders);
                    *args = now;
                }
            }
        }
        true
    }
}
