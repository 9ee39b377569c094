//! Every object of a scenario file with its keys.

use super::scenario::{
    ClockMode, Concurrency, ExpectationKind, Feature, Gravity, Level, Mode, OnEmpty, Recovery,
    RollbackPolicy, SteadyMode, SutMode,
};
use super::table::{Key, Kind, Object, names};
use super::value::{Curve, Draw};
use crate::faults::TargetKind;
use crate::library::FARMS;
use bess_core::stage::Severity;

/// What `apiVersion` must be.
pub const API_VERSION: &str = "bess/v1";
/// Forms of a report, with their names in files.
pub const FORMATS: [(&str, bess_core::stage::ReportForm); 3] = [
    ("json", bess_core::stage::ReportForm::Json),
    ("junit", bess_core::stage::ReportForm::Junit),
    ("html", bess_core::stage::ReportForm::Html),
];
/// Types of parameters.
pub const TYPES: [&str; 5] = ["int", "float", "string", "bool", "duration"];
/// What a time counts from: an action's begin or its end.
pub const EDGES: [(&str, bool); 2] = [("begin", false), ("end", true)];

const SEVERITY: Key = Key::optional(
    "severity",
    Kind::Word(|| names(&Severity::ALL)),
    "must (default): the run fails with it; should and info are told alone",
);
const MESSAGE: Key = Key::optional("message", Kind::Text, "what it says to people");
const ID: Key = Key::new("id", Kind::Id, "a name of its own");
const ANY: Kind = Kind::Number { min: f64::NEG_INFINITY, max: f64::INFINITY };
const POSITIVE: Kind = Kind::Number { min: 0.0, max: f64::INFINITY };
const SHARE: Kind = Kind::Number { min: 0.0, max: 1.0 };

macro_rules! object {
    ($(#[doc = $text:literal] $constant:ident $name:literal [$($keys:expr),* $(,)?] $(one of $one:expr)?;)*) => {
        $(
            #[doc = $text]
            pub static $constant: Object = Object {
                name: $name,
                text: $text,
                keys: &[$($keys),*],
                one_of: object!(@one $($one)?),
            };
        )*
        /// Every object.
        pub static OBJECTS: &[&Object] = &[$(&$constant),*];
    };
    (@one $one:expr) => { $one };
    (@one) => { &[] };
}

/// Keys that every expectation has.
const EXPECTATION: &[Key] = &[
    ID,
    Key::new("kind", Kind::Word(|| ExpectationKind::NAMES.to_vec()), "what must be"),
    Key::optional("after", Kind::Object(&AFTER), "from when on; else from the start"),
    SEVERITY,
    MESSAGE,
];
const EXPR: Key = Key::new("expr", Kind::Condition, "what must be true");
const LASTS: Key = Key::optional("for", Kind::Duration, "for how long; else to the end");
const EVENT: &[Key] = &[
    Key::new("event", Kind::Text, "kind of the event, such as alarm.active"),
    Key::optional("target", Kind::Target, "whom it must be about"),
    Key::optional("value", Kind::Literal, "of a state: which; of a write: the power in W"),
    Key::optional("code", Kind::Text, "of an alarm: which"),
    Key::optional("level", Kind::Text, "of an alarm: its level"),
    Key::optional("nonzero", Kind::Flag, "of a write: whether it is not zero"),
];
const RAMP_TO: &[Key] = &[
    Key::new("from", Kind::Scalar, "where it begins"),
    Key::new("to", Kind::Scalar, "where it ends"),
    Key::new("over", Kind::Duration, "in what time"),
    Key::optional("curve", Kind::Word(|| names(&Curve::ALL)), "linear (default), exp or s"),
];
const DIST: Key = Key::new("dist", Kind::Word(|| Draw::NAMES.to_vec()), "which distribution it is");

object! {
    /// A scenario: what goes wrong, when, to whom, and what must then be true.
    SCENARIO "scenario" [&[
        Key::new("apiVersion", Kind::Const(API_VERSION), "version of this format"),
        Key::new("kind", Kind::Const("Scenario"), "what the file is"),
        Key::new("metadata", Kind::Object(&METADATA), "what it is called"),
        Key::optional("params", Kind::Map(&PARAM), "knobs: ${name} puts one in"),
        Key::new("seed", Kind::Whole { min: 0, max: u64::MAX }, "seed of its chance; 0 draws one"),
        Key::optional("clock", Kind::Object(&CLOCK), "how its time goes; stepped by default"),
        Key::new("duration", Kind::Duration, "length of the time line"),
        Key::optional("sut", Kind::Object(&SUT), "the system under test; the built-in EMS by default"),
        Key::optional("farm", Kind::Word(|| names(&FARMS)), "the farm on which it runs where nobody names one, of those that come with bess"),
        Key::optional("requires", Kind::Object(&REQUIRES), "what the farm must have"),
        Key::optional("initial", Kind::List(&INITIAL), "what is set before the farm is looked at"),
        Key::new("targets", Kind::Map(&TARGET), "whom actions and checks are about"),
        Key::new("steadyState", Kind::Object(&STEADY_STATE), "what is so without faults"),
        Key::new("timeline", Kind::List(&ACTION), "what happens"),
        Key::optional("expectations", Kind::ListByKind(EXPECTATIONS), "what must then be true"),
        Key::optional("abort", Kind::List(&ABORT), "what ends the run before its time"),
        Key::optional("rollback", Kind::Object(&ROLLBACK), "what becomes of the faults at the end"),
        Key::optional("report", Kind::Object(&REPORT), "what is written down"),
    ]];
    /// What a scenario is called and what it is about.
    METADATA "metadata" [&[
        ID,
        Key::new("title", Kind::Text, "its title"),
        Key::new("summary", Kind::Text, "what happens in it, in a few sentences"),
        Key::optional("tags", Kind::Texts, "words to find it by"),
        Key::optional("refs", Kind::Texts, "incidents, standards and other sources"),
        Key::optional("severity", Kind::Word(|| names(&Gravity::ALL)), "how grave it is; info by default"),
        Key::optional("level", Kind::Word(|| names(&Level::ALL)), "how much it is about; farm by default"),
    ]];
    /// A knob of a scenario.
    PARAM "param" [&[
        Key::new("type", Kind::Word(|| TYPES.to_vec()), "its type"),
        Key::new("default", Kind::Literal, "its value where none is set"),
        Key::optional("min", Kind::Scalar, "smallest value"),
        Key::optional("max", Kind::Scalar, "largest value"),
        Key::new("description", Kind::Text, "what it is"),
    ]];
    /// How the time of a run goes.
    CLOCK "clock" [&[
        Key::new("mode", Kind::Word(|| names(&ClockMode::ALL)), "realtime, accelerated, or stepped as fast as it goes"),
        Key::optional("speed", Kind::Number { min: 0.01, max: 10_000.0 }, "of accelerated: simulated seconds per second"),
        Key::optional("maxWall", Kind::Duration, "wall time after which the run is given up"),
    ]];
    /// The system under test.
    SUT "sut" [&[
        Key::optional("mode", Kind::Word(|| names(&SutMode::ALL)), "external, stub (default) for the built-in EMS, or none"),
        Key::optional("expectClients", Kind::Whole { min: 0, max: 1000 }, "clients that must have asked before it starts; 1, without a system 0"),
        Key::optional("attachTimeout", Kind::Duration, "for how long they are waited for; 60s by default"),
    ]];
    /// What the farm must have.
    REQUIRES "requires" [&[
        Key::optional("minUnits", Kind::Whole { min: 1, max: 100_000 }, "least number of units"),
        Key::optional("min_power_w", POSITIVE, "least rated power of the farm"),
        Key::optional("chemistry", Kind::Text, "name of the chemistry that every cell must have, such as nmc-94"),
        Key::optional("features", Kind::Words(|| names(&Feature::ALL)), "things that not every farm has"),
    ]];
    /// Something that is set before the farm is looked at.
    INITIAL "initial" [&[
        Key::new("target", Kind::Target, "where"),
        Key::optional("set", Kind::Set, "what"),
        Key::optional("functions", Kind::Functions, "of units: what they do by themselves, with the keys of a farm file"),
    ]];
    /// Whom something concerns.
    TARGET "target" [&[
        Key::new("kind", Kind::Word(|| names(&TargetKind::ALL)), "what it selects"),
        Key::optional("match", Kind::Object(&MATCH), "what they must match"),
        Key::optional("of", Kind::Target, "only parts of these"),
        Key::optional("near", Kind::Target, "only cells near these, without themselves"),
        Key::optional("radius", Kind::Whole { min: 1, max: 10_000 }, "of near: how many cells away; 1 by default"),
        Key::optional("not", Kind::Targets, "nothing of these"),
        Key::optional("mode", Kind::Word(|| Mode::NAMES.to_vec()), "how many of them: all by default"),
        Key::optional("value", Kind::Scalar, "of fixed: how many; of percent and random-max-percent: 25 or 25%"),
        Key::optional("onEmpty", Kind::Word(|| names(&OnEmpty::ALL)), "fail (default) or skip where nothing matches"),
        Key::optional("sticky", Kind::Flag, "resolved once at the start (default), or at each use"),
    ]];
    /// What a target must match.
    MATCH "match" [&[
        Key::optional("units", Kind::Units, "only these units"),
        Key::optional("expr", Kind::Condition, "only those for which this is true"),
        Key::optional("rack", Kind::Whole { min: 1, max: 10_000 }, "number of the rack in its unit, from 1"),
        Key::optional("module", Kind::Whole { min: 1, max: 10_000 }, "number of the module in its rack, from 1"),
        Key::optional("cell", Kind::Whole { min: 1, max: 100_000 }, "number of the cell in its rack, or in its module, from 1"),
        Key::optional("signal", Kind::Word(|| bess_core::defect::Reading::ALL.iter().map(|row| row.0).collect()), "of a sensor: what it measures"),
        Key::optional("name", Kind::Text, "of a listener or a client: its name"),
    ]];
    /// What is so without faults.
    STEADY_STATE "steadyState" [&[
        Key::new("window", Kind::Duration, "for how long it is looked at before the time line starts"),
        Key::optional("timeout", Kind::Duration, "how long it may take to become so; 5m by default"),
        Key::new("checks", Kind::List(&STEADY_CHECK), "what must hold"),
    ]];
    /// Something that is so without faults.
    STEADY_CHECK "steadyCheck" [&[
        ID,
        Key::new("modes", Kind::Words(|| names(&SteadyMode::ALL)), "when it is asked"),
        EXPR,
        SEVERITY,
        MESSAGE,
    ]];
    /// Something that happens.
    ACTION "action" [&[
        ID,
        Key::optional("at", Kind::Duration, "when, from the start of the time line"),
        Key::optional("after", Kind::Object(&AFTER), "after what"),
        Key::optional("when", Kind::Object(&WHEN), "as soon as what is true"),
        Key::new("action", Kind::Word(super::Deed::names), "what happens"),
        Key::optional("target", Kind::Target, "to whom"),
        Key::optional("with", Kind::With, "its parameters: numbers, shapes or distributions"),
        Key::optional("duration", Kind::Duration, "for how long; else to the end"),
        Key::optional("recovery", Kind::Word(|| names(&Recovery::ALL)), "what ends it: auto (default), manual or never"),
        Key::optional("repeat", Kind::Object(&REPEAT), "how it comes again"),
        Key::optional("prove", Kind::Condition, "auto (default), or a condition that shows its effect"),
    ]] one of &["at", "after", "when"];
    /// After something else.
    AFTER "after" [&[
        Key::optional("action", Kind::Action, "after this action"),
        Key::optional("edge", Kind::Word(|| names(&EDGES)), "its begin (default) or its end"),
        Key::optional("event", Kind::Text, "after the first event of this kind"),
        Key::optional("target", Kind::Target, "whom the event must be about"),
        Key::optional("value", Kind::Literal, "its value"),
        Key::optional("code", Kind::Text, "of an alarm: which"),
        Key::optional("level", Kind::Text, "of an alarm: its level"),
        Key::optional("nonzero", Kind::Flag, "of a write: whether it is not zero"),
        Key::optional("delay", Kind::Duration, "how long after it"),
    ]] one of &["action", "event"];
    /// As soon as something is true.
    WHEN "when" [&[
        Key::new("expr", Kind::Condition, "what"),
        Key::optional("for", Kind::Duration, "for how long without a break"),
        Key::optional("timeout", Kind::Duration, "after this time it is not waited for any more"),
    ]];
    /// How an action comes again.
    REPEAT "repeat" [&[
        Key::new("every", Kind::Every, "from begin to begin"),
        Key::new("count", Kind::Whole { min: 2, max: 100_000 }, "how often in all"),
        Key::optional("concurrency", Kind::Word(|| names(&Concurrency::ALL)), "where it has not ended yet: forbid (default), allow or replace"),
    ]];
    /// It becomes true in time.
    WITHIN "within" [EXPECTATION, &[
        EXPR,
        Key::new("within", Kind::Duration, "in what time"),
        Key::optional("for", Kind::Duration, "for how long it must stay so"),
    ]];
    /// It is true all the time.
    ALWAYS "always" [EXPECTATION, &[EXPR, LASTS]];
    /// It is never true.
    NEVER "never" [EXPECTATION, &[EXPR, LASTS]];
    /// It is true at some time.
    EVENTUALLY "eventually" [EXPECTATION, &[
        EXPR,
        Key::optional("within", Kind::Duration, "in what time; else to the end"),
    ]];
    /// Events come in an order.
    SEQUENCE "sequence" [EXPECTATION, &[Key::new("order", Kind::List(&STEP), "which events")]];
    /// A signal comes to a value and stays there.
    SETTLES "settles" [EXPECTATION, &[
        Key::new("signal", Kind::Signal, "the signal"),
        Key::new("to", Kind::Scalar, "the value: a number, or an expression"),
        Key::new("tolerance", Kind::Scalar, "how near: a percentage of the value, or a quantity"),
        Key::new("within", Kind::Duration, "in what time"),
        Key::optional("hold", Kind::Duration, "for how long it must stay there"),
    ]];
    /// So many events.
    COUNT "count" [EXPECTATION, EVENT, &[
        Key::optional("window", Kind::Duration, "in what time; else to the end"),
        Key::optional("min", Kind::Whole { min: 0, max: 1_000_000_000 }, "least number"),
        Key::optional("max", Kind::Whole { min: 0, max: 1_000_000_000 }, "largest number"),
    ]];
    /// One event of a sequence.
    STEP "step" [EVENT, &[
        Key::optional("within", Kind::Duration, "in what time after the step before"),
    ]];
    /// What ends a run before its time.
    ABORT "abort" [&[
        Key::new("when", Kind::Condition, "what must become true"),
        Key::optional("for", Kind::Duration, "for how long without a break"),
        Key::new("reason", Kind::Text, "what it says to people"),
    ]];
    /// What becomes of the faults at the end.
    ROLLBACK "rollback" [&[
        Key::optional("policy", Kind::Word(|| names(&RollbackPolicy::ALL)), "faults are ended: always (default), deviated (where the run did not pass) or never"),
        Key::optional("resetAlarms", Kind::Flag, "whether latched alarms are reset; no by default"),
    ]];
    /// What is written down.
    REPORT "report" [&[
        Key::optional("formats", Kind::Words(|| names(&FORMATS)), "forms of the report; all by default"),
        Key::optional("record", Kind::Texts, "signals that are recorded, as names or with a *"),
        Key::optional("sampleEvery", Kind::Duration, "time between two samples; 1s by default"),
    ]];
    /// A single fault.
    FAULT "fault" [&[
        Key::optional("id", Kind::Id, "a name of its own"),
        Key::new("kind", Kind::Word(|| crate::faults::KINDS.iter().map(|kind| kind.name).collect()), "what is wrong"),
        Key::optional("target", Kind::Who, "whom it hits; not needed for the farm and the grid"),
        Key::optional("with", Kind::With, "its parameters: numbers, shapes or distributions"),
        Key::optional("duration", Kind::Duration, "for how long; else until it is ended"),
        Key::optional("recovery", Kind::Word(|| names(&Recovery::ALL)), "what ends it: auto (default), manual or never"),
        Key::optional("seed", Kind::Whole { min: 0, max: u64::MAX }, "seed of its chance"),
    ]];
    /// From one number to another.
    RAMP "ramp" [RAMP_TO];
    /// A step.
    STEP_TO "stepTo" [&[
        Key::new("after", Kind::Duration, "when, from the begin of the action"),
        Key::new("value", Kind::Scalar, "the number from then on"),
    ]];
    /// A sine around a mean.
    SINE "sine" [&[
        Key::new("mean", Kind::Scalar, "its mean"),
        Key::new("amplitude", Kind::Scalar, "its amplitude"),
        Key::new("period", Kind::Duration, "its period"),
    ]];
    /// Noise that comes back to its mean (Ornstein-Uhlenbeck).
    OU "ou" [&[
        Key::new("mean", Kind::Scalar, "its mean"),
        Key::new("theta_per_s", Kind::Number { min: 0.0, max: 10.0 }, "how fast it comes back"),
        Key::new("sigma", Kind::Scalar, "its strength, per square root of a second"),
    ]];
    /// What a record says: a file with a heading, its first column seconds.
    CSV "csv" [&[
        Key::new("file", Kind::Text, "the file, beside that of the scenario"),
        Key::new("column", Kind::Text, "heading of the column"),
        Key::optional("interpolate", Kind::Flag, "straight lines between the samples; else each holds"),
    ]];
    /// Every number of a range alike.
    UNIFORM "uniform" [&[
        DIST,
        Key::new("min", Kind::Scalar, "smallest"),
        Key::new("max", Kind::Scalar, "largest"),
    ]];
    /// Normal.
    NORMAL "normal" [&[
        DIST,
        Key::new("mean", Kind::Scalar, "mean"),
        Key::new("sd", Kind::Scalar, "standard deviation"),
        Key::optional("min", Kind::Scalar, "smallest"),
        Key::optional("max", Kind::Scalar, "largest"),
    ]];
    /// The exponential of a normal one.
    LOGNORMAL "lognormal" [&[
        DIST,
        Key::new("mu", ANY, "mean of the logarithm"),
        Key::new("sigma", POSITIVE, "standard deviation of the logarithm"),
    ]];
    /// Exponential.
    EXPONENTIAL "exponential" [&[DIST, Key::new("mean", Kind::Scalar, "mean")]];
    /// Weibull.
    WEIBULL "weibull" [&[
        DIST,
        Key::new("shape", Kind::Number { min: 0.01, max: 100.0 }, "shape, k"),
        Key::new("scale", Kind::Scalar, "scale"),
    ]];
    /// 1 with a probability, else 0.
    BERNOULLI "bernoulli" [&[DIST, Key::new("p", SHARE, "the probability")]];
    /// One of some numbers.
    CHOICE "choice" [&[
        DIST,
        Key::new("of", Kind::Numbers, "the numbers"),
        Key::optional("weights", Kind::Numbers, "their weights; alike by default"),
    ]];
    /// Losses in bursts; as a single number, the share that is lost in the long run.
    GILBERT_ELLIOTT "gilbert_elliott" [&[
        DIST,
        Key::new("p_good_to_bad", SHARE, "probability to become bad"),
        Key::new("p_bad_to_good", SHARE, "probability to become good"),
        Key::new("loss_good", SHARE, "loss while good"),
        Key::new("loss_bad", SHARE, "loss while bad"),
    ]];
}

/// Expectations in the order of [`ExpectationKind::NAMES`].
pub static EXPECTATIONS: &[&Object] =
    &[&WITHIN, &ALWAYS, &NEVER, &EVENTUALLY, &SEQUENCE, &SETTLES, &COUNT];
/// Distributions in the order of [`Draw::NAMES`].
pub static DRAWS: &[&Object] =
    &[&UNIFORM, &NORMAL, &LOGNORMAL, &EXPONENTIAL, &WEIBULL, &BERNOULLI, &CHOICE, &GILBERT_ELLIOTT];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_by_kind_are_in_the_order_of_their_names() {
        let of = |list: &[&Object]| list.iter().map(|object| object.name).collect::<Vec<_>>();
        assert_eq!(of(EXPECTATIONS), ExpectationKind::NAMES);
        assert_eq!(of(DRAWS), Draw::NAMES);
    }

    #[test]
    fn no_object_has_a_key_or_a_name_twice() {
        for (place, object) in OBJECTS.iter().enumerate() {
            let mut keys: Vec<&str> = object.keys().map(|key| key.name).collect();
            assert!(object.one_of.iter().all(|key| keys.contains(key)), "{}", object.name);
            let n_keys = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), n_keys, "{}", object.name);
            assert!(OBJECTS[..place].iter().all(|other| other.name != object.name));
        }
    }
}
