//! Whether scrapes make the ticks of a live farm late.

use crate::scrape::{Scraper, serve};
use crate::{Fault, judge, quantile};
use bess_benches::farms;
use bess_core::snapshot::{Observer, Snapshot};
use bess_core::stats::Stats;
use bess_simulation::LoopOptions;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

const UNITS: usize = 1_000;
/// Phases of each kind, in turn.
const TURNS: usize = 3;
/// How much later the 99th of a hundred ticks may be for the scrapes.
const MOST_MS: f64 = 1.0;

/// Tells how late each tick was: what the sum of all grew by.
#[derive(Debug)]
struct Lateness {
    stats: Arc<OnceLock<Arc<Stats>>>,
    sum_s: f64,
    told: Sender<f64>,
}

impl Observer for Lateness {
    fn published(&mut self, _snapshot: &Snapshot) {
        let Some(stats) = self.stats.get() else { return };
        let sum_s = stats.ticks.lateness.read().sum;
        let _ = self.told.send((sum_s - self.sum_s) * 1e3);
        self.sum_s = sum_s;
    }
}

/// Lateness in ms of the ticks of a phase.
fn phase(
    lateness: &Receiver<f64>,
    time: Duration,
    mut scraper: Option<&mut Scraper>,
) -> Result<Vec<f64>, Fault> {
    lateness.try_iter().for_each(drop);
    let end = Instant::now() + time;
    let mut next = Instant::now();
    while Instant::now() < end {
        if let Some(scraper) = &mut scraper {
            scraper.scrape()?;
        }
        next += Duration::from_secs(1);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(lateness.try_iter().collect())
}

pub(crate) fn measure(time: Duration) -> Result<bool, Fault> {
    let (told, lateness) = channel();
    let stats = Arc::new(OnceLock::new());
    let observer = Lateness { stats: Arc::clone(&stats), sum_s: 0.0, told };
    let options = LoopOptions { observers: vec![Box::new(observer)], ..LoopOptions::default() };
    let farm = bess_simulation::spawn(farms::engine(UNITS, 1), options)?;
    let _ = stats.set(farm.stats());
    let (runtime, address) = serve(&farm)?;
    let mut scraper = Scraper::connect(address)?;
    let bytes = scraper.scrape()?;
    phase(&lateness, Duration::from_secs(2), None)?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        without.extend(phase(&lateness, time, None)?);
        with.extend(phase(&lateness, time, Some(&mut scraper))?);
    }
    let reading = farm.stats().ticks.duration.read();
    let work_ms = reading.sum / reading.count as f64 * 1e3;
    let (n_with, n_without) = (with.len(), without.len());
    let medians = (quantile(&mut with, 0.5), quantile(&mut without, 0.5));
    let p99 = (quantile(&mut with, 0.99), quantile(&mut without, 0.99));
    println!(
        "live farm of {UNITS} units, work {work_ms:.1} ms a tick, a scrape has {bytes} bytes:"
    );
    println!(
        "  scraped every second: {n_with} ticks, late by {:.3} ms, p99 {:.3} ms",
        medians.0, p99.0
    );
    println!(
        "  not scraped:          {n_without} ticks, late by {:.3} ms, p99 {:.3} ms",
        medians.1, p99.1
    );
    drop(runtime);
    farm.stop().map_err(|_| "the loop panicked")?;
    Ok(judge("p99 of the lateness with scrapes less without", p99.0 - p99.1, MOST_MS, "ms"))
}
