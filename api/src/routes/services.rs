//! `/services`: the frequency response services that units and plant know by name.

use crate::functions::ResponseAnswer;
use crate::problem::{Fallible, FarmReadProblems};
use crate::read::{NotModified, Read};
use crate::wire::{Num, Stamp};
use axum::response::Response;
use bess_core::service::{FOLLOWING, PRESETS, Preset, Status, frequency_response};
use serde::Serialize;
use utoipa::ToSchema;

/// A frequency response service by name.
#[derive(Debug, Serialize, ToSchema)]
struct Service {
    /// What it is.
    text: &'static str,
    /// Where its figures come from.
    source: &'static str,
    /// Whether its figures were read in the rule itself, not in somebody else's account of it.
    read_in_the_rule: bool,
    /// Nominal frequency of the grid that it belongs to; null for any.
    nominal_frequency_hz: Num,
    /// What it asks for in time.
    marks: Vec<MarkAnswer>,
    #[serde(flatten)]
    response: ResponseAnswer,
}

/// A share of what the curve asks for, and when it must be there.
#[derive(Debug, Serialize, ToSchema)]
struct MarkAnswer {
    /// Share of what is asked, 0 to 1.
    share: Num,
    /// Seconds after a step of the frequency.
    by_s: Num,
}

impl Service {
    fn of(preset: &'static Preset) -> Option<Self> {
        let marks = preset.marks.iter();
        Some(Self {
            text: preset.text,
            source: preset.source,
            read_in_the_rule: preset.status == Status::Read,
            nominal_frequency_hz: Num(preset.nominal_hz.unwrap_or(f64::NAN)),
            marks: marks
                .map(|mark| MarkAnswer { share: Num(mark.share), by_s: Num(mark.by_s) })
                .collect(),
            response: ResponseAnswer::from(&frequency_response(preset.name)?),
        })
    }
}

/// A way of following the setpoints of a secondary reserve.
#[derive(Debug, Serialize, ToSchema)]
struct FollowingAnswer {
    name: &'static str,
    /// Time between setpoints of the operator.
    cycle_s: Num,
    /// Time in which all that was asked must be there.
    full_s: Num,
    /// The slowest ramp of the plant controller that is in time for the whole rating.
    ramp_pct_per_min: Num,
    /// Where its figures come from.
    source: &'static str,
}

/// The services by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServicesAnswer {
    #[serde(flatten)]
    stamp: Stamp,
    /// Frequency response, for units and the plant controller.
    services: Vec<Service>,
    /// Following of setpoints, for the ramp of the plant controller.
    following: Vec<FollowingAnswer>,
}

/// The services
///
/// Frequency response by name, with curve, timing and the source of the figures, and how fast reserves
/// must follow their setpoints.
#[utoipa::path(get, path = "/services", operation_id = "list_services", tag = "farm",
    responses((status = 200, description = "The services.", body = ServicesAnswer), NotModified, FarmReadProblems))]
pub(crate) async fn list(read: Read) -> Fallible<Response> {
    let following = FOLLOWING.iter().map(|follower| FollowingAnswer {
        name: follower.name,
        cycle_s: Num(follower.cycle_s),
        full_s: Num(follower.full_s),
        ramp_pct_per_min: Num(follower.ramp_per_s() * 100.0 * 60.0),
        source: follower.source,
    });
    read.plain(|snapshot| ServicesAnswer {
        stamp: Stamp::of(snapshot),
        services: PRESETS.iter().filter_map(Service::of).collect(),
        following: following.collect(),
    })
}
