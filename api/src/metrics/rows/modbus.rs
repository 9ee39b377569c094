//! Modbus: requests, connections, and what testers do to them.

use super::{
    BYTES, Count, HistogramReading, Histograms, Labels, NONE, Number, Numbers, Real, Row, Sight,
    by, counter, gauge, histogram, load, series,
};
use bess_core::link::LinkEffect;
use bess_core::stats::{CloseReason, MODBUS_EXCEPTIONS, MODBUS_FUNCTIONS, MapClass};
use std::borrow::Cow;
use std::sync::atomic::Ordering::Relaxed;

#[rustfmt::skip] // One row, one family.
pub(super) const ROWS: &[Row] = &[
    counter("bess_modbus_requests_total", NONE, "Modbus requests by function code", Numbers(requests)).by(&["function"]),
    counter("bess_modbus_exceptions_total", NONE, "Modbus exceptions by function code and exception code", Numbers(exceptions)).by(&["function", "exception"]),
    counter("bess_modbus_registers_total", NONE, "Registers and bits that were read and written, by the map that they are of", Numbers(registers)).by(&["direction", "map"]),
    histogram("bess_modbus_request_duration_seconds", "From a whole Modbus request to its answer, by function code", Histograms(durations)).by(&["function"]),
    gauge("bess_modbus_connections", NONE, "Open Modbus connections", Real(|s| s.stats().modbus.connections.load(Relaxed) as f64)),
    gauge("bess_modbus_connections_limit", NONE, "Modbus connections that all listeners together let in", Count(|s| load(&s.stats().modbus.connections_limit))),
    counter("bess_modbus_connections_opened_total", NONE, "Modbus connections accepted", Count(|s| load(&s.stats().modbus.accepted))),
    counter("bess_modbus_connections_closed_total", NONE, "Modbus connections closed, by why", Numbers(|s| by("reason", CloseReason::NAMES, &s.stats().modbus.closed))).by(&["reason"]),
    counter("bess_modbus_connections_rejected_total", NONE, "Modbus connections turned away by the cap", Count(|s| load(&s.stats().modbus.rejected))),
    counter("bess_modbus_bad_frames_total", NONE, "Frames that were no Modbus", Count(|s| load(&s.stats().modbus.bad_frames))),
    counter("bess_modbus_bytes_total", BYTES, "Bytes of Modbus traffic, as seen from the farm", Numbers(|s| by("direction", ["received", "sent"], &s.stats().modbus.bytes))).by(&["direction"]),
    counter("bess_modbus_accept_errors_total", NONE, "Accepts that failed", Count(|s| load(&s.stats().modbus.accept_errors))),
    counter("bess_modbus_handshake_errors_total", NONE, "TLS handshakes with Modbus clients that failed", Count(|s| load(&s.stats().modbus.handshake_errors))),
    counter("bess_modbus_panics_total", NONE, "Connections that ended by a panic", Count(|s| load(&s.stats().modbus.panics))),
    gauge("bess_modbus_link_conditions", NONE, "Conditions of the links to clients that are in force", Count(|s| s.snapshot().link.len() as u64)),
    counter("bess_modbus_link_conditions_hits_total", NONE, "Requests and connections that link conditions hit, by what they did", Numbers(|s| by("effect", LinkEffect::NAMES, &s.stats().modbus.link_hits))).by(&["effect"]),
    gauge("bess_points_forced", NONE, "Points of the register maps that are forced", Count(|s| s.snapshot().forced.len() as u64)),
];

/// Codes with series of their own, and one for all the others together.
fn names(known: &[u8]) -> impl Iterator<Item = Cow<'static, str>> {
    known.iter().map(|code| code.to_string().into()).chain(["other".into()])
}

fn requests(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let mut counts = [0; MODBUS_FUNCTIONS.len() + 1];
    for (code, count) in sight.stats().modbus.requests.iter().enumerate() {
        let place = MODBUS_FUNCTIONS.iter().position(|known| usize::from(*known) == code);
        counts[place.unwrap_or(MODBUS_FUNCTIONS.len())] += load(count);
    }
    let samples = names(&MODBUS_FUNCTIONS).zip(counts);
    samples.map(|(function, count)| series("function", function, count)).collect()
}

fn exceptions(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let mut samples = Vec::new();
    for (function, counts) in names(&MODBUS_FUNCTIONS).zip(&sight.stats().modbus.exceptions) {
        for (exception, count) in names(&MODBUS_EXCEPTIONS).zip(counts) {
            let labels = vec![("function", function.clone()), ("exception", exception)];
            samples.push((labels, Number::Count(load(count))));
        }
    }
    samples
}

fn registers(sight: &Sight<'_>) -> Vec<(Labels, Number)> {
    let mut samples = Vec::new();
    for (direction, counts) in ["read", "written"].into_iter().zip(&sight.stats().modbus.registers)
    {
        for (map, count) in MapClass::NAMES.into_iter().zip(counts) {
            let labels = vec![("direction", direction.into()), ("map", map.into())];
            samples.push((labels, Number::Count(load(count))));
        }
    }
    samples
}

fn durations(sight: &Sight<'_>) -> Vec<(Labels, HistogramReading)> {
    let durations = names(&MODBUS_FUNCTIONS).zip(&sight.stats().modbus.durations);
    durations
        .map(|(function, histogram)| (vec![("function", function)], histogram.read()))
        .collect()
}
