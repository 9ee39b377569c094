//! What a target must match, and conditions.

use crate::expr::Expr;
use bess_core::id::UnitId;
use std::sync::Arc;

/// An expression of a scenario.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Its text, with parameters put in.
    pub text: String,
    /// It, compiled.
    pub expr: Arc<Expr>,
}

/// What a target must match; what is absent matches all.
#[derive(Clone, Debug, Default)]
pub struct Matching {
    /// Only these units, in order, none twice. Of racks, cells and sensors: those within.
    pub units: Option<Vec<UnitId>>,
    /// Only those of which this is true, asked with each by itself: of racks, cells and sensors of
    /// their units.
    pub condition: Option<Condition>,
    /// Index of the rack in its unit; in the file it counts from 1.
    pub rack_idx: Option<usize>,
    /// Index of the module in its rack; in the file it counts from 1.
    pub module_idx: Option<usize>,
    /// Index of the cell in its rack, or in its module where one is given; in the file from 1.
    pub cell_idx: Option<usize>,
    /// Of a sensor: position of the value in [`bess_core::defect::Reading::ALL`].
    pub reading_idx: Option<usize>,
    /// Of a listener or a client: its name.
    pub name: Option<Arc<str>>,
}
