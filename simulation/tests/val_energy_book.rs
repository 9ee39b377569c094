//! The energy book of a rack over an hour: what the chemistry gives is electricity, heat or stored.
//!
//! One rack of 416 single-precision cells with spread, as in the farm: heat is summed at 10 Hz and
//! applied once a second. The current is drawn anew every tick, with steps and reversals. For every
//! minute that begins with a second: chemical energy less electrical energy, heat and what capacitors
//! store more, over the energy that passed the terminals in both directions. Entropic heat, which is
//! exchanged with the surroundings beside this balance, is left out.

mod support;

use bess_core::chemistry::{Chemistry, built_in, parse_chemistry};
use bess_core::rng::{Domain, Stream, Streams};
use bess_core::spec::SpreadSpec;
use bess_simulation::physics::rack::{Plate, Rack, RackModel, RackStart};
use std::sync::Arc;
use support::figure;

const CELLS: usize = 416;
const TICK_S: f64 = 0.1;
const TICKS_PER_S: usize = 10;
const SECONDS: usize = 3600;
const MINUTE: usize = 60;

/// A current that follows drawn levels, each held for some seconds, with noise in every tick.
struct Dispatch {
    stream: Stream,
    capacity_ah: f64,
    level_c: f64,
    held: usize,
}

impl Dispatch {
    fn next_a(&mut self, soc: f64) -> f64 {
        if self.held == 0 {
            self.held = 1 + (200.0 * self.stream.uniform()) as usize;
            self.level_c = 2.0 * self.stream.uniform() - 1.0;
            // Back towards the middle.
            if (soc - 0.5).abs() > 0.3 {
                self.level_c = self.level_c.abs() * (soc - 0.5).signum();
            }
        }
        self.held -= 1;
        self.capacity_ah * (self.level_c + 0.05 * self.stream.normal())
    }
}

/// Sums since the start, in joules.
#[derive(Clone, Copy, Default)]
struct Book {
    chemical: f64,
    electrical: f64,
    throughput: f64,
    heat: f64,
    stored: f64,
}

impl Book {
    /// Gap of the book since `before`, over the throughput.
    fn gap_since(&self, before: &Self) -> f64 {
        let gap = (self.chemical - before.chemical)
            - (self.electrical - before.electrical)
            - (self.heat - before.heat)
            - (self.stored - before.stored);
        gap / (self.throughput - before.throughput)
    }
}

/// The book at the end of every second of the hour.
fn an_hour(chemistry: Chemistry) -> Vec<Book> {
    let spread = SpreadSpec { capacity_sigma: 0.01, resistance_sigma: 0.05, soc_sigma: 0.01 };
    let streams = Streams::new(8);
    let capacity_ah = chemistry.capacity.amp_hours();
    let model = RackModel::<f32>::new(&Arc::new(chemistry), 0.0, 52, TICK_S);
    let mut rack = Rack::new(
        &model,
        &RackStart {
            n_cells: CELLS,
            soc: 0.5,
            temperature_degc: 25.0,
            spread: &spread,
            streams,
            index: 0,
        },
    );
    let stream = streams.stream(Domain::Profile, 0);
    let mut dispatch = Dispatch { stream, capacity_ah, level_c: 0.0, held: 0 };
    let mut book = Book { stored: rack.stored_j(), ..Book::default() };
    let mut books = vec![book];
    for _ in 0..SECONDS {
        for _ in 0..TICKS_PER_S {
            let current_a = dispatch.next_a(rack.reading().soc);
            rack.step(&model, current_a);
            let reading = rack.reading();
            book.chemical += reading.chemical_w * TICK_S;
            book.electrical += reading.voltage_v * current_a * TICK_S;
            book.throughput += reading.voltage_v * current_a.abs() * TICK_S;
        }
        let _ = rack.refresh(&model, &Plate::at(25.0));
        (book.heat, book.stored) = (rack.heat_made_j(), rack.stored_j());
        books.push(book);
    }
    books
}

#[test]
fn over_any_minute_of_an_hour_the_energy_book_closes_to_a_millionth_of_the_throughput() {
    for name in ["lfp-314", "lfp-280", "nmc-94"] {
        let text = built_in(name).expect("a built-in chemistry");
        let whole = parse_chemistry(name, text).unwrap_or_else(|e| panic!("{e}"));
        let books = an_hour(Chemistry { entropic_v_per_k: None, ..whole });
        let minutes = books.iter().zip(&books[MINUTE..]);
        let worst = minutes.fold(0.0f64, |worst, (a, b)| worst.max(b.gap_since(a).abs()));
        let (first, last) = (&books[0], &books[SECONDS]);
        let heat_pct = 100.0 * (last.heat - first.heat) / (last.throughput - first.throughput);
        let name = format!("416 cells of {name}");
        figure(&format!("{name}: gap over a minute, worst"), 1e6 * worst, "ppm", "<= 1 ppm");
        figure(
            &format!("{name}: gap over the hour"),
            1e6 * last.gap_since(first).abs(),
            "ppm",
            "<= 1 ppm",
        );
        figure(&format!("{name}: heat, of the throughput"), heat_pct, "%", "none");
    }
}
