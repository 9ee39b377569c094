//! The image of a whole unit, register by register: values by the name of their point go through the same
//! placing and encoding as those of a farm.

use super::super::spot::{Spot, Stop, place};
use super::super::*;
use crate::map::desk::Desk;
use crate::map::encoding::Value;
use crate::map::layout::Layout;
use crate::map::source::{OwnSource, Sight};
use crate::testing;
use serde_json::Value as Json;
use std::collections::BTreeMap;

const GOLDEN: &str = include_str!("../../../../tests/data/golden-unit.json");

/// A value of the image.
#[derive(Debug)]
struct Injected(Value<'static>);

impl Injected {
    fn new(value: &Json) -> Self {
        Self(match value {
            // A source shows what lives as long as the snapshot.
            Json::String(text) => Value::Text(text.clone().leak()),
            number => Value::Number(number.as_f64().unwrap()),
        })
    }
}

impl OwnSource for Injected {
    fn value<'s>(&self, _: Sight<'s>) -> Value<'s> {
        self.0
    }
}

#[test]
fn the_golden_values_encode_to_the_golden_registers() {
    let golden: Json = serde_json::from_str(GOLDEN).unwrap();
    let registers: Vec<u16> = serde_json::from_value(golden["registers"].clone()).unwrap();
    let values: BTreeMap<String, Json> = serde_json::from_value(golden["values"].clone()).unwrap();
    let ids: Vec<u16> = {
        let (mut at, mut ids) = (2, Vec::new());
        while registers[at] != 0xFFFF {
            ids.push(registers[at]);
            at += 2 + usize::from(registers[at + 1]);
        }
        ids
    };
    assert_eq!(ids, [1, 701, 702, 703, 704, 713, 714, 715, 802, 803, 203]);
    let model = |id: &u16| super::all_links().find(|link| link.model.id == *id).unwrap().model;
    let stop = |id| Stop { model: model(id), place: Place::default(), filling: *id };
    let stops: Vec<_> = ids.iter().map(stop).collect();
    let (spots, end) = place(&stops, &|_, group| if group.name == "string" { 2 } else { 1 });
    let mut used = 0;
    let mut field = |spot: &Spot<u16>| {
        let value = values.get(&spot.name).map(|value| Injected::new(&value["value"]));
        used += usize::from(value.is_some());
        let scale = values.get(&format!("{}.{}", spot.filling, spot.point.sf));
        let exponent = scale.map_or(0, |scale| scale["value"].as_i64().unwrap());
        let injected = |value| Source::Own(Arc::new(value));
        let mut field = Field::constant("sunspec", &spot.name, spot.address, 0);
        field.codec = Codec::plain(spot.point.encoding, exponent as i8);
        field.source =
            spot.shape.map_or_else(|| value.map_or(Source::Missing, injected), Source::Raw);
        field
    };
    let fields = spots.iter().map(&mut field).collect();
    let layout = Layout::new(marked(fields, end));
    assert_eq!(used, values.len(), "every value has its point");
    let (snapshot, desk) = (testing::snapshot(), Desk::default());
    let sight = Sight::new(&snapshot, None, &desk);
    assert_eq!(registers.len(), 691);
    let shown = layout.read(sight, BASE, 691).unwrap();
    for (at, (ours, theirs)) in shown.iter().zip(&registers).enumerate() {
        let address = BASE + at as u16;
        let at_most = |spot: &&Spot<u16>| spot.address <= address;
        let name = spots.iter().rev().find(at_most).map(|spot| &*spot.name);
        assert_eq!(ours, theirs, "register {address}, {name:?}");
    }
}
