//! Reads what is or will be defect in a farm.

mod battery;

use super::reader::{Bounds, Section};
use crate::defect::{
    CellDefect, ContactorFault, Defect, HEATER_MAX_W, PlannedDefect, Reading, SHORT_MIN_OHM,
};
use crate::event::Contactor;
use crate::spec::{CoolingKind, FarmSpec, UnitSpec};
use crate::time::Tick;

/// The kinds of defect, as a farm file names them.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Short,
    Heater,
    Chiller,
    Pump,
    Fan,
    Contactor,
    Fuse,
    Precharge,
    Insulation,
    BmsCommunication,
    PcsFan,
    SmokeDetector,
    Reading,
    Capacity,
    Resistance,
    Leak,
    Joint,
    Ignite,
    Gas,
    Arc,
    RackOpen,
    RackSoc,
    SlowPrecharge,
    BmsFrozen,
    BmsLimits,
    ProtectionOff,
    ThresholdShift,
    NoLatch,
    SocJump,
    NuisanceTrip,
    GasDetector,
    Sensor,
}

const KINDS: [(&str, Option<Kind>); 32] = [
    ("short", Some(Kind::Short)),
    ("heater", Some(Kind::Heater)),
    ("chiller", Some(Kind::Chiller)),
    ("pump", Some(Kind::Pump)),
    ("fan", Some(Kind::Fan)),
    ("contactor", Some(Kind::Contactor)),
    ("fuse", Some(Kind::Fuse)),
    ("precharge", Some(Kind::Precharge)),
    ("insulation", Some(Kind::Insulation)),
    ("bms_communication", Some(Kind::BmsCommunication)),
    ("pcs_fan", Some(Kind::PcsFan)),
    ("smoke_detector", Some(Kind::SmokeDetector)),
    ("reading", Some(Kind::Reading)),
    ("capacity", Some(Kind::Capacity)),
    ("resistance", Some(Kind::Resistance)),
    ("leak", Some(Kind::Leak)),
    ("joint", Some(Kind::Joint)),
    ("ignite", Some(Kind::Ignite)),
    ("gas", Some(Kind::Gas)),
    ("arc", Some(Kind::Arc)),
    ("rack_open", Some(Kind::RackOpen)),
    ("rack_soc", Some(Kind::RackSoc)),
    ("slow_precharge", Some(Kind::SlowPrecharge)),
    ("bms_frozen", Some(Kind::BmsFrozen)),
    ("bms_limits", Some(Kind::BmsLimits)),
    ("protection_off", Some(Kind::ProtectionOff)),
    ("threshold_shift", Some(Kind::ThresholdShift)),
    ("no_latch", Some(Kind::NoLatch)),
    ("soc_jump", Some(Kind::SocJump)),
    ("nuisance_trip", Some(Kind::NuisanceTrip)),
    ("gas_detector", Some(Kind::GasDetector)),
    ("sensor", Some(Kind::Sensor)),
];
const CONTACTORS: [(&str, Option<Contactor>); 3] = [
    ("negative", Some(Contactor::Negative)),
    ("precharge", Some(Contactor::Precharge)),
    ("positive", Some(Contactor::Positive)),
];
const FAULTS: [(&str, Option<ContactorFault>); 3] = [
    ("welded", Some(ContactorFault::Welded)),
    ("stuck", Some(ContactorFault::Stuck)),
    ("slow", Some(ContactorFault::Slow)),
];
/// Ten years.
const LATEST_S: f64 = 3.2e8;

/// Every `[[defects]]` table, in the order of their begin.
pub(super) fn read_defects(root: &Section<'_, '_>, spec: &FarmSpec) -> Vec<PlannedDefect> {
    let mut defects: Vec<PlannedDefect> = Vec::new();
    for section in root.sections("defects") {
        let span = section.span();
        let Some(planned) = read(section, spec) else { continue };
        if defects.iter().any(|other| overlap(other, &planned)) {
            let message = "the same is defect twice at a time: the end of one would end the other";
            let hint = "join the two `[[defects]]`, or let one end before the other begins";
            root.report(span, message.to_owned(), Some(hint.to_owned()));
        }
        defects.push(planned);
    }
    defects.sort_by_key(|planned| planned.from);
    defects
}

/// Whether both are the same kind of defect at the same place, at the same time.
fn overlap(a: &PlannedDefect, b: &PlannedDefect) -> bool {
    let ends = |planned: &PlannedDefect| planned.until.unwrap_or(Tick(u64::MAX));
    a.unit == b.unit && a.defect.ended() == b.defect.ended() && a.from < ends(b) && b.from < ends(a)
}

fn read(section: Section<'_, '_>, spec: &FarmSpec) -> Option<PlannedDefect> {
    if !section.has("kind") {
        let _ = section.text("kind");
    }
    let kind = section.choice_or("kind", None, &KINDS);
    let unit = find_unit(&section, spec);
    let from_s = section.f64_or("from_s", 0.0, Bounds::within(0.0, LATEST_S));
    let until_s = section.optional_f64("until_s", Bounds::within(0.0, LATEST_S));
    // Times count in ticks of 0.1 s.
    let ticks = |seconds: f64| Tick::count_in(seconds);
    if until_s.is_some_and(|until_s| ticks(until_s) <= ticks(from_s)) {
        let message = format!("`until_s` must be after `from_s` ({from_s})");
        section.report(section.span_of("until_s"), message, None);
    }
    let defect = match kind {
        Some(kind) => {
            refuse_keys_of_others(&section, kind);
            refuse_missing_part(&section, kind, unit);
            let defect = read_kind(&section, kind, unit);
            if let (Some(unit), Some(defect)) = (unit, defect)
                && battery::may_be_impossible(defect)
                && let Err(refusal) = defect.check(&unit.design)
            {
                section.report(section.span_of("kind"), refusal.to_string(), None);
            }
            defect
        }
        // Without a known kind nobody can say which keys the table should have.
        None => return None,
    };
    section.finish();
    let at = |seconds: f64| Tick(Tick::count_in(seconds) + 1);
    let (unit, defect) = (unit?, defect?);
    Some(PlannedDefect { unit: unit.id, defect, from: at(from_s), until: until_s.map(at) })
}

fn find_unit<'s>(section: &Section<'_, '_>, spec: &'s FarmSpec) -> Option<&'s UnitSpec> {
    let name = section.name_or_number("unit")?;
    let found = spec.find_unit(&name).map(|id| &spec.units[id.idx()]);
    if found.is_none() && !spec.units.is_empty() {
        let message = format!(
            "there is no unit \"{name}\": the farm has units 1 to {}, called \"{}\" and so on",
            spec.units.len(),
            spec.units[0].name
        );
        section.report(section.span_of("unit"), message, None);
    }
    found
}

/// Reports keys that have a meaning for other kinds only.
fn refuse_keys_of_others(section: &Section<'_, '_>, kind: Kind) {
    let of_a_cell = matches!(
        kind,
        Kind::Short
            | Kind::Heater
            | Kind::Capacity
            | Kind::Resistance
            | Kind::Leak
            | Kind::Joint
            | Kind::Ignite
    );
    let of_a_rack = of_a_cell
        || matches!(kind, Kind::Contactor | Kind::Fuse | Kind::Reading)
        || matches!(kind, Kind::Arc | Kind::RackOpen | Kind::RackSoc | Kind::Sensor);
    for (key, belongs, here) in [
        ("rack", "to defects of one cell or rack", of_a_rack),
        ("cell", "to defects of one cell", of_a_cell),
        ("resistance_ohm", "to a short", kind == Kind::Short),
        ("power_w", "to a heater or an arc", matches!(kind, Kind::Heater | Kind::Arc)),
        ("contactor", "to a contactor", kind == Kind::Contactor),
        ("fault", "to a contactor", kind == Kind::Contactor),
        ("resistance_kohm", "to insulation", kind == Kind::Insulation),
        ("reading", "to a reading", kind == Kind::Reading),
        ("value", "to a reading", kind == Kind::Reading),
    ]
    .into_iter()
    .chain(battery::keys_of(kind))
    {
        if !here {
            section.refuse(key, &format!("belongs {belongs}"), "leave it out, or change `kind`");
        }
    }
}

/// Reports the defect of a part that the unit does not have.
fn refuse_missing_part(section: &Section<'_, '_>, kind: Kind, unit: Option<&UnitSpec>) {
    let Some(unit) = unit else { return };
    let (why, hint) = match (kind, &unit.design.cooling.kind) {
        (Kind::Pump, CoolingKind::Air(_)) => {
            ("is cooled by air and has no pump", "air cooling has a `fan` and a `chiller`")
        }
        (Kind::Fan, CoolingKind::Liquid(_)) => {
            ("is cooled by liquid and has no fans", "liquid cooling has a `pump` and a `chiller`")
        }
        _ => return,
    };
    let message = format!("unit \"{}\" {why}", unit.name);
    section.report(section.span_of("kind"), message, Some(hint.to_owned()));
}

fn read_kind(section: &Section<'_, '_>, kind: Kind, unit: Option<&UnitSpec>) -> Option<Defect> {
    let (racks, cells) =
        unit.map_or((1000, 2000), |u| (u.design.n_racks, u.design.cells_in_series));
    let rack_idx = || (section.integer("rack", 1, racks as u64) as usize).saturating_sub(1);
    let cell = |defect| {
        let rack_idx = rack_idx();
        let cell = section.integer("cell", 1, cells as u64) as usize;
        Defect::Cell { rack_idx, cell_idx: cell.saturating_sub(1), defect }
    };
    Some(match kind {
        Kind::Short => {
            let ohm = section.f64("resistance_ohm", Bounds::within(SHORT_MIN_OHM, 1e6));
            cell(CellDefect::Short(ohm))
        }
        Kind::Heater => {
            let power_w = section.f64("power_w", Bounds::positive(HEATER_MAX_W));
            cell(CellDefect::Heater(power_w))
        }
        Kind::Chiller => Defect::Chiller(true),
        Kind::Pump => Defect::Pump(true),
        Kind::Fan => Defect::Fan(true),
        Kind::Contactor => {
            let rack_idx = rack_idx();
            let contactor = required_choice(section, "contactor", &CONTACTORS);
            let fault = required_choice(section, "fault", &FAULTS);
            Defect::Contactor { rack_idx, contactor: contactor?, fault: fault? }
        }
        Kind::Fuse => Defect::Fuse { rack_idx: rack_idx(), blown: true },
        Kind::Precharge => Defect::Precharge(true),
        Kind::Insulation => {
            let kohm = section.f64("resistance_kohm", Bounds::within(0.01, 1e6));
            Defect::Insulation(Some(kohm))
        }
        Kind::BmsCommunication => Defect::BmsCommunication(true),
        Kind::PcsFan => Defect::PcsFan(true),
        Kind::SmokeDetector => Defect::SmokeDetector(true),
        Kind::Reading => read_reading(section, rack_idx())?,
        kind => battery::read(section, kind, &rack_idx, &cell)?,
    })
}

fn read_reading(section: &Section<'_, '_>, rack_idx: usize) -> Option<Defect> {
    let choices = Reading::ALL.map(|(name, reading, ..)| (name, Some(reading)));
    let of_rack = &choices[..Reading::N_OF_RACK];
    let Some(reading) = required_choice(section, "reading", of_rack) else {
        // Without it nobody can say which range the value has.
        let _ = section.has("value");
        return None;
    };
    let (_, _, min, max) = Reading::ALL[reading as usize];
    let value = section.f64("value", Bounds::within(min, max));
    Some(Defect::Reading { rack_idx, reading, value: Some(value) })
}

/// One of `choices`; reported when absent.
fn required_choice<T: Copy>(
    section: &Section<'_, '_>,
    key: &'static str,
    choices: &[(&str, Option<T>)],
) -> Option<T> {
    if !section.has(key) {
        let _ = section.text(key);
    }
    section.choice_or(key, None, choices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, Problems, parse_farm};

    fn with(text: &str) -> Result<FarmSpec, Problems> {
        let farm = format!("{BUILT_IN_FARM}\n{text}");
        parse_farm("farm.toml", &farm, &|path| Err(format!("cannot read {path}")))
    }

    #[test]
    fn defects_name_their_unit_rack_and_cell_from_one_and_come_in_the_order_of_time() {
        let farm = with(
            "[[defects]]\nkind = \"pump\"\nunit = \"unit-002\"\nfrom_s = 60\nuntil_s = 120\n\
             [[defects]]\nkind = \"short\"\nunit = 3\nrack = 12\ncell = 416\nresistance_ohm = 5\n",
        )
        .unwrap_or_else(|e| panic!("{e}"));
        let short = Defect::Cell { rack_idx: 11, cell_idx: 415, defect: CellDefect::Short(5.0) };
        let [first, second] = farm.defects[..] else { panic!("two") };
        assert_eq!((first.unit.number(), first.defect, first.from), (3, short, Tick(1)));
        assert_eq!((second.unit.number(), second.defect), (2, Defect::Pump(true)));
        assert_eq!((second.from, second.until), (Tick(601), Some(Tick(1201))));
    }

    #[test]
    fn impossible_defects_are_refused_with_what_is_possible() {
        let refusal = |text: &str| with(text).expect_err("impossible").to_string();
        let cell = "[[defects]]\nkind = \"short\"\nresistance_ohm = 5\n";
        let text = refusal(&format!("{cell}unit = 3\nrack = 13\ncell = 1"));
        assert!(text.contains("`defects[0].rack` must be a whole number from 1 to 12"), "{text}");
        let text = refusal(&format!("{cell}unit = 11\nrack = 1\ncell = 1"));
        assert!(text.contains("no unit \"11\": the farm has units 1 to 10"), "{text}");
        let text = refusal("[[defects]]\nkind = \"shrt\"\nunit = 1");
        assert!(text.contains("shrt") && text.contains("short"), "{text}");
        let text = refusal("[[defects]]\nkind = \"pump\"\nunit = 1\nfrom_s = 9\nuntil_s = 9");
        assert!(text.contains("must be after `from_s` (9)"), "{text}");
        let pump = "[[defects]]\nkind = \"pump\"\nunit = 1\n";
        let text = refusal(&format!("{pump}until_s = 100\n{pump}from_s = 50\nuntil_s = 200"));
        assert!(text.contains("the same is defect twice at a time"), "{text}");
        assert!(with(&format!("{pump}until_s = 50\n{pump}from_s = 50")).is_ok());
        let text =
            refusal("[[defects]]\nkind = \"heater\"\nunit = 1\nrack = 1\ncell = 1\npower_w = -5");
        assert!(text.contains("greater than 0"), "{text}");
    }

    #[test]
    fn a_part_that_the_unit_does_not_have_cannot_be_defect() {
        let fan = "[[defects]]\nkind = \"fan\"\nunit = 2\n";
        let text = with(fan).expect_err("no fans").to_string();
        assert!(text.contains("unit \"unit-002\" is cooled by liquid and has no fans"), "{text}");
        assert!(text.contains("kind = \"fan\"") && text.contains("has a `pump`"), "{text}");
        let air = |kind: &str| {
            let (head, _) = BUILT_IN_FARM.split_once("[units.cooling]").unwrap();
            let defect = format!("[[defects]]\nkind = \"{kind}\"\nunit = 2\n");
            let text = format!("{head}[units.cooling]\nkind = \"air\"\n{defect}");
            parse_farm("farm.toml", &text, &|_| unreachable!())
        };
        let text = air("pump").expect_err("no pump").to_string();
        assert!(text.contains("unit \"unit-002\" is cooled by air and has no pump"), "{text}");
        for kind in ["fan", "chiller"] {
            assert_eq!(air(kind).unwrap_or_else(|e| panic!("{e}")).defects.len(), 1, "{kind}");
        }
    }

    #[test]
    fn keys_that_may_be_absent_are_known_and_those_of_other_kinds_are_told_as_such() {
        let refusal = |text: &str| with(text).expect_err("impossible").to_string();
        let pump = "[[defects]]\nkind = \"pump\"\nunit = 1\n";
        let text = refusal(&format!("{pump}untl_s = 5"));
        assert!(text.contains("did you mean `until_s`?"), "{text}");
        let text = refusal(&format!("{pump}power_w = 5"));
        assert!(text.contains("`defects[0].power_w` belongs to a heater"), "{text}");
        let text = refusal(&format!("{pump}rack = 5"));
        assert!(
            text.contains("`defects[0].rack` belongs to defects of one cell or rack"),
            "{text}"
        );
        let text = refusal("[[defects]]\nkind = \"shrt\"\nunit = 1\nrack = 1\nuntil_s = 3");
        assert!(!text.contains("unknown key"), "{text}");
    }
    #[test]
    fn racks_contactors_readings_and_what_a_unit_only_senses_can_be_defect() {
        let defect = |text: &str| {
            let farm = with(&format!("[[defects]]\nunit = 1\n{text}"));
            farm.unwrap_or_else(|e| panic!("{e}")).defects[0].defect
        };
        let text = "kind = \"contactor\"\nrack = 2\ncontactor = \"positive\"\nfault = \"welded\"";
        let (contactor, fault) = (Contactor::Positive, ContactorFault::Welded);
        assert_eq!(defect(text), Defect::Contactor { rack_idx: 1, contactor, fault });
        let fuse = defect("kind = \"fuse\"\nrack = 12");
        assert_eq!(fuse, Defect::Fuse { rack_idx: 11, blown: true });
        let text = "kind = \"reading\"\nrack = 1\nreading = \"temperature_max_degc\"\nvalue = 70";
        let reading = Reading::TemperatureMax;
        assert_eq!(defect(text), Defect::Reading { rack_idx: 0, reading, value: Some(70.0) });
        let insulation = defect("kind = \"insulation\"\nresistance_kohm = 50");
        assert_eq!(insulation, Defect::Insulation(Some(50.0)));
        assert_eq!(defect("kind = \"precharge\""), Defect::Precharge(true));
        assert_eq!(defect("kind = \"bms_communication\""), Defect::BmsCommunication(true));
        assert_eq!(defect("kind = \"pcs_fan\""), Defect::PcsFan(true));
        assert_eq!(defect("kind = \"smoke_detector\""), Defect::SmokeDetector(true));
        let refusal = |text: &str| {
            with(&format!("[[defects]]\nunit = 1\n{text}")).expect_err("impossible").to_string()
        };
        let text = refusal("kind = \"contactor\"\nrack = 2\nfault = \"weldd\"");
        assert!(text.contains("lacks `contactor`") && text.contains("welded"), "{text}");
        let text = refusal("kind = \"reading\"\nrack = 1\nreading = \"current_a\"\nvalue = 1e9");
        assert!(text.contains("from -100000 to 100000"), "{text}");
    }

    #[test]
    fn what_is_wrong_inside_of_a_battery_is_read_and_refused_with_what_is_possible() {
        let read = |text: &str| with(&format!("[[defects]]\nunit = 1\n{text}"));
        let defect = |text: &str| read(text).unwrap_or_else(|e| panic!("{e}")).defects[0].defect;
        let cell = |defect| Defect::Cell { rack_idx: 1, cell_idx: 2, defect };
        for (text, expected) in [
            (
                "kind = \"capacity\"\nrack = 2\ncell = 3\ncapacity_factor = 0.7",
                cell(CellDefect::Capacity(0.7)),
            ),
            (
                "kind = \"resistance\"\nrack = 2\ncell = 3\nresistance_factor = 3",
                cell(CellDefect::Resistance(3.0)),
            ),
            ("kind = \"leak\"\nrack = 2\ncell = 3\nleak_a = 0.2", cell(CellDefect::Leak(0.2))),
            (
                "kind = \"joint\"\nrack = 2\ncell = 3\njoint_ohm = 0.01",
                cell(CellDefect::Joint(0.01)),
            ),
            ("kind = \"ignite\"\nrack = 2\ncell = 3", cell(CellDefect::Ignite(true))),
            ("kind = \"gas\"\nlitres_per_s = 2", Defect::Gas { litres_per_s: 2.0 }),
            (
                "kind = \"arc\"\nrack = 2\npower_w = 500",
                Defect::DcArc { rack_idx: 1, power_w: 500.0 },
            ),
            ("kind = \"rack_open\"\nrack = 2", Defect::RackOpen { rack_idx: 1, open: true }),
            (
                "kind = \"rack_soc\"\nrack = 2\nsoc = 0.4",
                Defect::RackSoc { rack_idx: 1, soc: Some(0.4) },
            ),
            ("kind = \"slow_precharge\"\nfactor = 10", Defect::SlowPrecharge(10.0)),
            ("kind = \"bms_frozen\"", Defect::BmsFrozen(true)),
            (
                "kind = \"bms_limits\"\ncharge_factor = 0",
                Defect::BmsLimits { charge: 0.0, discharge: 1.0 },
            ),
            ("kind = \"protection_off\"", Defect::ProtectionOff(true)),
            (
                "kind = \"threshold_shift\"\nshift_v = 0.2",
                Defect::ThresholdShift { degc: 0.0, volts: 0.2 },
            ),
            ("kind = \"no_latch\"", Defect::NoLatch(true)),
            ("kind = \"soc_jump\"\nby = -0.1", Defect::SocJump { by: -0.1 }),
            (
                "kind = \"nuisance_trip\"\nalarm = \"smoke\"",
                Defect::NuisanceTrip { code: Some(crate::alarm::AlarmCode::Smoke) },
            ),
            ("kind = \"gas_detector\"", Defect::GasDetectorOff(true)),
        ] {
            assert_eq!(defect(text), expected, "{text}");
        }
        let distortion =
            crate::defect::Distortion { gain: -1.0, delay_ticks: 5, ..Default::default() };
        let text = "kind = \"sensor\"\nquantity = \"active_power_w\"\ngain = -1\ndelay_ticks = 5";
        let sensor = Defect::Sensor { quantity: Reading::ActivePower, rack_idx: None, distortion };
        assert_eq!(defect(text), sensor);
        let refusal = |text: &str| read(text).expect_err("impossible").to_string();
        let refused = refusal(&format!("{text}\nrack = 2"));
        assert!(refused.contains("leave the rack out"), "{refused}");
        let refused = refusal("kind = \"nuisance_trip\"\nalarm = \"quarantined\"");
        assert!(refused.contains("none that a protection trips by"), "{refused}");
        let refused = refusal("kind = \"soc_jump\"\nby = 2");
        assert!(refused.contains("from -1 to 1, got 2"), "{refused}");
        let refused = refusal("kind = \"bms_frozen\"\ngain = 2");
        assert!(refused.contains("belongs to a sensor"), "{refused}");
        let refused =
            refusal("kind = \"reading\"\nrack = 1\nreading = \"active_power_w\"\nvalue = 1");
        assert!(refused.contains("must be one of cell_voltage_max_v"), "{refused}");
    }
}
