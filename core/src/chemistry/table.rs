//! A quantity over state of charge, temperature and current, linear along each axis.

use super::Curve;

/// Values of one quantity at the nodes of up to three axes, linear in each of them in between.
///
/// An axis on which the quantity does not depend has one node, 0. Current is positive while
/// discharging, in amperes of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    soc: Vec<f64>,
    temperature_degc: Vec<f64>,
    current_a: Vec<f64>,
    /// `values[(i_current * n_temperature + i_temperature) * n_soc + i_soc]`.
    values: Vec<f64>,
}

/// Why axes and values do not make a [`Table`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TableError {
    /// The number of values is not the product of the numbers of nodes.
    #[error(
        "needs {currents} x {temperatures} x {socs} = {} values (currents x temperatures x SoCs), got {values}",
        currents * temperatures * socs
    )]
    Count {
        /// Number of current nodes.
        currents: usize,
        /// Number of temperature nodes.
        temperatures: usize,
        /// Number of SoC nodes.
        socs: usize,
        /// Number of values.
        values: usize,
    },
    /// A node is not greater than the one before it.
    #[error("nodes of `{axis}` must increase, but node {index} is {value} after {previous}")]
    NodesNotIncreasing {
        /// Name of the axis: `soc`, `temperature_degc` or `current_a`.
        axis: &'static str,
        /// Index of the offending node, from 0.
        index: usize,
        /// Its value.
        value: f64,
        /// The node before it.
        previous: f64,
    },
    /// A node or a value is infinite or not a number.
    #[error("`{name}[{index}]` is not a finite number")]
    NotFinite {
        /// Name of the axis, or `values`.
        name: &'static str,
        /// Index from 0.
        index: usize,
    },
}

impl Table {
    /// A table that is `value` everywhere.
    pub fn constant(value: f64) -> Self {
        Self {
            soc: vec![0.0],
            temperature_degc: vec![0.0],
            current_a: vec![0.0],
            values: vec![value],
        }
    }

    /// A table of `values` over the axes, current slowest and SoC fastest:
    /// `values[(i_current * n_temperature + i_temperature) * n_soc + i_soc]`. An empty axis is one
    /// on which the quantity does not depend.
    ///
    /// # Errors
    /// When the number of values is not the product of the numbers of nodes, nodes do not increase,
    /// or a number is not finite.
    pub fn new(
        soc: Vec<f64>,
        temperature_degc: Vec<f64>,
        current_a: Vec<f64>,
        values: Vec<f64>,
    ) -> Result<Self, TableError> {
        let mut axes =
            [("soc", soc), ("temperature_degc", temperature_degc), ("current_a", current_a)];
        for (axis, nodes) in &mut axes {
            if nodes.is_empty() {
                nodes.push(0.0);
            }
            if let Some(index) = nodes.iter().position(|node| !node.is_finite()) {
                return Err(TableError::NotFinite { name: axis, index });
            }
            if let Some(index) = (1..nodes.len()).find(|&i| nodes[i] <= nodes[i - 1]) {
                let (value, previous) = (nodes[index], nodes[index - 1]);
                return Err(TableError::NodesNotIncreasing { axis, index, value, previous });
            }
        }
        let [(_, soc), (_, temperature_degc), (_, current_a)] = axes;
        let (currents, temperatures, socs) = (current_a.len(), temperature_degc.len(), soc.len());
        if currents * temperatures * socs != values.len() {
            let values = values.len();
            return Err(TableError::Count { currents, temperatures, socs, values });
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(TableError::NotFinite { name: "values", index });
        }
        Ok(Self { soc, temperature_degc, current_a, values })
    }

    /// The value at `soc`, `temperature_degc` and `current_a`. Beyond the ends of an axis the value
    /// at its end holds.
    pub fn at(&self, soc: f64, temperature_degc: f64, current_a: f64) -> f64 {
        self.interpolate(Place::held(&self.soc, soc), self.row_at(temperature_degc, current_a))
    }

    /// As [`Table::at`], but beyond the SoC nodes the outer piece goes on, as an open-circuit
    /// voltage does. Temperature and current hold at their ends.
    pub fn at_extended(&self, soc: f64, temperature_degc: f64, current_a: f64) -> f64 {
        self.interpolate(Place::extended(&self.soc, soc), self.row_at(temperature_degc, current_a))
    }

    /// The values at the SoC nodes, at this temperature and current.
    pub fn slice(&self, temperature_degc: f64, current_a: f64) -> Vec<f64> {
        let row = self.row_at(temperature_degc, current_a);
        (0..self.soc.len()).map(|low| self.interpolate(Place { low, beyond: 0.0 }, row)).collect()
    }

    /// The curve over SoC at this temperature and current; from 0 to 1 and flat where the quantity
    /// does not depend on SoC.
    pub fn curve(&self, temperature_degc: f64, current_a: f64) -> Curve {
        let values = self.slice(temperature_degc, current_a);
        let (nodes, values) = match values[..] {
            [value] => (vec![0.0, 1.0], vec![value; 2]),
            _ => (self.soc.clone(), values),
        };
        Curve::new(nodes, values).expect("the nodes of a table increase")
    }

    /// Places on the axes of temperature and current.
    fn row_at(&self, temperature_degc: f64, current_a: f64) -> (Place, Place) {
        (
            Place::held(&self.temperature_degc, temperature_degc),
            Place::held(&self.current_a, current_a),
        )
    }

    fn interpolate(&self, soc: Place, (temperature, current): (Place, Place)) -> f64 {
        current.between(|i_current| {
            let row = i_current * self.temperature_degc.len();
            temperature.between(|i_temperature| {
                let start = (row + i_temperature) * self.soc.len();
                soc.between(|i_soc| self.values[start + i_soc])
            })
        })
    }

    /// The SoC nodes, increasing; the one node 0 when the quantity does not depend on SoC.
    pub fn soc_nodes(&self) -> &[f64] {
        &self.soc
    }
    /// The temperature nodes in degC, increasing; the one node 0 without dependence.
    pub fn temperature_nodes(&self) -> &[f64] {
        &self.temperature_degc
    }
    /// The current nodes in amperes, increasing; the one node 0 without dependence.
    pub fn current_nodes(&self) -> &[f64] {
        &self.current_a
    }
    /// All values: current slowest, then temperature, SoC fastest.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
    /// Whether the quantity depends on SoC.
    pub fn depends_on_soc(&self) -> bool {
        self.soc.len() > 1
    }
    /// Whether the quantity depends on temperature.
    pub fn depends_on_temperature(&self) -> bool {
        self.temperature_degc.len() > 1
    }
    /// Whether the quantity depends on current.
    pub fn depends_on_current(&self) -> bool {
        self.current_a.len() > 1
    }
    /// Lowest and highest temperature node in degC; `None` without dependence on temperature.
    pub fn temperature_range(&self) -> Option<(f64, f64)> {
        ends(&self.temperature_degc)
    }
    /// Lowest and highest current node in amperes; `None` without dependence on current.
    pub fn current_range(&self) -> Option<(f64, f64)> {
        ends(&self.current_a)
    }
    /// The value, when the quantity depends on nothing.
    pub fn as_constant(&self) -> Option<f64> {
        if let [value] = self.values[..] { Some(value) } else { None }
    }
    /// The same axes with `f` of each value. The values must stay finite.
    #[must_use]
    pub fn map_values(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { values: self.values.iter().map(|value| f(*value)).collect(), ..self.clone() }
    }

    /// Where the values, row by row over SoC, first fail to rise: the row's temperature and
    /// current, and the value's index. `None` when every row rises strictly.
    pub fn first_non_rising(&self) -> Option<NonRising> {
        self.values.chunks(self.soc.len()).enumerate().find_map(|(row, values)| {
            let i_soc = (1..values.len()).find(|&i| values[i] <= values[i - 1])?;
            Some(NonRising {
                index: row * self.soc.len() + i_soc,
                temperature_degc: self.temperature_degc[row % self.temperature_degc.len()],
                current_a: self.current_a[row / self.temperature_degc.len()],
                value: values[i_soc],
                previous: values[i_soc - 1],
            })
        })
    }
}

/// A place where a table does not rise with SoC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonRising {
    /// Index of the value among all values of the table, from 0.
    pub index: usize,
    /// Temperature of the row in degC.
    pub temperature_degc: f64,
    /// Current of the row in amperes.
    pub current_a: f64,
    /// The value at the node.
    pub value: f64,
    /// The value at the node before.
    pub previous: f64,
}

fn ends(nodes: &[f64]) -> Option<(f64, f64)> {
    (nodes.len() > 1).then(|| (nodes[0], nodes[nodes.len() - 1]))
}

/// A place on an axis: a node, and how far towards the next one (0 to 1, or beyond).
#[derive(Clone, Copy)]
struct Place {
    low: usize,
    beyond: f64,
}

impl Place {
    fn extended(nodes: &[f64], x: f64) -> Self {
        if nodes.len() < 2 {
            return Self { low: 0, beyond: 0.0 };
        }
        let last_piece = nodes.len() - 2;
        let low = nodes.partition_point(|node| *node <= x).saturating_sub(1).min(last_piece);
        Self { low, beyond: (x - nodes[low]) / (nodes[low + 1] - nodes[low]) }
    }
    fn held(nodes: &[f64], x: f64) -> Self {
        Self::extended(nodes, x.clamp(nodes[0], nodes[nodes.len() - 1]))
    }
    /// The value between `value(low)` and `value(low + 1)`; the latter is not asked for on a node.
    #[inline]
    fn between(self, value: impl Fn(usize) -> f64) -> f64 {
        let from = value(self.low);
        if self.beyond == 0.0 {
            return from;
        }
        from + (value(self.low + 1) - from) * self.beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn trilinear() -> Table {
        let (soc, temperature, current) =
            (vec![0.0, 0.3, 1.0], vec![-10.0, 25.0], vec![-100.0, 0.0, 50.0]);
        let mut values = Vec::new();
        for i in &current {
            for t in &temperature {
                values.extend(soc.iter().map(|s| law(*s, *t, *i)));
            }
        }
        Table::new(soc, temperature, current, values).unwrap()
    }
    /// Linear along each axis, so that a table of it is exact everywhere.
    fn law(s: f64, t: f64, i: f64) -> f64 {
        (1.0 + 2.0 * s) * (3.0 - 0.01 * t) * (0.5 + 0.001 * i)
    }

    proptest! {
        #[test]
        fn a_table_is_linear_along_every_axis_and_holds_beyond_their_ends(
            s in -0.5..1.5_f64, t in -40.0..60.0_f64, i in -300.0..300.0_f64,
        ) {
            let table = trilinear();
            let (th, ih) = (t.clamp(-10.0, 25.0), i.clamp(-100.0, 50.0));
            prop_assert!((table.at(s, t, i) - law(s.clamp(0.0, 1.0), th, ih)).abs() < 1e-12);
            prop_assert!((table.at_extended(s, t, i) - law(s, th, ih)).abs() < 1e-12);
            for (node, value) in table.soc_nodes().iter().zip(table.slice(t, i)) {
                prop_assert_eq!(value, table.at(*node, t, i));
            }
        }
    }

    #[test]
    fn an_absent_axis_changes_nothing() {
        let table = Table::new(vec![], vec![0.0, 10.0], vec![], vec![1.0, 3.0]).unwrap();
        assert_eq!([-1.0, 0.5, 7.0].map(|s| table.at(s, 5.0, 9.0)), [2.0; 3]);
        assert_eq!(table.at_extended(7.0, 5.0, -9.0), 2.0);
        assert!(!table.depends_on_soc() && table.depends_on_temperature());
        assert_eq!((table.temperature_range(), table.current_range()), (Some((0.0, 10.0)), None));
        assert_eq!((table.as_constant(), Table::constant(4.0).as_constant()), (None, Some(4.0)));
        assert_eq!(table.map_values(|v| 2.0 * v).values(), [2.0, 6.0]);
        assert_eq!(table.slice(2.5, 0.0), [1.5]);
        assert_eq!(table.curve(2.5, 0.0).values(), [1.5; 2]);
        assert_eq!(trilinear().curve(5.0, 1.0).nodes(), [0.0, 0.3, 1.0]);
    }

    #[test]
    fn a_row_that_does_not_rise_is_found_with_its_temperature() {
        let rows = vec![1.0, 2.0, 3.0, 1.0, 2.0, 2.0];
        let table = Table::new(vec![0.0, 0.5, 1.0], vec![5.0, 15.0], vec![], rows).unwrap();
        let found = table.first_non_rising().unwrap();
        assert_eq!((found.index, found.temperature_degc, found.value), (5, 15.0, 2.0));
        assert_eq!(trilinear().first_non_rising(), None);
    }

    #[test]
    fn wrong_counts_nodes_out_of_order_and_numbers_that_are_none_are_refused() {
        let count = Table::new(vec![0.0, 1.0], vec![0.0, 1.0], vec![], vec![1.0]).unwrap_err();
        assert!(count.to_string().contains("1 x 2 x 2 = 4 values"), "{count}");
        let order = Table::new(vec![0.0, 1.0, 1.0], vec![], vec![], vec![1.0; 3]).unwrap_err();
        assert!(order.to_string().contains("`soc` must increase, but node 2 is 1"), "{order}");
        let nan = Table::new(vec![], vec![], vec![], vec![f64::NAN]).unwrap_err();
        assert_eq!(nan, TableError::NotFinite { name: "values", index: 0 });
        assert!(Table::constant(1.0).at(f64::NAN, f64::NAN, f64::NAN) == 1.0);
        assert!(trilinear().at(f64::NAN, 0.0, 0.0).is_nan());
    }
}
