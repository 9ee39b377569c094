//! Who answers where: the devices of a farm, laid out over the listeners of a configuration.
//!
//! Devices of a unit come in the order of its parts and then its racks. Behind a gateway unit id k is the
//! first part of unit k; further parts and racks follow in blocks as large as the number of units, so that
//! unit ids of one kind are dense. Where 247 ids do not do, the next units are behind the next port.

use crate::access::ListenerConfig;
use crate::book::MapBook;
use crate::config::{ListenerSpec, MapKind, MapSet, ModbusConfig, Mode};
use crate::device::{Device, Gateway, PLANT_IDS};
use crate::map::desk::Pending;
use crate::map::layout::Refresh;
use crate::map::user::MapFile;
use crate::map::{Layout, Profile, Table, plant_layout, unit_layout};
use crate::server::{Reach, Socket};
use crate::tls::ServerConfig;
use bess_core::device::{DeviceAddress, Part};
use bess_core::id::{MODBUS_PLANT_ID, MODBUS_UNIT_ID_MAX};
use bess_core::spec::{FarmSpec, UnitDesign, UnitSpec};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Where a process listens unless its configuration says otherwise.
#[derive(Clone, Debug)]
pub struct Place {
    /// Address to bind.
    pub bind: IpAddr,
    /// First port of the first listener.
    pub port: u16,
    /// Ports that are taken by others.
    pub reserved: Vec<u16>,
}

/// The sockets to bind, and who answers behind each.
#[derive(Debug)]
pub struct Plan {
    sockets: Vec<Planned>,
}

/// A socket to bind.
#[derive(Debug)]
struct Planned {
    address: SocketAddr,
    config: Arc<ListenerConfig>,
    tls: Option<Arc<ServerConfig>>,
    reach: Reach,
    /// Who answers, as the address book tells; its host and port are those of the socket unless it has
    /// addresses of its own.
    book: Vec<DeviceAddress>,
}

/// Ports from which outgoing connections are made: nothing should listen there (Linux's default).
const EPHEMERAL: RangeInclusive<u32> = 32_768..=60_999;
const PORT_MAX: u32 = 65_535;

/// A configuration that does not fit the farm or the machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("listener \"{listener}\": {what}\nhint: {hint}")]
pub struct Misfit {
    /// Name of the listener.
    pub listener: String,
    /// What does not fit.
    pub what: String,
    /// How to mend it.
    pub hint: String,
}

impl Plan {
    /// Lays `config` out over the farm.
    ///
    /// # Errors
    /// What does not fit: more devices than addresses, ports beyond the last one.
    pub fn new(spec: &FarmSpec, config: &ModbusConfig, place: &Place) -> Result<Self, Misfit> {
        let mut builder = Builder::new(spec, config, place);
        for (index, listener) in config.listeners.iter().enumerate() {
            builder.listener(listener, index == 0)?;
        }
        Ok(Self { sockets: builder.sockets })
    }

    /// The points of every device.
    pub fn points(&self) -> MapBook {
        let gateways = self.sockets.iter().flat_map(|socket| socket.reach.gateways());
        MapBook::new(gateways.flat_map(|gateway| gateway.devices()).map(|(_, device)| device))
    }

    /// The gateway of the first socket.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn first_gateway(&self) -> Option<Arc<Gateway>> {
        self.sockets.first()?.reach.gateways().first().cloned()
    }

    /// Binds every socket.
    ///
    /// # Errors
    /// For each that cannot be bound its address, its listener and the reason.
    pub async fn bind(self) -> Result<(Vec<Socket>, Vec<DeviceAddress>), Vec<Unbound>> {
        let (mut sockets, mut book, mut unbound) = (Vec::new(), Vec::new(), Vec::new());
        for planned in self.sockets {
            let bound = TcpListener::bind(planned.address).await;
            let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
            match bound {
                Ok((local, listener)) => {
                    book.extend(planned.book.into_iter().map(|entry| {
                        let host =
                            if entry.host.is_unspecified() { local.ip() } else { entry.host };
                        DeviceAddress { host, port: local.port(), ..entry }
                    }));
                    let Planned { config, tls, reach, .. } = planned;
                    sockets.push(Socket { listener, config, reach, tls });
                }
                Err(error) => unbound.push(Unbound {
                    address: planned.address,
                    listener: planned.config.name.clone(),
                    error,
                }),
            }
        }
        if unbound.is_empty() { Ok((sockets, book)) } else { Err(unbound) }
    }
}

/// A socket that could not be bound.
#[derive(Debug)]
pub struct Unbound {
    /// Where.
    pub address: SocketAddr,
    /// Name of its listener.
    pub listener: String,
    /// Why.
    pub error: std::io::Error,
}

/// One device to be, of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Part(Part),
    Rack(usize),
}

struct Builder<'b> {
    spec: &'b FarmSpec,
    config: &'b ModbusConfig,
    place: &'b Place,
    sockets: Vec<Planned>,
    /// By unit, and at the end of the plant.
    pending: Vec<Arc<Pending>>,
    /// Layouts by design, part and maps; each is made once.
    layouts: BTreeMap<(usize, usize, String), Arc<Layout>>,
    /// Devices by unit, slot and maps: listeners with the same share their desks.
    devices: BTreeMap<(usize, String), Arc<Device>>,
    next_port: u32,
}

impl<'b> Builder<'b> {
    fn new(spec: &'b FarmSpec, config: &'b ModbusConfig, place: &'b Place) -> Self {
        Self {
            spec,
            config,
            place,
            sockets: Vec::new(),
            pending: (0..=spec.units.len()).map(|_| Arc::default()).collect(),
            layouts: BTreeMap::new(),
            devices: BTreeMap::new(),
            next_port: 0,
        }
    }

    /// The slots of a unit behind this listener.
    fn slots(&self, listener: &ListenerSpec, unit: &UnitSpec) -> Vec<Slot> {
        let shown = |part: Part| listener.parts.is_empty() || listener.parts.contains(&part);
        let parts = self.config.parts.iter().copied().filter(|part| shown(*part));
        let racks = if self.config.racks && shown(Part::Rack) { unit.design.n_racks } else { 0 };
        parts.map(Slot::Part).chain((0..racks).map(Slot::Rack)).collect()
    }

    /// The maps of a unit behind this listener.
    fn maps(&self, listener: &ListenerSpec, unit: &UnitSpec) -> Arc<MapSet> {
        Arc::clone(listener.maps.as_ref().unwrap_or_else(|| self.config.maps_of(unit.id)))
    }

    fn device(&mut self, unit: &UnitSpec, slot: Slot, maps: &Arc<MapSet>) -> Arc<Device> {
        let key = (unit.id.idx(), format!("{slot:?} {maps:?}"));
        if let Some(known) = self.devices.get(&key) {
            return Arc::clone(known);
        }
        let layout = self.layout(&unit.design, slot, maps);
        let (part, rack_idx) = match slot {
            Slot::Part(part) => (part, None),
            Slot::Rack(rack_idx) => (Part::Rack, Some(rack_idx)),
        };
        let pending = &self.pending[unit.id.idx()];
        let device = Device::new(Some(unit.id), part, &layout, pending).of_rack(rack_idx);
        let device = Arc::new(device);
        self.devices.insert(key, Arc::clone(&device));
        device
    }

    fn layout(&mut self, design: &Arc<UnitDesign>, slot: Slot, maps: &Arc<MapSet>) -> Arc<Layout> {
        let part = match slot {
            Slot::Part(part) => part,
            Slot::Rack(_) => Part::Rack,
        };
        let key = (Arc::as_ptr(design) as usize, part as usize, format!("{maps:?}"));
        if let Some(known) = self.layouts.get(&key) {
            return Arc::clone(known);
        }
        let mut layout = unit_layout(design, part, maps);
        let is_standard = matches!(maps.kind, MapKind::Standard { .. });
        if is_standard {
            layout.refresh.extend(self.config.refresh.iter().flat_map(|rule| {
                [Table::Holding, Table::Input].map(|table| Refresh {
                    table,
                    from: rule.from,
                    to: rule.to,
                    period_ticks: rule.period_ticks,
                })
            }));
        }
        let layout = Arc::new(layout);
        self.layouts.insert(key, Arc::clone(&layout));
        layout
    }

    fn plant(&mut self) -> Arc<Device> {
        let key = (self.spec.units.len(), String::new());
        if let Some(known) = self.devices.get(&key) {
            return Arc::clone(known);
        }
        let of_file = self.config.plant_maps.as_ref().and_then(|maps| maps.file());
        let layout = match of_file {
            Some(map) => {
                map.layout_of_plant(self.spec).expect("the map was checked against the farm")
            }
            None => plant_layout(self.spec),
        };
        let pending = &self.pending[self.spec.units.len()];
        let plant = Arc::new(Device::new(None, Part::Plant, &Arc::new(layout), pending));
        self.devices.insert(key, Arc::clone(&plant));
        plant
    }

    fn plant_map_names(&self) -> Vec<String> {
        let standard = || MapSet::standard(Profile::default()).names;
        self.config.plant_maps.as_ref().map_or_else(standard, |maps| maps.names.clone())
    }

    fn listener(&mut self, listener: &ListenerSpec, is_first: bool) -> Result<(), Misfit> {
        let port = match listener.port {
            Some(port) => port,
            None if is_first => self.place.port,
            None => {
                return Err(misfit(
                    listener,
                    "it needs a port: only the first listener has one by itself".to_owned(),
                    "write `port = 5021`, or `port = 0` for any free one",
                ));
            }
        };
        self.next_port = u32::from(port);
        let units = self
            .spec
            .units
            .iter()
            .filter(|unit| (listener.units.0..=listener.units.1).contains(&unit.id.number()));
        let units: Vec<&UnitSpec> = units.collect();
        let config = Arc::new(listener.config.clone());
        match listener.mode {
            Mode::Gateway => self.gateway(listener, &config, &units),
            Mode::Ports => self.ports(listener, &config, &units),
            Mode::Ip => self.addresses(listener, &config, &units),
        }
    }

    /// Adds a socket at the next port.
    fn socket(
        &mut self,
        listener: &ListenerSpec,
        config: &Arc<ListenerConfig>,
        reach: Reach,
        book: Vec<DeviceAddress>,
    ) -> Result<(), Misfit> {
        let port = self.take_port(listener)?;
        let bind = listener.bind.unwrap_or(self.place.bind);
        let bind = match (&reach, listener.first_address) {
            // Whoever tells units by the address that was called must listen on all of them.
            (Reach::ByAddress { .. }, IpAddr::V4(_)) => Ipv4Addr::UNSPECIFIED.into(),
            (Reach::ByAddress { .. }, IpAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
            _ => bind,
        };
        let address = SocketAddr::new(bind, port);
        let (config, tls) = (Arc::clone(config), listener.tls.clone());
        self.sockets.push(Planned { address, config, tls, reach, book });
        Ok(())
    }

    fn take_port(&mut self, listener: &ListenerSpec) -> Result<u16, Misfit> {
        if self.next_port == 0 {
            return Ok(0);
        }
        let wanted = u32::from(listener.port.unwrap_or(self.place.port));
        let is_taken = |port: u32| {
            let by_others = self.place.reserved.iter().any(|taken| u32::from(*taken) == port);
            let by_us = self.sockets.iter().any(|s| u32::from(s.address.port()) == port);
            // The port that was asked for by name is tried in any case.
            port != wanted && (by_others || by_us || EPHEMERAL.contains(&port))
        };
        let port = (self.next_port..=PORT_MAX).find(|port| !is_taken(*port)).ok_or_else(|| {
            misfit(
                listener,
                format!("from port {wanted} on there are not enough free ports for its devices"),
                "begin lower, show fewer `units`, or choose mode \"gateway\" or \"ip\"",
            )
        })?;
        self.next_port = port + 1;
        Ok(port as u16)
    }

    fn entry(
        &self,
        listener: &ListenerSpec,
        device: &Device,
        unit_id: Option<u8>,
        maps: &[String],
    ) -> DeviceAddress {
        DeviceAddress {
            unit: device.unit,
            rack: device.rack_idx.map(|rack_idx| rack_idx as u32 + 1),
            part: device.part,
            listener: listener.config.name.clone(),
            host: Ipv4Addr::UNSPECIFIED.into(),
            port: 0,
            unit_id,
            is_tls: listener.tls.is_some(),
            role: listener.config.role,
            maps: maps.to_vec(),
        }
    }

    /// Lets the plant answer behind `gateway`, if the listener shows it.
    fn add_plant(
        &mut self,
        listener: &ListenerSpec,
        gateway: &mut Gateway,
        book: &mut Vec<DeviceAddress>,
    ) {
        if listener.plant {
            let plant = self.plant();
            PLANT_IDS.iter().for_each(|id| gateway.put(*id, &plant));
            let names = self.plant_map_names();
            book.push(self.entry(listener, &plant, Some(MODBUS_PLANT_ID), &names));
        }
    }

    fn gateway(
        &mut self,
        listener: &ListenerSpec,
        config: &Arc<ListenerConfig>,
        units: &[&UnitSpec],
    ) -> Result<(), Misfit> {
        let slots = |unit: &&UnitSpec| self.slots(listener, unit).len();
        let n_slots = units.iter().map(slots).max().unwrap_or(0).max(1);
        let most = usize::from(MODBUS_UNIT_ID_MAX) / n_slots;
        if most == 0 {
            return Err(misfit(
                listener,
                format!("a unit has {n_slots} devices, more than there are unit ids"),
                "choose mode \"ip\" or \"ports\", or fewer `devices`",
            ));
        }
        // Also where there are no units the plant answers.
        let groups = units.chunks(most.min(units.len()).max(1));
        let groups: Vec<_> = if units.is_empty() { vec![&[][..]] } else { groups.collect() };
        for group in groups {
            let (mut gateway, mut book) = (Gateway::empty(), Vec::new());
            self.add_plant(listener, &mut gateway, &mut book);
            for (at, unit) in group.iter().enumerate() {
                let maps = self.maps(listener, unit);
                for (slot_at, slot) in self.slots(listener, unit).into_iter().enumerate() {
                    let device = self.device(unit, slot, &maps);
                    // At most 247 by the number of units in a group.
                    let unit_id = (slot_at * group.len().max(1) + at + 1) as u8;
                    gateway.put(unit_id, &device);
                    book.push(self.entry(listener, &device, Some(unit_id), &maps.names));
                }
            }
            for unit in group {
                self.also(listener, unit, &mut gateway, &mut book)?;
            }
            self.socket(listener, config, Reach::Gateway(Arc::new(gateway)), book)?;
        }
        Ok(())
    }

    /// Further unit ids of a unit, as the configuration and its map say.
    fn also(
        &mut self,
        listener: &ListenerSpec,
        unit: &UnitSpec,
        gateway: &mut Gateway,
        book: &mut Vec<DeviceAddress>,
    ) -> Result<(), Misfit> {
        let slot = self.first_slot();
        let exceptions = self.config.exceptions.iter();
        let also = exceptions.filter(|e| e.is_for(unit.id)).flat_map(|e| e.also.clone());
        for (unit_id, maps) in also.collect::<Vec<_>>() {
            let device = self.device(unit, slot, &maps);
            self.put_also(listener, unit, (unit_id, &device, &maps.names), gateway, book)?;
        }
        let maps = self.maps(listener, unit);
        for other in maps.file().map_or(&[][..], MapFile::also) {
            let key = (unit.id.idx(), format!("{maps:?} {}", other.name));
            let device = match self.devices.get(&key) {
                Some(known) => Arc::clone(known),
                None => {
                    let layout = other.layout(&unit.design).expect("the map was checked");
                    let pending = &self.pending[unit.id.idx()];
                    let device =
                        Device::new(Some(unit.id), Part::Whole, &Arc::new(layout), pending);
                    let device = Arc::new(device);
                    self.devices.insert(key, Arc::clone(&device));
                    device
                }
            };
            let names = [other.name.clone()];
            for unit_id in &other.ids {
                self.put_also(listener, unit, (*unit_id, &device, &names), gateway, book)?;
            }
        }
        Ok(())
    }

    fn put_also(
        &self,
        listener: &ListenerSpec,
        unit: &UnitSpec,
        (unit_id, device, maps): (u8, &Arc<Device>, &[String]),
        gateway: &mut Gateway,
        book: &mut Vec<DeviceAddress>,
    ) -> Result<(), Misfit> {
        let taken = gateway.device(unit_id).filter(|taken| taken.unit != Some(unit.id));
        if taken.is_some() && listener.mode == Mode::Gateway {
            return Err(misfit(
                listener,
                format!("unit id {unit_id} of \"{}\" is taken by another device", unit.name),
                "choose a free `unit_id`, or mode \"ports\" or \"ip\"",
            ));
        }
        gateway.put(unit_id, device);
        book.push(self.entry(listener, device, Some(unit_id), maps));
        Ok(())
    }

    /// The device that stands for a unit where there are several.
    fn first_slot(&self) -> Slot {
        Slot::Part(self.config.parts.first().copied().unwrap_or(Part::Whole))
    }

    fn ports(
        &mut self,
        listener: &ListenerSpec,
        config: &Arc<ListenerConfig>,
        units: &[&UnitSpec],
    ) -> Result<(), Misfit> {
        if listener.plant {
            let (mut gateway, mut book) = (Gateway::empty(), Vec::new());
            let plant = self.plant();
            (0..=u8::MAX).for_each(|id| gateway.put(id, &plant));
            let names = self.plant_map_names();
            book.push(self.entry(listener, &plant, None, &names));
            self.socket(listener, config, Reach::Gateway(Arc::new(gateway)), book)?;
        }
        for unit in units {
            let maps = self.maps(listener, unit);
            for slot in self.slots(listener, unit) {
                let device = self.device(unit, slot, &maps);
                let (mut gateway, mut book) = (Gateway::empty(), Vec::new());
                let ids = maps.file().map_or(&[][..], MapFile::ids);
                if ids.is_empty() {
                    (0..=u8::MAX).for_each(|id| gateway.put(id, &device));
                    book.push(self.entry(listener, &device, None, &maps.names));
                }
                for id in ids {
                    gateway.put(*id, &device);
                    book.push(self.entry(listener, &device, Some(*id), &maps.names));
                }
                if slot == self.first_slot() {
                    self.also(listener, unit, &mut gateway, &mut book)?;
                }
                // A port of its own has a device's own limit of clients.
                let own = maps.file().and_then(MapFile::max_clients).map(|most| {
                    let most = most.min(config.max_connections);
                    Arc::new(ListenerConfig { max_connections: most, ..(**config).clone() })
                });
                let config = own.as_ref().unwrap_or(config);
                self.socket(listener, config, Reach::Gateway(Arc::new(gateway)), book)?;
            }
        }
        Ok(())
    }

    fn addresses(
        &mut self,
        listener: &ListenerSpec,
        config: &Arc<ListenerConfig>,
        units: &[&UnitSpec],
    ) -> Result<(), Misfit> {
        let (mut gateways, mut book) = (Vec::new(), Vec::new());
        let first = listener.first_address;
        let before = if listener.plant {
            let mut gateway = Gateway::empty();
            let plant = self.plant();
            (0..=u8::MAX).for_each(|id| gateway.put(id, &plant));
            gateways.push(Arc::new(gateway));
            let host = neighbour(first, -1).ok_or_else(|| {
                let hint = "choose a `first_address` above it, or `plant = false`";
                misfit(listener, format!("no address is before {first} for the plant"), hint)
            })?;
            let names = self.plant_map_names();
            book.push(DeviceAddress { host, ..self.entry(listener, &plant, None, &names) });
            host
        } else {
            first
        };
        for (at, unit) in units.iter().enumerate() {
            let host = neighbour(first, at as i64).ok_or_else(|| {
                let what = format!("{} units from {first} on pass the last address", units.len());
                misfit(listener, what, "choose a lower `first_address`")
            })?;
            let maps = self.maps(listener, unit);
            let (mut gateway, mut own) = (Gateway::empty(), Vec::new());
            for (slot_at, slot) in self.slots(listener, unit).into_iter().enumerate() {
                let device = self.device(unit, slot, &maps);
                let unit_id = u8::try_from(slot_at + 1).ok().filter(|id| *id <= MODBUS_UNIT_ID_MAX);
                let unit_id = unit_id.ok_or_else(|| {
                    let what = "a unit has more devices than there are unit ids".to_owned();
                    misfit(listener, what, "choose mode \"ports\", or fewer `devices`")
                })?;
                // The address is the first device's own: it answers as the server, too.
                if slot_at == 0 {
                    PLANT_IDS.iter().for_each(|id| gateway.put(*id, &device));
                }
                let ids = maps.file().map_or(&[][..], MapFile::ids);
                let ids = if slot_at == 0 && !ids.is_empty() { ids } else { &[unit_id][..] };
                for id in ids {
                    gateway.put(*id, &device);
                    own.push(self.entry(listener, &device, Some(*id), &maps.names));
                }
            }
            self.also(listener, unit, &mut gateway, &mut own)?;
            book.extend(own.into_iter().map(|entry| DeviceAddress { host, ..entry }));
            gateways.push(Arc::new(gateway));
        }
        let reach = Reach::ByAddress { first: before, gateways: gateways.into() };
        self.socket(listener, config, reach, book)
    }
}

fn misfit(listener: &ListenerSpec, what: String, hint: &str) -> Misfit {
    Misfit { listener: listener.config.name.clone(), what, hint: hint.to_owned() }
}

/// The address `by` after this one.
fn neighbour(address: IpAddr, by: i64) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(v4) => {
            let number = u32::try_from(i64::from(u32::from(v4)) + by).ok()?;
            Ipv4Addr::from(number).into()
        }
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6).checked_add_signed(by.into())?).into(),
    })
}

#[cfg(test)]
mod tests;
