//! Pages: which part is wanted, and the links to the pages beside it (RFC 8288).

use super::{Made, Read};
use crate::problem::Fallible;
use axum::http::{HeaderName, header};

/// How many match on all pages.
const TOTAL: HeaderName = HeaderName::from_static("bess-total");

/// A page that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// How many of what matches are left out before it.
    pub(crate) from: usize,
    /// Most of it.
    pub(crate) limit: usize,
    links: Links,
}

impl Page {
    /// Reads `from` and `limit`.
    ///
    /// # Errors
    /// When one is out of its range.
    pub(crate) fn read(
        read: &mut Read,
        from_max: usize,
        (limit, limit_max): (usize, usize),
    ) -> Fallible<Self> {
        let from = read.query.whole("from", 0, (0, from_max))?;
        let limit = read.query.whole("limit", limit, (1, limit_max))?;
        Ok(Self { from, limit, links: Links::new(read, &["from", "limit"]) })
    }

    /// `made` with links to the pages beside this one, of `total` that match.
    pub(crate) fn linked(&self, made: Made, total: usize) -> Made {
        let page = |from: usize, limit: usize, relation| {
            self.links.to(&format!("from={from}&limit={limit}"), relation)
        };
        let mut links = Vec::new();
        if self.from > 0 {
            links.push(page(0, self.limit, "first"));
            // Nothing of this page, though fewer may be left before it than its limit.
            let limit = self.limit.min(self.from);
            links.push(page(self.from - limit, limit, "prev"));
        }
        if self.from.saturating_add(self.limit) < total {
            links.push(page(self.from + self.limit, self.limit, "next"));
        }
        let made = made.with(TOTAL, total.to_string());
        if links.is_empty() { made } else { made.with(header::LINK, links.join(", ")) }
    }
}

/// Links to the same resource with other values of some parameters.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    path: String,
    /// Parameters that stay, as they were sent.
    kept: Vec<String>,
}

impl Links {
    /// Of what is read, where the parameters `replaced` get other values.
    pub(crate) fn new(read: &Read, replaced: &[&str]) -> Self {
        let kept = read.raw_query().split('&').filter(|parameter| {
            let name = parameter.split('=').next().unwrap_or_default();
            !parameter.is_empty() && !replaced.contains(&name)
        });
        Self { path: read.path().to_owned(), kept: kept.map(str::to_owned).collect() }
    }
    /// One of them.
    pub(crate) fn to(&self, parameters: &str, relation: &str) -> String {
        let query: Vec<&str> = self.kept.iter().map(String::as_str).chain([parameters]).collect();
        format!("<{}?{}>; rel=\"{relation}\"", self.path, query.join("&"))
    }
}
