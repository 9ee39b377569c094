//! The number type of a cell's state: `f32` in a farm, `f64` where one cell is studied.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A floating-point number that the cell kernels can be written in once.
pub trait Real:
    Copy
    + PartialOrd
    + Send
    + Sync
    + std::fmt::Debug
    + Default
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + 'static
{
    /// Greater than every voltage.
    const INFINITY: Self;
    /// A change of SoC that is large beside the rounding of one.
    const FINE_SOC: f64;
    /// Nearest value to `x`.
    fn of(x: f64) -> Self;
    /// The exact value as `f64`.
    fn f64(self) -> f64;
    /// The greater of both; `other` when `self` is NaN.
    fn or_more(self, other: Self) -> Self;
    /// The lesser of both; `other` when `self` is NaN.
    fn or_less(self, other: Self) -> Self;
    /// The piece that `self` (in pieces) lies in, from 0 to `last`, as an index and as a number. On
    /// the border between two pieces it may be either. Arithmetic alone, so that it vectorises.
    fn piece(self, last: Self) -> (u32, Self);
    /// e to the power of `self`, the same bits on every platform.
    fn exp(self) -> Self;
    /// `1 - exp(-self)` without cancellation, for `self` >= 0.
    fn decay(self) -> Self;
    /// [`Real::decay`] for `self` below 1/8, without asking.
    fn small_decay(self) -> Self;
    /// Its bytes, for hashing.
    fn hash_into(self, sink: &mut dyn FnMut(&[u8]));
}

macro_rules! real {
    ($t:ty, fine: $fine:literal, magic: $magic:literal, exp: $exp:expr) => {
        impl Real for $t {
            const INFINITY: Self = <$t>::INFINITY;
            const FINE_SOC: f64 = $fine;
            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn or_more(self, other: Self) -> Self {
                if self > other { self } else { other }
            }
            #[inline(always)]
            fn or_less(self, other: Self) -> Self {
                if self < other { self } else { other }
            }
            #[inline(always)]
            fn piece(self, last: Self) -> (u32, Self) {
                // Added to a number of this size, a fraction is rounded away, and the whole part
                // stands in the lowest bits. (A cast would saturate, which does not vectorise well.)
                let shifted = self.or_more(0.0).or_less(last + 0.5) - 0.5 + $magic;
                (shifted.to_bits() as u32 & 0x003F_FFFF, shifted - $magic)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn small_decay(self) -> Self {
                let x = self;
                // The series is cut where it is below 1e-12 of the whole for x < 1/32, and below
                // 1e-9 for x < 1/4.
                let tail = x / 5.0 * (1.0 - x / 6.0 * (1.0 - x / 7.0 * (1.0 - x / 8.0)));
                x * (1.0 - x / 2.0 * (1.0 - x / 3.0 * (1.0 - x / 4.0 * (1.0 - tail))))
            }
            #[inline(always)]
            fn decay(self) -> Self {
                let series = self.small_decay();
                if self < SERIES_BELOW as $t { series } else { 1.0 - $exp(-self) }
            }
            fn hash_into(self, sink: &mut dyn FnMut(&[u8])) {
                sink(&self.to_le_bytes());
            }
        }
    };
}

/// Below this the decay is a series, above it 1 - exp(-x) loses no digits that matter.
pub(super) const SERIES_BELOW: f64 = 0.125;

real!(f32, fine: 2e-5, magic: 12_582_912.0, exp: exp_f32);
real!(f64, fine: 0.0, magic: 6_755_399_441_055_744.0, exp: libm::exp);

/// e to the power of `x` within 2e-7 of it, for `x` from -80 to 80 (held beyond). Written out because
/// a library's does not vectorise: the farm refreshes every cell's resistances with it once a second.
#[inline(always)]
fn exp_f32(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    /// ln 2 in two parts, so that their multiples keep their digits (Cody and Waite).
    const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
    const MAGIC: f32 = 12_582_912.0;
    let x = x.or_more(-80.0).or_less(80.0);
    let shifted = x * LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = x - n * LN_2.0 - n * LN_2.1;
    let tail = 1.0 + r / 5.0 * (1.0 + r / 6.0 * (1.0 + r / 7.0));
    let series = 1.0 + r * (1.0 + r / 2.0 * (1.0 + r / 3.0 * (1.0 + r / 4.0 * tail)));
    // 2^n by its exponent's bits: the magic number's low bits hold n.
    series * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_place_falls_into_its_piece_and_the_outer_pieces_hold_what_is_beyond() {
        let pieces = [-3.0, 0.0, 0.2, 0.9, 1.4, 7.6, 9.9, 12.0, f64::NAN].map(|x| x.piece(9.0).0);
        assert_eq!(pieces, [0, 0, 0, 0, 1, 7, 9, 9, 0]);
        let single = [-3.0, 0.0, 0.2, 0.9, 1.4, 7.6, 9.9, 12.0, f32::NAN].map(|x| x.piece(9.0));
        assert_eq!(single.map(|(index, _)| index), pieces);
        assert!(single.iter().all(|(index, whole)| f64::from(*index) == f64::from(*whole)));
    }

    proptest! {
        #[test]
        fn the_farms_exponential_is_within_2e_7(x in -80.0f32..80.0) {
            let exact = libm::exp(f64::from(x));
            prop_assert!((f64::from(x.exp()) / exact - 1.0).abs() < 3e-7, "{} {exact}", x.exp());
        }

        #[test]
        fn the_decay_keeps_its_digits(x in 0.0f64..3.0) {
            let exact = -libm::expm1(-x);
            prop_assert!((x.decay() - exact).abs() <= 1e-11 * exact.max(1e-300), "{x}");
            let single = x as f32;
            let exact = -libm::expm1(-f64::from(single));
            prop_assert!((f64::from(single.decay()) - exact).abs() <= 6e-7 * exact, "{x}");
        }

        #[test]
        fn a_place_is_at_most_one_piece_long(x in 0.0f64..200.0) {
            let (index, whole) = x.piece(199.0);
            prop_assert!(f64::from(index) == whole);
            prop_assert!((0.0..=1.0).contains(&(x - whole)), "{x} {whole}");
        }
    }
}
