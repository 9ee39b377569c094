//! Query parameters: every one is asked for by name, checked, and unknown ones are refused.

use crate::problem::{Allowed, Fallible, Problem, kind};
use crate::wire::SWITCH;
use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use bess_core::id::UnitId;
use bess_core::spec::FarmSpec;

/// The query of a request; call [`Params::finish`] when all known parameters were asked for.
#[derive(Debug)]
pub(crate) struct Params {
    given: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Fallible<Self> {
        let mut params = Self::of(&parts.uri)?;
        params.known.extend(parts.extensions.get::<MayBeDry>().map(|_| DRY_RUN));
        Ok(params)
    }
}

/// Name of the parameter of writes that are only to be tried.
pub(crate) const DRY_RUN: &str = "dry_run";

/// In the extensions of a write whose sender has been asked whether it is a dry run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MayBeDry;

/// Whether the query asks for a dry run.
///
/// # Errors
/// When it says neither yes nor no.
pub(crate) fn dry_run(uri: &Uri) -> Fallible<bool> {
    Ok(Params::of(uri)?.choice(DRY_RUN, &SWITCH)? == Some(SWITCH[0]))
}

impl Params {
    fn of(uri: &Uri) -> Fallible<Self> {
        let given = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
            let detail = "the query must be of the form name=value&name=value, in UTF-8";
            Problem::new(&kind::BAD_PARAMETER, detail)
        })?;
        Ok(Self { given: given.0, known: Vec::new() })
    }

    /// A text as it is.
    ///
    /// # Errors
    /// When it is given more than once.
    pub(crate) fn get(&mut self, name: &'static str) -> Fallible<Option<String>> {
        self.known.push(name);
        let mut values = self.given.iter().filter(|(given, _)| given == name);
        let value = values.next().map(|(_, value)| value.clone());
        if values.next().is_some() {
            let detail = format!("`{name}` is given more than once");
            return Err(Problem::new(&kind::BAD_PARAMETER, detail).field(name));
        }
        Ok(value)
    }

    /// Every value of a parameter that may be given more than once.
    pub(crate) fn all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let values = self.given.iter().filter(|(given, _)| given == name);
        values.map(|(_, value)| value.clone()).collect()
    }

    /// The text of a parameter.
    pub(crate) fn text(&mut self, name: &'static str) -> Fallible<Option<String>> {
        self.get(name)
    }

    /// The items of a list, each once: between commas, or of a parameter that is given several times. Empty
    /// when it is absent.
    pub(crate) fn list(&mut self, name: &'static str) -> Fallible<Vec<String>> {
        self.known.push(name);
        let given = self.given.iter().filter(|(given, _)| given == name);
        let mut items: Vec<String> = Vec::new();
        for item in given.flat_map(|(_, value)| value.split(',')).map(str::trim) {
            if !items.iter().any(|known| known == item) {
                items.push(item.to_owned());
            }
        }
        if items.iter().any(String::is_empty) {
            let detail = format!("`{name}` has an empty item; give a list such as a,b");
            return Err(Problem::new(&kind::BAD_PARAMETER, detail).field(name).value(""));
        }
        Ok(items)
    }

    /// Units: numbers, ranges of numbers and names with commas between them, or `all`; in the order of
    /// their numbers, each once.
    pub(crate) fn units(
        &mut self,
        name: &'static str,
        spec: &FarmSpec,
    ) -> Fallible<Option<Vec<UnitId>>> {
        let items = self.list(name)?;
        if items.is_empty() {
            return Ok(None);
        }
        let there = spec.unit_numbers();
        let mut units = Vec::new();
        for item in &items {
            let range = || {
                let (first, last) = item.split_once('-')?;
                let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
                let is_range = there.first <= first && first <= last && last <= there.last;
                is_range.then_some(first..=last)
            };
            if let Some(unit) = spec.find_unit(item) {
                units.push(unit);
            } else if item == "all" {
                units.extend(spec.units.iter().map(|unit| unit.id));
            } else if let Some(range) = range() {
                units.extend(range.filter_map(|number| spec.unit_by_number(number)));
            } else {
                let detail = format!(
                    "`{name}` must be units from {first} to {last}, ranges such as {first}-{last}, names, or all, got {item:?}",
                    first = there.first,
                    last = there.last
                );
                return Err(Problem::new(&kind::BAD_PARAMETER, detail)
                    .field(name)
                    .value(item.as_str())
                    .allowed(Allowed::units(there)));
            }
        }
        units.sort_unstable();
        units.dedup();
        Ok(Some(units))
    }

    /// A text that is not empty.
    ///
    /// # Errors
    /// When it is empty or given more than once.
    pub(crate) fn filled(&mut self, name: &'static str) -> Fallible<Option<String>> {
        match self.get(name)? {
            Some(text) if text.is_empty() => {
                let detail = format!("`{name}` is empty; leave it out to have all");
                Err(Problem::new(&kind::BAD_PARAMETER, detail).field(name).value(""))
            }
            text => Ok(text),
        }
    }

    /// A number from `min` to `max`, optionally followed by `suffix`.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        (min, max): (f64, f64),
        suffix: &str,
    ) -> Fallible<Option<f64>> {
        let Some(text) = self.get(name)? else {
            return Ok(None);
        };
        let bare = text.strip_suffix(suffix).unwrap_or(&text);
        match bare.parse::<f64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(Some(number)),
            _ => {
                let detail =
                    format!("`{name}` must be a number from {min} to {max}{suffix}, got {text:?}");
                Err(Problem::new(&kind::BAD_PARAMETER, detail)
                    .field(name)
                    .value(text)
                    .allowed(Allowed::range(min, max, suffix)))
            }
        }
    }

    /// A whole number from `min` to `max`, or `default`.
    pub(crate) fn whole(
        &mut self,
        name: &'static str,
        default: usize,
        (min, max): (usize, usize),
    ) -> Fallible<usize> {
        let Some(text) = self.get(name)? else {
            return Ok(default);
        };
        match text.parse::<usize>() {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => {
                let detail =
                    format!("`{name}` must be a whole number from {min} to {max}, got {text:?}");
                Err(Problem::new(&kind::BAD_PARAMETER, detail)
                    .field(name)
                    .value(text)
                    .allowed(Allowed::range(min as f64, max as f64, "")))
            }
        }
    }

    /// One of `choices`.
    pub(crate) fn choice<'c>(
        &mut self,
        name: &'static str,
        choices: &[&'c str],
    ) -> Fallible<Option<&'c str>> {
        let Some(text) = self.get(name)? else {
            return Ok(None);
        };
        match choices.iter().find(|choice| **choice == text) {
            Some(choice) => Ok(Some(choice)),
            None => Err(Self::no_choice(name, &text, choices)),
        }
    }

    /// A list with commas of items out of `choices`.
    pub(crate) fn choices<'c>(
        &mut self,
        name: &'static str,
        choices: &[&'c str],
    ) -> Fallible<Option<Vec<&'c str>>> {
        let Some(text) = self.get(name)? else {
            return Ok(None);
        };
        let chosen = text.split(',').map(|item| {
            let known = choices.iter().find(|choice| **choice == item).copied();
            known.ok_or_else(|| Self::no_choice(name, item, choices))
        });
        chosen.collect::<Fallible<Vec<_>>>().map(Some)
    }

    fn no_choice(name: &str, text: &str, choices: &[&str]) -> Box<Problem> {
        let detail = format!("`{name}` must be one of {}, got {text:?}", choices.join(", "));
        Problem::new(&kind::BAD_PARAMETER, detail)
            .field(name)
            .value(text)
            .allowed(Allowed::one_of(choices.iter().copied()))
    }

    /// A unit, by number or name.
    pub(crate) fn unit(&mut self, name: &'static str, spec: &FarmSpec) -> Fallible<Option<UnitId>> {
        let Some(text) = self.get(name)? else {
            return Ok(None);
        };
        let found = spec.find_unit(&text);
        found.map(Some).ok_or_else(|| {
            let there = spec.unit_numbers();
            let detail = format!(
                "`{name}` must be a unit from {} to {}, or its name, got {text:?}",
                there.first, there.last
            );
            Problem::new(&kind::BAD_PARAMETER, detail)
                .field(name)
                .value(text)
                .allowed(Allowed::units(there))
        })
    }

    /// Refuses parameters that nobody asked for.
    pub(crate) fn finish(&self) -> Fallible<()> {
        let Some((unknown, _)) =
            self.given.iter().find(|(given, _)| !self.known.iter().any(|known| known == given))
        else {
            return Ok(());
        };
        let detail = format!("there is no parameter `{unknown}` here");
        Err(Problem::new(&kind::BAD_PARAMETER, detail)
            .field(unknown.as_str())
            .allowed(Allowed::one_of(self.known.iter().copied())))
    }
}
