//! Query parameters: every one is asked for by name, checked, and unknown ones are refused.

use crate::problem::{Allowed, Fallible, Problem, kind};
use axum::extract::{FromRequestParts, Query};
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
        let given = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| Problem::new(&kind::BAD_PARAMETER, error.body_text()))?
            .0;
        Ok(Self { given, known: Vec::new() })
    }
}

impl Params {
    fn get(&mut self, name: &'static str) -> Fallible<Option<String>> {
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
        if let Some(choice) = choices.iter().find(|choice| **choice == text) {
            return Ok(Some(choice));
        }
        let detail = format!("`{name}` must be one of {}, got {text:?}", choices.join(", "));
        Err(Problem::new(&kind::BAD_PARAMETER, detail)
            .field(name)
            .value(text)
            .allowed(Allowed::one_of(choices.iter().copied())))
    }

    /// A unit, by number or name.
    pub(crate) fn unit(&mut self, name: &'static str, spec: &FarmSpec) -> Fallible<Option<UnitId>> {
        let Some(text) = self.get(name)? else {
            return Ok(None);
        };
        let found = spec.find_unit(&text);
        found.map(Some).ok_or_else(|| {
            let n_units = spec.units.len();
            let detail =
                format!("`{name}` must be a unit from 1 to {n_units}, or its name, got {text:?}");
            Problem::new(&kind::BAD_PARAMETER, detail)
                .field(name)
                .value(text)
                .allowed(Allowed::range(1.0, n_units as f64, ""))
        })
    }

    /// Refuses parameters that nobody asked for.
    pub(crate) fn finish(self) -> Fallible<()> {
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
