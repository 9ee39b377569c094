//! Quantities over SoC as straight pieces, prepared for the cell kernels.
//!
//! All quantities of a [`Grid`] share its nodes, so that one look-up serves them all. Nodes are the
//! tables' own: an even resampling would err by up to 47 mV at the foot of LFP. Where they lie evenly
//! the piece follows by arithmetic, else by a search. A guard piece at either end says what holds
//! beyond.

use super::real::Real;
use crate::persist::persist;

/// Pieces of an even grid at most, guards included: what the kernel's arrays hold.
pub(super) const PIECES: usize = 256;

/// Nodes over SoC.
#[derive(Clone, Debug)]
pub(super) struct Grid<R> {
    nodes: Vec<f64>,
    /// SoC at which a piece begins; the guard before the first begins with it.
    starts: Vec<R>,
    /// Where they lie evenly: pieces per unit of SoC and the SoC one piece before the first node.
    even: Option<(R, R)>,
}

/// What a quantity does beyond the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// The outer pieces go on.
    Extends,
    /// The outer values hold.
    Holds,
}

/// One quantity: value at the start of each piece and how much it changes over it (per piece where the
/// grid is even, else per unit of SoC).
#[derive(Clone, Debug)]
pub(super) struct Column<R> {
    pub(super) value: Vec<R>,
    pub(super) slope: Vec<R>,
    /// Pieces that are used, guards included, filled up to whole vectors.
    pub(super) used: usize,
}
persist! {
    Column<f32> { value: each, slope: each } but { used }
}

impl<R: Real> Grid<R> {
    /// The grid of all `nodes` (increasing or not; at least one, near ones count as one), from the
    /// lowest to the highest; at least from 0 to 1.
    pub(super) fn over(nodes: impl Iterator<Item = f64>) -> Self {
        let mut nodes: Vec<f64> = nodes.chain([0.0, 1.0]).collect();
        nodes.sort_by(f64::total_cmp);
        nodes.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
        let (first, last) = (nodes[0], nodes[nodes.len() - 1]);
        let even = even_pieces(&nodes).map(|n| {
            let per_soc = n as f64 / (last - first);
            nodes = (0..=n).map(|i| first + (last - first) * i as f64 / n as f64).collect();
            (R::of(per_soc), R::of(first - 1.0 / per_soc))
        });
        let starts = std::iter::once(first).chain(nodes.iter().copied()).map(R::of).collect();
        Self { nodes, starts, even }
    }

    /// Whether the nodes lie evenly and few enough for the kernel's arrays.
    pub(super) fn is_even(&self) -> bool {
        self.even.is_some()
    }
    /// Pieces per unit of SoC and the SoC at which piece 0 of an even grid begins; 1 and 0 for an
    /// uneven one, whose slopes are per unit of SoC.
    pub(super) fn scale(&self) -> (R, R) {
        self.even.unwrap_or((R::of(1.0), R::of(0.0)))
    }
    /// Index of the last piece, as a number.
    pub(super) fn last(&self) -> R {
        R::of(self.nodes.len() as f64)
    }

    /// The quantity `f` over SoC, which must be straight between the nodes.
    pub(super) fn column(&self, beyond: Beyond, f: impl Fn(f64) -> f64) -> Column<R> {
        let at: Vec<f64> = self.nodes.iter().map(|soc| f(*soc)).collect();
        let n = at.len();
        let per_piece = |k: usize| at[k + 1] - at[k];
        let width = |k: usize| if self.is_even() { 1.0 } else { self.nodes[k + 1] - self.nodes[k] };
        let slope = |k: usize| per_piece(k) / width(k);
        let (before, after) = match beyond {
            Beyond::Extends => (slope(0), slope(n - 2)),
            Beyond::Holds => (0.0, 0.0),
        };
        // An even grid reckons the place from one piece before the first node.
        let first = if self.is_even() { at[0] - before } else { at[0] };
        let used = (n + 1).next_multiple_of(16);
        let mut column = Column { value: vec![R::of(first)], slope: vec![R::of(before)], used };
        column.value.extend(at[..n - 1].iter().map(|value| R::of(*value)));
        column.slope.extend((0..n - 1).map(|k| R::of(slope(k))));
        column.value.push(R::of(at[n - 1]));
        column.slope.push(R::of(after));
        if self.is_even() {
            column.value.resize(PIECES, R::default());
            column.slope.resize(PIECES, R::default());
        }
        column
    }

    /// The piece at `soc` and how far beyond its start, in the unit of the slopes.
    #[inline(always)]
    pub(super) fn find(&self, soc: R) -> (usize, R) {
        if let Some((per_soc, from)) = self.even {
            let x = (soc - from) * per_soc;
            let (index, whole) = x.piece(self.last());
            return (index as usize, x - whole);
        }
        // Piece 0 and 1 begin at the first node: below it is piece 0.
        let index = self.starts[1..].partition_point(|start| *start <= soc);
        (index, soc - self.starts[index])
    }
}

impl<R: Real> Column<R> {
    /// The value in piece `index`, `beyond` its start.
    #[inline(always)]
    pub(super) fn at(&self, (index, beyond): (usize, R)) -> R {
        self.value[index] + self.slope[index] * beyond
    }
    /// The value, where it is the same everywhere.
    pub(super) fn constant(&self) -> Option<R> {
        let zero = R::default();
        (self.slope.iter().all(|slope| *slope == zero)).then(|| self.value[1])
    }
    /// The arrays of an even grid's column.
    #[inline(always)]
    pub(super) fn arrays(&self) -> (&[R; PIECES], &[R; PIECES]) {
        let sized = "a column of an even grid has that many pieces";
        ((&self.value[..]).try_into().expect(sized), (&self.slope[..]).try_into().expect(sized))
    }
}

/// The smallest number of equal pieces on whose borders all nodes lie, if it is small enough.
fn even_pieces(nodes: &[f64]) -> Option<usize> {
    let (first, last) = (nodes[0], nodes[nodes.len() - 1]);
    (1..=PIECES - 2).find(|&n| {
        let place = |x: &f64| (x - first) / (last - first) * n as f64;
        nodes.iter().all(|x| (place(x) - place(x).round()).abs() < 1e-6)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::chemistry::{Table, built_in, parse_chemistry};

    fn check(grid: &Grid<f64>, table: &Table) {
        let extended = grid.column(Beyond::Extends, |soc| table.at_extended(soc, 25.0, 0.0));
        let held = grid.column(Beyond::Holds, |soc| table.at(soc, 25.0, 0.0));
        for i in -500..=10_500 {
            let soc = f64::from(i) / 10_000.0;
            let place = grid.find(soc);
            let error = extended.at(place) - table.at_extended(soc, 25.0, 0.0);
            assert!(error.abs() < 1e-9, "{soc}: {error}");
            assert!((held.at(place) - table.at(soc, 25.0, 0.0)).abs() < 1e-9, "{soc}");
        }
    }

    #[test]
    fn a_column_gives_the_table_itself_everywhere_whether_its_nodes_lie_evenly_or_not() {
        let text = built_in("lfp-314").unwrap();
        let uneven = text.replacen("0.005, 0.010,", "0.004, 0.0123,", 1);
        for (text, even) in [(text, true), (&uneven, false)] {
            let chemistry = parse_chemistry("test", text).unwrap();
            let half_width = &chemistry.hysteresis.as_ref().unwrap().half_width;
            let nodes = chemistry.ocv.soc_nodes().iter().chain(half_width.soc_nodes());
            let grid = Grid::over(nodes.copied());
            assert_eq!(grid.is_even(), even);
            check(&grid, &chemistry.ocv);
            check(&grid, half_width);
        }
    }

    #[test]
    fn a_table_that_reaches_beyond_full_and_empty_keeps_its_nodes_there() {
        let nodes: Vec<f64> = (-5..=104).map(|i| f64::from(i) / 100.0).collect();
        let values = nodes.iter().map(|soc| 3.0 + soc * soc * soc).collect();
        let table = Table::new(nodes.clone(), vec![], vec![], values).unwrap();
        let grid = Grid::over(nodes.into_iter());
        assert!(grid.is_even());
        check(&grid, &table);
    }

    #[test]
    fn the_fewest_equal_pieces_are_taken() {
        let nodes: Vec<f64> = (0..=200).map(|i| f64::from(i) / 200.0).collect();
        assert_eq!(even_pieces(&nodes), Some(200));
        assert_eq!(even_pieces(&[0.0, 1.0]), Some(1));
        assert_eq!(even_pieces(&[0.0, 0.123_456_7, 1.0]), None);
    }
}
