//! Open-circuit voltage and hysteresis of a chemistry, prepared for the cell kernel.
//!
//! Both curves keep their own nodes: the table holds the union of them, and equal bins over SoC lead
//! to the node at or before a bin. A uniform resampling would err by up to 47 mV at the foot of LFP.

use super::real::Real;
use bess_core::chemistry::Chemistry;

/// A piece between two nodes: values at its start and slopes per unit of SoC.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Piece<R> {
    /// SoC where the piece starts.
    pub soc: R,
    /// Open-circuit voltage there, less the table's reference voltage.
    pub ocv: R,
    /// Slope of the open-circuit voltage.
    pub ocv_slope: R,
    /// Hysteresis half-width there.
    pub half_width: R,
    /// Slope of the half-width.
    pub half_width_slope: R,
}

/// Piecewise linear voltage curves over SoC; beyond 0 and 1 the outer pieces go on.
#[derive(Clone, Debug)]
pub struct VoltageTable<R> {
    /// Subtracted from every voltage, so that `f32` keeps its digits for what matters.
    pub reference_v: f64,
    bins: f64,
    first_piece: Vec<u32>,
    pieces: Vec<Piece<R>>,
}

/// Most bins: 0.05 % of SoC.
const BINS_MAX: usize = 2000;

impl<R: Real> VoltageTable<R> {
    /// The curves of `chemistry`.
    pub fn new(chemistry: &Chemistry) -> Self {
        let reference_v = chemistry.ocv.at(0.5);
        let half_width = chemistry
            .hysteresis
            .as_ref()
            .map(|hysteresis| &hysteresis.half_width);
        let mut nodes: Vec<f64> = chemistry.ocv.nodes().to_vec();
        nodes.extend(half_width.into_iter().flat_map(|curve| curve.nodes()));
        nodes.sort_by(f64::total_cmp);
        nodes.dedup_by(|a, b| (*a - *b).abs() < 1e-12);
        let pieces = nodes
            .windows(2)
            .map(|pair| {
                let (from, to) = (pair[0], pair[1]);
                let slope = |y0: f64, y1: f64| (y1 - y0) / (to - from);
                let (ocv0, ocv1) = (chemistry.ocv.at(from), chemistry.ocv.at(to));
                let (m0, m1) = half_width.map_or((0.0, 0.0), |m| (m.at(from), m.at(to)));
                Piece {
                    soc: R::of(from),
                    ocv: R::of(ocv0 - reference_v),
                    ocv_slope: R::of(slope(ocv0, ocv1)),
                    half_width: R::of(m0),
                    half_width_slope: R::of(slope(m0, m1)),
                }
            })
            .collect();
        let bins = bins_for(&nodes);
        // The last piece that starts at or before the bin; a tolerance of a millionth of a bin keeps
        // a node that sits on a bin's edge in that bin.
        let first_piece = (0..bins)
            .map(|bin| {
                let edge = (bin as f64 + 1e-6) / bins as f64;
                nodes[..nodes.len() - 1]
                    .partition_point(|node| *node <= edge)
                    .saturating_sub(1) as u32
            })
            .collect();
        Self {
            reference_v,
            bins: bins as f64,
            first_piece,
            pieces,
        }
    }

    /// The number of equal bins over SoC 0 to 1, as the kernel multiplies with it.
    pub fn bins(&self) -> R {
        R::of(self.bins)
    }

    /// The piece that holds at `soc`, found from its bin (`soc * bins`, truncated).
    #[inline(always)]
    pub fn piece(&self, bin: i32, soc: R) -> Piece<R> {
        let bin = (bin.max(0) as usize).min(self.first_piece.len() - 1);
        let mut idx = self.first_piece[bin] as usize;
        // Bins are no wider than most pieces: at most a step or two.
        while idx + 1 < self.pieces.len() && soc >= self.pieces[idx + 1].soc {
            idx += 1;
        }
        self.pieces[idx]
    }
}

/// The smallest number of equal bins on whose edges all nodes lie, or [`BINS_MAX`].
fn bins_for(nodes: &[f64]) -> usize {
    (1..=BINS_MAX)
        .find(|&n| {
            nodes
                .iter()
                .all(|x| (x * n as f64 - (x * n as f64).round()).abs() < 1e-6)
        })
        .unwrap_or(BINS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::chemistry::{built_in, parse_chemistry};

    #[test]
    fn the_table_gives_the_curve_itself_everywhere() {
        let text = built_in("lfp-314").unwrap();
        let uneven = text.replacen("0.005, 0.010,", "0.004, 0.0123,", 1);
        for text in [text, &uneven] {
            let chemistry = parse_chemistry("test", text).unwrap();
            let table = VoltageTable::<f64>::new(&chemistry);
            let half_width = &chemistry.hysteresis.as_ref().unwrap().half_width;
            for i in -50..=10_050 {
                let soc = f64::from(i) / 10_000.0;
                let piece = table.piece((soc * table.bins()).truncated(), soc);
                let ocv = table.reference_v + piece.ocv + piece.ocv_slope * (soc - piece.soc);
                let m = piece.half_width + piece.half_width_slope * (soc - piece.soc);
                assert!((ocv - chemistry.ocv.at(soc)).abs() < 1e-9, "{soc} {ocv}");
                assert!((m - half_width.at(soc)).abs() < 1e-9, "{soc} {m}");
            }
        }
    }

    #[test]
    fn evenly_spaced_nodes_get_one_bin_each() {
        let nodes: Vec<f64> = (0..=200).map(|i| f64::from(i) / 200.0).collect();
        assert_eq!(bins_for(&nodes), 200);
        assert_eq!(bins_for(&[0.0, 1.0]), 1);
        assert_eq!(bins_for(&[0.0, 0.1234567, 1.0]), BINS_MAX);
    }
}
