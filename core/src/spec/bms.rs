//! What a rack's sensors show and how its BMS balances.

/// Battery management of a unit's racks: what its sensors show and how it balances.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BmsSpec {
    /// Whether the BMS knows the truth: measured equals true bit by bit, and the SoC and SoH that it
    /// reports are the true ones. Its sensors are then not looked at; balancing is.
    pub ideal: bool,
    /// The sensors of a rack.
    pub sensors: SensorSpec,
    /// Passive balancing.
    pub balancing: BalancingSpec,
}

/// Sensors of a rack. A sigma is the standard deviation over the sensors of a farm: each sensor has a
/// gain or offset of its own that stays; noise is drawn anew every tick; a step is the smallest
/// change that a sensor shows, 0 for none.
///
/// [`SensorSpec::default`] is a typical rack: cell voltage within 1 to 2 mV, temperature within 1 K,
/// current within 0.2 to 0.5 % (engineering choices within the range of data sheets of cell monitors
/// and shunts). On LFP 1 mV is up to 2.6 % of SoC on the plateau.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensorSpec {
    /// Sigma of a cell voltage's offset in V, >= 0.
    pub cell_voltage_offset_v: f64,
    /// Noise of a cell voltage in V, >= 0.
    pub cell_voltage_noise_v: f64,
    /// Step of a cell voltage in V, >= 0.
    pub cell_voltage_step_v: f64,
    /// Sigma of a cell temperature's offset in K, >= 0.
    pub cell_temperature_offset_k: f64,
    /// Time constant of a cell temperature's first-order lag in s, >= 0.
    pub cell_temperature_lag_s: f64,
    /// Step of a cell temperature in K, >= 0.
    pub cell_temperature_step_k: f64,
    /// Sigma of the rack current's gain, as a fraction, >= 0.
    pub current_gain: f64,
    /// Sigma of the rack current's offset in A, >= 0.
    pub current_offset_a: f64,
    /// Noise of the rack current in A, >= 0.
    pub current_noise_a: f64,
    /// Step of the rack current in A, >= 0.
    pub current_step_a: f64,
    /// Sigma of the rack voltage's gain, as a fraction, >= 0.
    pub rack_voltage_gain: f64,
    /// Noise of the rack voltage in V, >= 0.
    pub rack_voltage_noise_v: f64,
    /// Step of the rack voltage in V, >= 0.
    pub rack_voltage_step_v: f64,
}

impl Default for SensorSpec {
    fn default() -> Self {
        Self {
            cell_voltage_offset_v: 1e-3,
            cell_voltage_noise_v: 1e-3,
            cell_voltage_step_v: 1e-3,
            cell_temperature_offset_k: 0.5,
            cell_temperature_lag_s: 10.0,
            cell_temperature_step_k: 0.1,
            current_gain: 3e-3,
            current_offset_a: 0.3,
            current_noise_a: 0.3,
            current_step_a: 0.1,
            rack_voltage_gain: 5e-4,
            rack_voltage_noise_v: 0.2,
            rack_voltage_step_v: 0.1,
        }
    }
}

impl SensorSpec {
    /// Sensors that show the truth; the SoC is still estimated from them.
    pub const EXACT: Self = Self {
        cell_voltage_offset_v: 0.0,
        cell_voltage_noise_v: 0.0,
        cell_voltage_step_v: 0.0,
        cell_temperature_offset_k: 0.0,
        cell_temperature_lag_s: 0.0,
        cell_temperature_step_k: 0.0,
        current_gain: 0.0,
        current_offset_a: 0.0,
        current_noise_a: 0.0,
        current_step_a: 0.0,
        rack_voltage_gain: 0.0,
        rack_voltage_noise_v: 0.0,
        rack_voltage_step_v: 0.0,
    };
}

/// Passive balancing of a rack: cells that stand out give a small current to a resistor.
///
/// The defaults are engineering choices: passive balancers of large cells bleed about 50 to 200 mA,
/// and on LFP a voltage tells cells apart only near full charge and without load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BalancingSpec {
    /// Whether the rack balances at all.
    pub enabled: bool,
    /// Current out of a bleeding cell in A, >= 0.
    pub bleed_a: f64,
    /// A cell bleeds from this far above the lowest one, in V, >= 0.
    pub start_above_v: f64,
    /// Only from this SoC of the rack on, as the BMS estimates it, 0 to 1.
    pub allowed_above_soc: f64,
    /// Only below this magnitude of the rack's current, as a multiple of the capacity per hour, >= 0.
    pub allowed_below_c_rate: f64,
}

impl Default for BalancingSpec {
    fn default() -> Self {
        Self {
            enabled: true,
            bleed_a: 0.1,
            start_above_v: 0.01,
            allowed_above_soc: 0.9,
            allowed_below_c_rate: 0.05,
        }
    }
}
