//! What an expression costs.

use super::Bench;
use bess_core::units::Watts;
use std::hint::black_box;

/// Twenty expressions as a long scenario has them: the cost is that of this test.
#[test]
fn twenty_minutes_of_twenty_expressions_are_remembered_and_evaluated() {
    let texts = [
        "farm.active_power_w ~= 10MW ± 2%",
        "count(alarm(all, any)) == 0",
        "count(state(healthy) != running) == 0",
        "min(truth.soc) > 5% and max(truth.soc) < 95%",
        "max(abs(measured.soc - truth.soc)) < 2%",
        "alarm(victim, cell_over_temperature)",
        "latched(victim, any)",
        "not (abs(dc.current_a@victim) > 5A and contactor(victim) == open)",
        "rate(farm.trips_total[60s]) * 60 <= 3",
        "changes(heartbeat[10s]) >= 5",
        "farm.active_power_w >= 80% * baseline(farm.active_power_w)",
        "quantile(0.5, active_power_w) > 0.5MW",
        "count_since(arc, \"client.write_setpoint\") > 0",
        "event(\"unit.state\", unit=victim, value=fault)",
        "since(unit.trip) < 300s",
        "sut(\"stale_data\", target=victim)",
        "abs(grid.frequency_hz - 50) < 10mHz implies abs(farm.active_power_w) < 200kW",
        "farm.available_discharge_power_w - farm.active_power_w >= 1MW",
        "max(rack.measured.cell_temperature_max_degc) < 55degC or state(victim) in {derated, fault}",
        "avg_over_time(farm.active_power_w[10m]) > 1MW",
    ];
    let mut bench = Bench::new();
    let exprs = texts.map(|text| bench.compile(text));
    bench.remember(&exprs.each_ref());
    let ticks = 12_000;
    let mut known = 0;
    for tick in 0..ticks {
        bench.in_baseline = tick < 200;
        bench.tick(|s| s.farm.active_power = Watts(9.9e6 + f64::from(tick % 7)));
        let sight = bench.sight();
        known += exprs.iter().filter(|e| black_box(e.truth(&sight)).is_some()).count();
    }
    assert!(known > 10 * ticks as usize, "{known}");
}
