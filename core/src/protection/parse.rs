//! Reads a protection file and checks that its elements act in a possible order.

use super::quantity::QUANTITIES;
use super::{
    BUILT_IN, Derating, Direction, ProtectionElement, ProtectionProfile, Quantity, built_in,
};
use crate::alarm::{AlarmCode, AlarmLevel};
use crate::chemistry::Curve;
use crate::config::{Bounds, Problems, Section, did_you_mean, read_document};
use std::ops::Range;

const VOLTAGE: Bounds = Bounds::positive(10.0);
const TEMPERATURE: Bounds = Bounds::within(-60.0, 200.0);
/// Longest delay of an element in s: a day.
const DELAY: Bounds = Bounds::within(0.0, 86_400.0);

/// Reads the protection profile `text`; `file` names it in messages.
///
/// # Errors
/// All problems of the text: syntax, unknown keys, missing sources, values out of range, levels in
/// the wrong order, releases beyond their thresholds, polylines that do not increase.
pub fn parse_protection(file: &str, text: &str) -> Result<ProtectionProfile, Problems> {
    read_document(file, text, read)
}

fn read(root: &Section<'_, '_>) -> ProtectionProfile {
    let base = read_base(root);
    let name = root.text("name");
    root.text("source");
    let mut elements = base.elements;
    let mut places: Vec<(AlarmCode, AlarmLevel, Range<usize>)> = Vec::new();
    for section in root.sections("elements") {
        let span = section.span();
        let Some(read) = read_element(section, &mut places) else { continue };
        let same = |e: &ProtectionElement| (e.code, e.level) == (read.code, read.level);
        elements.retain(|element| !same(element));
        if !read.off {
            elements.push(read.element);
        }
        places.push((read.code, read.level, span));
    }
    // In the order of the table of alarms, from mild to grave.
    elements.sort_by_key(|element| (element.code, element.level));
    check_order(root, &elements, &places);
    ProtectionProfile {
        name,
        elements,
        derating: root.section("derating").map_or(base.derating, read_derating),
        recovery_a_per_s: root
            .optional_f64("recovery_a_per_s", Bounds::positive(1e5))
            .or(base.recovery_a_per_s),
        lockout_trips: root.integer_or("lockout_trips", base.lockout_trips.into(), 0, 1000) as u32,
        lockout_window_s: root.f64_or("lockout_window_s", base.lockout_window_s, DELAY),
        restart_delay_s: root.f64_or("restart_delay_s", base.restart_delay_s, DELAY),
    }
}

/// The profile that this one goes on from; without elements where it names none.
fn read_base(root: &Section<'_, '_>) -> ProtectionProfile {
    if !root.has("base") {
        return ProtectionProfile::default();
    }
    let name = root.text("base");
    let Some(text) = built_in(&name) else {
        let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        let hint = did_you_mean(&name, &known)
            .unwrap_or_else(|| format!("built in are {}", known.join(", ")));
        let message = format!("`base` must be a built-in profile, got \"{name}\"");
        root.report(root.span_of("base"), message, Some(hint));
        return ProtectionProfile::default();
    };
    match parse_protection(&name, text) {
        Ok(profile) => profile,
        Err(problems) => {
            let message = format!("the built-in profile \"{name}\" has problems: {problems}");
            root.report(root.span_of("base"), message, None);
            ProtectionProfile::default()
        }
    }
}

struct Read {
    code: AlarmCode,
    level: AlarmLevel,
    /// Whether the base's element is taken away.
    off: bool,
    element: ProtectionElement,
}

fn read_element(
    section: Section<'_, '_>,
    places: &mut [(AlarmCode, AlarmLevel, Range<usize>)],
) -> Option<Read> {
    let names: Vec<(&str, &Quantity)> = QUANTITIES.iter().map(|q| (q.code.name(), q)).collect();
    let levels = AlarmLevel::ALL.map(|level| (level.name(), level));
    let quantity = required_choice(&section, "alarm", names[0].1, &names);
    let level = required_choice(&section, "level", AlarmLevel::Warning, &levels);
    section.text("source");
    let (Some(quantity), Some(level)) = (quantity, level) else {
        section.finish();
        return None;
    };
    let code = quantity.code;
    if places.iter().any(|(other, at, _)| (*other, *at) == (code, level)) {
        let message = format!("\"{}\" has two elements of level \"{}\"", code.name(), level.name());
        section.report(section.span(), message, Some("keep one of them".to_owned()));
    }
    let off = section.bool_or("off", false);
    let mut element = ProtectionElement {
        code,
        level,
        threshold: f64::NAN,
        delay_s: section.f64_or("delay_s", 0.0, DELAY),
        release: f64::NAN,
        release_delay_s: section.f64_or("release_delay_s", 0.0, DELAY),
        gate_v: f64::NAN,
        latched: section.bool_or("latched", false),
    };
    if quantity.direction != Direction::Yes && !off {
        let (threshold_key, release_key) = quantity.keys;
        let bounds = Bounds::within(quantity.range.0, quantity.range.1);
        element.threshold = section.f64(threshold_key, bounds) * quantity.scale;
        element.release = section.f64(release_key, bounds) * quantity.scale;
        if quantity.is_beyond(element.release, element.threshold)
            && element.release != element.threshold
        {
            let side = if quantity.direction == Direction::Above { "above" } else { "below" };
            let message = format!("`{release_key}` lies {side} `{threshold_key}`");
            let hint = "an alarm goes away on the safe side of its threshold".to_owned();
            section.report(section.span_of(release_key), message, Some(hint));
        }
    }
    if code == AlarmCode::VoltageDifference {
        element.gate_v = section.optional_f64("gate_v", VOLTAGE).unwrap_or(f64::NAN);
    }
    section.finish();
    Some(Read { code, level, off, element })
}

/// One of `choices`; reported when absent.
fn required_choice<T: Copy>(
    section: &Section<'_, '_>,
    key: &'static str,
    default: T,
    choices: &[(&str, T)],
) -> Option<T> {
    if !section.has(key) {
        section.text(key);
        return None;
    }
    Some(section.choice_or(key, default, choices))
}

/// A graver level must not act before a milder one: its threshold lies further out, or is the same
/// with no shorter delay.
fn check_order(
    root: &Section<'_, '_>,
    elements: &[ProtectionElement],
    places: &[(AlarmCode, AlarmLevel, Range<usize>)],
) {
    for pair in elements.windows(2) {
        let [mild, grave] = pair else { continue };
        if mild.code != grave.code {
            continue;
        }
        let Some(quantity) = super::quantity(mild.code) else { continue };
        let is_further = quantity.is_beyond(grave.threshold, mild.threshold);
        let is_earlier = grave.threshold == mild.threshold && grave.delay_s < mild.delay_s;
        let is_number = grave.threshold.is_finite() && mild.threshold.is_finite();
        if !is_number || is_further && !is_earlier {
            continue;
        }
        let place = places
            .iter()
            .rev()
            .find(|(code, level, _)| {
                *code == mild.code && [mild.level, grave.level].contains(level)
            })
            .map_or_else(|| root.span(), |(_, _, span)| span.clone());
        let (key, scale) = (quantity.keys.0, quantity.scale);
        let message = format!(
            "\"{}\": level \"{}\" ({key} = {}) would act before \"{}\" ({key} = {})",
            mild.code.name(),
            grave.level.name(),
            grave.threshold / scale,
            mild.level.name(),
            mild.threshold / scale,
        );
        let hint = "levels go from mild to grave: warning, derate, trip, critical".to_owned();
        root.report(place, message, Some(hint));
    }
}

fn read_derating(section: Section<'_, '_>) -> Option<Derating> {
    let polyline = |key, node_key: &'static str, node_bounds: Bounds| {
        let table = section.required_section(key)?;
        let nodes = table.numbers(node_key, node_bounds);
        let factors = table.numbers("factor", Bounds::FRACTION);
        let curve = (table.has(node_key) && table.has("factor"))
            .then(|| Curve::new(nodes, factors))
            .transpose()
            .unwrap_or_else(|error| {
                let message = format!("`factor` over `{node_key}` {error}");
                table.report(table.span_of(node_key), message, None);
                None
            });
        table.finish();
        curve
    };
    let charge_by_voltage = polyline("charge_by_voltage", "voltage_v", VOLTAGE);
    let discharge_by_voltage = polyline("discharge_by_voltage", "voltage_v", VOLTAGE);
    let charge_by_temperature = polyline("charge_by_temperature", "temperature_degc", TEMPERATURE);
    let discharge_by_temperature =
        polyline("discharge_by_temperature", "temperature_degc", TEMPERATURE);
    section.text("source");
    section.finish();
    Some(Derating {
        charge_by_voltage: charge_by_voltage?,
        discharge_by_voltage: discharge_by_voltage?,
        charge_by_temperature: charge_by_temperature?,
        discharge_by_temperature: discharge_by_temperature?,
    })
}
