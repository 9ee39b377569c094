//! Operators, literals, units, selections and absent values.

use super::Bench;
use super::farm::VICTIM;
use crate::expr::Value;
use bess_core::units::Watts;

#[test]
fn arithmetic_binds_as_in_school() {
    let bench = Bench::new();
    for (text, value) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("2 - 3 - 4", -5.0),
        ("8 / 4 / 2", 1.0),
        ("-2 * 3", -6.0),
        ("2 - -3", 5.0),
        ("0.95 * 10MW", 9.5e6),
        ("1h30m / 1m", 90.0),
        ("10MW / 20A / 1kohm", 500.0),
    ] {
        assert!((bench.number(text) - value).abs() < 1e-9 * value.abs(), "{text}");
    }
}

#[test]
fn comparisons_are_in_si_and_bare_numbers_take_the_unit_of_the_name() {
    let bench = Bench::new();
    bench.holds("farm.active_power_w == 9.9MW");
    bench.holds("farm.active_power_w > 9000kW");
    bench.holds("farm.active_power_w <= 9900000");
    bench.fails("farm.active_power_w != 9900kW");
    bench.holds("abs(grid.frequency_hz - 50) < 200mHz");
    bench.holds("grid.frequency_hz - 50Hz >= -100mHz");
    bench.holds("min(truth.soc) > 25%");
    // 1000 kohm is a megohm, and a bare number beside it is in kohm as its name says.
    bench.holds("insulation_kohm@victim == 1Mohm");
    bench.holds("insulation_kohm@victim == 1000");
    bench.holds("2 * insulation_kohm@victim - 500 == 1.5Mohm");
    bench.fails("insulation_kohm@victim < 100kohm");
}

#[test]
fn a_tolerance_is_a_part_of_the_target_or_in_its_unit() {
    let bench = Bench::new();
    bench.holds("farm.active_power_w ~= 10MW ± 1%");
    bench.holds("farm.active_power_w ~= 10MW +- 100kW");
    bench.fails("farm.active_power_w ~= 10MW +/- 0.5%");
    bench.fails("farm.active_power_w ~= 10MW ± 99999");
    bench.holds("abs(farm.active_power_w) ~= 2 * 5MW ± 2%");
    bench.holds("farm.soc ~= 0 ± 0.01");
}

#[test]
fn implies_or_and_not_bind_in_this_order_from_loose_to_tight() {
    let bench = Bench::new();
    bench.holds("1 == 2 and 1 == 1 or 1 == 1");
    bench.fails("not 1 == 1 or 1 == 2");
    bench.holds("1 == 2 implies 1 == 3");
    bench.holds("1 == 2 implies 1 == 1 implies 1 == 2");
    bench.fails("(1 == 2 implies 1 == 1) implies 1 == 2");
    bench.holds("not (1 == 1 and 1 == 2)");
}

#[test]
fn a_vector_as_a_condition_must_be_true_everywhere_and_not_is_not_anywhere() {
    let mut bench = Bench::new();
    bench.holds("truth.soc > 50%");
    bench.snapshot.units[VICTIM].truth.soc = 0.4;
    bench.fails("truth.soc > 50%");
    bench.holds("truth.soc@healthy > 50%");
    bench.fails("not truth.soc > 50%");
    bench.holds("not truth.soc@victim > 50%");
    bench.holds("any(truth.soc > 50%) and not all(truth.soc > 50%)");
    bench.holds("count(truth.soc > 50%) == 9");
}

#[test]
fn sides_about_the_same_elements_meet_one_by_one_and_others_as_a_whole() {
    let mut bench = Bench::new();
    bench.snapshot.units[0].truth.soc = 0.2;
    bench.snapshot.units[0].ac.active_power = Watts(0.0);
    // Each unit that is low gives nothing: true one by one, though neither side is true of all.
    bench.holds("truth.soc < 30% implies active_power_w == 0");
    bench.holds("truth.soc >= 30% or active_power_w == 0");
    // About different units: each side is one truth.
    bench
        .holds("truth.soc@victim > 50% and not truth.soc@nobody > 50% or state(victim) == running");
    bench.holds("state(victim) == running and active_power_w@victim > 0");
    bench.fails("state(victim) == running and active_power_w@healthy > 0");
    let text = bench.refusal("truth.soc@victim - truth.soc@healthy < 1%");
    assert!(text.contains("different units"), "{text}");
    bench.holds("truth.soc@victim - truth.soc < 1%");
}

#[test]
fn racks_and_cells_see_what_is_of_their_unit() {
    let mut bench = Bench::new();
    let first = bench.spec.units[VICTIM].racks.start;
    bench.snapshot.racks[first].soc = 0.9;
    bench.holds("count(rack.measured.soc > measured.soc) == 1");
    bench.holds("rack.measured.soc@racks{rack=\"1\"} == 90%");
    bench.snapshot.units[VICTIM].air_temperature.0 = 30.0;
    bench.show_cells(VICTIM).true_temperature_degc[5] = 40.0;
    bench.holds("max(cell.truth.temperature_degc@hot) == 40degC");
    bench.holds("count(cell.truth.temperature_degc@hot > air_temperature_degc) == 1");
}

#[test]
fn labels_pick_by_name_number_pattern_and_target() {
    let bench = Bench::new();
    let name = bench.spec.units[0].name.clone();
    for (text, n) in [
        (format!("count(truth.soc{{unit=\"{name}\"}})"), 1.0),
        ("count(truth.soc{unit=\"1\"})".to_owned(), 1.0),
        ("count(truth.soc{unit!=\"1\"})".to_owned(), 9.0),
        ("count(truth.soc{unit=~\"[1-4]\"})".to_owned(), 4.0),
        ("count(truth.soc{unit!~\"[1-4]\"})".to_owned(), 6.0),
        ("count(truth.soc{unit!=victim})".to_owned(), 9.0),
        ("count(truth.soc{unit=victim})".to_owned(), 1.0),
        ("count(truth.soc@healthy{unit=~\"1|2|3\"})".to_owned(), 2.0),
        ("count(rack.truth.soc@victim{rack=~\"1|2\"})".to_owned(), 2.0),
    ] {
        assert_eq!(bench.number(&text), n, "{text}");
    }
    let chemistry = &bench.spec.units[0].design.chemistry.name;
    assert_eq!(bench.number(&format!("count(truth.soc{{chemistry=\"{chemistry}\"}})")), 10.0);
}

#[test]
fn membership_of_a_target_is_a_truth_of_each_element() {
    let mut bench = Bench::new();
    bench.holds("count(truth.soc > 50% and not in(victim)) == 9");
    bench.show_cells(VICTIM).true_temperature_degc[5] = 120.0;
    let text = "count(cell.truth.temperature_degc@victim > 100degC and not in(hot))";
    assert_eq!(bench.number(text), 0.0);
    bench.fails("any(in(nobody) and truth.soc > 50%)");
}

#[test]
fn a_word_is_compared_with_its_own_list() {
    let bench = Bench::new();
    bench.holds("state(all) == running");
    bench.holds("state(victim) != fault");
    bench.holds("state(victim) in {running, derated}");
    bench.holds("state(victim) not in {fault, off}");
    bench.holds("count(state(healthy) == running) == count(healthy)");
}

#[test]
fn what_is_absent_stays_absent_unless_the_rest_decides() {
    let mut bench = Bench::new();
    // No setpoint is in force.
    bench.is_absent("farm.setpoint_w");
    bench.is_absent("farm.setpoint_w > 1MW");
    bench.is_absent("not farm.setpoint_w > 1MW");
    bench.is_absent("farm.setpoint_w ~= 1MW ± 1%");
    bench.fails("farm.setpoint_w > 1MW and 1 == 2");
    bench.holds("farm.setpoint_w > 1MW or 1 == 1");
    bench.holds("1 == 2 implies farm.setpoint_w > 1MW");
    bench.is_absent("1 == 1 and farm.setpoint_w > 1MW");
    bench.holds("absent(farm.setpoint_w)");
    bench.is_absent("1 / (farm.soc - farm.soc)");
    // One sensor of ten has gone.
    bench.snapshot.units[VICTIM].measured.soc = f64::NAN;
    for text in [
        "min(measured.soc) > 10%",
        "sum(measured.soc) > 1",
        "avg(measured.soc) > 1%",
        "count(measured.soc > 10%) == 9",
        "quantile(50%, measured.soc) > 10%",
        "measured.soc > 10%",
    ] {
        bench.is_absent(text);
    }
    bench.fails("measured.soc > 90%");
    bench.holds("any(measured.soc > 10%)");
    bench.holds("count(absent(measured.soc)) == 1");
    let Value::Numbers(all) = bench.eval("measured.soc") else { panic!("a vector") };
    assert_eq!((all.len(), all.iter().filter(|soc| soc.is_nan()).count()), (10, 1));
}

#[test]
fn an_empty_vector_is_absent() {
    let bench = Bench::new();
    for text in [
        "truth.soc@nobody > 10%",
        "count(state(nobody) != running) == 0",
        "sum(active_power_w@nobody) < 1",
        "any(truth.soc@nobody > 10%)",
        "count(nobody) == 0",
        "alarm(nobody, any)",
    ] {
        bench.is_absent(text);
    }
}

#[test]
fn cells_that_nobody_is_shown_are_absent() {
    let mut bench = Bench::new();
    bench.is_absent("max(cell.truth.temperature_degc@hot) < 50degC");
    bench.is_absent("max(cell.truth.temperature_degc) < 50degC");
    bench.show_cells(VICTIM);
    bench.holds("max(cell.truth.temperature_degc@hot) < 50degC");
    bench.holds("max(cell.truth.temperature_degc@victim) < 50degC");
    // Nine units are not shown yet.
    bench.is_absent("max(cell.truth.temperature_degc) < 50degC");
}

#[test]
fn the_shadow_is_the_other_farm_and_absent_without_one() {
    let mut bench = Bench::new();
    let text = "max(abs(truth.soc - shadow.truth.soc)) < 0.1%";
    bench.is_absent(text);
    bench.shadow = Some(bench.snapshot.clone());
    bench.holds(text);
    bench.snapshot.units[VICTIM].truth.soc -= 0.01;
    bench.fails(text);
    bench.shadow.as_mut().expect("there").farm.active_power = Watts(1.0);
    bench.holds("shadow.farm.active_power_w == 1");
}

#[test]
fn a_flag_is_a_truth_of_each_element() {
    let mut bench = Bench::new();
    bench.fails("any(smoke)");
    bench.snapshot.units[VICTIM].smoke = true;
    bench.holds("smoke@victim and not smoke@healthy");
    bench.holds("rack.connected");
}
