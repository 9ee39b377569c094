//! Frequency response services by name, as `bess_core::service` has them.

use crate::problem::{Fallible, Problem};
use bess_core::control::FrequencyResponse;
use bess_core::service::{PRESETS, frequency_response};

/// The service called `name`, or a problem of `field` that lists them.
pub(crate) fn by_name(field: &str, name: &str) -> Fallible<FrequencyResponse> {
    frequency_response(name)
        .ok_or_else(|| Problem::not_one_of(field, name, PRESETS.iter().map(|preset| preset.name)))
}
