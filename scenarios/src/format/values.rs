//! Reads what parameters are set to: numbers with units, shapes, distributions, words.

use super::objects::{self, DRAWS};
use super::part::{Context, Part, seconds};
use super::table::Object;
use super::value::{Curve, Draw, Setting, Shape, Value};
use crate::faults::{Parameter, ParameterKind};
use crate::text::Quantity;
use bess_core::config::{Given, Literal, Node, Section, did_you_mean};
use bess_core::series::Series;
use std::time::Duration;

/// What a number may be beside a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// A course in time, or a draw.
    All,
    /// A draw.
    Draws,
}

/// Most steps of a shape, and most numbers of a list.
const STEPS_MAX: usize = 10_000;

/// The range and the unit of a number that is being read.
#[derive(Clone, Copy)]
struct Scale {
    quantity: Quantity,
    min: f64,
    max: f64,
}

/// The settings of the table `section` by `parameters`; those with a default are filled in.
pub(super) fn settings(
    section: Option<Section<'_, '_>>,
    parameters: &[Parameter],
    allowed: Allowed,
    context: &Context<'_>,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    for parameter in parameters {
        let node = section.as_ref().and_then(|section| section.node(parameter.name));
        let value = match node {
            Some(node) => value(&node, parameter, allowed, context),
            None => default(parameter),
        };
        settings.extend(value.map(|value| Setting { name: parameter.name, value }));
    }
    if let Some(section) = section {
        section.finish();
    }
    settings
}

/// Names of the parameters that are needed and not there.
pub(super) fn missing(section: Option<&Section<'_, '_>>, parameters: &[Parameter]) -> Vec<String> {
    let absent = |parameter: &&Parameter| {
        parameter.is_needed && !section.is_some_and(|section| section.has(parameter.name))
    };
    let words = |parameter: &Parameter| format!("`{}` ({})", parameter.name, parameter.text);
    parameters.iter().filter(absent).map(words).collect()
}

fn default(parameter: &Parameter) -> Option<Value> {
    match parameter.kind {
        ParameterKind::Number { default, .. } => default.map(Value::Number),
        ParameterKind::Word { default, .. } => default.map(|word| Value::Word(word.to_owned())),
        _ => None,
    }
}

fn value(
    node: &Node<'_, '_>,
    parameter: &Parameter,
    allowed: Allowed,
    context: &Context<'_>,
) -> Option<Value> {
    let name = node.name();
    match parameter.kind {
        ParameterKind::Number { min, max, .. } => {
            let scale = Scale { quantity: Quantity::of(parameter.name), min, max };
            match node.given() {
                Given::Section(section) if section.has("dist") => {
                    draw(section, scale, context).map(Value::Draw)
                }
                Given::Section(section) if allowed == Allowed::All => {
                    shape(section, scale, context).map(Value::Shape)
                }
                Given::Section(_) => {
                    node.report(format!("`{name}` must be a number or a distribution"), None);
                    None
                }
                _ => scale.number(node).map(Value::Number),
            }
        }
        ParameterKind::Word { choices, .. } => match node.given() {
            Given::Literal(Literal::Text(word)) if choices.contains(&word.as_str()) => {
                Some(Value::Word(word))
            }
            given => {
                let (found, hint) = match given {
                    Given::Literal(Literal::Text(word)) => {
                        (format!(", got \"{word}\""), did_you_mean(&word, choices))
                    }
                    _ => (String::new(), None),
                };
                let message = format!("`{name}` must be one of {}{found}", choices.join(", "));
                node.report(message, hint);
                None
            }
        },
        ParameterKind::Flag => match node.given() {
            Given::Literal(Literal::Truth(truth)) => Some(Value::Flag(truth)),
            _ => {
                node.wrong_type("true or false");
                None
            }
        },
        ParameterKind::Numbers { min, max } => {
            let scale = Scale { quantity: Quantity::of(parameter.name), min, max };
            scale.numbers(node).map(Value::Numbers)
        }
        ParameterKind::Text => match node.given() {
            Given::Literal(Literal::Text(text)) if !text.trim().is_empty() => {
                Some(Value::Word(text))
            }
            _ => {
                node.wrong_type("a text in quotes");
                None
            }
        },
    }
}

impl Scale {
    fn words(&self) -> String {
        let unit = match self.quantity.symbol {
            "" => String::new(),
            unit => format!(" {unit}"),
        };
        match (self.min == f64::NEG_INFINITY, self.max == f64::INFINITY) {
            (true, true) => "a finite number".to_owned(),
            (true, false) => format!("a number of at most {}{unit}", self.max),
            (false, true) => format!("a number of at least {}{unit}", self.min),
            (false, false) => format!("a number from {} to {}{unit}", self.min, self.max),
        }
    }
    /// The same quantity without limits.
    fn free(self) -> Self {
        Self { min: f64::NEG_INFINITY, max: f64::INFINITY, ..self }
    }
    fn number(&self, node: &Node<'_, '_>) -> Option<f64> {
        let number = match node.given() {
            Given::Literal(Literal::Whole(number)) => number as f64,
            Given::Literal(Literal::Number(number)) => number,
            Given::Literal(Literal::Text(text)) => match self.quantity.read(&text) {
                Ok(number) => number,
                Err(why) => {
                    node.report(format!("`{}`: \"{text}\": {why}", node.name()), None);
                    return None;
                }
            },
            _ => {
                node.wrong_type(&self.words());
                return None;
            }
        };
        if !number.is_finite() || !(self.min..=self.max).contains(&number) {
            let message = format!("`{}` must be {}, got {number}", node.name(), self.words());
            let is_percentage =
                self.min >= 0.0 && self.max == 1.0 && number > 1.0 && number <= 100.0;
            let hint = format!("did you write a percentage? {number} % is written \"{number}%\"");
            node.report(message, is_percentage.then_some(hint));
            return None;
        }
        Some(number)
    }
    fn numbers(&self, node: &Node<'_, '_>) -> Option<Vec<f64>> {
        let Given::List(nodes) = node.given() else {
            node.wrong_type("a list of numbers");
            return None;
        };
        if nodes.len() > STEPS_MAX {
            node.report(format!("`{}` has more than {STEPS_MAX} numbers", node.name()), None);
            return None;
        }
        let numbers: Vec<f64> = nodes.iter().filter_map(|node| self.number(node)).collect();
        (numbers.len() == nodes.len()).then_some(numbers)
    }
    fn of(&self, part: &Part<'_, '_, '_>, key: &'static str) -> Option<f64> {
        part.node(key).and_then(|node| self.number(&node))
    }
}

const PLAIN: Quantity = Quantity::PLAIN;
const POSITIVE: Scale = Scale { quantity: PLAIN, min: 0.0, max: f64::INFINITY };
const SHARE: Scale = Scale { quantity: PLAIN, min: 0.0, max: 1.0 };

fn shape(section: Section<'_, '_>, scale: Scale, context: &Context<'_>) -> Option<Shape> {
    let given: Vec<&'static str> =
        Shape::NAMES.iter().filter(|name| section.has(name)).copied().collect();
    let shape = match given.as_slice() {
        [name] => shape_of(name, &section, scale, context),
        _ => {
            let message = format!(
                "a shape has exactly one of {}; a distribution has `dist`",
                Shape::NAMES.join(", ")
            );
            section.report(section.span(), message, None);
            return None;
        }
    };
    section.finish();
    shape
}

fn shape_of(
    name: &'static str,
    section: &Section<'_, '_>,
    scale: Scale,
    context: &Context<'_>,
) -> Option<Shape> {
    let part = |object: &'static Object| {
        section.section(name).map(|section| Part::new(section, object, context))
    };
    match name {
        "ramp" => {
            let part = part(&objects::RAMP)?;
            let from = scale.of(&part, "from");
            let to = scale.of(&part, "to");
            let over = part.duration("over");
            let curve = part.word("curve", Curve::Linear, &Curve::ALL);
            part.finish();
            Some(Shape::Ramp { from: from?, to: to?, over: over?, curve })
        }
        "steps" => steps(section, scale, context).map(Shape::Steps),
        "sine" => {
            let part = part(&objects::SINE)?;
            let mean = scale.of(&part, "mean");
            let amplitude = scale.free().of(&part, "amplitude");
            let period = part.duration("period");
            if let (Some(mean), Some(amplitude)) = (mean, amplitude)
                && (mean - amplitude.abs() < scale.min || mean + amplitude.abs() > scale.max)
            {
                let message = format!("the sine leaves its range: {}", scale.words());
                part.report("amplitude", message, None);
            }
            if period.is_some_and(|period| period.is_zero()) {
                part.report("period", "a period is more than 0 s".to_owned(), None);
            }
            part.finish();
            Some(Shape::Sine { mean: mean?, amplitude: amplitude?, period: period? })
        }
        "ou" => {
            let part = part(&objects::OU)?;
            let mean = scale.of(&part, "mean");
            let theta_per_s = Scale { max: 10.0, ..POSITIVE }.of(&part, "theta_per_s");
            let sigma = Scale { min: 0.0, ..scale.free() }.of(&part, "sigma");
            part.finish();
            Some(Shape::Ou { mean: mean?, theta_per_s: theta_per_s?, sigma: sigma? })
        }
        _ => csv(&part(&objects::CSV)?, scale),
    }
}

fn steps(
    section: &Section<'_, '_>,
    scale: Scale,
    context: &Context<'_>,
) -> Option<Vec<(Duration, f64)>> {
    let mut steps: Vec<(Duration, f64)> = Vec::new();
    let sections = section.sections("steps");
    let n_steps = sections.len();
    if !(1..=STEPS_MAX).contains(&n_steps) {
        let message = format!("`{}` must have 1 to {STEPS_MAX} steps", section.name("steps"));
        section.report(section.span_of("steps"), message, None);
    }
    for step in sections {
        let part = Part::new(step, &objects::STEP_TO, context);
        let after = part.duration("after");
        let value = scale.of(&part, "value");
        if let Some(after) = after
            && steps.last().is_some_and(|(before, _)| after <= *before)
        {
            part.report("after", "times must increase from step to step".to_owned(), None);
        }
        steps.extend(after.zip(value));
        part.finish();
    }
    (steps.len() == n_steps && n_steps > 0).then_some(steps)
}

/// A record: the first line names the columns, the first column is in s.
fn csv(part: &Part<'_, '_, '_>, scale: Scale) -> Option<Shape> {
    let file = part.text("file");
    let column = part.text("column");
    let linear = part.flag_or("interpolate", false);
    if file.is_empty() || column.is_empty() {
        return None;
    }
    let result = (part.context.files)(&file).and_then(|text| samples(&text, &column, scale));
    match result {
        Ok(series) => Some(Shape::Csv { file, series, linear }),
        Err(why) => {
            part.report("file", format!("{file}: {why}"), None);
            None
        }
    }
}

fn samples(text: &str, column: &str, scale: Scale) -> Result<Series, String> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    let heads: Vec<&str> =
        lines.next().map_or("", |(_, line)| line).split(',').map(str::trim).collect();
    let place = heads
        .iter()
        .position(|head| *head == column)
        .ok_or_else(|| format!("there is no column `{column}`; there is {}", heads.join(", ")))?;
    let mut samples = Vec::new();
    for (number, line) in lines {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let at = |place: usize| {
            let cell = cells.get(place).copied().unwrap_or_default();
            cell.parse::<f64>().map_err(|_| format!("line {}: \"{cell}\" is no number", number + 1))
        };
        let (time, value) = (at(0)?, at(place)?);
        if !(scale.min..=scale.max).contains(&value) {
            let words = scale.words();
            return Err(format!("line {}: must be {words}, got {value}", number + 1));
        }
        samples.push((time, value));
    }
    Series::new(&samples, false).map_err(|error| error.to_string())
}

/// A distribution of a number.
fn draw(section: Section<'_, '_>, scale: Scale, context: &Context<'_>) -> Option<Draw> {
    let names: Vec<(&str, usize)> = Draw::NAMES.iter().copied().zip(0..).collect();
    let place = section.choice_or("dist", usize::MAX, &names);
    let object = DRAWS.get(place)?;
    let part = Part::new(section, object, context);
    let draw = draw_of(&part, object.name, scale);
    part.finish();
    draw
}

fn draw_of(part: &Part<'_, '_, '_>, name: &str, scale: Scale) -> Option<Draw> {
    let ordered = |min: Option<f64>, max: Option<f64>| {
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            part.report("max", format!("`max` {max} is less than `min` {min}"), None);
        }
    };
    match name {
        "uniform" => {
            let (min, max) = (scale.of(part, "min"), scale.of(part, "max"));
            ordered(min, max);
            Some(Draw::Uniform { min: min?, max: max? })
        }
        "normal" => {
            let mean = scale.free().of(part, "mean");
            let sd = Scale { min: 0.0, ..scale.free() }.of(part, "sd");
            let min = if part.has("min") { scale.of(part, "min")? } else { scale.min };
            let max = if part.has("max") { scale.of(part, "max")? } else { scale.max };
            ordered(Some(min), Some(max));
            if let Some(mean) = mean
                && !(min..=max).contains(&mean)
            {
                let message = format!("the mean {mean} is not within {min} to {max}");
                part.report("mean", message, None);
            }
            Some(Draw::Normal { mean: mean?, sd: sd?, min, max })
        }
        "lognormal" => {
            let mu = POSITIVE.free().of(part, "mu");
            let sigma = POSITIVE.of(part, "sigma");
            Some(Draw::Lognormal { mu: mu?, sigma: sigma? })
        }
        "exponential" => {
            let mean = Scale { min: 0.0, ..scale }.of(part, "mean");
            Some(Draw::Exponential { mean: mean? })
        }
        "weibull" => {
            let shape = Scale { min: 0.01, max: 100.0, ..POSITIVE }.of(part, "shape");
            let of_scale = Scale { min: 0.0, ..scale }.of(part, "scale");
            Some(Draw::Weibull { shape: shape?, scale: of_scale? })
        }
        "bernoulli" => SHARE.of(part, "p").map(|p| Draw::Bernoulli { p }),
        "choice" => {
            let of = part.node("of").and_then(|node| scale.numbers(&node));
            let weights = match part.node("weights") {
                Some(node) => POSITIVE.numbers(&node),
                None => of.as_ref().map(|of| vec![1.0; of.len()]),
            };
            let (of, weights) = (of?, weights?);
            if of.is_empty() || of.len() != weights.len() || weights.iter().sum::<f64>() <= 0.0 {
                let message = "as many weights as numbers are needed, not all of them 0";
                let key = if part.has("weights") { "weights" } else { "of" };
                part.report(key, message.to_owned(), None);
            }
            Some(Draw::Choice { of, weights })
        }
        _ => {
            let of = |key: &'static str| SHARE.of(part, key);
            let (p_good_to_bad, p_bad_to_good) = (of("p_good_to_bad"), of("p_bad_to_good"));
            let (loss_good, loss_bad) = (of("loss_good"), of("loss_bad"));
            Some(Draw::GilbertElliott {
                p_good_to_bad: p_good_to_bad?,
                p_bad_to_good: p_bad_to_good?,
                loss_good: loss_good?,
                loss_bad: loss_bad?,
            })
        }
    }
}

/// The time from one begin to the next: a duration, or a distribution of seconds.
pub(super) fn every(node: &Node<'_, '_>, context: &Context<'_>) -> Option<super::Every> {
    match node.given() {
        Given::Section(section) => {
            let scale = Scale { quantity: Quantity::of("every_s"), min: 0.0, max: f64::INFINITY };
            if !section.has("dist") {
                let message = format!("`{}` must be a duration or a distribution", node.name());
                node.report(message, None);
                return None;
            }
            draw(section, scale, context).map(super::Every::Drawn)
        }
        _ => {
            let every = seconds(node, 0.0)?;
            if every < 0.1 {
                node.report(format!("`{}` must be at least a tick, 100ms", node.name()), None);
            }
            Some(super::Every::Fixed(Duration::from_secs_f64(every)))
        }
    }
}

/// The number of `key`, within the range of the table and in the unit of its name.
pub(super) fn bare(part: &Part<'_, '_, '_>, key: &'static str) -> Option<f64> {
    let (min, max) = part.range(key);
    Scale { quantity: Quantity::of(key), min, max }.of(part, key)
}
