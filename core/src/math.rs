//! Elementary functions with the same bits on every platform.
//!
//! The standard library's `exp`, `ln`, `cos` call the system's libm and differ between systems.
//! Everything that feeds a state goes through here; `clippy.toml` bans the methods of `f64`.

/// e to the power of `x`.
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}
/// Natural logarithm of `x` (> 0).
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}
/// Cosine of `x` in radians.
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}
/// Sine of `x` in radians.
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}
/// `base` (>= 0) to the power of `exponent`.
pub fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}
/// Hyperbolic tangent of `x`.
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}
/// Square root of `x` (>= 0); IEEE 754 requires it correctly rounded, so the method is portable.
pub fn sqrt(x: f64) -> f64 {
    x.sqrt()
}

/// Factor by which a resistance measured at 25 degC changes at `temperature_degc`, by Arrhenius' law
/// with activation energy `activation_energy_j_per_mol` (>= 0).
pub fn arrhenius(activation_energy_j_per_mol: f64, temperature_degc: f64) -> f64 {
    use crate::units::{GAS_CONSTANT_J_PER_MOL_K, ZERO_CELSIUS_K};
    const REFERENCE_K: f64 = 25.0 + ZERO_CELSIUS_K;
    let kelvin = temperature_degc + ZERO_CELSIUS_K;
    exp(activation_energy_j_per_mol / GAS_CONSTANT_J_PER_MOL_K * (1.0 / kelvin - 1.0 / REFERENCE_K))
}
