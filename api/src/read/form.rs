//! The forms of an answer, and the one place where a client's wish for one is read.

use crate::accept::{Precision, wish};
use crate::problem::{Allowed, Fallible, Problem, kind};

/// A form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON.
    Json,
    /// A table with a header line (RFC 4180).
    Csv,
    /// Columns of 32-bit numbers behind a head: see `binary`.
    Binary,
}

/// Forms of what is no table.
pub(crate) const PLAIN: &[Form] = &[Form::Json];
/// Forms of tables.
pub(crate) const TABLE: &[Form] = &[Form::Json, Form::Csv];
/// Forms of columns of numbers.
pub(crate) const COLUMNS: &[Form] = &[Form::Json, Form::Csv, Form::Binary];

impl Form {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Binary];

    /// Its name in the parameter `format`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Binary => "binary",
        }
    }
    /// What `Content-Type` says of it.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Binary => "application/octet-stream",
        }
    }
    const fn media_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application", "json"),
            Self::Csv => ("text", "csv"),
            Self::Binary => ("application", "octet-stream"),
        }
    }
}

/// The names of `forms`.
pub(crate) fn names(forms: &[Form]) -> Vec<&'static str> {
    forms.iter().map(|form| form.name()).collect()
}

/// The form for a header `Accept`: the one with the highest quality; of those the one that is named most
/// closely; of those the first.
///
/// # Errors
/// When the header refuses all of them.
pub(crate) fn negotiate(accept: Option<&str>, forms: &[Form]) -> Fallible<Form> {
    let first = forms.first().copied().unwrap_or(Form::Json);
    // What names no media type at all asks for nothing.
    let Some(accept) = accept.filter(|accept| accept.contains('/')) else { return Ok(first) };
    let mut best: Option<(Form, f32, Precision)> = None;
    for form in forms {
        let of = wish(accept, form.media_type(), |_| true);
        let is_better = best.is_none_or(|(_, quality, precision)| {
            of.quality > quality || (of.quality == quality && of.precision > precision)
        });
        if of.quality > 0.0 && is_better {
            best = Some((*form, of.quality, of.precision));
        }
    }
    if let Some((form, ..)) = best {
        return Ok(form);
    }
    let media = forms.iter().map(|form| form.media_type());
    let media: Vec<String> = media.map(|(kind, subtype)| format!("{kind}/{subtype}")).collect();
    let detail = format!("this can be had as {}, not as {accept:?}", media.join(", "));
    Err(Problem::new(&kind::NOT_ACCEPTABLE, detail)
        .field("accept")
        .value(accept)
        .allowed(Allowed::one_of(media.iter().map(String::as_str))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Form::{Binary, Csv, Json};

    #[test]
    fn the_accept_header_chooses_the_form() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (accept, form) in [
            (None, Json),
            (Some(""), Json),
            (Some("nonsense"), Json),
            (Some("*/*"), Json),
            (Some(browser), Json),
            (Some("text/csv"), Csv),
            (Some("Text/CSV; charset=utf-8"), Csv),
            (Some("text/*"), Csv),
            (Some("text/csv, */*"), Csv),
            (Some("text/csv, application/json"), Json),
            (Some("text/csv, application/json;q=0.9"), Csv),
            (Some("application/json;q=0, */*;q=0.1"), Csv),
            (Some("application/octet-stream"), Binary),
            (Some("application/*"), Json),
            (Some("application/json;q=0.2, application/octet-stream;q=0.3"), Binary),
        ] {
            assert_eq!(negotiate(accept, COLUMNS).unwrap(), form, "{accept:?}");
        }
    }

    #[test]
    fn what_is_in_none_of_the_forms_is_refused() {
        for accept in
            ["text/html", "application/xml, text/plain", "*/*;q=0", "application/json;q=0"]
        {
            assert!(negotiate(Some(accept), PLAIN).is_err(), "{accept}");
        }
        assert!(negotiate(Some("application/octet-stream"), TABLE).is_err());
    }
}
