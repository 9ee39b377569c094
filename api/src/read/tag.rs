//! Entity tags: which run, which publication, which form. What was read is the same as long as these are
//! (RFC 9110, 8.8.3 and 13.1.2).

use super::form::Form;
use axum::http::HeaderValue;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Tells this run of the server from every other one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run(u32);

impl Run {
    /// A run that is like no other one: by chance, as the system gives it.
    pub(crate) fn new() -> Self {
        Self(RandomState::new().build_hasher().finish() as u32)
    }

    /// The tag of what `publication` shows in this form.
    pub(super) fn tag(self, publication: u64, form: Form) -> String {
        format!("\"{:08x}-{publication}-{}\"", self.0, form.name())
    }
}

/// Whether a header `If-None-Match` names `tag`, weakly or strongly, or anything at all.
pub(super) fn names(header: &HeaderValue, tag: &str) -> bool {
    let Ok(mut rest) = header.to_str() else { return false };
    if rest.trim() == "*" {
        return true;
    }
    // A tag may hold commas, so that the list cannot be split at them.
    while let Some(begin) = rest.find('"') {
        let Some(length) = rest[begin + 1..].find('"') else { return false };
        let end = begin + length + 2;
        if &rest[begin..end] == tag {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_among_others_weak_or_strong() {
        let tag = r#""1a-7-json""#;
        for (header, is_named) in [
            (r#""1a-7-json""#, true),
            (r#"W/"1a-7-json""#, true),
            (r#""a,b", W/"1a-7-json""#, true),
            (r#""x" ,"1a-7-json""#, true),
            ("*", true),
            (" * ", true),
            ("1a-7-json", false),
            (r#""1a-7-csv""#, false),
            (r#""1a-7-json"#, false),
            (r#""1a-7"#, false),
            (r#""*""#, false),
            ("", false),
        ] {
            assert_eq!(names(&HeaderValue::from_str(header).unwrap(), tag), is_named, "{header}");
        }
        assert!(!names(&HeaderValue::from_bytes(b"\"\xff\"").unwrap(), tag));
    }

    #[test]
    fn runs_differ() {
        let tags: std::collections::BTreeSet<String> =
            (0..8).map(|_| Run::new().tag(7, Form::Json)).collect();
        assert!(tags.len() > 1);
    }
}
