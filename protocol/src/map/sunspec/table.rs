//! The shape of a SunSpec model: its points as facts. Values are bound elsewhere.

use crate::map::encoding::Encoding;

/// A SunSpec model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) id: u16,
    /// Registers of the fixed part, with the id and the length.
    pub(crate) length: u16,
    pub(crate) points: &'static [Point],
    /// Name of the repeating group; empty for none.
    pub(crate) group: &'static str,
    /// Registers of one repetition.
    pub(crate) group_length: u16,
    /// Points of one repetition; offsets from its start.
    pub(crate) group_points: &'static [Point],
}

/// A point of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    /// Name; that of a point in a group that occurs once is `group.point`.
    pub(crate) name: &'static str,
    pub(crate) offset: u16,
    pub(crate) encoding: Encoding,
    /// Name of the point that holds the scale factor; empty for none.
    pub(crate) sf: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) is_writable: bool,
    pub(crate) is_mandatory: bool,
    pub(crate) symbols: &'static [(&'static str, u32)],
}

/// A read-only optional point.
pub(crate) const fn p(name: &'static str, offset: u16, encoding: Encoding) -> Point {
    Point {
        name,
        offset,
        encoding,
        sf: "",
        unit: "",
        is_writable: false,
        is_mandatory: false,
        symbols: &[],
    }
}

impl Point {
    /// Scaled by the point called `name`.
    pub(crate) const fn sf(mut self, name: &'static str) -> Self {
        self.sf = name;
        self
    }
    /// In this unit.
    pub(crate) const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }
    /// Writable.
    pub(crate) const fn rw(mut self) -> Self {
        self.is_writable = true;
        self
    }
    /// Mandatory.
    pub(crate) const fn mandatory(mut self) -> Self {
        self.is_mandatory = true;
        self
    }
    /// With these names for its values or bits.
    pub(crate) const fn symbols(mut self, symbols: &'static [(&'static str, u32)]) -> Self {
        self.symbols = symbols;
        self
    }
}
