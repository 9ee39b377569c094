//! `[watchdog]`: how a device of this map watches its controller, and the registers of it.

use super::super::field::{Effect, Taker};
use super::super::number::{Kind as NumberKind, Number};
use super::{FaceReader, Placed};
use crate::map::codec::Codec;
use crate::map::edit::Write;
use crate::map::layout::{About, Field, Item, Symbols};
use crate::map::points::{self, Level};
use crate::map::user::codec::{Order, OwnCodec};
use bess_core::config::{Bounds, Section};
use bess_core::control::{HeartbeatKind, LossAction, Recovery, WATCHDOG_MAX_S, WatchdogSettings};
use bess_core::point::Table;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// What vendors call signs of life, beside the names of farm files.
const KINDS: [(&str, HeartbeatKind); 4] = [
    ("any-write", HeartbeatKind::AnyWrite),
    ("any-request", HeartbeatKind::AnyRequest),
    ("setpoint-rewrite", HeartbeatKind::SetpointRewrite),
    ("write-timeout-value", HeartbeatKind::TimeoutRewrite),
];
/// What vendors call what comes of a loss.
const ACTIONS: [(&str, LossAction); 5] = [
    ("ramp-to-zero", LossAction::RampToZero),
    ("zero", LossAction::RampToZero),
    ("fallback-setpoint", LossAction::Value),
    ("fallback-function", LossAction::FallbackFunction),
    ("stop", LossAction::OpenContactors),
];
const RECOVERIES: [(&str, Recovery); 1] = [("auto", Recovery::Automatic)];

impl FaceReader<'_> {
    /// The settings, with their place.
    pub(super) fn watchdog(
        &mut self,
        root: &Section<'_, '_>,
    ) -> Option<(WatchdogSettings, Range<usize>)> {
        let section = root.section("watchdog")?;
        let span = section.span();
        if self.context.level == Level::Plant {
            let message = "the plant has no watch; its units have".to_owned();
            section.report(span, message, None);
            section.leave_the_rest();
            return None;
        }
        let default = WatchdogSettings::default();
        let time = Bounds::within(0.0, WATCHDOG_MAX_S);
        let kinds: Vec<_> = HeartbeatKind::ALL.iter().chain(&KINDS).copied().collect();
        let actions: Vec<_> = LossAction::ALL.iter().chain(&ACTIONS).copied().collect();
        let recoveries: Vec<_> = Recovery::ALL.iter().chain(&RECOVERIES).copied().collect();
        let settings = WatchdogSettings {
            timeout_s: section.f64_or("timeout_s", 60.0, time),
            kind: section.choice_or("kind", default.kind, &kinds),
            action: section.choice_or("action", default.action, &actions),
            value_w: section.f64_or("power_w", default.value_w, Bounds::within(-1e12, 1e12)),
            function: section.choice_or("function", default.function, &WatchdogSettings::FALLBACKS),
            recovery: section.choice_or("recover", default.recovery, &recoveries),
            extra_s: section.f64_or("extra_s", default.extra_s, time),
            jitter_s: section.f64_or("jitter_s", default.jitter_s, time),
        };
        if section.has("address") {
            self.register(&section, "address", "control.heartbeat");
        }
        if section.has("timeout_address") {
            self.register(&section, "timeout_address", "control.watchdog_time");
        }
        section.finish();
        Some((settings, span))
    }

    /// A word of the watch, which can be written.
    fn register(&mut self, section: &Section<'_, '_>, key: &'static str, name: &str) {
        let place = self.address(section, key);
        let (Some((address, _)), Some(point)) = (place, points::find(name)) else { return };
        let Some(write) = point.write else { return };
        let is_counter = matches!(write, Write::Counter(_));
        let number = Number { kind: NumberKind::Unsigned, wraps: is_counter, ..Number::bits(16) };
        let codec = Arc::new(OwnCodec::number(number.clone(), Order::new(1, false, false), "u16"));
        let taker =
            Taker { is_counter, ..Taker::plain(Effect::Put(write), number, point.source.clone()) };
        let field = Field {
            address: address as u16,
            codec: Codec::Own(Arc::clone(&codec)),
            source: point.source,
            write: Some(taker.of_whole(&codec)),
            is_writable: true,
            // Whoever operates the device keeps it alive, and says for how long.
            role: bess_core::role::Role::Operator,
            about: About {
                map: Cow::Owned(self.name.to_owned()),
                name: name.to_owned(),
                unit: Cow::Borrowed(point.unit),
                symbols: Symbols::NONE,
                signal: Some(Cow::Owned(name.to_owned())),
            },
        };
        self.items.push(Placed {
            table: Table::Holding,
            label: name.to_owned(),
            item: Item::Field(field),
            span: section.span_of(key),
            is_cell: false,
        });
    }
}
