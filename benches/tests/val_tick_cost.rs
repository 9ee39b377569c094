//! The cost of a tick: the whole product on one thread beside the bare kernel, over the number of
//! cells.
//!
//! Ten ticks are one round, in which every cell's heat and parameters move once; the median of the
//! rounds is shown. Speed is known, not asserted: it belongs to the machine that measured it.

#[path = "../../simulation/tests/support/mod.rs"]
mod support;

use bess_benches::{farms, kernel};
use bess_core::snapshot::ClockView;
use std::hint::black_box;
use std::time::{Duration, Instant};
use support::{curve, figure};

const TICKS: u32 = 10;

/// Seconds of a tick: median over rounds, for about a second and at least five rounds.
fn median_tick_s(mut tick: impl FnMut()) -> f64 {
    let mut round = || {
        let begun = Instant::now();
        (0..TICKS).for_each(|_| tick());
        begun.elapsed().as_secs_f64() / f64::from(TICKS)
    };
    round();
    let begun = Instant::now();
    let mut rounds = Vec::new();
    while rounds.len() < 5 || begun.elapsed() < Duration::from_secs(1) {
        rounds.push(round());
    }
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

#[test]
#[ignore = "measures, and wants an optimised build; `make validate` runs it"]
fn a_tick_of_the_product_and_of_the_bare_kernel_from_10_thousand_to_10_million_cells() {
    let ocv = farms::farm(1).units[0].design.chemistry.ocv.values().to_vec();
    let mut rows = Vec::new();
    for (name, units) in [("1e4", 2), ("1e5", 20), ("1e6", 200), ("1e7", 2000)] {
        let (cells, product_s) = {
            let mut engine = farms::engine(units, 1);
            let cells = engine.spec().n_cells();
            let seconds = median_tick_s(|| {
                engine.step();
                black_box(engine.snapshot(ClockView::default(), 0, &[]));
            });
            (cells as f64, seconds)
        };
        let mut bare = kernel::BareFarm::new(units * 12, &ocv);
        let mut sign = 1.0;
        let bare_s = median_tick_s(|| {
            sign = -sign;
            black_box(bare.step(sign * 80.0));
        });
        figure(&format!("{name} cells: tick with snapshot"), product_s * 1e3, "ms", "none");
        figure(&format!("{name} cells: over the bare kernel"), product_s / bare_s, "times", "none");
        rows.push(vec![cells, product_s * 1e6, bare_s * 1e6]);
    }
    curve("tick_cost", "cells,product_tick_us,bare_kernel_us", rows);
}
