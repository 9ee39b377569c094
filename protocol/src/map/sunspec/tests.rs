//! The tables against the published definitions, the encoder against the golden unit, and the chain.

use super::table::{Model, Point};
use super::*;
use crate::map::Table;
use crate::map::compact;
use crate::map::desk::Desk;
use crate::map::encoding::{Encoding, Value};
use crate::map::layout::Layout;
use crate::map::source::Sight;
use crate::testing;
use bess_core::UnitId;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The reference files, where they are: they do not come with the repository.
fn reference(path: &str) -> Option<String> {
    let shared = std::env::var_os("BESS_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
        PathBuf::from,
    );
    let file = shared.join("reference/sunspec").join(path);
    let text = std::fs::read_to_string(&file).ok();
    if text.is_none() {
        #[allow(clippy::print_stderr)] // A skipped test must say so.
        {
            eprintln!("skipped: no {}", file.display());
        }
    }
    text
}

fn describe(point: &Point) -> String {
    let Point { name, offset, encoding, sf, unit, is_writable, is_mandatory, symbols } = point;
    let (kind, size) = (encoding.name(), encoding.registers());
    format!("{name} {offset} {kind} {size} {sf} {unit} {is_writable} {is_mandatory} {symbols:?}")
}

fn describe_json(point: &Json, prefix: &str, offset: u64) -> String {
    let text = |key: &str| point[key].as_str().unwrap_or_default();
    let symbols: Vec<_> = point["symbols"].as_array().map_or(vec![], |symbols| {
        let pair = |s: &Json| {
            let name = s["name"].as_str().unwrap().to_owned();
            (name, s["value"].as_u64().unwrap() as u32)
        };
        symbols.iter().map(pair).collect()
    });
    let kind = match text("type") {
        "count" => "uint16",
        kind => kind,
    };
    let (is_writable, is_mandatory) = (text("access") == "RW", text("mandatory") == "M");
    format!(
        "{prefix}{} {offset} {kind} {} {} {} {is_writable} {is_mandatory} {symbols:?}",
        text("name"),
        point["size"],
        text("sf"),
        text("units"),
    )
}

/// The points of a group as lines, and the offset after them.
fn lines(group: &Json, prefix: &str, mut offset: u64) -> (Vec<String>, u64) {
    let mut lines = Vec::new();
    for point in group["points"].as_array().unwrap() {
        lines.push(describe_json(point, prefix, offset));
        offset += point["size"].as_u64().unwrap();
    }
    (lines, offset)
}

#[test]
fn the_tables_are_those_of_the_published_models() {
    for link in CHAIN {
        let Model { id, length, points, group, group_length, group_points } = link.model;
        let Some(text) = reference(&format!("models/model_{id}.json")) else {
            return;
        };
        let json: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(json["id"], *id);
        let (mut fixed, mut offset) = lines(&json["group"], "", 0);
        let mut repeated = (String::new(), vec![], 0);
        for inner in json["group"]["groups"].as_array().unwrap_or(&vec![]) {
            let name = inner["name"].as_str().unwrap();
            if inner["count"].is_null() {
                let (more, end) = lines(inner, &format!("{name}."), offset);
                fixed.extend(more);
                offset = end;
            } else {
                let (points, end) = lines(inner, "", 0);
                repeated = (name.to_owned(), points, end);
            }
        }
        let ours: Vec<_> = points.iter().map(describe).collect();
        let ours_repeated: Vec<_> = group_points.iter().map(describe).collect();
        assert_eq!(ours, fixed, "model {id}");
        assert_eq!((u64::from(*length), *group), (offset, &repeated.0[..]), "model {id}");
        assert_eq!((ours_repeated, u64::from(*group_length)), (repeated.1, repeated.2));
    }
}

/// Registers of a model with these values by point name; `strings` repetitions of its group.
fn encode_model(model: &Model, strings: u16, values: &BTreeMap<String, Json>) -> Vec<u16> {
    let n = usize::from(model.length + strings * model.group_length);
    let mut words = vec![0; n];
    let of = |name: &str| values.get(&format!("{}.{name}", model.id));
    let mut put = |point: &Point, name: &str, start: u16| {
        let text;
        let raw = |json: &Json| json["value"].as_f64().unwrap();
        let value = match (point.name, of(name)) {
            ("ID", _) => Value::Raw(i64::from(model.id)),
            ("L", _) => Value::Raw(n as i64 - 2),
            (_, None) => Value::Missing,
            (_, Some(json)) if json["value"].is_string() => {
                text = json["value"].as_str().unwrap().to_owned();
                Value::Text(&text)
            }
            (_, Some(json)) => Value::Number(raw(json)),
        };
        let exponent = of(point.sf).map_or(0, |json| raw(json) as i8);
        let at = usize::from(start + point.offset);
        let end = at + usize::from(point.encoding.registers());
        point.encoding.encode(value, exponent, &mut words[at..end]);
    };
    for point in model.points {
        put(point, point.name, 0);
    }
    for string in 0..strings {
        for point in model.group_points {
            let name = format!("{}[{}].{}", model.group, string + 1, point.name);
            put(point, &name, model.length + string * model.group_length);
        }
    }
    words
}

#[test]
fn the_golden_values_encode_to_the_golden_registers() {
    let Some(text) = reference("golden-unit.json") else {
        return;
    };
    let golden: Json = serde_json::from_str(&text).unwrap();
    let registers = golden["registers"].as_array().unwrap().iter();
    let registers: Vec<u16> = registers.map(|w| w.as_u64().unwrap() as u16).collect();
    let values = serde_json::from_value(golden["values"].clone()).unwrap();
    let (mut at, mut checked) = (2, 0);
    while registers[at] != 0xFFFF {
        let (id, end) = (registers[at], at + 2 + usize::from(registers[at + 1]));
        // Models that a unit does not have yet are skipped by their length.
        if let Some(link) = CHAIN.iter().find(|link| link.model.id == id) {
            let strings = if id == 803 { 2 } else { 0 };
            let words = encode_model(link.model, strings, &values);
            assert_eq!(words, registers[at..end], "model {id}");
            checked += 1;
        }
        at = end;
    }
    assert_eq!(checked, CHAIN.len());
}

fn layout_of_unit_1() -> (bess_core::snapshot::Snapshot, Layout) {
    let snapshot = testing::snapshot();
    let fields = unit_chain(&snapshot.spec.units[0].design);
    (snapshot, Layout::new(fields))
}

#[test]
fn every_row_binds_a_point_of_its_model() {
    for link in CHAIN.iter().chain(PLANT_CHAIN) {
        let has = |points: &[Point], row: &Row| points.iter().any(|p| p.name == row.point);
        for row in link.rows {
            assert!(has(link.model.points, row), "{} {}", link.model.id, row.point);
        }
        for row in link.group_rows {
            assert!(has(link.model.group_points, row), "{} {}", link.model.id, row.point);
        }
        for (index, row) in link.rows.iter().enumerate() {
            let earlier = &link.rows[..index];
            assert!(earlier.iter().all(|e| e.point != row.point), "{} twice", row.point);
        }
    }
}

#[test]
fn only_points_that_are_writable_by_definition_take_writes() {
    let (_, layout) = layout_of_unit_1();
    for field in layout.fields_of(Table::Holding) {
        assert!(field.is_writable || field.write.is_none(), "{}", field.about.name);
    }
}

#[test]
fn a_signal_is_bound_to_a_point_of_its_unit() {
    use bess_core::signal::{Quantity, farm, rack, unit};
    let agrees = |quantity, point: &str| match quantity {
        Quantity::Watts => point == "W",
        Quantity::Vars => point == "Var",
        Quantity::VoltAmps => point == "VA",
        Quantity::Volts => point == "V",
        Quantity::Amps => point == "A",
        // No register of the models shows a volume or an insulation.
        Quantity::Litres | Quantity::Ohms => false,
        Quantity::Seconds => point == "Secs",
        Quantity::Joules => point.eq_ignore_ascii_case("wh"),
        Quantity::Hertz => point == "Hz",
        Quantity::Celsius => point == "C",
        Quantity::Ratio => point.starts_with('%') || matches!(point, "Pct" | ""),
        Quantity::Count => matches!(point, "" | "Ah"),
    };
    for link in CHAIN.iter().chain(PLANT_CHAIN) {
        let model = link.model;
        for (rows, points) in [(link.rows, model.points), (link.group_rows, model.group_points)] {
            for row in rows {
                let point = points.iter().find(|point| point.name == row.point).unwrap();
                let quantity = match row.read {
                    Bind::Unit(name, _) => unit(name).quantity,
                    Bind::Rack(name) => rack(name).quantity,
                    Bind::Farm(name) => farm(name).quantity,
                    _ => continue,
                };
                let name = row.point;
                assert!(agrees(quantity, point.unit), "{} {name}: {quantity:?}", model.id);
            }
        }
    }
}

#[test]
fn mandatory_points_have_values_and_so_have_the_scale_factors_of_others() {
    let (snapshot, layout) = layout_of_unit_1();
    let desk = Desk::default();
    let sight = Sight::new(&snapshot, UnitId::from_number(1), &desk);
    let is_missing = |name: &str| {
        let field = layout.fields_of(Table::Holding).find(|f| f.about.name == name);
        let field = field.unwrap_or_else(|| panic!("no {name}"));
        let count = field.codec.registers();
        let words = layout.read(sight, field.address, count).unwrap();
        let mut missing = vec![0; words.len()];
        field.codec.encode(Value::Missing, &mut missing);
        words == missing
    };
    for link in CHAIN {
        let id = link.model.id;
        for point in link.model.points {
            let name = format!("{id}.{}", point.name);
            let is_filler = point.encoding == Encoding::Pad;
            if point.is_mandatory && !is_filler {
                assert!(!is_missing(&name), "{name} is mandatory");
            }
            if !point.sf.is_empty() && !is_missing(&name) {
                assert!(!is_missing(&format!("{id}.{}", point.sf)), "{name} has no scale");
            }
        }
        for point in link.model.group_points {
            let name = format!("{id}.{}[1].{}", link.model.group, point.name);
            if point.is_mandatory && point.encoding != Encoding::Pad {
                assert!(!is_missing(&name), "{name} is mandatory");
            }
        }
    }
}

#[test]
fn the_chain_has_no_gap_and_the_compact_map_neither() {
    let spec = testing::snapshot().spec;
    let design = &spec.units[0].design;
    for (fields, start, length) in [
        (unit_chain(design), BASE, None),
        (plant_chain(&spec), BASE, None),
        (compact::fields(compact::Level::Unit), 0, Some(125)),
        (compact::fields(compact::Level::Plant), 0, Some(125)),
    ] {
        let mut next = u32::from(start);
        let layout = Layout::new(fields);
        for field in layout.fields_of(Table::Holding) {
            assert_eq!(u32::from(field.address), next, "{}", field.about.name);
            next += u32::from(field.codec.registers());
        }
        if let Some(length) = length {
            assert_eq!(next, length);
        }
    }
}

#[test]
fn a_chain_with_very_many_racks_ends_before_the_last_register() {
    let mut design = bess_core::spec::UnitDesign::clone(&testing::snapshot().spec.units[0].design);
    design.n_racks = 5_000;
    let fields = unit_chain(&design);
    let last = fields.last().unwrap();
    assert!(last.address > 65_535 - 32, "{}", last.address);
    let strings = fields.iter().filter(|f| f.about.name.ends_with("].StrNMod"));
    let counted = fields.iter().find(|f| f.about.name == "803.NStr").unwrap();
    let Source::Raw(n_strings) = counted.source else {
        panic!("NStr is constant");
    };
    assert_eq!(n_strings as usize, strings.count());
}

#[test]
fn scale_factors_follow_the_rating_and_values_fit() {
    let (snapshot, layout) = layout_of_unit_1();
    let desk = Desk::default();
    let sight = Sight::new(&snapshot, UnitId::from_number(1), &desk);
    let read = |name: &str| {
        let field = layout.fields_of(Table::Holding).find(|f| f.about.name == name).unwrap();
        let count = field.codec.registers();
        layout.read(sight, field.address, count).unwrap()[0] as i16
    };
    // 2.5 MW, 2.75 MVA, 690 V, 5 MWh.
    for (name, exponent) in [
        ("701.W_SF", 2),
        ("701.VA_SF", 3),
        ("701.V_SF", -1),
        ("701.A_SF", 0),
        ("702.A_SF", -1),
        ("713.WH_SF", 3),
        ("802.WHRtg_SF", 3),
        ("802.V_SF", -1),
        ("802.A_SF", -1),
    ] {
        assert_eq!(read(name), exponent, "{name}");
    }
    for (name, raw) in [
        ("701.W", 10_000),
        ("701.Var", -2_000),
        ("701.PF", 981),
        ("701.A", 2_560),
        ("701.TmpAmb", 200),
        ("713.SoC", 6_350),
        ("802.V", 13_753),
        ("802.CellVMinStr", 2),
        ("802.CellVMinMod", 2),
        ("802.ChaSt", 3),
        ("803.ModTmpMin", -40),
        ("803.string[12].StrSoC", 6_350),
    ] {
        assert_eq!(read(name), raw, "{name}");
    }
}
