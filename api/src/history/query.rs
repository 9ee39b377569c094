//! From a range and a step to rows: which tier answers, and how its buckets become those of the step.
//!
//! Every tier is fed with every tick, so a tier with longer buckets has all that one with shorter ones has,
//! and more. Of those whose buckets make up a step exactly the one with the longest buckets answers.

use super::plan::Step;
use super::tier::{Sum, Tier};
use super::{History, Shelf};
use bess_core::id::UnitId;
use std::fmt;

/// Most rows times series of an answer.
pub(crate) const POINTS_MAX: u64 = 100_000;
/// Most series of an answer.
pub(crate) const SERIES_MAX: usize = 100;
/// Rows that a step is chosen for when none is asked for: enough for a chart.
const ROWS_WANTED: i64 = 1_000;

/// Steps that are chosen or proposed, in milliseconds.
const STEPS_MS: [i64; 22] = [
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
];

/// Longest step: a week.
pub(crate) const STEP_MAX_NS: i64 = STEPS_MS[STEPS_MS.len() - 1] * 1_000_000;

fn steps_ns() -> impl Iterator<Item = i64> {
    STEPS_MS.into_iter().map(|ms| ms * 1_000_000)
}

/// A series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeriesKey {
    /// The farm's signal with this index in its table.
    Farm(usize),
    /// The kept signal with this index, of this unit.
    Unit(usize, UnitId),
}

/// What is asked for: series of the farm alone, or of units alone.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// At least one.
    pub(crate) series: Vec<SeriesKey>,
    /// From this instant on, in nanoseconds since 1970.
    pub(crate) from_ns: i64,
    /// To before this one; later than `from_ns`.
    pub(crate) to_ns: i64,
    /// Length of the buckets; one that suits the range when absent.
    pub(crate) step_ns: Option<i64>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TooMany {
    /// More points than are given at once; with the shortest step that would do, if there is one.
    Points { points: u64, fitting: Option<i64> },
    /// No tier's buckets make up the step; the steps of the tiers.
    NoTier(Vec<i64>),
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Points { points, fitting } => {
                write!(f, "this is {points} points, and at most {POINTS_MAX} are given")?;
                match fitting {
                    Some(step) => write!(f, "; a step of {} would do", Step(*step)),
                    None => f.write_str("; ask for fewer series or a shorter range"),
                }
            }
            Self::NoTier(steps) => {
                let steps: Vec<_> = steps.iter().map(|step| Step(*step).to_string()).collect();
                write!(f, "`step` must be a multiple of one that is kept: {}", steps.join(", "))
            }
        }
    }
}

/// A bucket of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Where it begins.
    pub(crate) start_ns: i64,
    /// Ticks in it that were seen.
    pub(crate) samples: u64,
}

/// The buckets that have any sample, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Step of the tier that answers.
    pub(crate) tier_ns: i64,
    /// Step of the rows.
    pub(crate) step_ns: i64,
    /// The range, out to borders of the step.
    pub(crate) from_ns: i64,
    pub(crate) to_ns: i64,
    /// Since when the tier has something.
    pub(crate) available_from_ns: Option<i64>,
    pub(crate) rows: Vec<Row>,
    /// Of each series, by row.
    pub(crate) figures: Vec<Vec<Sum>>,
    /// Of each series: whether it is kept in double precision.
    pub(crate) is_double: Vec<bool>,
}

/// What a tier has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TierCover {
    pub(crate) step_ns: i64,
    pub(crate) span_ns: i64,
    /// Where its first and last bucket begin.
    pub(crate) range_ns: Option<(i64, i64)>,
}

impl Shelf {
    fn column(&self, n_units: usize, key: SeriesKey) -> usize {
        match key {
            SeriesKey::Farm(index) => index,
            SeriesKey::Unit(signal, unit) => signal * n_units + unit.idx(),
        }
    }

    /// The tier with the longest buckets that make up `step_ns`.
    fn tier_for(&self, step_ns: i64) -> Option<&Tier> {
        self.tiers.iter().rev().find(|tier| step_ns % tier.spec.step_ns == 0)
    }

    /// The shortest step of those people like with which the part of the range that is kept has at most
    /// `rows` rows, of a tier that reaches back to its begin.
    fn step_for(&self, from_ns: i64, to_ns: i64, rows: i64) -> Option<i64> {
        let ends = |tier: &Tier| {
            let step_ns = tier.spec.step_ns;
            tier.range().map(|(first, last)| (first * step_ns, (last + 1) * step_ns))
        };
        let from_ns = self.tiers.iter().filter_map(ends).map(|ends| ends.0).min()?.max(from_ns);
        let to_ns = self.tiers.iter().filter_map(ends).map(|ends| ends.1).max()?.min(to_ns);
        let fits = |step: i64| (to_ns - from_ns).div_euclid(step) < rows;
        let reaches = |tier: &Tier| {
            tier.has_lost_nothing() || ends(tier).is_some_and(|(begin, _)| begin <= from_ns)
        };
        let good = |step: &i64| self.tier_for(*step).is_some_and(reaches);
        steps_ns().filter(|step| fits(*step)).find(good)
    }
}

impl History {
    /// The tiers of the farm, or of its units.
    pub(crate) fn tiers(&self, of_units: bool) -> Vec<TierCover> {
        let book = self.read();
        let shelf = if of_units { &book.units } else { &book.farm };
        let cover = |tier: &Tier| {
            let step_ns = tier.spec.step_ns;
            let range_ns = tier.range().map(|(first, last)| (first * step_ns, last * step_ns));
            TierCover { step_ns, span_ns: tier.spec.span_ns(), range_ns }
        };
        shelf.tiers.iter().map(cover).collect()
    }

    /// Names of the signals of units that are kept.
    pub(crate) fn unit_signals(&self) -> impl Iterator<Item = &'static str> {
        self.plan.unit_signals.iter().map(|signal| signal.name)
    }

    /// Answers.
    ///
    /// # Errors
    /// When it would be too long, or the step is none.
    pub(crate) fn query(&self, asked: &Asked) -> Result<Answer, TooMany> {
        let book = self.read();
        let of_units = asked.series.iter().any(|key| matches!(key, SeriesKey::Unit(..)));
        let shelf = if of_units { &book.units } else { &book.farm };
        let n_series = asked.series.len() as i64;
        let rows_max = POINTS_MAX as i64 / n_series.max(1);
        let rows_wanted = ROWS_WANTED.min(rows_max);
        let chosen = || shelf.step_for(asked.from_ns, asked.to_ns, rows_wanted);
        let step_ns = asked.step_ns.or_else(chosen).unwrap_or(STEP_MAX_NS);
        let Some(tier) = shelf.tier_for(step_ns) else {
            return Err(TooMany::NoTier(
                shelf.tiers.iter().map(|tier| tier.spec.step_ns).collect(),
            ));
        };
        let tier_ns = tier.spec.step_ns;
        // Only what is there costs anything.
        let (first, last) = tier.range().unwrap_or((0, -1));
        let from = asked.from_ns.div_euclid(step_ns).max((first * tier_ns).div_euclid(step_ns));
        let to = (asked.to_ns - 1).div_euclid(step_ns).min((last * tier_ns).div_euclid(step_ns));
        let points = (to - from + 1).max(0) as u64 * n_series as u64;
        if points > POINTS_MAX {
            let present_ns = (to - from + 1) * step_ns;
            let fits =
                |step: &i64| shelf.tier_for(*step).is_some() && present_ns / step + 2 <= rows_max;
            return Err(TooMany::Points { points, fitting: steps_ns().find(fits) });
        }
        let columns: Vec<usize> =
            asked.series.iter().map(|key| shelf.column(self.plan.n_units, *key)).collect();
        let mut answer = Answer {
            tier_ns,
            step_ns,
            from_ns: asked.from_ns.div_euclid(step_ns).saturating_mul(step_ns),
            to_ns: (asked.to_ns - 1).div_euclid(step_ns).saturating_add(1).saturating_mul(step_ns),
            available_from_ns: tier.range().map(|(first, _)| first * tier_ns),
            rows: Vec::new(),
            figures: vec![Vec::new(); columns.len()],
            is_double: columns.iter().map(|c| shelf.level.columns.is_double(*c)).collect(),
        };
        let per_row = step_ns / tier_ns;
        for bucket in from..=to {
            shelf.gather(tier, (bucket * per_row, per_row), &columns, &mut answer);
        }
        Ok(answer)
    }
}

impl Shelf {
    /// Adds a row of `count` of the tier's buckets, from `first` on, if any of them was seen.
    fn gather(
        &self,
        tier: &Tier,
        (first, count): (i64, i64),
        columns: &[usize],
        answer: &mut Answer,
    ) {
        let Some((oldest, newest)) = tier.range() else { return };
        let there = first.max(oldest)..(first + count).min(newest + 1);
        let seen: Vec<i64> = there.filter(|bucket| tier.seen(*bucket) > 0).collect();
        let samples = seen.iter().map(|bucket| u64::from(tier.seen(*bucket))).sum();
        if samples == 0 {
            return;
        }
        answer.rows.push(Row { start_ns: first * tier.spec.step_ns, samples });
        for (figures, column) in answer.figures.iter_mut().zip(columns) {
            let mut sum = Sum::EMPTY;
            for bucket in &seen {
                sum.merge(&tier.sum(&self.level.columns, *bucket, *column));
            }
            figures.push(sum);
        }
    }
}
