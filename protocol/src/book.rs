//! The points of every device for those who do not speak Modbus: listed with what they show, and checked
//! before they are forced.

use crate::device::Device;
use crate::map::encoding::Value;
use crate::map::layout::{Field, Sights};
use crate::map::{Layout, Table};
use bess_core::UnitId;
use bess_core::force::ForcedValue;
use bess_core::point::{PointBook, PointReading};
use bess_core::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::sync::Arc;

/// See the module. Made by [`Plan::points`](crate::plan::Plan::points).
#[derive(Debug, Default)]
pub struct MapBook {
    /// By unit; the plant comes first.
    devices: BTreeMap<Option<UnitId>, Vec<Arc<Device>>>,
}

/// A field that was found, with its place.
struct Found<'f> {
    table: Table,
    field: &'f Field,
    device: &'f Device,
}

impl MapBook {
    /// A book of these devices; one that shows the same layout of the same unit as another is left out.
    pub(crate) fn new<'d>(devices: impl Iterator<Item = &'d Arc<Device>>) -> Self {
        let mut book = Self::default();
        for device in devices {
            let of_unit = book.devices.entry(device.unit).or_default();
            let is_known = of_unit.iter().any(|known| {
                Arc::ptr_eq(&known.layout, &device.layout) && known.rack_idx == device.rack_idx
            });
            if !is_known {
                of_unit.push(Arc::clone(device));
            }
        }
        book
    }

    fn devices(&self, unit: Option<UnitId>) -> &[Arc<Device>] {
        self.devices.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// Every field of a device, table by table; those of the input table only where it differs.
    fn fields(&self, unit: Option<UnitId>) -> impl Iterator<Item = Found<'_>> {
        self.devices(unit).iter().flat_map(|device| {
            let shown = move |table: Table| table != Table::Input || !device.layout.mirrors_input();
            let tables = Table::ALL.iter().map(|(_, table)| *table).filter(move |t| shown(*t));
            tables.flat_map(move |table| {
                device.layout.fields_of(table).map(move |field| Found { table, field, device })
            })
        })
    }
}

fn read(found: &Found<'_>, snapshot: &Snapshot) -> Option<PointReading> {
    let Found { table, field, device } = found;
    let registers = field.codec.registers();
    let sights = Sights::with_forced(device.sight(snapshot));
    let mut words = Vec::with_capacity(usize::from(registers));
    let layout: &Layout = &device.layout;
    layout.read_into(&sights, *table, field.address, registers, &mut words).ok()?;
    let symbols = field.about.symbols.iter().map(|(name, value)| (name.to_owned(), value));
    Some(PointReading {
        map: field.about.map.clone().into_owned(),
        name: field.about.name.clone(),
        table: *table,
        address: field.address,
        registers,
        kind: field.codec.name().to_owned(),
        unit: field.about.unit.clone().into_owned(),
        access: if field.write.is_some() { "RW" } else { "R" },
        symbols: symbols.collect(),
        value: field.codec.decode(&words),
        text: field.codec.text(&words),
        range: field.codec.range(),
        forced: sights.forced_value(field).is_some(),
        is_bits: field.codec.is_bits(),
        words,
    })
}

/// Whether `point` names the field: by its name, or with its map by name or register.
fn is_named(found: &Found<'_>, point: &str) -> bool {
    let (field, about) = (found.field, &found.field.about);
    if about.name == point {
        return true;
    }
    let rest = point.strip_prefix(&*about.map).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|rest| rest == about.name || rest.parse() == Ok(field.address))
}

/// Why a value does not fit a field, in words for people.
fn misfit(field: &Field, value: &ForcedValue) -> Option<String> {
    let registers = usize::from(field.codec.registers());
    match value {
        ForcedValue::Words(words) if words.len() != registers => {
            Some(format!("it has {registers} words, got {}", words.len()))
        }
        ForcedValue::Words(_) => None,
        ForcedValue::Number(number) => {
            let mut words = vec![0; registers];
            field.codec.encode(Value::Number(*number), &mut words);
            let Some(back) = field.codec.decode(&words) else {
                return Some("it shows no number: give `words`".to_owned());
            };
            let step = field.codec.scale().abs();
            let slack = 0.5 * step + 1e-9 * number.abs();
            if (back - number).abs() <= slack || !step.is_finite() {
                return None;
            }
            let range = field.codec.range();
            Some(range.map_or_else(
                || format!("it cannot show {number}; the nearest is {back}"),
                |(min, max)| format!("it shows {min} to {max} in steps of {step}, got {number}"),
            ))
        }
    }
}

impl PointBook for MapBook {
    fn maps(&self, unit: Option<UnitId>) -> Vec<String> {
        let mut maps: Vec<String> = Vec::new();
        for found in self.fields(unit) {
            if !maps.iter().any(|known| *known == found.field.about.map) {
                maps.push(found.field.about.map.clone().into_owned());
            }
        }
        maps
    }

    fn points(
        &self,
        snapshot: &Snapshot,
        unit: Option<UnitId>,
        map: Option<&str>,
    ) -> Option<Vec<PointReading>> {
        let maps = self.maps(unit);
        let asked = |of: &str| map.is_none_or(|map| map == of);
        if maps.is_empty() || map.is_some_and(|map| !maps.iter().any(|known| known == map)) {
            return None;
        }
        let found = self.fields(unit).filter(|found| asked(&found.field.about.map));
        Some(found.filter_map(|found| read(&found, snapshot)).collect())
    }

    fn resolve(
        &self,
        _snapshot: &Snapshot,
        unit: Option<UnitId>,
        point: &str,
        value: &ForcedValue,
    ) -> Result<String, String> {
        let found = self.fields(unit).find(|found| is_named(found, point)).ok_or_else(|| {
            let maps = self.maps(unit).join(", ");
            format!("no point is called {point:?} in the maps {maps}; `points` lists them")
        })?;
        match misfit(found.field, value) {
            Some(why) => Err(why),
            None => Ok(format!("{}/{}", found.field.about.map, found.field.about.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Gateway;
    use crate::testing;
    use bess_core::force::ForcedPoint;

    fn book(snapshot: &Snapshot) -> MapBook {
        let gateway = Gateway::new(&snapshot.spec);
        MapBook::new(gateway.devices().map(|(_, device)| device))
    }

    const UNIT: u32 = 3;

    fn unit() -> Option<UnitId> {
        UnitId::from_number(UNIT)
    }

    #[test]
    fn the_points_of_a_unit_are_those_that_its_registers_show() {
        let snapshot = testing::snapshot();
        let book = book(&snapshot);
        assert_eq!(book.maps(unit()), ["compact", "sunspec"]);
        let points = book.points(&snapshot, unit(), Some("sunspec")).unwrap();
        let power = points.iter().find(|point| point.name == "701.W").unwrap();
        assert_eq!((power.value, power.forced, power.is_bits), (Some(1e6), false, false));
        let serial = points.iter().find(|point| point.name == "1.SN").unwrap();
        assert_eq!(serial.text.as_deref(), Some("unit-003"));
        assert!(points.iter().find(|point| point.name == "802.Evt1").unwrap().is_bits);
        assert!(book.points(&snapshot, unit(), Some("other")).is_none());
        assert!(book.points(&snapshot, UnitId::from_number(11), None).is_none());
    }

    #[test]
    fn a_point_is_found_by_name_by_map_and_by_register() {
        let snapshot = testing::snapshot();
        let book = book(&snapshot);
        let resolve = |point: &str, value| {
            book.resolve(&snapshot, unit(), point, &ForcedValue::Number(value))
        };
        let power = Ok("sunspec/701.W".to_owned());
        assert_eq!(resolve("701.W", 5e5), power);
        assert_eq!(resolve("sunspec/701.W", 5e5), power);
        assert_eq!(resolve("sunspec/40080", 5e5), power);
        assert!(resolve("701.Watt", 1.0).unwrap_err().contains("no point is called"));
        assert!(resolve("701.W", 1e9).unwrap_err().contains("in steps of 100"));
        assert!(resolve("1.SN", 1.0).unwrap_err().contains("give `words`"));
        let words = ForcedValue::Words(vec![1, 2]);
        let refusal = book.resolve(&snapshot, unit(), "701.W", &words).unwrap_err();
        assert!(refusal.contains("1 words, got 2"), "{refusal}");
    }

    #[test]
    fn a_forced_point_shows_what_it_is_forced_to_in_its_unit_alone() {
        let mut snapshot = testing::snapshot();
        let force =
            |point: &str, value| ForcedPoint { unit: unit(), point: point.to_owned(), value };
        snapshot.forced = Arc::new([
            force("sunspec/701.W", ForcedValue::Number(-3e5)),
            force("sunspec/802.Evt1", ForcedValue::Words(vec![0, 0x20])),
        ]);
        let gateway = Gateway::new(&snapshot.spec);
        let shown = |unit_id: u8, address| {
            let device = gateway.device(unit_id).unwrap();
            let mut words = Vec::new();
            let sights = Sights::with_forced(device.sight(&snapshot));
            device.layout.read_into(&sights, Table::Holding, address, 1, &mut words).unwrap();
            words[0] as i16
        };
        assert_eq!(shown(UNIT as u8, 40_080), -3_000);
        assert_eq!(shown(4, 40_080), 10_000);
        let points = book(&snapshot).points(&snapshot, unit(), Some("sunspec")).unwrap();
        let forced: Vec<_> = points.iter().filter(|point| point.forced).collect();
        assert_eq!(forced.len(), 2);
        assert_eq!(forced[1].words, [0, 0x20]);
    }
}
