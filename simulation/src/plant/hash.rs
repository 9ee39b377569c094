//! Every bit of the plant controller's state, for hashing.

use super::Plant;
use bess_core::control::{CurveFunction, FrequencyResponse};
use bess_core::spec::PlantSettings;

type Sink<'s> = dyn FnMut(&[u8]) + 's;

impl Plant {
    /// Feeds the state to `sink`.
    pub(crate) fn hash_into(&self, sink: &mut Sink<'_>) {
        for power in [self.active.map(|p| p.0), self.reactive.map(|q| q.0), self.ramped_w] {
            number(sink, power.unwrap_or(f64::NAN));
        }
        number(sink, self.response_w);
        number(sink, self.trim_w);
        number(sink, self.volt_var.value);
        sink(&[u8::from(self.due)]);
        self.works.iter().for_each(|works| sink(&[u8::from(*works)]));
        for guard in &self.guards {
            sink(&[u8::from(guard.is_low), u8::from(guard.is_high)]);
        }
        self.response.hash_into(sink);
        hash_settings(sink, &self.settings);
    }
}

fn number(sink: &mut Sink<'_>, value: f64) {
    sink(&value.to_le_bytes());
}
fn count(sink: &mut Sink<'_>, n: usize) {
    sink(&(n as u64).to_le_bytes());
}
fn points(sink: &mut Sink<'_>, points: &[(f64, f64)]) {
    count(sink, points.len());
    for (x, y) in points {
        number(sink, *x);
        number(sink, *y);
    }
}

/// What may be absent says so first, and what has a length its length: no two settings feed the same.
fn hash_settings(sink: &mut Sink<'_>, settings: &PlantSettings) {
    let PlantSettings {
        enabled,
        strategy,
        priority,
        ramp_per_s,
        soc_min,
        soc_max,
        frequency_response,
        volt_var,
        peak_shaving,
    } = settings;
    sink(&[u8::from(*enabled), *strategy as u8]);
    count(sink, priority.len());
    priority.iter().for_each(|idx| count(sink, *idx));
    for value in [ramp_per_s, soc_min, soc_max] {
        number(sink, *value);
    }
    sink(&[u8::from(frequency_response.is_some())]);
    if let Some(response) = frequency_response {
        hash_response(sink, response);
    }
    sink(&[u8::from(volt_var.is_some())]);
    if let Some(CurveFunction { points: curve, response_s }) = volt_var {
        points(sink, curve);
        number(sink, *response_s);
    }
    sink(&[u8::from(peak_shaving.is_some())]);
    if let Some(limits) = peak_shaving {
        number(sink, limits.import_max_w);
        number(sink, limits.export_max_w);
    }
}

fn hash_response(sink: &mut Sink<'_>, response: &FrequencyResponse) {
    count(sink, response.name.len());
    sink(response.name.as_bytes());
    points(sink, &response.points);
    number(sink, response.contract_w.unwrap_or(f64::NAN));
    number(sink, response.dead_time_s);
    number(sink, response.full_s);
    sink(&[u8::from(response.sustain.is_some())]);
    if let Some(sustain) = response.sustain {
        number(sink, sustain.duration_s);
        number(sink, sustain.deactivation_per_s);
        number(sink, sustain.recovery_s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::control::{PeakShaving, UnitFunctions};
    use bess_core::service;
    use bess_core::spec::{PlantChange, Strategy};

    fn bytes(change: &PlantChange) -> Vec<u8> {
        let mut settings = PlantSettings::default();
        change.apply(&mut settings);
        let mut all = Vec::new();
        hash_settings(&mut |bytes| all.extend_from_slice(bytes), &settings);
        all
    }

    #[test]
    fn every_setting_is_in_the_hash() {
        let base = PlantChange::default;
        let response = service::frequency_response("fcr");
        let mut short = response.clone();
        short.iter_mut().for_each(|response| response.full_s = 20.0);
        let mut curve = UnitFunctions::default().volt_var;
        let volt_var = Some(Some(curve.clone()));
        curve.points[0].1 = 0.9;
        let limits = |export_max_w| Some(Some(PeakShaving { import_max_w: 1e6, export_max_w }));
        let all = [
            base(),
            PlantChange { enabled: Some(false), ..base() },
            PlantChange { strategy: Some(Strategy::Soc), ..base() },
            PlantChange { priority: Some(vec![2, 1]), ..base() },
            PlantChange { priority: Some(vec![1, 2]), ..base() },
            PlantChange { ramp_per_s: Some(0.1), ..base() },
            PlantChange { soc_min: Some(0.1), ..base() },
            PlantChange { soc_max: Some(0.9), ..base() },
            PlantChange { frequency_response: Some(response), ..base() },
            PlantChange { frequency_response: Some(short), ..base() },
            PlantChange { volt_var, ..base() },
            PlantChange { volt_var: Some(Some(curve)), ..base() },
            PlantChange { peak_shaving: limits(1e6), ..base() },
            PlantChange { peak_shaving: limits(2e6), ..base() },
        ]
        .map(|change| bytes(&change));
        for (at, bytes) in all.iter().enumerate() {
            assert!(!all[..at].contains(bytes), "change {at} leaves the hash as it was");
        }
    }
}
