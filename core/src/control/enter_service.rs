//! What settings of entering service must be like (SunSpec 703).

use super::EnterServiceChange;
use super::limits::in_range;
use super::trips::FREQUENCY_RATIO;
use crate::command::Rejection;

/// Longest delay and ramp of entering service in s \[engineering choice\]: an hour.
pub const ENTER_SERVICE_MAX_S: f64 = 3600.0;

impl EnterServiceChange {
    /// Checks the change at a nominal frequency. Each end of a window stays on its side of nominal, so
    /// that a good grid is always within.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self, nominal_hz: f64) -> Result<(), Rejection> {
        let (low_hz, high_hz) = (FREQUENCY_RATIO.0 * nominal_hz, FREQUENCY_RATIO.1 * nominal_hz);
        let time_s = (0.0, ENTER_SERVICE_MAX_S);
        let checks = [
            ("enter_service_voltage_min_pu", self.voltage_min_pu, (0.0, 1.0), "pu"),
            ("enter_service_voltage_max_pu", self.voltage_max_pu, (1.0, 2.0), "pu"),
            ("enter_service_frequency_min_hz", self.frequency_min_hz, (low_hz, nominal_hz), "Hz"),
            ("enter_service_frequency_max_hz", self.frequency_max_hz, (nominal_hz, high_hz), "Hz"),
            ("enter_service_delay_s", self.delay_s, time_s, "s"),
            ("enter_service_random_delay_s", self.random_delay_s, time_s, "s"),
            ("enter_service_ramp_s", self.ramp_s, time_s, "s"),
        ];
        for (field, value, range, unit) in checks {
            in_range(field, value, range, unit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::EnterService;

    #[test]
    fn a_window_stays_around_nominal_and_times_within_an_hour() {
        let check = |change: EnterServiceChange| change.check(60.0).map_err(|e| e.to_string());
        assert_eq!(check(EnterService::ieee_1547(60.0).into()), Ok(()));
        let none = EnterServiceChange::default();
        let text =
            check(EnterServiceChange { voltage_min_pu: Some(1.01), ..none }).expect_err("above");
        assert_eq!(text, "enter_service_voltage_min_pu must be from 0 to 1 pu, got 1.01");
        let text = check(EnterServiceChange { frequency_max_hz: Some(59.0), ..none })
            .expect_err("below nominal");
        assert_eq!(text, "enter_service_frequency_max_hz must be from 60 to 72 Hz, got 59");
        assert!(check(EnterServiceChange { random_delay_s: Some(-1.0), ..none }).is_err());
        assert!(check(EnterServiceChange { ramp_s: Some(3601.0), ..none }).is_err());
        assert!(check(EnterServiceChange { delay_s: Some(f64::NAN), ..none }).is_err());
    }
}
