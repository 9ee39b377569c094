//! Parameters of a scenario, and what is set from outside in their place.

use super::objects::TYPES;
use super::scenario::Param;
use crate::text::{DURATION_MAX_S, ParamValue, duration_s, in_words};
use bess_core::config::{Given, Literal, Node, Problem, Section, did_you_mean};

/// What a parameter may be.
#[derive(Clone, Debug)]
struct Range {
    min: Option<ParamValue>,
    max: Option<ParamValue>,
}

/// The parameters of a text, with what they may be.
#[derive(Debug, Default)]
pub(super) struct Params {
    pub(super) list: Vec<Param>,
    ranges: Vec<Range>,
}

impl Params {
    /// Those of the table `params` of `root`; a faulty one has some value of its type.
    pub(super) fn read(root: &Section<'_, '_>) -> Self {
        let mut params = Self::default();
        for (name, place, section) in root.named_sections("params") {
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && name.starts_with(|c: char| c.is_ascii_alphabetic());
            if !is_name || matches!(name.as_str(), "true" | "false") {
                let message = format!("`{name}` is no name of a parameter");
                let hint = "letters, digits and underscores, a letter first".to_owned();
                root.report(place, message, Some(hint));
            }
            let types: Vec<(&str, usize)> = TYPES.iter().copied().zip(0..).collect();
            section.required_node("type", &format!("one of {}", TYPES.join(", ")));
            let of_type = TYPES[section.choice_or("type", 1, &types)];
            let value = section
                .required_node("default", "its value where none is set")
                .and_then(|node| typed(&node, of_type));
            let range = Range {
                min: section.node("min").and_then(|node| typed(&node, of_type)),
                max: section.node("max").and_then(|node| typed(&node, of_type)),
            };
            if matches!(of_type, "string" | "bool") {
                let why = "has no meaning for a text or a truth value";
                section.refuse("min", why, "leave it out");
                section.refuse("max", why, "leave it out");
            }
            if let Some(message) = value.as_ref().and_then(|value| range.complaint(value)) {
                let message = format!("`params.{name}.default` {message}");
                section.report(section.span_of("default"), message, None);
            }
            let description = section.text("description");
            section.finish();
            let value = value.unwrap_or_else(|| match of_type {
                "int" => ParamValue::Int(1),
                "string" => ParamValue::Text("x".to_owned()),
                "bool" => ParamValue::Bool(false),
                "duration" => ParamValue::Seconds(1.0),
                _ => ParamValue::Float(1.0),
            });
            params.list.push(Param { name, value, is_set: false, description });
            params.ranges.push(range);
        }
        params
    }

    /// Sets parameters from outside, each text by the type of its parameter.
    pub(super) fn set(&mut self, set: &[(String, String)], problems: &mut Vec<Problem>) {
        for (name, text) in set {
            let place = format!("--set {name}={text}");
            let mut report = |message: String, hint: Option<String>| {
                problems.push(Problem::without_place(&place, message, hint));
            };
            let Some(index) = self.list.iter().position(|param| param.name == *name) else {
                let known: Vec<&str> = self.list.iter().map(|param| param.name.as_str()).collect();
                let hint = match known.as_slice() {
                    [] => "the scenario has none".to_owned(),
                    known => did_you_mean(name, known)
                        .unwrap_or_else(|| format!("parameters: {}", known.join(", "))),
                };
                report(format!("there is no parameter `{name}`"), Some(hint));
                continue;
            };
            let param = &mut self.list[index];
            let value = match &param.value {
                ParamValue::Int(_) => text.parse().ok().map(ParamValue::Int),
                ParamValue::Float(_) => {
                    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
                    number.map(ParamValue::Float)
                }
                ParamValue::Bool(_) => text.parse().ok().map(ParamValue::Bool),
                ParamValue::Seconds(_) => duration_s(text).map(ParamValue::Seconds),
                ParamValue::Text(_) => Some(ParamValue::Text(text.clone())),
            };
            let Some(value) = value else {
                let kind = param.value.kind();
                let hint = matches!(param.value, ParamValue::Seconds(_))
                    .then(|| "write it with a unit: 250ms, 30s, 1h30m".to_owned());
                report(format!("`{name}` must be {kind}, got \"{text}\""), hint);
                continue;
            };
            if let Some(message) = self.ranges[index].complaint(&value) {
                report(format!("`{name}` {message}"), None);
                continue;
            }
            param.value = value;
            param.is_set = true;
        }
    }

    /// The value of the parameter `name`.
    pub(super) fn get(&self, name: &str) -> Result<ParamValue, (String, Option<String>)> {
        match self.list.iter().find(|param| param.name == name) {
            Some(param) => Ok(param.value.clone()),
            None => {
                let known: Vec<&str> = self.list.iter().map(|param| param.name.as_str()).collect();
                let hint = did_you_mean(name, &known);
                Err((format!("there is no parameter `{name}`"), hint))
            }
        }
    }
}

impl Range {
    fn complaint(&self, value: &ParamValue) -> Option<String> {
        let number = |value: &ParamValue| match value {
            ParamValue::Int(number) => Some(*number as f64),
            ParamValue::Float(number) | ParamValue::Seconds(number) => Some(*number),
            _ => None,
        };
        let at = number(value)?;
        let limit = |limit: &Option<ParamValue>| limit.as_ref().and_then(number);
        let below = limit(&self.min).is_some_and(|min| at < min);
        let above = limit(&self.max).is_some_and(|max| at > max);
        let words = || match (&self.min, &self.max) {
            (Some(min), Some(max)) => format!("from {min} to {max}"),
            (Some(min), None) => format!("at least {min}"),
            (_, Some(max)) => format!("at most {max}"),
            (None, None) => String::new(),
        };
        (below || above).then(|| format!("must be {}, got {value}", words()))
    }
}

fn typed(node: &Node<'_, '_>, of_type: &str) -> Option<ParamValue> {
    let value = match (of_type, node.given()) {
        ("int", Given::Literal(Literal::Whole(number))) => Some(ParamValue::Int(number)),
        ("float", Given::Literal(Literal::Whole(number))) => Some(ParamValue::Float(number as f64)),
        ("float", Given::Literal(Literal::Number(number))) if number.is_finite() => {
            Some(ParamValue::Float(number))
        }
        ("string", Given::Literal(Literal::Text(text))) => Some(ParamValue::Text(text)),
        ("bool", Given::Literal(Literal::Truth(truth))) => Some(ParamValue::Bool(truth)),
        ("duration", Given::Literal(Literal::Text(text))) => {
            duration_s(&text).map(ParamValue::Seconds)
        }
        _ => None,
    };
    if value.is_none() {
        let expected = match of_type {
            "int" => "a whole number".to_owned(),
            "float" => "a finite number".to_owned(),
            "string" => "a text in quotes".to_owned(),
            "bool" => "true or false".to_owned(),
            _ => format!("a duration such as 30s, up to {}", in_words(DURATION_MAX_S)),
        };
        node.report(format!("`{}` must be {expected}: its type is {of_type}", node.name()), None);
    }
    value
}
