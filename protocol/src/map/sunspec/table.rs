//! The shape of a SunSpec model: its points as facts. Values are bound elsewhere.

use crate::map::encoding::Encoding;

/// A SunSpec model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) id: u16,
    /// Its points, those of id and length first.
    pub(crate) body: Group,
}

/// Points that follow each other, then groups that do.
#[derive(Debug)]
pub(crate) struct Group {
    /// Name; empty for the body of a model.
    pub(crate) name: &'static str,
    pub(crate) count: Count,
    pub(crate) points: &'static [Point],
    pub(crate) groups: &'static [Group],
}

/// How often a group is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Once.
    Once,
    /// As often as the point of this name says.
    By(&'static str),
    /// As often as the length of the model says.
    ByLength,
}

impl Group {
    /// Registers of one repetition, with what is in it; `count` says how often a group within is there.
    pub(crate) fn length(&self, count: &dyn Fn(&Self) -> u32) -> u32 {
        let own: u32 = self.points.iter().map(|p| u32::from(p.encoding.registers())).sum();
        let within = self.groups.iter().map(|group| count(group) * group.length(count));
        own + within.sum::<u32>()
    }
}

/// A point of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) name: &'static str,
    pub(crate) encoding: Encoding,
    /// Name of the point that holds the scale factor; empty for none.
    pub(crate) sf: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) is_writable: bool,
    pub(crate) is_mandatory: bool,
    pub(crate) symbols: &'static [(&'static str, u32)],
}

/// A read-only optional point.
pub(crate) const fn p(name: &'static str, encoding: Encoding) -> Point {
    Point {
        name,
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
