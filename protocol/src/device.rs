//! Devices: what answers to a unit id behind a listening socket.
//!
//! A device shows a unit, a part of it, one of its racks or the plant by a layout, and keeps a desk. The
//! same device may answer behind several sockets and under several unit ids.

use crate::config::MapSet;
use crate::images::Images;
use crate::map::desk::{Desk, Pending};
use crate::map::layout::Refresh;
use crate::map::{Layout, Profile, Sight, Sights, Table, plant_layout, unit_layout};
use bess_core::UnitId;
use bess_core::device::Part;
use bess_core::id::{MODBUS_PLANT_ID, MODBUS_UNIT_ID_MAX};
use bess_core::snapshot::{FarmView, Snapshot, UnitView};
use bess_core::spec::{FarmSpec, UnitDesign};
use std::sync::Arc;

/// One device.
#[derive(Debug)]
pub(crate) struct Device {
    /// The unit; `None` for the plant.
    pub(crate) unit: Option<UnitId>,
    /// The rack that it is, where it is one.
    pub(crate) rack_idx: Option<usize>,
    /// What part of the unit it is.
    pub(crate) part: Part,
    pub(crate) layout: Arc<Layout>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) images: Images,
}

/// Room for what a sight shows in place of the snapshot's own.
#[derive(Debug, Default)]
pub(crate) struct SightRoom {
    view: UnitView,
    farm: FarmView,
}

impl Device {
    /// A device of a unit.
    pub(crate) fn new(
        unit: Option<UnitId>,
        part: Part,
        layout: &Arc<Layout>,
        pending: &Arc<Pending>,
    ) -> Self {
        let desk = Desk::new(layout.memory_len, Arc::clone(pending));
        desk.write_memory(&layout.initial);
        Self {
            unit,
            rack_idx: None,
            part,
            layout: Arc::clone(layout),
            desk: Arc::new(desk),
            images: Images::default(),
        }
    }

    /// The same of one rack of the unit.
    pub(crate) fn of_rack(self, rack_idx: Option<usize>) -> Self {
        Self { rack_idx, ..self }
    }

    /// What a request sees of `snapshot`.
    pub(crate) fn sight<'s>(&'s self, snapshot: &'s Snapshot) -> Sight<'s> {
        Sight::new(snapshot, self.unit, &self.desk).of_rack(self.rack_idx)
    }

    /// The same with what was accepted since, which `room` holds.
    pub(crate) fn sight_ahead<'s>(
        &'s self,
        snapshot: &'s Snapshot,
        room: &'s mut Option<SightRoom>,
    ) -> Sight<'s> {
        let sight = self.sight(snapshot);
        if self.desk.pending.is_empty() {
            return sight;
        }
        let room = room.get_or_insert_default();
        match sight.view() {
            Some(view) => {
                room.view = *view;
                self.desk.pending.patch_unit(snapshot.publication, &mut room.view.control);
                sight.with_view(&room.view)
            }
            None => {
                room.farm = snapshot.farm;
                self.desk.pending.patch_farm(snapshot.publication, &mut room.farm);
                sight.with_farm(&room.farm)
            }
        }
    }

    /// The refresh periods of its registers, each once.
    pub(crate) fn refresh_periods(&self) -> impl Iterator<Item = u64> + '_ {
        let blocks: &[Refresh] = &self.layout.refresh;
        let is_first = |at: usize, period: u64| {
            blocks[..at].iter().all(|earlier| earlier.period_ticks != period)
        };
        blocks
            .iter()
            .enumerate()
            .filter(move |(at, block)| is_first(*at, block.period_ticks))
            .map(|(_, block)| block.period_ticks)
    }
}

/// Unit ids of the plant: the server itself, over TCP.
pub(crate) const PLANT_IDS: [u8; 2] = [0, MODBUS_PLANT_ID];

/// The devices behind one listening socket, by unit id.
#[derive(Debug)]
pub struct Gateway {
    devices: Vec<Option<Arc<Device>>>,
}

impl Gateway {
    /// Nobody answers yet.
    pub(crate) fn empty() -> Self {
        Self { devices: vec![None; usize::from(u8::MAX) + 1] }
    }

    /// The farm in its standard maps: unit id k is unit k up to 247, 0 and 255 are the plant.
    pub fn new(spec: &FarmSpec) -> Self {
        let mut layouts = Layouts::default();
        let mut gateway = Self::empty();
        for unit in spec.units.iter().take(usize::from(MODBUS_UNIT_ID_MAX)) {
            let layout = layouts.of(&unit.design);
            let device = Device::new(Some(unit.id), Part::Whole, &layout, &Arc::default());
            if let Some(id) = unit.id.modbus_unit_id() {
                gateway.put(id, &Arc::new(device));
            }
        }
        let plant = Arc::new(plant_layout(spec));
        let plant = Arc::new(Device::new(None, Part::Plant, &plant, &Arc::default()));
        PLANT_IDS.iter().for_each(|id| gateway.put(*id, &plant));
        gateway
    }

    /// Lets `device` answer to `unit_id`.
    pub(crate) fn put(&mut self, unit_id: u8, device: &Arc<Device>) {
        self.devices[usize::from(unit_id)] = Some(Arc::clone(device));
    }

    /// Who answers to `unit_id`; `None` for nobody.
    pub(crate) fn device(&self, unit_id: u8) -> Option<&Arc<Device>> {
        self.devices[usize::from(unit_id)].as_ref()
    }

    /// The device with the lowest unit id from 1 on.
    pub(crate) fn first(&self) -> Option<&Arc<Device>> {
        self.devices[1..].iter().flatten().next()
    }

    /// The unit behind every unit id but those of the plant, where there is one alone.
    pub(crate) fn only_unit(&self) -> Option<UnitId> {
        let mut units = self.devices().filter_map(|(_, device)| device.unit);
        let first = units.next()?;
        units.all(|unit| unit == first).then_some(first)
    }

    /// Every device, once for each unit id that it answers to.
    pub(crate) fn devices(&self) -> impl Iterator<Item = (u8, &Arc<Device>)> {
        (0..=u8::MAX).zip(&self.devices).filter_map(|(id, device)| Some((id, device.as_ref()?)))
    }

    /// Reads `count` holding registers from `address` on as `unit_id` shows them in `snapshot`; `None`
    /// where nobody answers or a register is in no map.
    pub fn read(
        &self,
        snapshot: &Snapshot,
        unit_id: u8,
        address: u16,
        count: u16,
    ) -> Option<Vec<u16>> {
        let device = self.device(unit_id)?;
        let mut words = Vec::with_capacity(usize::from(count));
        let sights = Sights::one(device.sight(snapshot));
        device.layout.read_into(&sights, Table::Holding, address, count, &mut words).ok()?;
        Some(words)
    }
}

/// Layouts of designs, each made once.
#[derive(Debug, Default)]
pub(crate) struct Layouts {
    known: Vec<(Arc<UnitDesign>, Arc<Layout>)>,
}

impl Layouts {
    /// The standard layout of this design.
    pub(crate) fn of(&mut self, design: &Arc<UnitDesign>) -> Arc<Layout> {
        let known = self.known.iter().find(|(known, _)| Arc::ptr_eq(known, design));
        if let Some((_, layout)) = known {
            return Arc::clone(layout);
        }
        let standard = MapSet::standard(Profile::Standard);
        let layout = Arc::new(unit_layout(design, Part::Whole, &standard));
        self.known.push((Arc::clone(design), Arc::clone(&layout)));
        layout
    }
}
