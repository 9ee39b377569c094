//! Parameters of one action at one target as they go with time.

use super::chance::{Chance, draw};
use crate::faults::{Arg, Args, Parameter, ParameterKind};
use crate::format::{Curve, Setting, Shape, Value};
use bess_core::math;
use bess_core::rng::Stream;
use bess_core::time::TICK_S;

/// The course of every parameter.
#[derive(Clone, Debug)]
pub(super) struct Course {
    values: Vec<(&'static str, Goes)>,
}

#[derive(Clone, Debug)]
enum Goes {
    Stays(Arg),
    Moves { shape: Shape, min: f64, max: f64, noise: Noise },
}

/// State of a noise that comes back to its mean.
#[derive(Clone, Debug)]
struct Noise {
    stream: Stream,
    value: f64,
    age_s: f64,
}

impl Course {
    /// The course of `settings`; what is drawn is drawn now, and kept within the range of its parameter.
    pub(super) fn new(
        settings: &[Setting],
        parameters: &[Parameter],
        chance: Chance,
        action: &str,
        target: &str,
    ) -> Self {
        let course = |setting: &Setting| {
            let parameter = parameters.iter().find(|parameter| parameter.name == setting.name);
            let (min, max) = match parameter.map(|parameter| parameter.kind) {
                Some(ParameterKind::Number { min, max, .. }) => (min, max),
                _ => (f64::NEG_INFINITY, f64::INFINITY),
            };
            let stream = || chance.stream(action, target, setting.name);
            let goes = match &setting.value {
                Value::Number(number) => Goes::Stays(Arg::Number(*number)),
                Value::Flag(flag) => Goes::Stays(Arg::Flag(*flag)),
                Value::Numbers(numbers) => Goes::Stays(Arg::Numbers(numbers.clone())),
                Value::Word(word) => Goes::Stays(match parameter.map(|parameter| parameter.kind) {
                    Some(ParameterKind::Word { choices, .. }) => {
                        let choice = choices.iter().find(|choice| **choice == *word);
                        Arg::Word(choice.copied().unwrap_or_default())
                    }
                    _ => Arg::Text(word.as_str().into()),
                }),
                Value::Draw(of) => {
                    Goes::Stays(Arg::Number(draw(of, &mut stream()).clamp(min, max)))
                }
                Value::Shape(shape) => {
                    let value = match shape {
                        Shape::Ou { mean, .. } => *mean,
                        _ => 0.0,
                    };
                    let noise = Noise { stream: stream(), value, age_s: 0.0 };
                    Goes::Moves { shape: shape.clone(), min, max, noise }
                }
            };
            (setting.name, goes)
        };
        Self { values: settings.iter().map(course).collect() }
    }

    /// Sets a parameter that the target says by itself.
    pub(super) fn set(&mut self, name: &'static str, arg: Arg) {
        self.values.retain(|(known, _)| *known != name);
        self.values.insert(0, (name, Goes::Stays(arg)));
    }

    /// Whether something of it moves.
    pub(super) fn moves(&self) -> bool {
        self.values.iter().any(|(_, goes)| matches!(goes, Goes::Moves { .. }))
    }

    /// It for people: of what moves how it goes.
    pub(super) fn texts(&self) -> Vec<(&'static str, String)> {
        let text = |(name, goes): &(&'static str, Goes)| {
            let text = match goes {
                Goes::Stays(arg) => arg.to_string(),
                Goes::Moves { shape, .. } => shape.to_string(),
            };
            (*name, text)
        };
        self.values.iter().map(text).collect()
    }

    /// The values `age` ticks after the begin; asked with ages that do not fall.
    pub(super) fn at(&mut self, age: u64) -> Args {
        let age_s = age as f64 * TICK_S;
        let value = |(name, goes): &mut (&'static str, Goes)| match goes {
            Goes::Stays(arg) => (*name, arg.clone()),
            Goes::Moves { shape, min, max, noise } => {
                (*name, Arg::Number(value_of(shape, noise, age_s).clamp(*min, *max)))
            }
        };
        Args::new(self.values.iter_mut().map(value).collect())
    }
}

fn value_of(shape: &Shape, noise: &mut Noise, age_s: f64) -> f64 {
    match shape {
        Shape::Ramp { from, to, over, curve } => {
            let over_s = over.as_secs_f64();
            let way = if age_s >= over_s { 1.0 } else { age_s / over_s };
            from + (to - from) * part(*curve, way)
        }
        Shape::Steps(steps) => {
            let begun = steps.iter().take_while(|(after, _)| after.as_secs_f64() <= age_s + 1e-9);
            begun.last().or(steps.first()).map_or(0.0, |(_, value)| *value)
        }
        Shape::Sine { mean, amplitude, period } => {
            mean + amplitude * math::sin(std::f64::consts::TAU * age_s / period.as_secs_f64())
        }
        // The exact step of an Ornstein-Uhlenbeck process over any time.
        Shape::Ou { mean, theta_per_s, sigma } => {
            let step_s = age_s - noise.age_s;
            if step_s > 0.0 {
                let kept = math::exp(-theta_per_s * step_s);
                let variance = if *theta_per_s > 0.0 {
                    sigma * sigma * (1.0 - kept * kept) / (2.0 * theta_per_s)
                } else {
                    sigma * sigma * step_s
                };
                noise.value = mean
                    + (noise.value - mean) * kept
                    + math::sqrt(variance) * noise.stream.normal();
                noise.age_s = age_s;
            }
            noise.value
        }
        Shape::Csv { series, linear, .. } => {
            if !linear {
                return series.at(age_s);
            }
            let (times_s, values) = (series.times_s(), series.values());
            let next = times_s.partition_point(|time_s| *time_s <= age_s);
            match next {
                0 => values[0],
                next if next == times_s.len() => values[next - 1],
                next => {
                    let (from_s, to_s) = (times_s[next - 1], times_s[next]);
                    let way = (age_s - from_s) / (to_s - from_s);
                    values[next - 1] + (values[next] - values[next - 1]) * way
                }
            }
        }
    }
}

/// The part of a ramp that is done at the part `way` of its time.
fn part(curve: Curve, way: f64) -> f64 {
    /// Time constants in the time of the ramp: 95 % of the way after 60 % of the time.
    const CONSTANTS: f64 = 5.0;
    match curve {
        Curve::Linear => way,
        Curve::Exp => (1.0 - math::exp(-CONSTANTS * way)) / (1.0 - math::exp(-CONSTANTS)),
        Curve::S => way * way * (3.0 - 2.0 * way),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Draw;
    use bess_core::series::Series;
    use std::time::Duration;

    const PARAMETERS: &[Parameter] = &[Parameter::number("x_w", -100.0, 100.0, "x")];

    fn course(value: Value, seed: u64) -> Course {
        let settings = [Setting { name: "x_w", value }];
        Course::new(&settings, PARAMETERS, Chance { seed }, "a", "unit-001")
    }
    fn values(shape: Shape, ages: &[u64]) -> Vec<f64> {
        let mut course = course(Value::Shape(shape), 1);
        assert!(course.moves());
        ages.iter().map(|age| course.at(*age).number("x_w")).collect()
    }
    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_ramp_goes_from_one_end_to_the_other_and_stays_there() {
        let ramp = |curve| Shape::Ramp { from: 10.0, to: 20.0, over: seconds(10), curve };
        assert_eq!(values(ramp(Curve::Linear), &[0, 50, 100, 999]), [10.0, 15.0, 20.0, 20.0]);
        assert_eq!(values(ramp(Curve::S), &[0, 50, 100]), [10.0, 15.0, 20.0]);
        let exp = values(ramp(Curve::Exp), &[0, 60, 100]);
        assert!(exp[0] == 10.0 && (19.4..19.7).contains(&exp[1]) && exp[2] == 20.0, "{exp:?}");
        let at_once = Shape::Ramp { from: 1.0, to: 2.0, over: seconds(0), curve: Curve::Linear };
        assert_eq!(values(at_once, &[0]), [2.0]);
    }

    #[test]
    fn what_moves_says_how_and_not_with_what_it_begins() {
        let ramp = Shape::Ramp { from: 50.0, to: 49.5, over: seconds(120), curve: Curve::Linear };
        let texts = course(Value::Shape(ramp), 1).texts();
        assert_eq!(texts, [("x_w", "from 50 to 49.5 over 120 s".to_owned())]);
        let steps = Shape::Steps(vec![(seconds(0), 1.0), (seconds(3), 2.0)]);
        let texts = course(Value::Shape(steps), 1).texts();
        assert_eq!(texts, [("x_w", "1 from 0 s, 2 from 3 s".to_owned())]);
        assert_eq!(course(Value::Number(7.5), 1).texts(), [("x_w", "7.5".to_owned())]);
    }

    #[test]
    fn steps_hold_until_the_next_and_a_sine_comes_round() {
        let steps = Shape::Steps(vec![(seconds(0), 1.0), (seconds(3), 2.0)]);
        assert_eq!(values(steps, &[0, 29, 30, 900]), [1.0, 1.0, 2.0, 2.0]);
        let sine = Shape::Sine { mean: 5.0, amplitude: 2.0, period: seconds(40) };
        let sine = values(sine, &[0, 100, 200, 300, 400]);
        for (value, expected) in sine.iter().zip([5.0, 7.0, 5.0, 3.0, 5.0]) {
            assert!((value - expected).abs() < 1e-9, "{sine:?}");
        }
    }

    #[test]
    fn a_record_is_held_or_joined_by_lines() {
        let series = Series::new(&[(0.0, 0.0), (10.0, 10.0)], false).expect("a series");
        let csv = |linear| Shape::Csv { file: "a.csv".into(), series: series.clone(), linear };
        assert_eq!(values(csv(true), &[0, 50, 100, 500]), [0.0, 5.0, 10.0, 10.0]);
        assert_eq!(values(csv(false), &[0, 50, 100]), [0.0, 0.0, 10.0]);
    }

    #[test]
    fn noise_stays_around_its_mean_with_its_spread_whatever_the_pace() {
        // Standard deviation in the long run: sigma / sqrt(2 theta) = 2.
        let noise = || Shape::Ou { mean: 50.0, theta_per_s: 0.5, sigma: 2.0 };
        for pace in [1, 10] {
            let ages: Vec<u64> = (0..20_000).map(|n| n * pace).collect();
            let drawn = values(noise(), &ages);
            assert_eq!(drawn[0], 50.0);
            let n = drawn.len() as f64;
            let mean = drawn.iter().sum::<f64>() / n;
            let sd = (drawn.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
            assert!((mean - 50.0).abs() < 0.3 && (sd - 2.0).abs() < 0.25, "{pace}: {mean} {sd}");
        }
    }

    #[test]
    fn what_is_drawn_stays_and_is_kept_in_the_range_of_its_parameter() {
        let drawn = Value::Draw(Draw::Uniform { min: 0.0, max: 1.0 });
        let mut one = course(drawn.clone(), 1);
        assert!(!one.moves());
        assert_eq!(one.at(0), one.at(500));
        assert_ne!(one.at(0), course(drawn.clone(), 2).at(0), "the seed matters");
        assert_eq!(one.at(0), course(drawn, 1).at(0), "the same seed gives the same");
        let far = Value::Draw(Draw::Uniform { min: 500.0, max: 600.0 });
        assert_eq!(course(far, 1).at(0).number("x_w"), 100.0);
        let ramp = Shape::Ramp { from: 0.0, to: 1e9, over: seconds(1), curve: Curve::Linear };
        assert_eq!(values(ramp, &[10]), [100.0]);
    }
}
