//! What the elements of a profile look at: direction, keys and allowed range of each quantity.

use crate::alarm::AlarmCode;

/// On which side of its threshold an element acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// At the threshold and above.
    Above,
    /// At the threshold and below.
    Below,
    /// The quantity is a yes or no; yes acts.
    Yes,
}

/// One quantity that a profile may set thresholds for.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    /// The alarm that it raises.
    pub code: AlarmCode,
    /// On which side.
    pub direction: Direction,
    /// Whether each rack has it, or the unit as a whole.
    pub of_rack: bool,
    /// Keys of threshold and release in a file.
    pub(super) keys: (&'static str, &'static str),
    /// What one unit of the key is in the unit of the element.
    pub(super) scale: f64,
    /// Allowed range of threshold and release, in the unit of the key. The ends are engineering
    /// choices: beyond them a number is a slip of the unit.
    pub(super) range: (f64, f64),
}

impl Quantity {
    /// Whether `value` lies beyond `threshold` or on it.
    pub fn is_beyond(&self, value: f64, threshold: f64) -> bool {
        match self.direction {
            Direction::Above => value >= threshold,
            Direction::Below => value <= threshold,
            Direction::Yes => false,
        }
    }
}

const V: (&str, &str) = ("threshold_v", "release_v");
const DEGC: (&str, &str) = ("threshold_degc", "release_degc");
const K: (&str, &str) = ("threshold_k", "release_k");
const K_PER_S: (&str, &str) = ("threshold_k_per_s", "release_k_per_s");
const PCT: (&str, &str) = ("threshold_pct", "release_pct");
const OHM_PER_V: (&str, &str) = ("threshold_ohm_per_v", "release_ohm_per_v");
const S: (&str, &str) = ("threshold_s", "release_s");
const SOC: (&str, &str) = ("threshold_soc", "release_soc");

macro_rules! quantities {
    ($($code:ident $direction:ident $of_rack:literal $keys:expr, $scale:literal, $low:literal $high:literal;)*) => {
        /// Every quantity of profiles.
        pub(super) const QUANTITIES: &[Quantity] = &[
            $(Quantity {
                code: AlarmCode::$code,
                direction: Direction::$direction,
                of_rack: $of_rack,
                keys: $keys,
                scale: $scale,
                range: ($low, $high),
            },)*
        ];
    };
}

#[rustfmt::skip]
quantities! {
    CellOverVoltage Above true V, 1.0, 0.5 10.0;
    CellUnderVoltage Below true V, 1.0, 0.0 10.0;
    CellOverTemperature Above true DEGC, 1.0, -40.0 150.0;
    CellUnderTemperature Below true DEGC, 1.0, -60.0 60.0;
    TemperatureDifference Above true K, 1.0, 0.1 150.0;
    TemperatureRate Above true K_PER_S, 1.0, 0.01 100.0;
    VoltageDifference Above true V, 1.0, 0.001 5.0;
    ChargeOverCurrent Above true PCT, 0.01, 0.0 1000.0;
    DischargeOverCurrent Above true PCT, 0.01, 0.0 1000.0;
    StringOpen Yes true V, 1.0, 0.0 0.0;
    FuseBlown Yes true V, 1.0, 0.0 0.0;
    Insulation Below false OHM_PER_V, 1.0, 0.0 100_000.0;
    Smoke Yes false V, 1.0, 0.0 0.0;
    Gas Yes false V, 1.0, 0.0 0.0;
    BmsCommunication Above false S, 1.0, 0.0 86_400.0;
    SocHigh Above false SOC, 1.0, 0.0 1.0;
    SocLow Below false SOC, 1.0, 0.0 1.0;
    PcsOverTemperature Above false DEGC, 1.0, 0.0 200.0;
    CoolingFailed Yes false V, 1.0, 0.0 0.0;
}

/// What `code` looks at; `None` where that belongs to the machine and no profile can set it.
pub fn quantity(code: AlarmCode) -> Option<&'static Quantity> {
    QUANTITIES.iter().find(|quantity| quantity.code == code)
}
