//! Which lines are written: a level for all, and levels for single modules.
//!
//! `info,bess_protocol=debug`. A word that is neither a level nor a module is refused with its place: what
//! would match nothing is a typing error.

use bess_core::logging::FilterRefusal;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// The levels by name, the quietest first.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// What writes lines, by the names that a filter knows. A name stands for all that begin with it.
pub(crate) const MODULES: [&str; 13] = [
    "bess",
    "bess::alarm",
    "bess::audit_file",
    "bess::clock",
    "bess::grid",
    "bess::link",
    "bess::log",
    "bess::panic",
    "bess::serve",
    "bess::unit",
    "bess::write",
    "bess_api",
    "bess_protocol",
];

/// Longest text of a filter.
const TEXT_MAX: usize = 1000;

/// A filter that was checked.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) text: String,
    pub(crate) targets: Targets,
}

fn is_module(name: &str) -> bool {
    let is_within = |module: &str| {
        name.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    MODULES.iter().any(|module| is_within(module))
}

/// Reads a filter.
///
/// # Errors
/// What is wrong with it, and where.
pub(crate) fn parse(text: &str) -> Result<Filter, FilterRefusal> {
    let levels = || LEVELS.map(|(name, _)| name).to_vec();
    let refuse = |at: usize, part: &str, reason: String, allowed| {
        let part = part.chars().take(80).collect();
        Err(FilterRefusal { at, part, reason, allowed })
    };
    if text.len() > TEXT_MAX {
        let reason = format!("a filter has at most {TEXT_MAX} characters");
        return refuse(TEXT_MAX, "", reason, Vec::new());
    }
    let level = |name: &str| {
        let found = LEVELS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, level)| *level)
    };
    let mut targets = Targets::new();
    let mut at = 0;
    for directive in text.split(',') {
        let start = at + (directive.len() - directive.trim_start().len());
        let word = directive.trim();
        match word.split_once('=') {
            None => match level(word) {
                Some(level) => targets = targets.with_default(level),
                None if is_module(word) => {
                    let reason = format!("a module needs a level: {word}=debug");
                    return refuse(start, word, reason, levels());
                }
                None => {
                    let known = levels().join(", ");
                    let reason =
                        format!("a level must be one of {known}, for one module as module=level");
                    return refuse(start, word, reason, levels());
                }
            },
            Some((module, name)) => {
                if !is_module(module) {
                    let reason = format!("a module must be one of {}", MODULES.join(", "));
                    return refuse(start, module, reason, MODULES.to_vec());
                }
                let Some(level) = level(name) else {
                    let reason = format!("a level must be one of {}", levels().join(", "));
                    return refuse(start + module.len() + 1, name, reason, levels());
                };
                targets = targets.with_target(module, level);
            }
        }
        at += directive.len() + 1;
    }
    Ok(Filter { text: text.trim().to_owned(), targets })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn levels_hold_for_all_and_for_modules() {
        let filter = parse(" info, bess_protocol=debug,bess::write=OFF").unwrap();
        let shows = |module: &str, level| filter.targets.would_enable(module, &level);
        assert!(shows("bess::unit", Level::INFO) && !shows("bess::unit", Level::DEBUG));
        assert!(shows("bess_protocol::server", Level::DEBUG));
        assert!(!shows("bess::write", Level::ERROR));
        assert_eq!(filter.text, "info, bess_protocol=debug,bess::write=OFF");
    }

    #[test]
    fn without_a_level_for_all_the_other_modules_are_silent() {
        let filter = parse("bess_api=trace").unwrap();
        assert!(!filter.targets.would_enable("bess::unit", &Level::ERROR));
    }

    #[test]
    fn what_would_match_nothing_is_refused_with_its_place() {
        let refused = |text| {
            let refusal = parse(text).unwrap_err();
            assert!(!refusal.allowed.is_empty(), "{refusal}");
            (refusal.at, refusal.part)
        };
        assert_eq!(refused("loud"), (0, "loud".to_owned()));
        assert_eq!(refused("info,bess_protcol=debug"), (5, "bess_protcol".to_owned()));
        assert_eq!(refused("info, bess_api=loud"), (15, "loud".to_owned()));
        assert_eq!(refused("info,"), (5, String::new()));
        assert_eq!(refused(""), (0, String::new()));
        assert_eq!(refused("bess_api"), (0, "bess_api".to_owned()));
        assert_eq!(refused("bess_apifoo=debug").1, "bess_apifoo");
        let detail = parse("info,x=debug").unwrap_err().to_string();
        assert!(
            detail.starts_with("\"x\" at character 6: a module must be one of bess,"),
            "{detail}"
        );
        assert!(parse(&"info,".repeat(300)).is_err());
    }
}
