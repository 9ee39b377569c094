//! One file for each SunSpec model: its points as facts, without values.

pub(crate) mod model_1;
pub(crate) mod model_701;
pub(crate) mod model_702;
pub(crate) mod model_703;
pub(crate) mod model_704;
pub(crate) mod model_713;
pub(crate) mod model_715;
pub(crate) mod model_802;
pub(crate) mod model_803;
