//! Curves over SoC, prepared for the cell kernels: one look-up finds the piece of all of them.
//!
//! The curves keep their own nodes: a table holds the union of them, and equal bins over SoC lead to
//! the node at or before a bin. An even resampling would err by up to 47 mV at the foot of LFP.

use super::real::Real;
use bess_core::chemistry::Curve;

/// A piece between two nodes: the values of `K` curves at its start and their slopes per unit of SoC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece<R, const K: usize> {
    /// SoC where the piece starts.
    pub soc: R,
    /// Values there.
    pub value: [R; K],
    /// Slopes.
    pub slope: [R; K],
}

/// `K` piecewise linear curves over SoC; beyond 0 and 1 the outer pieces go on.
#[derive(Clone, Debug)]
pub struct SocTable<R, const K: usize> {
    bins: f64,
    /// Whether each bin is one piece, so that the bin is the piece.
    even: bool,
    first_piece: Vec<u32>,
    pieces: Vec<Piece<R, K>>,
}

/// Most bins: 0.05 % of SoC.
const BINS_MAX: usize = 2000;

impl<R: Real, const K: usize> SocTable<R, K> {
    /// The table of `curves`, each with an offset that is added to its values.
    pub fn new(curves: [(&Curve, f64); K]) -> Self {
        let mut nodes: Vec<f64> = vec![0.0, 1.0];
        nodes.extend(curves.iter().flat_map(|(curve, _)| curve.nodes()));
        nodes.sort_by(f64::total_cmp);
        nodes.dedup_by(|a, b| (*a - *b).abs() < 1e-12);
        let bins = bins_for(&nodes);
        if bins < BINS_MAX {
            // Even nodes throughout: the look-up needs no search.
            nodes = (0..=bins).map(|i| i as f64 / bins as f64).collect();
        }
        let pieces = nodes
            .windows(2)
            .map(|pair| {
                let (from, to) = (pair[0], pair[1]);
                let at = |(curve, offset): &(&Curve, f64), soc: f64| curve.at(soc) + offset;
                let slope = |curve| R::of((at(curve, to) - at(curve, from)) / (to - from));
                Piece {
                    soc: R::of(from),
                    value: std::array::from_fn(|k| R::of(at(&curves[k], from))),
                    slope: std::array::from_fn(|k| slope(&curves[k])),
                }
            })
            .collect();
        // The last piece that starts at or before the bin; a tolerance of a millionth of a bin keeps
        // a node that sits on a bin's edge in that bin.
        let first_piece = (0..bins)
            .map(|bin| {
                let edge = (bin as f64 + 1e-6) / bins as f64;
                nodes[..nodes.len() - 1].partition_point(|node| *node <= edge).saturating_sub(1)
                    as u32
            })
            .collect();
        Self { bins: bins as f64, even: bins < BINS_MAX, first_piece, pieces }
    }

    /// The number of equal bins over SoC 0 to 1, as the kernel multiplies with it.
    pub fn bins(&self) -> R {
        R::of(self.bins)
    }
    /// Whether `piece::<true>` may be used.
    pub fn is_even(&self) -> bool {
        self.even
    }

    /// The piece that holds at `soc`, found from its bin (`soc * bins`, truncated).
    #[inline(always)]
    pub fn piece<const EVEN: bool>(&self, bin: i32, soc: R) -> &Piece<R, K> {
        if EVEN {
            return &self.pieces[(bin.max(0) as usize).min(self.pieces.len() - 1)];
        }
        let bin = (bin.max(0) as usize).min(self.first_piece.len() - 1);
        let mut idx = self.first_piece[bin] as usize;
        // Bins are no wider than most pieces: at most a step or two.
        while idx + 1 < self.pieces.len() && soc >= self.pieces[idx + 1].soc {
            idx += 1;
        }
        &self.pieces[idx]
    }

    /// The values of all curves at `soc`.
    #[inline(always)]
    pub fn at(&self, soc: R) -> [R; K] {
        let bin = (soc * self.bins()).truncated();
        let piece =
            if self.even { self.piece::<true>(bin, soc) } else { self.piece::<false>(bin, soc) };
        let beyond = soc - piece.soc;
        std::array::from_fn(|k| piece.value[k] + piece.slope[k] * beyond)
    }
}

/// The smallest number of equal bins on whose edges all nodes lie, or [`BINS_MAX`].
fn bins_for(nodes: &[f64]) -> usize {
    (1..BINS_MAX)
        .find(|&n| nodes.iter().all(|x| (x * n as f64 - (x * n as f64).round()).abs() < 1e-6))
        .unwrap_or(BINS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::chemistry::{built_in, parse_chemistry};

    #[test]
    fn the_table_gives_the_curves_themselves_everywhere() {
        let text = built_in("lfp-314").unwrap();
        let uneven = text.replacen("0.005, 0.010,", "0.004, 0.0123,", 1);
        for (text, even) in [(text, true), (&uneven, false)] {
            let chemistry = parse_chemistry("test", text).unwrap();
            let half_width = &chemistry.hysteresis.as_ref().unwrap().half_width;
            let table = SocTable::<f64, 2>::new([(&chemistry.ocv, -3.3), (half_width, 0.0)]);
            assert_eq!(table.is_even(), even);
            for i in -50..=10_050 {
                let soc = f64::from(i) / 10_000.0;
                let [ocv, m] = table.at(soc);
                assert!((ocv + 3.3 - chemistry.ocv.at(soc)).abs() < 1e-9, "{soc} {ocv}");
                assert!((m - half_width.at(soc)).abs() < 1e-9, "{soc} {m}");
            }
        }
    }

    #[test]
    fn evenly_spaced_nodes_get_one_bin_each() {
        let nodes: Vec<f64> = (0..=200).map(|i| f64::from(i) / 200.0).collect();
        assert_eq!(bins_for(&nodes), 200);
        assert_eq!(bins_for(&[0.0, 1.0]), 1);
        assert_eq!(bins_for(&[0.0, 0.123_456_7, 1.0]), BINS_MAX);
    }
}
