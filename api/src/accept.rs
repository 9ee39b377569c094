//! The header `Accept` (RFC 9110, 12.5.1): how much a client wants a media type.

/// How closely a media range names a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Precision {
    Unnamed,
    Anything,
    AnySubtype,
    Named,
}

/// What a header says of one type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) precision: Precision,
    /// 0 for not at all, up to 1.
    pub(crate) quality: f32,
}

/// What `accept` says of the type `media`, whose version, if a range names one, must be one that
/// `is_version` knows. The closest range decides; among equally close ones the best quality.
pub(crate) fn wish(
    accept: &str,
    media: (&str, &str),
    is_version: impl Fn(&str) -> bool + Copy,
) -> Wish {
    let mut best = Wish { precision: Precision::Unnamed, quality: 0.0 };
    for range in accept.split(',') {
        if let Some(wish) = wish_of_range(range, media, is_version)
            && (wish.precision > best.precision
                || (wish.precision == best.precision && wish.quality > best.quality))
        {
            best = wish;
        }
    }
    best
}

/// What one media range says of a type; `None` when it is about something else or malformed.
fn wish_of_range(
    range: &str,
    (own_kind, own_subtype): (&str, &str),
    is_version: impl Fn(&str) -> bool,
) -> Option<Wish> {
    let mut parts = range.split(';');
    let (kind, subtype) = parts.next()?.trim().split_once('/')?;
    let precision = match (kind, subtype) {
        ("*", "*") => Precision::Anything,
        (kind, "*") if kind.eq_ignore_ascii_case(own_kind) => Precision::AnySubtype,
        (kind, subtype)
            if kind.eq_ignore_ascii_case(own_kind) && subtype.eq_ignore_ascii_case(own_subtype) =>
        {
            Precision::Named
        }
        _ => return None,
    };
    let mut quality = 1.0;
    for part in parts {
        let Some((key, value)) = part.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        match key.trim().to_ascii_lowercase().as_str() {
            "q" => quality = quality_of(value)?,
            "version" if precision == Precision::Named && !is_version(value) => return None,
            _ => {}
        }
    }
    Some(Wish { precision, quality })
}

fn quality_of(text: &str) -> Option<f32> {
    let quality: f32 = text.parse().ok()?;
    (0.0..=1.0).contains(&quality).then_some(quality)
}
