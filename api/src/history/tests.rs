//! What is kept is what was seen: tiers, rings, gaps and ranges against the samples themselves.

use super::plan::FARM_TIERS;
use super::tier::{Columns, Sum, Tier};
use super::*;
use crate::testing;
use bess_core::id::UnitId;
use bess_core::time::{SimTime, TICK_NS};
use bess_core::units::{Joules, Watts};
use proptest::prelude::*;

const SECOND_NS: i64 = 1_000_000_000;

/// One tier of one column in single precision.
fn tier(step_ns: i64, span_ns: i64) -> (Columns, Tier) {
    let columns = Columns::new([false]);
    let tier = Tier::new(TierSpec::new(step_ns, span_ns).unwrap(), &columns);
    (columns, tier)
}

fn add(columns: &Columns, tier: &mut Tier, unix_ns: i64, value: f64) {
    tier.add(columns, unix_ns, &[columns.rounded(0, value)]);
}

/// What the samples themselves say of a range.
fn reckoned(samples: &[(i64, f64)], from_ns: i64, to_ns: i64) -> (u64, Vec<f64>) {
    let inside = samples.iter().filter(|(at, _)| (from_ns..to_ns).contains(at));
    let inside: Vec<f64> = inside.map(|(_, value)| *value).collect();
    let known = inside.iter().filter(|value| value.is_finite()).map(|v| f64::from(*v as f32));
    (inside.len() as u64, known.collect())
}

/// Whether a bucket's figures are those of its samples.
fn agrees(sum: &Sum, known: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(sum.count, known.len() as u64);
    if known.is_empty() {
        prop_assert!(sum.mean().is_nan());
        return Ok(());
    }
    let least = known.iter().copied().fold(f64::INFINITY, f64::min);
    let most = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    prop_assert_eq!((sum.min, sum.max), (least, most));
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let scale = least.abs().max(most.abs()).max(1e-30);
    prop_assert!((sum.mean() - mean).abs() <= 2e-7 * scale, "{} for {mean}", sum.mean());
    prop_assert!(sum.min <= sum.mean() && sum.mean() <= sum.max);
    Ok(())
}

/// A value that is sometimes not available.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -1e7..1e7f64,
        1 => Just(0.1),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ]
}

/// A series of ticks that begins anywhere in a second, with ticks that were not seen.
fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let start = 1_767_225_600_000_000_000i64..1_767_225_700_000_000_000i64;
    let steps =
        prop::collection::vec((value(), prop_oneof![9 => Just(1i64), 1 => 2..40i64]), 1..900);
    (start, steps).prop_map(|(start, steps)| {
        let mut at = start;
        let sample = |(value, ticks): (f64, i64)| {
            at += ticks * TICK_NS;
            (at, value)
        };
        steps.into_iter().map(sample).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_bucket_says_of_its_samples_what_they_say_themselves(
        samples in samples(),
        step_ticks in prop::sample::select(vec![1i64, 2, 10, 50, 600]),
    ) {
        let step_ns = step_ticks * TICK_NS;
        let (columns, mut tier) = tier(step_ns, 3600 * SECOND_NS);
        for (at, value) in &samples {
            add(&columns, &mut tier, *at, *value);
        }
        let (first, last) = tier.range().unwrap();
        prop_assert_eq!(first, samples[0].0.div_euclid(step_ns));
        prop_assert_eq!(last, samples[samples.len() - 1].0.div_euclid(step_ns));
        prop_assert!(tier.has_lost_nothing());
        for bucket in first..=last {
            let (seen, known) = reckoned(&samples, bucket * step_ns, (bucket + 1) * step_ns);
            prop_assert_eq!(u64::from(tier.seen(bucket)), seen);
            if seen > 0 {
                agrees(&tier.sum(&columns, bucket, 0), &known)?;
            }
        }
        for outside in [first - 1, last + 1] {
            prop_assert_eq!(tier.seen(outside), 0);
        }
    }

    #[test]
    fn a_ring_keeps_the_newest_buckets_and_nothing_of_older_ones(
        samples in samples(),
        span_ticks in 1i64..60,
    ) {
        let (columns, mut tier) = tier(2 * TICK_NS, 2 * span_ticks * TICK_NS);
        for (at, value) in &samples {
            add(&columns, &mut tier, *at, *value);
        }
        let step_ns = 2 * TICK_NS;
        let newest = samples[samples.len() - 1].0.div_euclid(step_ns);
        let (first, last) = tier.range().unwrap();
        prop_assert_eq!(last, newest);
        // The one that is being filled is beside the ring.
        prop_assert!(last - first <= span_ticks + 39 * 50);
        for bucket in first - 100..=last {
            let (seen, known) = reckoned(&samples, bucket * step_ns, (bucket + 1) * step_ns);
            let there = u64::from(tier.seen(bucket));
            if bucket >= first {
                prop_assert_eq!(there, seen);
                if seen > 0 {
                    agrees(&tier.sum(&columns, bucket, 0), &known)?;
                }
            } else {
                prop_assert_eq!(there, 0, "older than what is kept");
            }
        }
    }

    #[test]
    fn an_answer_is_what_the_samples_say_for_any_range_and_step(
        samples in samples(),
        (skip_s, length_s) in (0i64..60, 1i64..90),
        step_ticks in prop::sample::select(vec![1i64, 3, 10, 20, 70, 600, 1200]),
    ) {
        let (history, mut feed, received) = farm_history();
        let mut snapshot = testing::snapshot_with(1);
        for (index, (at, value)) in samples.iter().enumerate() {
            snapshot.tick = Tick(index as u64 + 1);
            snapshot.time = SimTime { unix_ns: *at };
            snapshot.farm.active_power = Watts(*value);
            feed.published(&snapshot);
            history.take(received.try_iter());
        }
        let from_ns = samples[0].0 + skip_s * SECOND_NS + 12_345;
        let to_ns = from_ns + length_s * SECOND_NS;
        let step_ns = step_ticks * TICK_NS;
        let series = vec![SeriesKey::Farm(0)];
        let asked = Asked { series, from_ns, to_ns, step_ns: Some(step_ns) };
        let answer = history.query(&asked).unwrap();
        prop_assert_eq!(answer.step_ns, step_ns);
        prop_assert_eq!(step_ns % answer.tier_ns, 0);
        let mut rows = answer.rows.iter().zip(&answer.figures[0]);
        let first = from_ns.div_euclid(step_ns);
        for bucket in first..=(to_ns - 1).div_euclid(step_ns) {
            let (seen, known) = reckoned(&samples, bucket * step_ns, (bucket + 1) * step_ns);
            if seen > 0 {
                let (row, sum) = rows.next().unwrap();
                prop_assert_eq!((row.start_ns, row.samples), (bucket * step_ns, seen));
                agrees(sum, &known)?;
            }
        }
        prop_assert_eq!(rows.next(), None, "no bucket without a sample");
    }
}

/// The history of a farm of one unit, filled by hand.
fn farm_history() -> (Arc<History>, HistoryFeed, Receiver<Record>) {
    let plan = HistoryPlan::new(&testing::spec_with(1), &HistoryConfig::default()).unwrap();
    History::unattended(plan)
}

/// Ticks 1 to `n` of which each has its number for its power.
fn run(n: u64) -> (Arc<History>, i64) {
    let (history, mut feed, received) = farm_history();
    let mut snapshot = testing::snapshot_with(1);
    // Not on the border of any bucket.
    let start = SimTime { unix_ns: 1_767_225_611_234_567_890 };
    for tick in 1..=n {
        snapshot.tick = Tick(tick);
        snapshot.time = start.at(snapshot.tick);
        snapshot.farm.active_power = Watts(tick as f64);
        snapshot.farm.totals.discharged = Joules(1e14 + tick as f64);
        feed.published(&snapshot);
        history.take(received.try_iter());
    }
    (history, start.unix_ns)
}

fn ask(history: &History, from_ns: i64, to_ns: i64, step_ns: Option<i64>) -> Answer {
    let series = vec![SeriesKey::Farm(0)];
    history.query(&Asked { series, from_ns, to_ns, step_ns }).unwrap()
}

#[test]
fn six_hours_at_one_go_are_in_every_tier_and_the_tiers_agree() {
    let n = 6 * 36_000 + 7;
    let (history, start_ns) = run(n);
    let end_ns = start_ns + n as i64 * TICK_NS + 1;
    assert_eq!(history.numbers().dropped, 0);
    // All of it in minutes, 10 minutes of it tick by tick, six hours in seconds.
    let all = ask(&history, start_ns, end_ns, Some(60 * SECOND_NS));
    assert_eq!(all.tier_ns, 60 * SECOND_NS);
    assert_eq!(all.rows.iter().map(|row| row.samples).sum::<u64>(), n);
    assert_eq!(all.rows.len(), 361);
    let means = all.figures[0].iter().zip(&all.rows);
    let total: f64 = means.map(|(sum, row)| sum.mean() * row.samples as f64).sum();
    assert!((total / (n as f64 * (n + 1) as f64 / 2.0) - 1.0).abs() < 1e-7);
    let seconds = ask(&history, end_ns - 600 * SECOND_NS, end_ns, Some(SECOND_NS));
    let raw = ask(&history, end_ns - 600 * SECOND_NS, end_ns, Some(TICK_NS));
    assert_eq!((seconds.tier_ns, raw.tier_ns), (SECOND_NS, TICK_NS));
    assert_eq!(raw.rows.len(), 6_001);
    let figures = |answer: &Answer, at: i64| {
        let row = answer.rows.iter().position(|row| row.start_ns == at).unwrap();
        let sum = answer.figures[0][row];
        (answer.rows[row].samples, sum.min, sum.mean(), sum.max)
    };
    for second in 1..590 {
        let at = (end_ns - second * SECOND_NS).div_euclid(SECOND_NS) * SECOND_NS;
        let inside = raw.rows.iter().zip(&raw.figures[0]);
        let inside: Vec<f64> = inside
            .filter(|(row, _)| (at..at + SECOND_NS).contains(&row.start_ns))
            .map(|(_, sum)| sum.mean())
            .collect();
        let (samples, min, mean, max) = figures(&seconds, at);
        assert_eq!(samples, inside.len() as u64);
        assert_eq!((min, max), (inside[0], inside[inside.len() - 1]));
        let sum: f64 = inside.iter().sum();
        assert!((mean - sum / samples as f64).abs() < 0.02, "to the kept digits");
    }
}

#[test]
fn what_is_older_than_the_ring_is_gone_and_a_coarser_tier_still_has_it() {
    let n = 7_000;
    let (history, start_ns) = run(n);
    let end_ns = start_ns + n as i64 * TICK_NS + 1;
    let raw = ask(&history, start_ns, end_ns, Some(TICK_NS));
    // The bucket that is being filled is beside the ring of 6000.
    assert_eq!(raw.rows.len(), 6_001);
    assert_eq!(raw.figures[0][0].min, 1_000.0);
    assert!(raw.available_from_ns.unwrap() > start_ns);
    let seconds = ask(&history, start_ns, end_ns, Some(SECOND_NS));
    assert_eq!(seconds.rows.iter().map(|row| row.samples).sum::<u64>(), n);
    assert_eq!(seconds.figures[0][0].min, 1.0);
}

#[test]
fn a_step_is_chosen_that_suits_the_range_and_reaches_back() {
    let n = 20_000;
    let (history, start_ns) = run(n);
    let end_ns = start_ns + n as i64 * TICK_NS + 1;
    let chosen = |from_ns, to_ns| {
        let answer = ask(&history, from_ns, to_ns, None);
        (answer.tier_ns / 1_000_000, answer.step_ns / 1_000_000, answer.rows.len())
    };
    // A minute tick by tick; ten minutes have too many ticks; the start is not in the finest tier.
    assert_eq!(chosen(end_ns - 60 * SECOND_NS, end_ns), (100, 100, 601));
    assert_eq!(chosen(end_ns - 600 * SECOND_NS, end_ns), (1_000, 1_000, 601));
    assert_eq!(chosen(start_ns, start_ns + 60 * SECOND_NS).0, 1_000);
    // A month before the start counts as the start.
    assert_eq!(chosen(start_ns - 2_592_000 * SECOND_NS, end_ns), (1_000, 5_000, 401));
}

#[test]
fn an_answer_has_a_bound_and_the_refusal_names_a_step_that_fits() {
    let n = 7_000;
    let (history, start_ns) = run(n);
    let end_ns = start_ns + n as i64 * TICK_NS + 1;
    let ask = |step_ns| {
        let series = vec![SeriesKey::Farm(0); 25];
        history.query(&Asked { series, from_ns: start_ns, to_ns: end_ns, step_ns })
    };
    let refusal = ask(Some(TICK_NS)).unwrap_err();
    let TooMany::Points { points, fitting: Some(fitting) } = refusal.clone() else {
        panic!("{refusal}");
    };
    assert_eq!(points, 6_001 * 25);
    assert!(ask(Some(fitting)).is_ok(), "the step that was proposed");
    assert_eq!(fitting, 2 * TICK_NS);
    assert!(refusal.to_string().contains("a step of 200ms would do"), "{refusal}");
}

#[test]
fn energies_keep_the_digits_that_single_precision_loses() {
    let (history, start_ns) = run(50);
    let energy = FARM.iter().position(|s| s.name == "poi.discharged_energy").unwrap();
    let series = vec![SeriesKey::Farm(energy)];
    let to_ns = start_ns + 60 * SECOND_NS;
    let asked = Asked { series, from_ns: start_ns, to_ns, step_ns: Some(TICK_NS) };
    let answer = history.query(&asked).unwrap();
    assert_eq!(answer.is_double, [true]);
    assert_eq!(answer.figures[0][49].max - answer.figures[0][0].min, 49.0);
}

#[test]
fn a_paused_clock_adds_nothing_and_what_comes_after_it_goes_on() {
    let (history, mut feed, received) = farm_history();
    let mut snapshot = testing::snapshot_with(1);
    let mut show = |tick: u64, power: f64| {
        snapshot.tick = Tick(tick);
        snapshot.time = SimTime::default().at(snapshot.tick);
        snapshot.publication += 1;
        snapshot.farm.active_power = Watts(power);
        feed.published(&snapshot);
        history.take(received.try_iter());
    };
    show(1, 1.0);
    // Shown again while the clock stands, after a command.
    show(1, 99.0);
    show(1, 99.0);
    show(2, 2.0);
    let answer = ask(&history, 0, SECOND_NS, Some(SECOND_NS));
    assert_eq!(answer.rows, [super::query::Row { start_ns: 0, samples: 2 }]);
    assert_eq!((answer.figures[0][0].min, answer.figures[0][0].max), (1.0, 2.0));
}

#[test]
fn what_the_thread_cannot_take_is_dropped_and_counted_and_nobody_waits() {
    let (history, mut feed, received) = farm_history();
    let queue = history.plan.queue as u64;
    let mut snapshot = testing::snapshot_with(1);
    for tick in 1..=queue + 5 {
        snapshot.tick = Tick(tick);
        snapshot.time = SimTime::default().at(snapshot.tick);
        feed.published(&snapshot);
    }
    assert_eq!(history.numbers().dropped, 5);
    history.take(received.try_iter());
    let to_ns = i64::try_from(queue + 6).unwrap() * TICK_NS;
    let answer = ask(&history, 0, to_ns, Some(60 * SECOND_NS));
    assert_eq!(answer.rows.iter().map(|row| row.samples).sum::<u64>(), queue);
}

#[test]
fn the_thread_keeps_every_tick_and_ends_with_its_feed() {
    let plan = HistoryPlan::new(&testing::spec_with(1), &HistoryConfig::default()).unwrap();
    let (history, mut feed) = History::start(plan).unwrap();
    let weak = Arc::downgrade(&history);
    let mut snapshot = testing::snapshot_with(1);
    snapshot.tick = Tick(1);
    feed.published(&snapshot);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(history.reach(Tick(1)));
    assert_eq!(history.numbers().points, 3 * FARM.len() as u64 + 2 * 5);
    drop((history, feed));
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while weak.strong_count() > 0 {
        assert!(std::time::Instant::now() < deadline, "the thread never ended");
        std::thread::yield_now();
    }
}

#[test]
fn units_are_kept_by_signal_and_unit() {
    let spec = testing::spec_with(3);
    let named = ["battery.soc", "ac.active_power"].map(str::to_owned).to_vec();
    let config =
        HistoryConfig { unit_signals: UnitSignals::Named(named), ..HistoryConfig::default() };
    let (history, mut feed, received) =
        History::unattended(HistoryPlan::new(&spec, &config).unwrap());
    let mut snapshot = testing::snapshot_with(3);
    for (index, unit) in snapshot.units.iter_mut().enumerate() {
        unit.measured.soc = 0.25 * (index + 1) as f64;
        unit.ac.active_power = Watts(-1e6 * index as f64);
    }
    feed.published(&snapshot);
    history.take(received.try_iter());
    let series = (0..2)
        .flat_map(|signal| (0..3).map(move |unit| SeriesKey::Unit(signal, UnitId::from_idx(unit))))
        .collect();
    let at = snapshot.time.unix_ns;
    let asked = Asked { series, from_ns: at, to_ns: at + 1, step_ns: Some(SECOND_NS) };
    let answer = history.query(&asked).unwrap();
    let means: Vec<f64> = answer.figures.iter().map(|figures| figures[0].mean()).collect();
    assert_eq!(means, [0.25, 0.5, 0.75, 0.0, -1e6, -2e6]);
    let tiers: Vec<_> =
        history.tiers(true).iter().map(|tier| (tier.step_ns, tier.span_ns)).collect();
    assert_eq!(tiers, [(SECOND_NS, 3600 * SECOND_NS), (60 * SECOND_NS, 604_800 * SECOND_NS)]);
}

#[test]
fn the_farms_tiers_are_those_that_are_promised() {
    let spans = FARM_TIERS.map(|tier| (tier.step_ns, tier.span_ns() / SECOND_NS));
    assert_eq!(spans, [(TICK_NS, 600), (SECOND_NS, 21_600), (60 * SECOND_NS, 2_592_000)]);
}

#[test]
fn the_memory_is_reckoned_as_it_is_taken() {
    let plan = HistoryPlan::new(&testing::spec_with(10), &HistoryConfig::default()).unwrap();
    assert!(plan.warning().is_none());
    let columns = &plan.farm.columns;
    let taken: u64 =
        plan.farm.tiers.iter().map(|spec| Tier::new(*spec, columns).capacity_bytes()).sum();
    assert_eq!(taken, plan.farm.bytes());
    // A farm that has run for longer than its longest tier takes what was reckoned, and no more.
    assert!(plan.bytes() < 60_000_000, "{}", plan.bytes());
}

#[test]
fn what_does_not_fit_is_refused_with_the_arithmetic_or_made_shorter_where_nobody_asked() {
    let spec = testing::spec_with(300);
    let tight = |unit_signals| HistoryConfig {
        unit_signals,
        memory_bytes: 60_000_000,
        ..HistoryConfig::default()
    };
    let named = UnitSignals::Named(vec!["battery.soc".to_owned()]);
    let refusal = HistoryPlan::new(&spec, &tight(named)).unwrap_err().to_string();
    for part in ["may have 60.0 MB", "1 signals x 300 units = 300 values", "3600 x 1s, 10080 x 1m"]
    {
        assert!(refusal.contains(part), "{part} in {refusal}");
    }
    let plan = HistoryPlan::new(&spec, &tight(UnitSignals::Fitting)).unwrap();
    assert!(plan.bytes() <= 60_000_000 && plan.bytes() > 59_000_000, "{}", plan.bytes());
    assert!(plan.warning().unwrap().contains("1s for"), "{:?}", plan.warning());
    let ratio = plan.units.tiers[0].n_buckets as f64 / plan.units.tiers[1].n_buckets as f64;
    assert!((ratio - 3_600.0 / 10_080.0).abs() < 0.01, "both by the same factor");
    let farm_alone = HistoryConfig { memory_bytes: 1_000_000, ..HistoryConfig::default() };
    let refusal = HistoryPlan::new(&spec, &farm_alone).unwrap_err().to_string();
    assert!(refusal.contains("farm 28"), "{refusal}");
}

#[test]
fn signals_and_tiers_that_cannot_be_are_refused() {
    let spec = testing::spec_with(1);
    let refusal = |names: &[&str], tiers: Vec<TierSpec>| {
        let named = names.iter().map(|name| (*name).to_owned()).collect();
        let unit_signals = UnitSignals::Named(named);
        let config = HistoryConfig { unit_signals, unit_tiers: tiers, ..HistoryConfig::default() };
        HistoryPlan::new(&spec, &config).unwrap_err().to_string()
    };
    let tiers = TierSpec::of_units;
    assert_eq!(
        refusal(&["soc"], tiers()),
        "units have no signal \"soc\" (did you mean battery.soc?)"
    );
    assert_eq!(refusal(&["nonsense"], tiers()), "units have no signal \"nonsense\"");
    let twice = refusal(&["battery.soc", "battery.soc"], tiers());
    assert_eq!(twice, "the signal battery.soc is named twice");
    let two = [TierSpec::new(SECOND_NS, 60 * SECOND_NS).unwrap(); 2].to_vec();
    assert_eq!(refusal(&["battery.soc"], two), "two tiers have the step 1s");
    for (step_ns, span_ns) in [
        (0, SECOND_NS),
        (TICK_NS / 2, SECOND_NS),
        (7 * TICK_NS, SECOND_NS),
        (86_400 * SECOND_NS, 864_000 * SECOND_NS),
        (SECOND_NS, TICK_NS),
        (SECOND_NS, i64::MAX),
    ] {
        assert!(TierSpec::new(step_ns, span_ns).is_err(), "{step_ns} {span_ns}");
    }
}
