//! The tables against the published definitions, and every chain against what its models ask for.

mod bench;
mod cells;
mod curves;
mod golden;
mod independent;
mod legacy;
mod page;
mod roles;
mod settings;

use super::table::Point;
use super::*;
use crate::map::Table;
use crate::map::compact;
use crate::map::desk::Desk;
use crate::map::edit::Edit;
use crate::map::encoding::{Encoding, Value};
use crate::map::layout::Layout;
use crate::map::source::Sight;
use crate::testing;
use bess_core::UnitId;
use bess_core::snapshot::{CellsView, Snapshot};
use serde_json::Value as Json;
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

/// Every model that a chain may have.
const LINKS: &[&[Link]] = &[&[COMMON], PCS, BMS, &[STRING, MODULE], METER, LEGACY, PLANT];

fn all_links() -> impl Iterator<Item = &'static Link> {
    LINKS.iter().flat_map(|links| links.iter())
}

/// The points and groups of ours, a line each; groups begin with their count.
fn lines(group: &Group, path: &str, lines: &mut Vec<String>) {
    for point in group.points {
        let Point { name, encoding, sf, unit, is_writable, is_mandatory, symbols } = point;
        let (kind, size) = (encoding.name(), encoding.registers());
        lines.push(format!(
            "{path}{name} {kind} {size} {sf} {unit} {is_writable} {is_mandatory} {symbols:?}"
        ));
    }
    for inner in group.groups {
        let count = match inner.count {
            Count::Once => "1",
            Count::By(name) => name,
            Count::ByLength => "0",
        };
        lines.push(format!("{path}{} x {count}", inner.name));
        self::lines(inner, &format!("{path}{}.", inner.name), lines);
    }
}

/// The same of a published definition.
fn lines_of_json(group: &Json, path: &str, lines: &mut Vec<String>) {
    for point in group["points"].as_array().unwrap() {
        let text = |key: &str| point[key].as_str().unwrap_or_default().trim();
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
        lines.push(format!(
            "{path}{} {kind} {} {} {} {is_writable} {is_mandatory} {symbols:?}",
            text("name"),
            point["size"],
            text("sf"),
            text("units"),
        ));
    }
    for inner in group["groups"].as_array().unwrap_or(&vec![]) {
        let name = inner["name"].as_str().unwrap();
        let count = match &inner["count"] {
            Json::String(by) => by.clone(),
            Json::Number(n) => n.to_string(),
            _ => "1".to_owned(),
        };
        lines.push(format!("{path}{name} x {count}"));
        lines_of_json(inner, &format!("{path}{name}."), lines);
    }
}

#[test]
fn the_tables_are_those_of_the_published_models() {
    for link in all_links() {
        let Model { id, body } = link.model;
        let Some(text) = reference(&format!("models/model_{id}.json")) else {
            return;
        };
        let json: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(json["id"], *id);
        let (mut ours, mut published) = (Vec::new(), Vec::new());
        lines(body, "", &mut ours);
        lines_of_json(&json["group"], "", &mut published);
        assert_eq!(ours, published, "model {id}");
    }
}

/// Names of the points of a model, with those of the groups that they are in.
fn paths(group: &'static Group, path: &str) -> Vec<(String, &'static Point)> {
    let own = group.points.iter().map(|point| (format!("{path}{}", point.name), point));
    let inner = group.groups.iter().flat_map(|g| paths(g, &format!("{path}{}.", g.name)));
    own.chain(inner).collect()
}

/// What a chain is, the chain, and the unit and rack of a device that shows it.
type Case = (String, Chain, Option<UnitId>, Option<usize>);

/// A snapshot with the cells of unit 1, and every chain of it and of the plant.
fn chains() -> (Snapshot, Vec<Case>) {
    let mut snapshot = testing::snapshot();
    let mut small = UnitDesign::clone(&snapshot.spec.units[0].design);
    small.n_racks = 2;
    let n = snapshot.spec.units[0].design.n_cells();
    snapshot.cells = vec![Arc::new(CellsView {
        unit_idx: 0,
        cells_per_rack: small.cells_in_series,
        voltage_v: (0..n).map(|cell_idx| 3.2 + 0.00001 * cell_idx as f32).collect(),
        temperature_degc: (0..n).map(|cell_idx| 20.0 + 0.01 * cell_idx as f32).collect(),
        ..CellsView::default()
    })];
    let unit = UnitId::from_number(1);
    let mut chains = vec![("plant".to_owned(), plant_chain(&snapshot.spec), None, None)];
    for (name, profile) in Profile::ALL {
        let own = unit_chain(&snapshot.spec.units[0].design, profile);
        chains.push((name.to_owned(), own, unit, None));
        chains.push((format!("{name} of two racks"), unit_chain(&small, profile), unit, None));
    }
    for (name, part) in [("bms", Part::Bms), ("pcs", Part::Pcs), ("meter", Part::Meter)] {
        chains.push((name.to_owned(), part_chain(part, &small), unit, None));
    }
    chains.push(("rack".to_owned(), part_chain(Part::Rack, &small), unit, Some(1)));
    (snapshot, chains)
}

fn layout_of_unit_1() -> (Snapshot, Layout) {
    let snapshot = testing::snapshot();
    let fields = unit_chain(&snapshot.spec.units[0].design, Profile::Standard).fields;
    (snapshot, Layout::new(fields))
}

#[test]
fn every_row_binds_a_point_of_its_model() {
    for link in all_links() {
        let paths = paths(&link.model.body, "");
        for (index, row) in link.rows.iter().enumerate() {
            let name = format!("{} {}", link.model.id, row.point);
            let found = paths.iter().find(|(path, _)| path == row.point);
            let (_, point) = found.unwrap_or_else(|| panic!("no {name}"));
            assert!(row.write.is_none() || point.is_writable, "{name} is not writable");
            let earlier = &link.rows[..index];
            assert!(earlier.iter().all(|e| e.point != row.point), "{name} twice");
        }
    }
}

#[test]
fn only_points_that_are_writable_by_definition_take_writes() {
    for (of, chain, ..) in chains().1 {
        for field in chain.fields {
            assert!(field.is_writable || field.write.is_none(), "{of}: {}", field.about.name);
        }
    }
}

#[test]
fn a_signal_is_bound_to_a_point_of_its_unit() {
    use bess_core::signal::{Quantity, farm, rack, unit};
    let agrees = |quantity, point: &str| match quantity {
        // 122.WAval is in var by its definition, which describes it as watts.
        Quantity::Watts => matches!(point, "W" | "var"),
        Quantity::Vars => point.eq_ignore_ascii_case("var"),
        Quantity::VoltAmps => point == "VA",
        Quantity::Volts => point == "V",
        Quantity::Amps => point == "A",
        Quantity::Ohms => point == "ohms",
        // No register of the models shows a volume.
        Quantity::Litres => false,
        Quantity::Seconds => point == "Secs",
        Quantity::Joules => point.eq_ignore_ascii_case("wh"),
        Quantity::Hertz => point == "Hz",
        Quantity::Celsius => point == "C",
        Quantity::Ratio => point.starts_with('%') || matches!(point, "Pct" | ""),
        Quantity::Count => matches!(point, "" | "Ah" | "AH"),
    };
    for link in all_links() {
        let paths = paths(&link.model.body, "");
        for row in link.rows {
            let (_, point) = paths.iter().find(|(path, _)| path == row.point).unwrap();
            let quantity = match row.read {
                Bind::Unit(name, _) => unit(name).quantity,
                Bind::Rack(name) => rack(name).quantity,
                Bind::Farm(name) => farm(name).quantity,
                _ => continue,
            };
            let name = format!("{} {}", link.model.id, row.point);
            assert!(agrees(quantity, point.unit), "{name}: {quantity:?} in {}", point.unit);
        }
    }
}

#[test]
fn mandatory_points_have_values_and_so_have_the_scale_factors_of_others() {
    let (snapshot, chains) = chains();
    let desk = Desk::default();
    for (of, chain, unit, rack_idx) in chains {
        let sight = Sight::new(&snapshot, unit, &desk).of_rack(rack_idx);
        let layout = Layout::new(chain.fields);
        let mut checked = 0;
        for field in layout.fields_of(Table::Holding) {
            let name = &*field.about.name;
            let Some((model, path)) = name.split_once('.') else { continue };
            let link = all_links().find(|link| link.model.id.to_string() == model).unwrap();
            // Without the numbers of the repetitions.
            let path: String = path
                .split('[')
                .map(|part| part.split_once(']').map_or(part, |(_, rest)| rest))
                .collect();
            let points = paths(&link.model.body, "");
            let (_, point) = points.iter().find(|(known, _)| *known == path).unwrap();
            let is_missing = |field: &Field| {
                let words = layout.read(sight, field.address, field.codec.registers()).unwrap();
                let mut missing = vec![0; words.len()];
                field.codec.encode(Value::Missing, &mut missing);
                // A total has no word of its own for that.
                let is_total = matches!(field.codec.name(), "acc32" | "acc64");
                words == missing && !is_total
            };
            checked += 1;
            if point.is_mandatory && point.encoding != Encoding::Pad {
                assert!(!is_missing(field), "{of}: {name} is mandatory");
            }
            if !point.sf.is_empty()
                && !is_missing(field)
                && field.write.is_some() | !field.is_writable
            {
                let of_model = |known: &&Field| known.about.name == format!("{model}.{}", point.sf);
                let scale = layout.fields_of(Table::Holding).find(of_model).unwrap();
                let is_unused_total = matches!(field.source, Source::Missing);
                assert!(is_unused_total || !is_missing(scale), "{of}: {name} has no scale");
            }
        }
        assert!(checked > 10, "{of}");
    }
}

#[test]
fn the_chain_has_no_gap_and_the_compact_map_neither() {
    let all = chains().1.into_iter().map(|(of, chain, ..)| (of, chain.fields, BASE, None));
    let compact = [compact::Level::Unit, compact::Level::Plant]
        .map(|level| (format!("{level:?}"), compact::fields(level), 0, Some(125)));
    for (of, fields, start, length) in all.chain(compact) {
        let mut next = u32::from(start);
        let mut at_end = (0, 0);
        let layout = Layout::new(fields);
        for field in layout.fields_of(Table::Holding) {
            assert_eq!(u32::from(field.address), next, "{of}: {}", field.about.name);
            next += u32::from(field.codec.registers());
            if let Source::Raw(raw) = field.source {
                at_end = (at_end.1, raw);
            }
        }
        match length {
            Some(length) => assert_eq!(next, length),
            None => assert_eq!(at_end, (0xFFFF, 0), "{of}: the end mark"),
        }
    }
}

/// Models of a chain in order.
fn models(chain: &Chain) -> Vec<u16> {
    let ids = chain.fields.iter().filter(|field| field.about.name.ends_with(".ID"));
    // 714 has ports with an id, too.
    let ids = ids.filter_map(|field| field.about.name.strip_suffix(".ID")?.parse().ok());
    ids.collect()
}

#[test]
fn every_profile_and_part_has_its_models_in_order() {
    let (_, chains) = chains();
    let of = |name: &str| {
        let (_, chain, ..) = chains.iter().find(|(of, ..)| of == name).unwrap();
        models(chain)
    };
    let pcs: Vec<u16> = (701..=715).collect();
    let standard = [&[1][..], &pcs, &[802, 803]].concat();
    assert_eq!(of("standard"), standard);
    assert_eq!(of("legacy"), [1, 103, 120, 121, 122, 123, 124]);
    assert_eq!(of("plant"), [1, 701, 702, 704, 713, 203]);
    assert_eq!(of("pcs"), [&[1][..], &pcs].concat());
    assert_eq!(of("bms"), [1, 802, 803]);
    assert_eq!(of("meter"), [1, 203]);
    // 8 modules a rack.
    let rack = [&[804][..], &[805; 8]].concat();
    assert_eq!(of("rack"), [&[1][..], &rack].concat());
    assert_eq!(of("cells of two racks"), [&standard[..], &rack, &rack].concat());
    // Twelve racks have more cells than there are registers: their modules are devices of their own.
    assert_eq!(of("cells"), [&standard[..], &[804; 12]].concat());
}

#[test]
fn whether_all_cells_fit_is_told_as_it_is() {
    let mut design = UnitDesign::clone(&testing::snapshot().spec.units[0].design);
    for (n_racks, fits) in [(1, true), (2, true), (12, false), (5_000, false)] {
        design.n_racks = n_racks;
        assert_eq!(cells_fit(&design), fits, "{n_racks} racks");
        let modules =
            models(&unit_chain(&design, Profile::Cells)).iter().filter(|id| **id == 805).count();
        assert_eq!(modules == n_racks * design.modules_per_rack(), fits, "{n_racks} racks");
    }
}

#[test]
fn a_chain_with_very_many_racks_or_modules_ends_before_the_last_register() {
    let mut design = UnitDesign::clone(&testing::snapshot().spec.units[0].design);
    design.n_racks = 5_000;
    let fields = unit_chain(&design, Profile::Standard).fields;
    let last = fields.last().unwrap();
    assert!(last.address > 65_535 - 32, "{}", last.address);
    let strings = fields.iter().filter(|f| f.about.name.ends_with("].StrNMod"));
    let counted = fields.iter().find(|f| f.about.name == "803.NStr").unwrap();
    let Source::Raw(n_strings) = counted.source else {
        panic!("NStr is constant");
    };
    assert_eq!(n_strings as usize, strings.count());
    design.cells_per_module = 4;
    design.cells_in_series = 4_000;
    let chain = rack_chain(&design);
    assert!(chain.fields.last().unwrap().address > 65_535 - 61);
    let whole = models(&chain);
    assert!(whole.len() > 100 && whole.len() < 1_002, "{} models", whole.len());
    assert_eq!(chain.cells.unwrap().1, chain.fields.last().unwrap().address - 2);
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
        // sqrt(2.75^2 - 1.21^2) MW, and the trips at 1.1 and 0.88 of 690 V.
        ("702.WOvrExtRtg", 24_695),
        ("702.WUndExtPF", 898),
        ("702.VMaxRtg", 7_590),
        ("702.VMin", 6_072),
        ("701.TmpSnk", 415),
        ("714.NPrt", 1),
        ("714.Prt[1].DCV", 13_753),
        ("714.Prt[1].DCSta", 1),
        // 3 % in 30 days, as a specification allows it.
        ("802.DisChaRte", 100),
        ("802.SoCMax", 10_000),
        ("802.StateVnd", 5),
        ("803.StrVMaxStr", 1),
    ] {
        assert_eq!(read(name), raw, "{name}");
    }
}
