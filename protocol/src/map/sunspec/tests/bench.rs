//! A unit behind a chain: writes as one client after the other sends them, and a loop that applies them at
//! once.

use crate::device::Device;
use crate::map::Table;
use crate::map::encoding::Encoding;
use crate::map::layout::Field;
use crate::map::sunspec::Chain;
use crate::map::{Layout, Refusal, chain_layout};
use crate::testing;
use bess_core::UnitId;
use bess_core::command::{Command, UnitControl, validate};
use bess_core::control::UnitFunctions;
use bess_core::device::Part;
use bess_core::role::Role;
use bess_core::snapshot::Snapshot;
use bess_core::spec::UnitDesign;
use std::sync::Arc;

pub(super) struct Bench {
    pub(super) snapshot: Snapshot,
    pub(super) device: Device,
}

impl Bench {
    pub(super) fn new(chain: fn(&UnitDesign) -> Chain) -> Self {
        let snapshot = testing::snapshot();
        let layout = Arc::new(chain_layout(chain(&snapshot.spec.units[0].design)));
        let unit = UnitId::from_number(1);
        let device = Device::new(unit, Part::Whole, &layout, &Arc::default());
        Self { snapshot, device }
    }

    fn layout(&self) -> &Layout {
        &self.device.layout
    }

    pub(super) fn field(&self, name: &str) -> &Field {
        let field = self.layout().fields_of(Table::Holding).find(|f| f.about.name == name);
        field.unwrap_or_else(|| panic!("no {name}"))
    }

    pub(super) fn words(&self, name: &str) -> Vec<u16> {
        let field = self.field(name);
        let sight = self.device.sight(&self.snapshot);
        self.layout().read(sight, field.address, field.codec.registers()).unwrap()
    }

    /// The word or the two of a point as a whole number.
    pub(super) fn raw(&self, name: &str) -> i64 {
        let words = self.words(name);
        words.iter().fold(0, |raw, word| raw << 16 | i64::from(*word))
    }

    /// What a point holds, in its unit.
    pub(super) fn value(&self, name: &str) -> Option<f64> {
        self.field(name).codec.decode(&self.words(name))
    }

    /// What a write becomes, with what the desk keeps of it.
    pub(super) fn try_write(
        &mut self,
        name: &str,
        words: &[u16],
    ) -> Result<Option<Command>, Refusal> {
        self.try_write_as(Role::Engineer, name, words)
    }

    pub(super) fn try_write_as(
        &mut self,
        role: Role,
        name: &str,
        words: &[u16],
    ) -> Result<Option<Command>, Refusal> {
        let address = self.field(name).address;
        let sight = self.device.sight(&self.snapshot);
        let mut edit = self.layout().write_to(sight, Table::Holding, address, words, role)?;
        let notes = edit.notes().unwrap();
        let command = edit.command()?;
        if let Some(command) = &command {
            validate(&self.snapshot.spec, &self.snapshot.units, command)
                .unwrap_or_else(|rejection| panic!("{rejection}"));
            self.apply(command);
        }
        self.device.desk.stage(&notes.staged);
        Ok(command)
    }

    /// Writes from a point on.
    #[track_caller]
    pub(super) fn write(&mut self, name: &str, words: &[u16]) {
        let written = self.try_write(name, words);
        written.unwrap_or_else(|refusal| panic!("{words:?} to {name}: {refusal}"));
    }

    /// Writes a value in the unit of its point.
    #[track_caller]
    pub(super) fn set(&mut self, name: &str, value: f64) {
        let words = self.encoded(name, value);
        self.write(name, &words);
    }

    pub(super) fn encoded(&self, name: &str, value: f64) -> Vec<u16> {
        let codec = &self.field(name).codec;
        let mut words = vec![0; usize::from(codec.registers())];
        codec.encode(crate::map::encoding::Value::Number(value), &mut words);
        words
    }

    pub(super) fn control(&self) -> UnitControl {
        self.snapshot.units[0].control
    }

    pub(super) fn functions(&self) -> &UnitFunctions {
        &self.snapshot.functions[0]
    }

    fn apply(&mut self, command: &Command) {
        match command {
            Command::ControlUnit { change, .. } => {
                change.apply(&mut self.snapshot.units[0].control);
            }
            Command::ConfigureUnit { change, .. } => {
                change.apply(Arc::make_mut(&mut self.snapshot.functions[0]));
            }
            Command::Batch(commands) => commands.iter().for_each(|command| self.apply(command)),
            Command::OperateUnit { .. } | Command::OperateRack { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The word that means "not available" in 16 bits without a sign.
pub(super) const MISSING: i64 = Encoding::U16.missing() as i64;
