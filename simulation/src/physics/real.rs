//! The number type of a cell's state: `f32` in a farm, `f64` where one cell is studied.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A floating-point number that the cell kernel can be written in once.
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
    /// Nearest value to `x`.
    fn of(x: f64) -> Self;
    /// The exact value as `f64`.
    fn f64(self) -> f64;
    /// The nearest value from 0 to 1.
    fn fraction(self) -> Self;
    /// Whole part towards zero, saturating; 0 for NaN.
    fn truncated(self) -> i32;
    /// e to the power of `self`, the same bits on every platform.
    fn exp(self) -> Self;
    /// `1 - exp(-self)` without cancellation, for `self` >= 0.
    fn decay(self) -> Self;
    /// Its bytes, for hashing.
    fn hash_into(self, sink: &mut dyn FnMut(&[u8]));
}

macro_rules! real {
    ($t:ty, $exp:path, $expm1:path) => {
        impl Real for $t {
            const INFINITY: Self = <$t>::INFINITY;
            fn of(x: f64) -> Self {
                x as $t
            }
            fn f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn fraction(self) -> Self {
                self.clamp(0.0, 1.0)
            }
            fn truncated(self) -> i32 {
                self as i32
            }
            fn exp(self) -> Self {
                $exp(self)
            }
            fn decay(self) -> Self {
                // The series is cut where it is below 2e-13 of the whole: x^6 / 5040.
                if self < 1.0 / 32.0 {
                    let x = self;
                    let tail = x / 4.0 * (1.0 - x / 5.0 * (1.0 - x / 6.0));
                    return x * (1.0 - x / 2.0 * (1.0 - x / 3.0 * (1.0 - tail)));
                }
                -$expm1(-self)
            }
            fn hash_into(self, sink: &mut dyn FnMut(&[u8])) {
                sink(&self.to_le_bytes());
            }
        }
    };
}
real!(f32, libm::expf, libm::expm1f);
real!(f64, libm::exp, libm::expm1);
