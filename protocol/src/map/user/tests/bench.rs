//! A unit behind a map, whose loop applies commands at once.

use crate::device::Device;
use crate::map::layout::Sights;
use crate::map::user::{MapFile, parse_map, shipped};
use crate::map::{Layout, Refusal};
use crate::testing;
use bess_core::UnitId;
use bess_core::command::{Command, validate};
use bess_core::control::UnitControl;
use bess_core::device::Part;
use bess_core::point::Table;
use bess_core::role::Role;
use bess_core::snapshot::{Snapshot, UnitView};
use std::sync::Arc;

/// A map of a test.
#[track_caller]
pub(super) fn map(text: &str) -> MapFile {
    parse_map("map.toml", text, &|path| Err(format!("cannot read {path}")))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// What is wrong with it.
#[track_caller]
pub(super) fn refusal(text: &str) -> String {
    let spec = testing::snapshot().spec;
    let checked = parse_map("map.toml", text, &|path| Err(format!("cannot read {path}")));
    checked.and_then(|map| map.check(&spec)).expect_err("must be refused").to_string()
}

/// The built-in map called `name`.
#[track_caller]
pub(super) fn built_in(name: &str) -> MapFile {
    map(shipped(name).unwrap_or_else(|| panic!("no map {name}")))
}

/// See the module.
pub(super) struct Bench {
    pub(super) snapshot: Snapshot,
    pub(super) device: Device,
    /// Commands that waited, with the tick at which they are due.
    later: Vec<(u64, Command)>,
    /// Commands that were applied.
    pub(super) applied: Vec<Command>,
}

impl Bench {
    pub(super) fn new(map: &MapFile) -> Self {
        let snapshot = testing::snapshot();
        let design = Arc::clone(&snapshot.spec.units[0].design);
        Self::of(map.layout(&design).unwrap_or_else(|problems| panic!("{problems}")))
    }

    /// What the device shows under a further unit id.
    #[track_caller]
    pub(super) fn also(map: &MapFile, id: u8) -> Self {
        let snapshot = testing::snapshot();
        let also = map.also().iter().find(|also| also.ids.contains(&id)).unwrap();
        Self::of(also.layout(&snapshot.spec.units[0].design).unwrap())
    }

    fn of(layout: Layout) -> Self {
        let layout = Arc::new(layout);
        let unit = Some(UnitId::from_idx(0));
        let device = Device::new(unit, Part::Whole, &layout, &Arc::default());
        let mut snapshot = testing::snapshot();
        // Nobody has asked for anything yet.
        snapshot.units[0].setpoint.0 = 0.0;
        Self { snapshot, device, later: Vec::new(), applied: Vec::new() }
    }

    pub(super) fn unit(&mut self) -> &mut UnitView {
        &mut self.snapshot.units[0]
    }
    pub(super) fn control(&self) -> UnitControl {
        self.snapshot.units[0].control
    }

    pub(super) fn read_from(
        &self,
        table: Table,
        address: u16,
        count: u16,
    ) -> Result<Vec<u16>, Refusal> {
        let mut words = Vec::new();
        let sights = Sights::one(self.device.sight(&self.snapshot));
        self.device.layout.read_into(&sights, table, address, count, &mut words)?;
        Ok(words)
    }
    #[track_caller]
    pub(super) fn read(&self, address: u16, count: u16) -> Vec<u16> {
        self.read_from(Table::Holding, address, count).unwrap()
    }
    #[track_caller]
    pub(super) fn input(&self, address: u16, count: u16) -> Vec<u16> {
        self.read_from(Table::Input, address, count).unwrap()
    }

    pub(super) fn write_to(
        &mut self,
        table: Table,
        address: u16,
        words: &[u16],
        role: Role,
    ) -> Result<(), Refusal> {
        let sight = self.device.sight(&self.snapshot);
        let mut edit = self.device.layout.write_to(sight, table, address, words, role)?;
        let notes = edit.notes()?;
        let command = edit.command()?;
        for command in command.iter().chain(notes.later.iter().map(|(_, command)| command)) {
            validate(&self.snapshot.spec, &self.snapshot.units, command)
                .map_err(|_| Refusal::Value)?;
        }
        self.device.desk.write_memory(&notes.memory);
        let now = self.snapshot.tick.0;
        self.later.extend(notes.later.into_iter().map(|(ticks, of)| (now + ticks, of)));
        self.apply(command);
        Ok(())
    }
    pub(super) fn write(&mut self, address: u16, words: &[u16]) -> Result<(), Refusal> {
        self.write_to(Table::Holding, address, words, Role::Engineer)
    }

    fn apply(&mut self, commands: impl IntoIterator<Item = Command>) {
        for command in commands {
            match &command {
                Command::Batch(commands) => {
                    self.apply(commands.clone());
                    continue;
                }
                Command::ControlUnit { change, .. } => {
                    let unit = &mut self.snapshot.units[0];
                    change.apply(&mut unit.control);
                    let design = &self.snapshot.spec.units[0].design;
                    unit.setpoint.0 = unit.control.active.target(design.pcs.rated_power.0);
                }
                _ => {}
            }
            self.applied.push(command);
        }
    }

    /// Lets so many ticks pass.
    pub(super) fn pass(&mut self, ticks: u64) {
        self.snapshot.tick.0 += ticks;
        let now = self.snapshot.tick.0;
        let due: Vec<_> = self.later.extract_if(.., |(at, _)| *at <= now).collect();
        self.apply(due.into_iter().map(|(_, command)| command));
    }

    /// The setpoint in W that is in force.
    pub(super) fn setpoint_w(&self) -> f64 {
        self.snapshot.units[0].setpoint.0
    }
}
