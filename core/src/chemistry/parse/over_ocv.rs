//! Turns a table over open-circuit voltage into the same table over SoC.

use super::super::Table;

/// `table`, whose first axis is in volts of open-circuit voltage, over SoC.
///
/// Exact: a piecewise linear function of a piecewise linear voltage has its corners at the voltage's
/// own nodes and where the voltage crosses the table's. `ocv` rises strictly with SoC and depends on
/// nothing else. Beyond the table's ends its outer value holds.
pub(super) fn over_soc(ocv: &Table, table: &Table) -> Table {
    let (socs, volts) = (ocv.soc_nodes(), ocv.values());
    let mut nodes: Vec<(f64, f64)> = socs.iter().copied().zip(volts.iter().copied()).collect();
    for &v in table.soc_nodes() {
        let above = volts.partition_point(|volt| *volt < v);
        if above == 0 || above == volts.len() {
            continue;
        }
        let (z0, z1, v0, v1) = (socs[above - 1], socs[above], volts[above - 1], volts[above]);
        nodes.push((z0 + (z1 - z0) * ((v - v0) / (v1 - v0)), v));
    }
    nodes.sort_by(|a, b| a.0.total_cmp(&b.0));
    nodes.dedup_by(|a, b| (a.0 - b.0).abs() < 1e-12);

    let (temperatures, currents) = (table.temperature_nodes(), table.current_nodes());
    let mut values = Vec::with_capacity(nodes.len() * temperatures.len() * currents.len());
    for i in currents {
        for t in temperatures {
            values.extend(nodes.iter().map(|(_, volt)| table.at(*volt, *t, *i)));
        }
    }
    let socs = nodes.iter().map(|(soc, _)| *soc).collect();
    Table::new(socs, temperatures.to_vec(), currents.to_vec(), values)
        .expect("the nodes were sorted and each has its value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_table_over_soc_is_the_table_at_the_open_circuit_voltage_everywhere(
            steps in proptest::collection::vec((0.01..1.0_f64, 0.001..0.5_f64), 1..8),
            table_steps in proptest::collection::vec((0.01..0.6_f64, -1.0..1.0_f64), 2..8),
            at in 0.0..1.0_f64, t in -5.0..30.0_f64,
        ) {
            let total: f64 = steps.iter().map(|(soc, _)| soc).sum();
            let (mut socs, mut volts) = (vec![0.0], vec![3.0]);
            for (soc, volt) in &steps {
                socs.push(socs[socs.len() - 1] + soc / total);
                volts.push(volts[volts.len() - 1] + volt);
            }
            let mut axis = Vec::new();
            for (step, _) in &table_steps {
                axis.push(axis.last().unwrap_or(&2.9) + step);
            }
            let rows = [1.0, -2.0];
            let values =
                rows.iter().flat_map(|r| table_steps.iter().map(move |(_, v)| r * v)).collect();
            let ocv = Table::new(socs, vec![], vec![], volts).unwrap();
            let over_v = Table::new(axis, vec![0.0, 25.0], vec![], values).unwrap();
            let over_z = over_soc(&ocv, &over_v);
            let expected = over_v.at(ocv.at(at, 0.0, 0.0), t, 0.0);
            // Nodes closer than 1e-12 are one; steep pieces next to them lose some digits.
            prop_assert!((over_z.at(at, t, 0.0) - expected).abs() < 1e-9);
        }
    }
}
