//! Functions on the wire: curves, frequency response and peak shaving, as units and the plant
//! controller take and show them.

use crate::body::{nullable, present};
use crate::presets;
use crate::problem::{Fallible, Problem, kind};
use crate::wire::Num;
use bess_core::control::{
    CurveFunction, FrequencyDroop, FrequencyResponse, PeakShaving, Sustain, UnitFunctions,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};

/// A point of a curve: input and output.
pub(crate) type Point = [f64; 2];

/// In the document: an array of two numbers.
pub(crate) struct Pair;

impl utoipa::PartialSchema for Pair {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        ArrayBuilder::new()
            .items(ObjectBuilder::new().schema_type(Type::Number))
            .min_items(Some(2))
            .max_items(Some(2))
            .into()
    }
}
impl ToSchema for Pair {}

pub(crate) fn pairs(points: &[Point]) -> Vec<(f64, f64)> {
    points.iter().map(|[x, y]| (*x, *y)).collect()
}
pub(crate) fn shown(points: &[(f64, f64)]) -> Vec<[Num; 2]> {
    points.iter().map(|(x, y)| [Num(*x), Num(*y)]).collect()
}

/// A function by a curve.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CurveAnswer {
    /// Points [input, output]; beyond its ends the curve holds.
    #[schema(value_type = Vec<Vec<f64>>)]
    points: Vec<[Num; 2]>,
    /// Open-loop response time in s: 90 % of a step.
    response_s: Num,
}

impl From<&CurveFunction> for CurveAnswer {
    fn from(curve: &CurveFunction) -> Self {
        Self { points: shown(&curve.points), response_s: Num(curve.response_s) }
    }
}

/// A curve to set; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CurveWish {
    /// Points [input, output]; the input increases strictly.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<Pair>>, nullable = false, example = json!([[0.92, 1.0], [0.98, 0.0], [1.02, 0.0], [1.08, -1.0]]))]
    points: Option<Vec<Point>>,
    /// Open-loop response time in s: 90 % of a step.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    response_s: Option<f64>,
}

impl CurveWish {
    /// On top of what is there.
    pub(crate) fn onto(&self, present: &CurveFunction) -> CurveFunction {
        CurveFunction {
            points: self.points.as_ref().map_or_else(|| present.points.clone(), |p| pairs(p)),
            response_s: self.response_s.unwrap_or(present.response_s),
        }
    }
    /// Where nothing is there yet.
    pub(crate) fn anew(&self, field: &str) -> Fallible<CurveFunction> {
        if self.points.is_none() {
            let detail = format!("{field} is off: give its points");
            return Err(Problem::new(&kind::BAD_FIELD, detail).field(format!("{field}.points")));
        }
        Ok(self.onto(&UnitFunctions::default().volt_var))
    }
}

/// Active power by the deviation of the frequency beyond a dead band.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DroopAnswer {
    /// Dead band above nominal.
    over_deadband_hz: Num,
    /// Dead band below nominal.
    under_deadband_hz: Num,
    /// Deviation, as a fraction of nominal, that asks for the whole rating above it.
    over_droop: Num,
    /// The same below it.
    under_droop: Num,
    /// Open-loop response time in s: 90 % of a step.
    response_s: Num,
}

impl From<&FrequencyDroop> for DroopAnswer {
    fn from(droop: &FrequencyDroop) -> Self {
        Self {
            over_deadband_hz: Num(droop.over_deadband_hz),
            under_deadband_hz: Num(droop.under_deadband_hz),
            over_droop: Num(droop.over_droop),
            under_droop: Num(droop.under_droop),
            response_s: Num(droop.response_s),
        }
    }
}

/// A droop to set; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DroopWish {
    /// Dead band above nominal.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    over_deadband_hz: Option<f64>,
    /// Dead band below nominal.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    under_deadband_hz: Option<f64>,
    /// Deviation, as a fraction of nominal, that asks for the whole rating above it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0)]
    over_droop: Option<f64>,
    /// The same below it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0)]
    under_droop: Option<f64>,
    /// Open-loop response time in s: 90 % of a step.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    response_s: Option<f64>,
}

impl DroopWish {
    /// On top of what is there.
    pub(crate) fn onto(&self, present: FrequencyDroop) -> FrequencyDroop {
        FrequencyDroop {
            over_deadband_hz: self.over_deadband_hz.unwrap_or(present.over_deadband_hz),
            under_deadband_hz: self.under_deadband_hz.unwrap_or(present.under_deadband_hz),
            over_droop: self.over_droop.unwrap_or(present.over_droop),
            under_droop: self.under_droop.unwrap_or(present.under_droop),
            response_s: self.response_s.unwrap_or(present.response_s),
        }
    }
}

/// A frequency response service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResponseAnswer {
    /// Name of the preset it comes from; `custom` for one that has been changed.
    #[schema(example = "custom")]
    name: String,
    /// Points [deviation from nominal in Hz, power as a fraction of the contract].
    #[schema(value_type = Vec<Vec<f64>>)]
    points: Vec<[Num; 2]>,
    /// Contract; null for the rating.
    contract_w: Num,
    /// Time before it reacts.
    dead_time_s: Num,
    /// Time from the deviation until the power is there in full.
    full_s: Num,
    /// The course of a service that is triggered; null for one that follows.
    #[schema(required = true)]
    sustain: Option<SustainAnswer>,
}

/// The course of a triggered service.
#[derive(Debug, Serialize, ToSchema)]
struct SustainAnswer {
    /// How long it stays at full power.
    duration_s: Num,
    /// How fast it goes back, as a fraction of the contract per second.
    deactivation_per_s: Num,
    /// Time from a trigger until it may be triggered again.
    recovery_s: Num,
}

impl From<&FrequencyResponse> for ResponseAnswer {
    fn from(response: &FrequencyResponse) -> Self {
        Self {
            name: response.name.clone(),
            points: shown(&response.points),
            contract_w: Num(response.contract_w.unwrap_or(f64::NAN)),
            dead_time_s: Num(response.dead_time_s),
            full_s: Num(response.full_s),
            sustain: response.sustain.map(|sustain| SustainAnswer {
                duration_s: Num(sustain.duration_s),
                deactivation_per_s: Num(sustain.deactivation_per_s),
                recovery_s: Num(sustain.recovery_s),
            }),
        }
    }
}

/// A frequency response to set: a preset, or a curve of its own; what is absent stays, or is the
/// preset's.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"preset": "fcr", "contract_w": 1_000_000.0}))]
pub(crate) struct ResponseWish {
    /// Name of a preset; `/services` lists them.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    preset: Option<String>,
    /// Points [deviation from nominal in Hz, power as a fraction of the contract]: the deviation
    /// increases strictly, the power does not rise.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<Pair>>, nullable = false)]
    points: Option<Vec<Point>>,
    /// Contract; null for the rating.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>)]
    contract_w: Option<Option<f64>>,
    /// Time before it reacts.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    dead_time_s: Option<f64>,
    /// Time from the deviation until the power is there in full.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, exclusive_minimum = 0)]
    full_s: Option<f64>,
    /// The course of a service that is triggered; null for one that follows.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<SustainWish>)]
    sustain: Option<Option<SustainWish>>,
}

/// The course of a triggered service.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SustainWish {
    /// How long it stays at full power.
    #[schema(exclusive_minimum = 0)]
    duration_s: f64,
    /// How fast it goes back, as a fraction of the contract per second.
    #[schema(exclusive_minimum = 0)]
    deactivation_per_s: f64,
    /// Time from a trigger until it may be triggered again.
    #[schema(minimum = 0)]
    recovery_s: f64,
}

impl From<SustainWish> for Sustain {
    fn from(wish: SustainWish) -> Self {
        Self {
            duration_s: wish.duration_s,
            deactivation_per_s: wish.deactivation_per_s,
            recovery_s: wish.recovery_s,
        }
    }
}

impl ResponseWish {
    /// On top of what is there, if something is.
    pub(crate) fn onto(
        &self,
        field: &str,
        present: Option<&FrequencyResponse>,
    ) -> Fallible<FrequencyResponse> {
        let mut response = match (&self.preset, present) {
            (Some(name), _) => presets::by_name(&format!("{field}.preset"), name)?,
            (None, Some(present)) => present.clone(),
            (None, None) if self.points.is_some() => UnitFunctions::default().frequency_response,
            (None, None) => {
                let detail = format!("{field} is off: give a preset, or points");
                let field = format!("{field}.preset");
                return Err(Problem::new(&kind::BAD_FIELD, detail).field(field));
            }
        };
        let is_changed = self.points.is_some()
            || self.dead_time_s.is_some()
            || self.full_s.is_some()
            || self.sustain.is_some();
        if is_changed {
            "custom".clone_into(&mut response.name);
        }
        if let Some(points) = &self.points {
            response.points = pairs(points);
        }
        response.contract_w = self.contract_w.unwrap_or(response.contract_w);
        response.dead_time_s = self.dead_time_s.unwrap_or(response.dead_time_s);
        response.full_s = self.full_s.unwrap_or(response.full_s);
        if let Some(sustain) = self.sustain {
            response.sustain = sustain.map(Sustain::from);
        }
        Ok(response)
    }
}

/// Limits at the POI.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShavingAnswer {
    /// Largest import at the POI; null for none.
    import_max_w: Num,
    /// Largest export at the POI; null for none.
    export_max_w: Num,
}

impl From<&PeakShaving> for ShavingAnswer {
    fn from(shaving: &PeakShaving) -> Self {
        Self { import_max_w: Num(shaving.import_max_w), export_max_w: Num(shaving.export_max_w) }
    }
}

/// Limits at the POI to set; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShavingWish {
    /// Largest import at the POI; null for none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>, minimum = 0)]
    import_max_w: Option<Option<f64>>,
    /// Largest export at the POI; null for none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>, minimum = 0)]
    export_max_w: Option<Option<f64>>,
}

impl ShavingWish {
    /// On top of what is there.
    pub(crate) fn onto(&self, present: PeakShaving) -> PeakShaving {
        let limit = |wish: Option<Option<f64>>, present: f64| {
            wish.map_or(present, |limit| limit.unwrap_or(f64::INFINITY))
        };
        PeakShaving {
            import_max_w: limit(self.import_max_w, present.import_max_w),
            export_max_w: limit(self.export_max_w, present.export_max_w),
        }
    }
    /// Where nothing is there yet.
    pub(crate) fn anew(&self) -> PeakShaving {
        self.onto(PeakShaving { import_max_w: f64::INFINITY, export_max_w: f64::INFINITY })
    }
}
