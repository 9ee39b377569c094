//! A point book for tests: two small maps of every unit and one of the plant.

use bess_core::force::{ForcedPoint, ForcedValue};
use bess_core::id::UnitId;
use bess_core::point::{PointBook, PointReading, Table};
use bess_core::snapshot::Snapshot;

/// Units have `main` (power, alarms, name) and `extra` (a coil); the plant has `main`.
#[derive(Debug)]
pub(crate) struct FakePoints;

/// Words of an integer of two registers.
fn words(value: f64) -> Vec<u16> {
    let value = value as i32 as u32;
    vec![(value >> 16) as u16, value as u16]
}

impl FakePoints {
    fn all(snapshot: &Snapshot, unit: Option<UnitId>) -> Vec<PointReading> {
        let power = match unit {
            Some(unit) => snapshot.units[unit.idx()].ac.active_power.0,
            None => snapshot.farm.active_power.0,
        };
        let of = |map: &str, name: &str, address, registers, kind: &str| PointReading {
            map: map.to_owned(),
            name: name.to_owned(),
            address,
            registers,
            kind: kind.to_owned(),
            access: "R",
            ..PointReading::default()
        };
        let mut all = vec![PointReading {
            unit: "W".to_owned(),
            access: "RW",
            words: words(power),
            value: Some(power),
            range: Some((-2_147_483_647.0, 2_147_483_647.0)),
            ..of("main", "ac[0].W", 12, 2, "int32")
        }];
        if unit.is_some() {
            let symbols = [("HOT", 0), ("COLD", 17)].map(|(name, bit)| (name.to_owned(), bit));
            all.push(PointReading {
                is_bits: true,
                value: Some(0.0),
                range: Some((0.0, 4_294_967_295.0)),
                symbols: symbols.into(),
                words: vec![0, 0],
                ..of("main", "alarms", 14, 2, "bitfield32")
            });
            all.push(PointReading {
                text: Some("unit".to_owned()),
                words: vec![0x756E, 0x6974],
                ..of("main", "name", 16, 2, "string")
            });
            all.push(PointReading {
                table: Table::Coil,
                access: "RW",
                value: Some(1.0),
                words: vec![1],
                range: Some((0.0, 1.0)),
                ..of("extra", "run", 0, 1, "bool")
            });
        }
        for forced in ForcedPoint::of(&snapshot.forced, unit) {
            let point = all
                .iter_mut()
                .find(|point| format!("{}/{}", point.map, point.name) == forced.point);
            if let Some(point) = point {
                point.forced = true;
                match &forced.value {
                    ForcedValue::Number(value) => {
                        point.value = Some(*value);
                        point.words = words(*value);
                    }
                    ForcedValue::Words(words) => {
                        point.value = None;
                        point.words.clone_from(words);
                    }
                }
            }
        }
        all
    }
}

impl PointBook for FakePoints {
    fn maps(&self, unit: Option<UnitId>) -> Vec<String> {
        let maps: &[&str] = if unit.is_some() { &["main", "extra"] } else { &["main"] };
        maps.iter().map(ToString::to_string).collect()
    }

    fn points(
        &self,
        snapshot: &Snapshot,
        unit: Option<UnitId>,
        map: Option<&str>,
    ) -> Option<Vec<PointReading>> {
        if map.is_some_and(|map| !self.maps(unit).iter().any(|known| known == map)) {
            return None;
        }
        let mut all = Self::all(snapshot, unit);
        all.retain(|point| map.is_none_or(|map| point.map == map));
        Some(all)
    }

    fn resolve(
        &self,
        snapshot: &Snapshot,
        unit: Option<UnitId>,
        point: &str,
        value: &ForcedValue,
    ) -> Result<String, String> {
        let is_it = |found: &&PointReading| {
            let PointReading { map, name, address, .. } = found;
            point == name || point == format!("{map}/{name}") || point == format!("{map}/{address}")
        };
        let all = Self::all(snapshot, unit);
        let found = all.iter().find(is_it).ok_or_else(|| format!("there is no point {point:?}"))?;
        let fits = match (value, found.range) {
            (ForcedValue::Number(value), Some((min, max))) => (min..=max).contains(value),
            (ForcedValue::Number(_), None) => false,
            (ForcedValue::Words(words), _) => words.len() == usize::from(found.registers),
        };
        if fits {
            return Ok(format!("{}/{}", found.map, found.name));
        }
        let range = found.range.map(|(min, max)| format!("a value from {min} to {max} or "));
        Err(format!("{point} takes {}{} words", range.unwrap_or_default(), found.registers))
    }
}
