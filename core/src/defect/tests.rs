use super::*;
use crate::config::{BUILT_IN_FARM, parse_farm};

fn design() -> UnitDesign {
    let farm = parse_farm("built-in", BUILT_IN_FARM, &|path| Err(path.to_owned())).unwrap();
    (*farm.units[0].design).clone()
}
fn cell(defect: CellDefect) -> Defect {
    Defect::Cell { rack_idx: 0, cell_idx: 0, defect }
}
fn sensor(quantity: Reading, rack_idx: Option<usize>, distortion: Distortion) -> Defect {
    Defect::Sensor { quantity, rack_idx, distortion }
}

/// One of each kind, active.
fn all() -> Vec<Defect> {
    vec![
        cell(CellDefect::Short(1.0)),
        cell(CellDefect::Heater(1.0)),
        cell(CellDefect::Capacity(0.5)),
        cell(CellDefect::Resistance(2.0)),
        cell(CellDefect::Leak(1.0)),
        cell(CellDefect::Joint(0.01)),
        cell(CellDefect::Ignite(true)),
        Defect::Gas { litres_per_s: 1.0 },
        Defect::DcArc { rack_idx: 0, power_w: 1.0 },
        Defect::RackOpen { rack_idx: 0, open: true },
        Defect::RackSoc { rack_idx: 0, soc: Some(0.5) },
        Defect::SlowPrecharge(2.0),
        Defect::BmsFrozen(true),
        Defect::BmsLimits { charge: 0.0, discharge: 2.0 },
        Defect::ProtectionOff(true),
        Defect::ThresholdShift { degc: 1.0, volts: 0.0 },
        Defect::NoLatch(true),
        Defect::SocJump { by: 0.1 },
        Defect::NuisanceTrip { code: Some(AlarmCode::Insulation) },
        Defect::GasDetectorOff(true),
        sensor(Reading::Current, Some(0), Distortion { gain: 2.0, ..Distortion::NONE }),
        sensor(Reading::Current, None, Distortion { stuck: true, ..Distortion::NONE }),
    ]
}

#[test]
fn every_defect_can_be_ended_and_replaces_its_own_kind_at_its_own_place_alone() {
    let design = design();
    for (i, one) in all().into_iter().enumerate() {
        assert_eq!(one.check(&design), Ok(()), "{one:?}");
        assert_eq!(one.ended().check(&design), Ok(()), "{one:?}");
        assert!(one.is_active() && !one.ended().is_active(), "{one:?}");
        for (j, other) in all().into_iter().enumerate() {
            assert_eq!(one.replaces(other), i == j, "{one:?} {other:?}");
        }
    }
}

#[test]
fn figures_out_of_their_range_are_refused_with_field_range_and_unit() {
    let design = design();
    let noisy = Distortion { noise_sd: -1.0, ..Distortion::NONE };
    for (defect, field, unit) in [
        (cell(CellDefect::Capacity(0.0)), "capacity_factor", ""),
        (cell(CellDefect::Resistance(0.5)), "resistance_factor", ""),
        (cell(CellDefect::Leak(f64::NAN)), "current_a", "A"),
        (cell(CellDefect::Joint(0.2)), "resistance_ohm", "ohm"),
        (Defect::Gas { litres_per_s: -1.0 }, "litres_per_s", "l/s"),
        (Defect::DcArc { rack_idx: 0, power_w: 1e6 }, "power_w", "W"),
        (Defect::DcArc { rack_idx: 99, power_w: 1.0 }, "rack", ""),
        (Defect::RackOpen { rack_idx: 99, open: true }, "rack", ""),
        (Defect::RackSoc { rack_idx: 0, soc: Some(1.1) }, "soc", ""),
        (Defect::SlowPrecharge(0.0), "factor", ""),
        (Defect::BmsLimits { charge: 6.0, discharge: 1.0 }, "charge_factor", ""),
        (Defect::BmsLimits { charge: 1.0, discharge: -1.0 }, "discharge_factor", ""),
        (Defect::ThresholdShift { degc: 300.0, volts: 0.0 }, "shift_k", "K"),
        (Defect::ThresholdShift { degc: 0.0, volts: 9.0 }, "shift_v", "V"),
        (Defect::SocJump { by: 2.0 }, "by", ""),
        (sensor(Reading::Soc, Some(99), Distortion::NONE), "rack", ""),
        (sensor(Reading::Soc, None, noisy), "noise_sd", ""),
    ] {
        let refused = defect.check(&design);
        assert!(
            matches!(refused, Err(Rejection::OutOfRange { field: of, unit: told, .. })
                if of == field && told == unit),
            "{defect:?}: {refused:?}"
        );
    }
}

#[test]
fn what_a_unit_cannot_have_is_refused_with_the_reason() {
    let design = design();
    let mut fireproof = design.clone();
    fireproof.chemistry = std::sync::Arc::new(crate::chemistry::Chemistry {
        runaway: None,
        ..(*design.chemistry).clone()
    });
    let is_refused = |defect: Defect, design: &UnitDesign| {
        matches!(defect.check(design), Err(Rejection::NotPossible { .. }))
    };
    assert!(is_refused(cell(CellDefect::Ignite(true)), &fireproof));
    assert!(!is_refused(cell(CellDefect::Ignite(false)), &fireproof));
    let reading = Reading::ActivePower;
    assert!(is_refused(Defect::Reading { rack_idx: 0, reading, value: Some(1.0) }, &design));
    assert!(is_refused(sensor(reading, Some(0), Distortion::NONE), &design));
    for code in [AlarmCode::EmergencyStop, AlarmCode::ControllerLost, AlarmCode::Quarantined] {
        assert!(is_refused(Defect::NuisanceTrip { code: Some(code) }, &design));
    }
}
