//! A piecewise linear curve over its own nodes.

/// Values of one quantity at increasing nodes, linear in between.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    x: Vec<f64>,
    y: Vec<f64>,
}

/// Why nodes and values do not make a [`Curve`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CurveError {
    /// Different numbers of nodes and values, or fewer than two.
    #[error(
        "needs as many values as nodes and at least two of them, got {nodes} nodes and {values} values"
    )]
    Length {
        /// Number of nodes.
        nodes: usize,
        /// Number of values.
        values: usize,
    },
    /// A node is not greater than the one before it.
    #[error("nodes must increase, but node {index} is {value} after {previous}")]
    NodesNotIncreasing {
        /// Index of the offending node, from 0.
        index: usize,
        /// Its value.
        value: f64,
        /// The node before it.
        previous: f64,
    },
}

impl Curve {
    /// A curve through `(x[i], y[i])`.
    ///
    /// # Errors
    /// When the lengths differ, there are fewer than two nodes, or the nodes do not increase.
    pub fn new(x: Vec<f64>, y: Vec<f64>) -> Result<Self, CurveError> {
        if x.len() != y.len() || x.len() < 2 {
            return Err(CurveError::Length { nodes: x.len(), values: y.len() });
        }
        if let Some(index) = (1..x.len()).find(|&i| x[i] <= x[i - 1]) {
            let (value, previous) = (x[index], x[index - 1]);
            return Err(CurveError::NodesNotIncreasing { index, value, previous });
        }
        Ok(Self { x, y })
    }
    /// The nodes, increasing.
    pub fn nodes(&self) -> &[f64] {
        &self.x
    }
    /// The values at the nodes.
    pub fn values(&self) -> &[f64] {
        &self.y
    }
    /// The value at `x`; beyond the nodes the first or last piece goes on.
    pub fn at(&self, x: f64) -> f64 {
        let piece = self.x.partition_point(|&node| node <= x).clamp(1, self.x.len() - 1);
        let (x0, x1) = (self.x[piece - 1], self.x[piece]);
        let (y0, y1) = (self.y[piece - 1], self.y[piece]);
        y0 + (y1 - y0) * ((x - x0) / (x1 - x0))
    }
    /// The value at `x`; beyond the nodes the first or last value holds.
    pub fn at_clamped(&self, x: f64) -> f64 {
        self.at(x.clamp(self.x[0], self.x[self.x.len() - 1]))
    }
    /// The integral of the curve from its first node to `x` (trapezoids, exact for the pieces).
    pub fn integral_to(&self, x: f64) -> f64 {
        let mut sum = 0.0;
        for i in 1..self.x.len() {
            if x <= self.x[i - 1] {
                break;
            }
            let end = x.min(self.x[i]);
            sum += 0.5 * (self.y[i - 1] + self.at(end)) * (end - self.x[i - 1]);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_linear_between_its_nodes_and_goes_on_or_holds_beyond() {
        let curve = Curve::new(vec![0.0, 0.5, 1.0], vec![1.0, 2.0, 4.0]).expect("valid");
        assert_eq!([0.25, 0.5, 0.75].map(|x| curve.at(x)), [1.5, 2.0, 3.0]);
        assert_eq!([-0.5, 1.5].map(|x| curve.at(x)), [0.0, 6.0]);
        assert_eq!([-0.5, 1.5].map(|x| curve.at_clamped(x)), [1.0, 4.0]);
        assert!((curve.integral_to(1.0) - 2.25).abs() < 1e-12);
    }

    #[test]
    fn nodes_that_do_not_increase_are_refused() {
        let error = Curve::new(vec![0.0, 0.0], vec![1.0, 2.0]);
        assert!(matches!(error, Err(CurveError::NodesNotIncreasing { index: 1, .. })));
        assert!(matches!(Curve::new(vec![0.0], vec![1.0]), Err(CurveError::Length { .. })));
    }
}
