//! `[[text]]`: texts of a map.

use super::super::codec::OwnCodec;
use super::super::field::ConstText;
use super::FaceReader;
use super::place::{Origin, is_there};
use super::point::{Access, Described};
use crate::map::codec::Codec;
use crate::map::layout::{About, FIELD_MAX, Field, Symbols};
use crate::map::points::Kind;
use crate::map::source::Source;
use bess_core::config::{Literal, Section};
use bess_core::role::Role;
use std::borrow::Cow;
use std::sync::Arc;

impl FaceReader<'_> {
    /// `[[text]]`.
    pub(super) fn text(&mut self, section: Section<'_, '_>, origin: Origin) {
        let is_there = is_there(&section, self.context);
        let place = self.place(&section, origin);
        let length = section.integer("length", 1, FIELD_MAX as u64) as u16;
        let swaps = section.choice_or("order", false, &[("AB", false), ("BA", true)]);
        let pad = pad(&section);
        let bound = match section.literal("const") {
            Some(Literal::Text(text)) => {
                section.refuse("value", "is said by `const`", "leave one of them out");
                let source = Source::Own(Arc::new(ConstText(text.clone())));
                Some((source, text, None))
            }
            Some(_) => {
                let message = "`const` of a text must be one, in quotes".to_owned();
                section.report(section.span_of("const"), message, None);
                None
            }
            None => {
                let name = section.text("value");
                let span = section.span_of("value");
                let bound =
                    (!name.is_empty()).then(|| self.point(&section, &span, &name)).flatten();
                let bound = bound.filter(|bound| {
                    let is_text = bound.kind == Kind::Text;
                    if !is_text {
                        let message = format!("`{name}` is no text");
                        let hint = "numbers are written as `[[point]]`".to_owned();
                        section.report(span.clone(), message, Some(hint));
                    }
                    is_text
                });
                bound.map(|bound| (bound.source, bound.label, bound.point))
            }
        };
        let name = section.has("name").then(|| section.text("name"));
        if let (Some(place), Some((source, label, point)), true) = (place, bound, is_there) {
            let about = Described {
                name: name.unwrap_or(label),
                names: Vec::new(),
                span: section.span_of(origin.key()),
            };
            let codec = Arc::new(OwnCodec::text(length, pad, swaps));
            let field = Field {
                address: 0,
                codec: Codec::Own(codec),
                source,
                write: None,
                is_writable: false,
                role: Role::Operator,
                about: About {
                    map: Cow::Owned(self.name.to_owned()),
                    name: about.name.clone(),
                    unit: Cow::Borrowed(""),
                    symbols: Symbols::NONE,
                    signal: point.map(Cow::Owned),
                },
            };
            self.put(&place, &field, false, &about, Access::Read);
        }
        section.finish();
    }
}

/// The byte that fills up a text.
fn pad(section: &Section<'_, '_>) -> u8 {
    let span = section.span_of("pad");
    match section.literal("pad") {
        None => 0,
        Some(Literal::Text(text)) if text == "nul" => 0,
        Some(Literal::Text(text)) if text == "space" => b' ',
        Some(Literal::Whole(byte)) if (0..=0xFF).contains(&byte) => byte as u8,
        Some(_) => {
            let message = "`pad` must be \"nul\", \"space\" or a byte up to 0xFF".to_owned();
            section.report(span, message, None);
            0
        }
    }
}
