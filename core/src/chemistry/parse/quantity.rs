//! Reads one quantity of a chemistry: a number, an array over the axes of its section, or a table
//! with axes of its own.

use super::super::Table;
use super::over_ocv::over_soc;
use super::{TEMPERATURE, VOLTAGE};
use crate::config::{Bounds, Section, Shape};
use std::cell::{Cell, RefCell};
use std::ops::Range;

const SOC: &str = "soc";
const OCV: &str = "ocv_v";
const TEMPERATURE_KEY: &str = "temperature_degc";
const CURRENT: &str = "current_a";
const C_RATE: &str = "c_rate";

/// Reads the quantities of one file, and remembers which temperatures and currents they cover.
#[derive(Debug)]
pub(super) struct Quantities {
    capacity_ah: f64,
    covered: RefCell<Vec<Covered>>,
}

/// The ends of an axis of one quantity.
#[derive(Clone, Debug)]
pub(super) struct Covered {
    /// Name of the quantity with its section.
    pub(super) name: String,
    /// Whether the axis is temperature in degC; else current in amperes.
    pub(super) is_temperature: bool,
    pub(super) first: f64,
    pub(super) last: f64,
    /// Where the axis is in the text.
    pub(super) span: Range<usize>,
}

/// The axes of a section or of a quantity's own table.
#[derive(Debug)]
pub(super) struct Axes {
    /// Current, temperature, SoC: in the order of the values, slowest first.
    axes: [Option<Axis>; 3],
    /// Whether all axes could be read.
    sound: bool,
    used: Cell<bool>,
}

#[derive(Debug)]
struct Axis {
    key: &'static str,
    nodes: Vec<f64>,
    span: Range<usize>,
}

impl Axes {
    fn names(&self) -> Vec<&'static str> {
        self.axes.iter().flatten().map(|axis| axis.key).collect()
    }
    /// Reports axes over which no quantity of the section was given.
    pub(super) fn finish(&self, section: &Section<'_, '_>, quantities: &str) {
        for axis in self.axes.iter().flatten().filter(|_| self.sound && !self.used.get()) {
            let message = format!(
                "`{}` is given, but no quantity of the table is an array over it",
                section.name(axis.key)
            );
            let hint = format!("write an array of values for {quantities}, or leave the axis out");
            section.report(axis.span.clone(), message, Some(hint));
        }
    }
}

impl Quantities {
    /// `capacity_ah` turns C-rates into currents; not a number where it could not be read.
    pub(super) fn new(capacity_ah: f64) -> Self {
        Self { capacity_ah, covered: RefCell::default() }
    }

    /// The axes of the quantities that were read.
    pub(super) fn covered(self) -> Vec<Covered> {
        self.covered.into_inner()
    }

    /// The axes that `section` gives.
    pub(super) fn axes(&self, section: &Section<'_, '_>) -> Axes {
        self.axes_over(section, Some(SOC))
    }
    /// The axes that `section` gives beside SoC, which belongs to another curve there.
    pub(super) fn axes_without_soc(&self, section: &Section<'_, '_>) -> Axes {
        self.axes_over(section, None)
    }
    /// As [`Quantities::axes`], but the open-circuit voltage may stand in for SoC.
    pub(super) fn axes_soc_or_ocv(&self, section: &Section<'_, '_>) -> Axes {
        self.axes_over(section, Some(if section.has(OCV) { OCV } else { SOC }))
    }

    fn axes_over(&self, section: &Section<'_, '_>, soc_key: Option<&'static str>) -> Axes {
        let mut sound = true;
        let mut axis = |key: &'static str, bounds: Bounds| {
            let axis = read_axis(section, key, bounds);
            sound &= axis.is_some() || section.shape(key) == Shape::Absent;
            axis
        };
        let soc = soc_key.and_then(|key| match key {
            OCV => axis(OCV, VOLTAGE),
            _ => axis(SOC, Bounds::SOC_NODE),
        });
        let temperature = axis(TEMPERATURE_KEY, TEMPERATURE);
        let current = axis(CURRENT, Bounds::within(-1e6, 1e6));
        let c_rate = axis(C_RATE, Bounds::within(-100.0, 100.0));
        if let (Some(_), Some(c_rate)) = (&current, &c_rate) {
            let message = format!(
                "`{}` and `{}` are the same axis: give one of them",
                section.name(CURRENT),
                section.name(C_RATE)
            );
            section.report(c_rate.span.clone(), message, None);
            sound = false;
        }
        if soc_key == Some(OCV) && section.has(SOC) {
            let _ = section.shape(SOC);
            let message = format!(
                "`{}` and `{}` are the same axis: give one of them",
                section.name(SOC),
                section.name(OCV)
            );
            section.report(section.span_of(SOC), message, None);
            sound = false;
        }
        if let Some(axis) = soc.as_ref().filter(|axis| axis.key == SOC) {
            sound &= covers_soc(section, &axis.nodes);
        }
        let c_rate = c_rate.map(|axis| Axis {
            nodes: axis.nodes.iter().map(|rate| rate * self.capacity_ah).collect(),
            ..axis
        });
        Axes { axes: [current.or(c_rate), temperature, soc], sound, used: Cell::new(false) }
    }

    /// The quantity `key` of `section`, each value within `bounds`; `None` when it was reported.
    /// `ocv` is needed where the axes may be over the open-circuit voltage.
    pub(super) fn read(
        &self,
        section: &Section<'_, '_>,
        axes: &Axes,
        key: &'static str,
        bounds: Bounds,
        ocv: Option<&Table>,
    ) -> Option<Table> {
        let name = section.name(key);
        match section.shape(key) {
            Shape::Array => {
                axes.used.set(true);
                let values = section.nested_numbers(key, bounds);
                self.table(section, axes, (key, &name), values?, ocv)
            }
            Shape::Table => {
                let own = section.section(key)?;
                let axes = if section_may_use_ocv(key) {
                    self.axes_soc_or_ocv(&own)
                } else {
                    self.axes(&own)
                };
                let table = if own.shape("value") == Shape::Array {
                    axes.used.set(true);
                    let values = own.nested_numbers("value", bounds);
                    values.and_then(|v| self.table(&own, &axes, ("value", &name), v, ocv))
                } else {
                    number(&own, "value", bounds)
                };
                axes.finish(&own, "`value`");
                own.finish();
                table
            }
            shape => {
                // Where the quantity is missing, what to do with its axes is no news.
                if shape == Shape::Absent {
                    axes.used.set(true);
                }
                number(section, key, bounds)
            }
        }
    }

    fn table(
        &self,
        section: &Section<'_, '_>,
        axes: &Axes,
        (key, name): (&'static str, &str),
        values: Vec<f64>,
        ocv: Option<&Table>,
    ) -> Option<Table> {
        let names = axes.names();
        if !axes.sound {
            return None;
        }
        if names.is_empty() {
            let message = format!(
                "`{name}` is an array, but its table names no axis: \
                 expected `soc`, `temperature_degc`, `current_a` or `c_rate` beside it"
            );
            let hint = Some("a single number needs no axis and no brackets".to_owned());
            section.report(section.span_of(key), message, hint);
            return None;
        }
        let counts: Vec<usize> = axes.axes.iter().flatten().map(|axis| axis.nodes.len()).collect();
        if let Some((message, hint)) = wrong_shape(section.nesting(key), &counts, &names, name) {
            section.report(section.span_of(key), message, hint);
            return None;
        }
        let [current, temperature, soc] = &axes.axes;
        for (axis, is_temperature) in [(temperature, true), (current, false)] {
            let Some(axis) = axis else { continue };
            let (first, last) = (axis.nodes[0], axis.nodes[axis.nodes.len() - 1]);
            // Where the capacity could not be read there are no currents to compare.
            if first.is_finite() && last.is_finite() {
                let (name, span) = (name.to_owned(), axis.span.clone());
                let covered = Covered { name, is_temperature, first, last, span };
                self.covered.borrow_mut().push(covered);
            }
        }
        let nodes = |axis: &Option<Axis>| axis.as_ref().map_or(vec![], |axis| axis.nodes.clone());
        // Only C-rates of an unreadable capacity fail here, and that was reported.
        let table = Table::new(nodes(soc), nodes(temperature), nodes(current), values).ok()?;
        match soc {
            Some(axis) if axis.key == OCV => {
                let ocv = ocv?;
                if ocv.depends_on_temperature() || ocv.depends_on_current() {
                    let message = format!(
                        "`{name}` is given over `ocv_v`, but the open-circuit voltage depends on more than SoC"
                    );
                    let hint = Some("give it over `soc` instead".to_owned());
                    section.report(axis.span.clone(), message, hint);
                    return None;
                }
                Some(over_soc(ocv, &table))
            }
            _ => Some(table),
        }
    }
}

/// What is wrong with an array nested as `found` over axes of so many nodes, and how to mend it. All
/// values in one pair of brackets are in the order of the axes; else each axis has its brackets.
fn wrong_shape(
    found: Option<Vec<usize>>,
    nodes: &[usize],
    names: &[&'static str],
    name: &str,
) -> Option<(String, Option<String>)> {
    let product =
        |counts: &[usize]| counts.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    let expected: usize = nodes.iter().product();
    let (shape, over) = (product(nodes), names.join(" x "));
    if let Some([count]) = found.as_deref() {
        let values = if nodes.len() > 1 { format!("{shape} = {expected}") } else { shape };
        let hint = (nodes.len() > 1).then(|| {
            format!("the first axis of {} changes slowest, the last fastest", names.join(", "))
        });
        return (*count != expected)
            .then(|| (format!("`{name}` needs {values} values ({over}), got {count}"), hint));
    }
    if found.as_deref() == Some(nodes) {
        return None;
    }
    let found = match found {
        Some(counts) => format!("an array of {}", product(&counts)),
        None => "an array whose brackets hold different numbers of values".to_owned(),
    };
    let each = match names.last().copied() {
        Some(SOC) => "SoC",
        Some(OCV) => "open-circuit voltage",
        Some(TEMPERATURE_KEY) => "temperature",
        _ => "node of the current",
    };
    let message = format!("`{name}` is {found}, but must be {shape} ({over})");
    let hint = format!("the innermost brackets hold one value for each {each}");
    Some((message, Some(hint)))
}

/// The one quantity whose published tables are over the open-circuit voltage.
fn section_may_use_ocv(key: &str) -> bool {
    key == "v_per_k"
}

fn number(section: &Section<'_, '_>, key: &'static str, bounds: Bounds) -> Option<Table> {
    let value = section.f64(key, bounds);
    value.is_finite().then(|| Table::constant(value))
}

fn read_axis(section: &Section<'_, '_>, key: &'static str, bounds: Bounds) -> Option<Axis> {
    if section.shape(key) == Shape::Absent {
        return None;
    }
    if section.shape(key) != Shape::Array {
        // Says what was expected.
        let _ = section.numbers(key, bounds);
        return None;
    }
    let name = section.name(key);
    if section.nesting(key).is_none_or(|counts| counts.len() > 1) {
        let message = format!("`{name}` must be an array of numbers without brackets within it");
        section.report(section.span_of(key), message, None);
        return None;
    }
    let nodes = section.nested_numbers(key, bounds)?;
    if nodes.len() < 2 {
        let message = format!("`{name}` needs at least two nodes, got {}", nodes.len());
        let hint = Some("leave the axis out where nothing depends on it".to_owned());
        section.report(section.span_of(key), message, hint);
        return None;
    }
    if let Some(index) = (1..nodes.len()).find(|&i| nodes[i] <= nodes[i - 1]) {
        let message = format!(
            "nodes of `{name}` must increase, but node {index} (from 0) is {} after {}",
            nodes[index],
            nodes[index - 1]
        );
        section.report(section.span_of(key), message, None);
        return None;
    }
    Some(Axis { key, nodes, span: section.span_of(key) })
}

/// Whether SoC nodes cover 0 to 1; reported when not.
pub(super) fn covers_soc(section: &Section<'_, '_>, nodes: &[f64]) -> bool {
    let (first, last) = (nodes[0], nodes[nodes.len() - 1]);
    let covers = first <= 0.0 && last >= 1.0;
    if !covers {
        let message = format!("`{}` must cover 0 to 1, got {first} to {last}", section.name(SOC));
        let hint =
            "add nodes at 0 and 1; where nothing was measured, repeat or extend the outer value";
        section.report(section.span_of(SOC), message, Some(hint.to_owned()));
    }
    covers
}
