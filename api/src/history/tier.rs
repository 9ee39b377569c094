//! One tier: a ring of buckets of equal length in simulated time.
//!
//! Bucket `k` holds the samples from `k` steps after 1970-01-01 (UTC) on to less than `k + 1` steps, so
//! buckets of a minute begin on the minute. A sample that is not available counts in none of its column's
//! figures. Rows of the ring stand one after the other: memory is touched as time goes on, not at the
//! start. The bucket that is being filled is kept apart, in double precision.

/// Length of a tick, and of the shortest bucket, in nanoseconds.
const TICK_NS: i64 = bess_core::time::TICK_NS;

/// How many columns are kept in which precision. Energies that add up for months need more digits than
/// single precision has; measured quantities do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    places: Vec<Place>,
    n_single: usize,
    n_double: usize,
}

/// Where the numbers of a column are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Single(usize),
    Double(usize),
}

impl Columns {
    /// Columns that are kept in double precision where `is_double` says so.
    pub(super) fn new(is_double: impl IntoIterator<Item = bool>) -> Self {
        let mut columns = Self::default();
        for is_double in is_double {
            let count = if is_double { &mut columns.n_double } else { &mut columns.n_single };
            let index = *count;
            *count += 1;
            columns.places.push(if is_double {
                Place::Double(index)
            } else {
                Place::Single(index)
            });
        }
        columns
    }
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
    pub(super) fn is_double(&self, column: usize) -> bool {
        matches!(self.places[column], Place::Double(_))
    }
    /// Bytes of the numbers of a row.
    const fn bytes(&self) -> u64 {
        (self.n_single * size_of::<f32>() + self.n_double * size_of::<f64>()) as u64
    }
    /// `value` as it will be kept; NaN for what is no finite number.
    pub(super) fn rounded(&self, column: usize, value: f64) -> f64 {
        let kept = match self.places[column] {
            Place::Single(_) => f64::from(value as f32),
            Place::Double(_) => value,
        };
        if kept.is_finite() { kept } else { f64::NAN }
    }
}

/// What a bucket knows of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sum {
    pub(crate) min: f64,
    pub(crate) max: f64,
    sum: f64,
    /// Samples that were available.
    pub(super) count: u64,
}

impl Sum {
    /// Of no sample.
    pub(super) const EMPTY: Self =
        Self { min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0, count: 0 };

    fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.merge(&Self { min: value, max: value, sum: value, count: 1 });
        }
    }
    /// Adds the samples of `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.count += other.count;
    }
    /// The mean; NaN of no sample. Never outside of what was summed up, whatever rounding does.
    pub(crate) fn mean(&self) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        (self.sum / self.count as f64).clamp(self.min, self.max)
    }
}

/// Length and number of a tier's buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierSpec {
    pub(super) step_ns: i64,
    pub(super) n_buckets: usize,
}

impl TierSpec {
    /// Whether a bucket is a single tick: there is nothing to take the mean of.
    pub(super) const fn is_raw(&self) -> bool {
        self.step_ns == TICK_NS
    }
    /// Numbers that a row has for each column.
    const fn per_column(&self) -> usize {
        if self.is_raw() { 1 } else { 3 }
    }
    /// Bytes of a row.
    pub(super) fn row_bytes(&self, columns: &Columns) -> u64 {
        let counts = if self.is_raw() { 0 } else { columns.len() * size_of::<u16>() };
        columns.bytes() * self.per_column() as u64 + (counts + size_of::<u16>()) as u64
    }
    /// Bytes of the bucket that is being filled.
    pub(super) const fn open_bytes(&self, columns: &Columns) -> u64 {
        (columns.places.len() * size_of::<Sum>()) as u64
    }
    /// Bytes when the ring is full.
    pub(super) fn bytes(&self, columns: &Columns) -> u64 {
        self.row_bytes(columns) * self.n_buckets as u64 + self.open_bytes(columns)
    }
}

/// A tier.
#[derive(Debug)]
pub(super) struct Tier {
    pub(super) spec: TierSpec,
    /// The newest bucket in the ring, and the first one ever.
    written: Option<(i64, i64)>,
    /// Samples in each bucket, available or not; 0 for one that is not there.
    seen: Vec<u16>,
    singles: Vec<f32>,
    doubles: Vec<f64>,
    /// Samples of each column in each bucket.
    counts: Vec<u16>,
    /// The bucket that is being filled.
    open: i64,
    open_seen: u16,
    open_sums: Vec<Sum>,
}

impl Tier {
    /// An empty one. Its memory is reserved, and taken as it fills.
    pub(super) fn new(spec: TierSpec, columns: &Columns) -> Self {
        let rows = spec.n_buckets;
        let n_counts = if spec.is_raw() { 0 } else { rows * columns.len() };
        Self {
            written: None,
            // Zeroes: the system gives such pages when they are first written to.
            seen: vec![0; rows],
            singles: vec![0.0; rows * columns.n_single * spec.per_column()],
            doubles: vec![0.0; rows * columns.n_double * spec.per_column()],
            counts: vec![0; n_counts],
            open: 0,
            open_seen: 0,
            open_sums: vec![Sum::EMPTY; columns.len()],
            spec,
        }
    }

    /// Adds the samples of an instant; `values` are rounded as [`Columns::rounded`] does.
    pub(super) fn add(&mut self, columns: &Columns, unix_ns: i64, values: &[f64]) {
        let bucket = unix_ns.div_euclid(self.spec.step_ns);
        if self.open_seen > 0 && bucket != self.open {
            self.close(columns);
        }
        self.open = bucket;
        self.open_seen = self.open_seen.saturating_add(1);
        for (sum, value) in self.open_sums.iter_mut().zip(values) {
            sum.add(*value);
        }
    }

    /// Moves the open bucket into the ring.
    fn close(&mut self, columns: &Columns) {
        let rows = self.spec.n_buckets;
        let (newest, first) = self.written.unwrap_or((self.open - 1, self.open));
        // Those in between are not there; what the ring still has in their rows is older.
        for missing in (newest + 1..self.open).rev().take(rows) {
            let row = self.row(missing);
            self.seen[row] = 0;
        }
        let row = self.row(self.open);
        self.seen[row] = self.open_seen;
        let width = self.spec.per_column();
        for (column, (place, sum)) in columns.places.iter().zip(&self.open_sums).enumerate() {
            let figures = if self.spec.is_raw() {
                [sum.mean(); 3]
            } else {
                self.counts[row * columns.places.len() + column] = sum.count as u16;
                [sum.mean(), sum.min, sum.max]
            };
            for (offset, figure) in figures[..width].iter().enumerate() {
                match *place {
                    Place::Single(index) => {
                        self.singles[(row * columns.n_single + index) * width + offset] =
                            *figure as f32;
                    }
                    Place::Double(index) => {
                        self.doubles[(row * columns.n_double + index) * width + offset] = *figure;
                    }
                }
            }
        }
        self.written = Some((self.open, first));
        self.open_seen = 0;
        self.open_sums.fill(Sum::EMPTY);
    }

    fn row(&self, bucket: i64) -> usize {
        bucket.rem_euclid(self.spec.n_buckets as i64) as usize
    }

    /// The first and the last bucket that may be there.
    pub(super) fn range(&self) -> Option<(i64, i64)> {
        let open = (self.open_seen > 0).then_some(self.open);
        let Some((newest, first)) = self.written else {
            return open.map(|open| (open, open));
        };
        let oldest = first.max(newest - self.spec.n_buckets as i64 + 1);
        Some((oldest, open.unwrap_or(newest)))
    }

    /// Whether no bucket has made room for another yet.
    pub(super) fn has_lost_nothing(&self) -> bool {
        self.written.is_none_or(|(newest, first)| newest - first < self.spec.n_buckets as i64)
    }

    /// Samples in a bucket, available or not; 0 for one that is not there.
    pub(super) fn seen(&self, bucket: i64) -> u16 {
        if self.open_seen > 0 && bucket == self.open {
            return self.open_seen;
        }
        match self.written {
            Some((newest, _)) if self.is_in_ring(bucket, newest) => self.seen[self.row(bucket)],
            _ => 0,
        }
    }

    fn is_in_ring(&self, bucket: i64, newest: i64) -> bool {
        bucket <= newest && newest - bucket < self.spec.n_buckets as i64
    }

    /// What a bucket that was seen knows of a column.
    pub(super) fn sum(&self, columns: &Columns, bucket: i64, column: usize) -> Sum {
        if self.open_seen > 0 && bucket == self.open {
            return self.open_sums[column];
        }
        let (row, width) = (self.row(bucket), self.spec.per_column());
        let figure = |offset| match columns.places[column] {
            Place::Single(index) => {
                f64::from(self.singles[(row * columns.n_single + index) * width + offset])
            }
            Place::Double(index) => self.doubles[(row * columns.n_double + index) * width + offset],
        };
        if self.spec.is_raw() {
            let mut sum = Sum::EMPTY;
            sum.add(figure(0));
            return sum;
        }
        match u64::from(self.counts[row * columns.places.len() + column]) {
            0 => Sum::EMPTY,
            count => {
                let [mean, min, max] = [0, 1, 2].map(figure);
                Sum { min, max, sum: mean * count as f64, count }
            }
        }
    }

    /// Buckets that are there or may be, the open one as well.
    pub(super) fn n_rows(&self) -> u64 {
        self.range().map_or(0, |(oldest, newest)| (newest - oldest + 1) as u64)
    }
    /// Bytes in use.
    pub(super) fn bytes(&self, columns: &Columns) -> u64 {
        let in_ring = self.n_rows().min(self.spec.n_buckets as u64);
        in_ring * self.spec.row_bytes(columns) + self.spec.open_bytes(columns)
    }
}

#[cfg(test)]
impl Tier {
    /// Bytes that its lists really have room for.
    pub(super) fn capacity_bytes(&self) -> u64 {
        let lists = [
            self.seen.capacity() * size_of::<u16>(),
            self.singles.capacity() * size_of::<f32>(),
            self.doubles.capacity() * size_of::<f64>(),
            self.counts.capacity() * size_of::<u16>(),
            self.open_sums.capacity() * size_of::<Sum>(),
        ];
        lists.iter().sum::<usize>() as u64
    }
}
