//! The figures that the profiles state, against the records that they were taken from.
//!
//! The records are not part of the project. Where they are at hand (the folder `shared` beside the
//! checkout, or `BESS_SHARED`) each stated figure must be that of the record; elsewhere the tests say
//! that they skipped.

use bess_scenarios::profile::statistics::{Figure, Stated};
use bess_scenarios::profile::{Kind, agc, ambient, frequency, load};
use std::path::PathBuf;

/// The columns of a record of numbers, without its header; nothing where it is not at hand.
#[allow(clippy::print_stderr)] // A skipped test has to say so.
fn record(name: &str) -> Option<Vec<Vec<f64>>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared =
        std::env::var_os("BESS_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let path = shared.join("reference/data").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no record at {}", path.display());
        return None;
    };
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|field| field.parse().expect("a number")).collect())
        .collect();
    let columns = rows[0].len();
    Some((0..columns).map(|c| rows.iter().map(|row| row[c]).collect()).collect())
}

/// Fails when a figure that the usual profile of `kind` states, and that `judged` picks, is further from
/// the measured one than a tenth of what a generated series may be.
fn assert_as_recorded(
    kind: &Kind,
    judged: impl Fn(Figure) -> bool,
    measure: impl Fn(Figure) -> f64,
) {
    let stated: Vec<Stated> = (kind.usual)().stated();
    let stated: Vec<Stated> = stated.into_iter().filter(|row| judged(row.figure)).collect();
    assert!(!stated.is_empty(), "nothing to judge");
    for row in stated {
        let measured = measure(row.figure);
        assert!(
            (measured - row.value).abs() <= 0.1 * row.tolerance,
            "{} {}: stated {}, the record has {measured}",
            kind.name,
            row.figure,
            row.value
        );
    }
}

#[test]
fn the_stated_frequency_is_that_of_the_recorded_day() {
    let Some(columns) = record("frequency/gmlc_us60_24h_1s.csv") else {
        return;
    };
    // The bounds are ours: wider than those of one day.
    let judged = |figure| !matches!(figure, Figure::Min | Figure::Max);
    assert_as_recorded(&frequency::KIND, judged, |figure| {
        figure.of(&columns[1], 1.0).expect("a day is long enough")
    });
    assert!(columns[1].iter().all(|hz| (hz - 60.0).abs() < 0.060));
}

#[test]
fn the_stated_agc_signal_is_that_of_the_five_recorded_days() {
    let Some(columns) = record("dispatch/lbnl_caiso_agc_4s_5days.csv") else {
        return;
    };
    let days = &columns[1..];
    let all: Vec<f64> = days.concat();
    let whole = |figure: Figure| figure.of(&all, 4.0).expect("long enough");
    // The mean is ours: that of the record is within its own uncertainty of 0.
    let judged = |figure| figure != Figure::Mean;
    assert!(whole(Figure::Mean).abs() < 15.0);
    assert_as_recorded(&agc::KIND, judged, |figure| match figure {
        // Pairs must not reach over the gap between two days, and all days share mean and variance.
        Figure::Autocorrelation { lag_s } => {
            let (mean, sigma) = (whole(Figure::Mean), whole(Figure::Sigma));
            let lag = (lag_s / 4.0) as usize;
            let pairs: Vec<(f64, f64)> = days
                .iter()
                .flat_map(|day| day.iter().copied().zip(day[lag..].iter().copied()))
                .collect();
            let products: f64 = pairs.iter().map(|(a, b)| (a - mean) * (b - mean)).sum();
            products / pairs.len() as f64 / (sigma * sigma)
        }
        // Four of 17 999 steps reach over a gap: below the tolerance.
        figure => whole(figure),
    });
}

#[test]
fn the_stated_household_load_is_that_of_the_recorded_day() {
    let Some(columns) = record("load/openems_h0_summer_weekday_load.csv") else {
        return;
    };
    let mean = Figure::Mean.of(&columns[0], 900.0).expect("not empty");
    // The usual household has another mean.
    let scale = load::Load::default().mean_kw / mean;
    let scaled: Vec<f64> = columns[0].iter().map(|kw| kw * scale).collect();
    assert_as_recorded(
        &load::KIND,
        |_| true,
        |figure| figure.of(&scaled, 900.0).expect("a day is long enough"),
    );
}

#[test]
fn the_stated_ambient_temperature_is_that_of_the_recorded_year() {
    let Some(columns) = record("climate/miami_hourly_temperature.csv") else {
        return;
    };
    assert_as_recorded(
        &ambient::KIND,
        |_| true,
        |figure| figure.of(&columns[1], 3600.0).expect("a year is long enough"),
    );
}
