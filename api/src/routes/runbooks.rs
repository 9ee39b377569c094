//! `/runbooks`: what to do about an alert, so that the links of alerts work wherever the farm runs.
//!
//! The pages are those of `docs/runbooks`, as Markdown, or as bare HTML for browsers. They are the same for
//! every farm and say nothing about this one.

use crate::params::Params;
use crate::problem::{Allowed, Fallible, Problem, RunbookProblems, RunbooksProblems, kind};
use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use pulldown_cmark::{Options, Parser, html};
use std::fmt::Write as _;

/// Names and texts, by name.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runbooks.rs"));

/// The list of runbooks
///
/// As Markdown, or as HTML for browsers (`Accept: text/html`).
#[utoipa::path(get, path = "/runbooks", operation_id = "list_runbooks", tag = "document",
    responses(
        (status = 200, description = "The list.", content((String = "text/markdown"), (String = "text/html"))),
        RunbooksProblems))]
pub(crate) async fn list(headers: HeaderMap, query: Params) -> Fallible<Response> {
    query.finish()?;
    let mut text = String::from("# Runbooks\n\n");
    for (name, _) in PAGES {
        // Writing to a string never fails.
        let _ = writeln!(text, "- [{name}](runbooks/{name})");
    }
    Ok(page("Runbooks", &text, &headers))
}

/// A runbook
///
/// What an alert means, its impact, how to find its cause and what to do. As Markdown, or as HTML for browsers
/// (`Accept: text/html`).
#[utoipa::path(get, path = "/runbooks/{alert}", operation_id = "show_runbook", tag = "document",
    params(("alert" = String, Path, description = "Name of the alert; `.md` behind it is ignored", example = "BessTickStalled")),
    responses(
        (status = 200, description = "The page.", content((String = "text/markdown"), (String = "text/html"))),
        RunbookProblems))]
pub(crate) async fn show(
    Path(alert): Path<String>,
    headers: HeaderMap,
    query: Params,
) -> Fallible<Response> {
    query.finish()?;
    // Pages link to each other as files.
    let name = alert.strip_suffix(".md").unwrap_or(&alert);
    match PAGES.binary_search_by(|(page, _)| (*page).cmp(name)) {
        Ok(idx) => Ok(page(name, PAGES[idx].1, &headers)),
        Err(_) => {
            let detail = format!("there is no runbook {name:?}; the list is at /runbooks");
            let names = PAGES.iter().map(|(name, _)| *name);
            Err(Problem::new(&kind::NO_SUCH_RUNBOOK, detail)
                .field("alert")
                .value(alert)
                .allowed(Allowed::one_of(names)))
        }
    }
}

fn page(title: &str, markdown: &str, headers: &HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let vary = (header::VARY, "accept");
    if !accept.is_some_and(|accept| accept.contains("text/html")) {
        let markdown = markdown.to_owned();
        return ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8"), vary], markdown)
            .into_response();
    }
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n</head>\n<body>\n"
    );
    html::push_html(&mut text, Parser::new_ext(markdown, Options::empty()));
    text.push_str("</body>\n</html>\n");
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), vary], text).into_response()
}
