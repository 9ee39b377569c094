//! A whole scenario: parameters first, then the tree with them put in, then what only the whole can say.

use super::objects::{self, FORMATS};
use super::params::Params;
use super::part::{Context, Files, Part, is_id};
use super::scenario::{
    Abort, ClockMode, ClockPlan, Feature, Functions, Gravity, Initial, Level, Metadata, ReportPlan,
    Requires, Rollback, RollbackPolicy, Scenario, SteadyCheck, SteadyMode, SteadyState, Sut,
    SutMode,
};
use super::values::{self, Allowed};
use super::{expectations, order, setup, targets, timeline};
use crate::expr::Names;
use crate::faults::TargetKind;
use crate::library::FARMS;
use crate::{sight, text};
use bess_core::config::{
    Given, Literal, Problem, Problems, Section, did_you_mean, read_functions_change, read_tree,
};
use bess_core::spec::{FarmSpec, UnitSpec};
use bess_core::stage::Severity;
use bess_core::units::Watts;
use std::time::Duration;

/// What a scenario is read with.
#[derive(Clone, Copy)]
pub struct Reading<'r> {
    /// Parameters that are set from outside, by name.
    pub set: &'r [(String, String)],
    /// The farm that it is for.
    pub spec: &'r FarmSpec,
    /// Gives the text of a file that the scenario names beside its own.
    pub files: Files<'r>,
}

impl std::fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("set", &self.set).finish_non_exhaustive()
    }
}

/// Refuses every file: of a text that is in none itself.
///
/// # Errors
/// Always.
pub fn no_files(_: &str) -> Result<String, String> {
    Err("a scenario from a file can name others, this one has none beside it".to_owned())
}

/// Reads a scenario: YAML or JSON, TOML where the name `file` ends in `.toml`.
///
/// # Errors
/// Every problem, with its place.
pub fn read_scenario(file: &str, text: &str, reading: &Reading<'_>) -> Result<Scenario, Problems> {
    let mut tree = text::parse(file, text)?;
    let mut problems = Vec::new();
    let notation = tree.notation();
    let params = tree.with(|table| {
        let mut params = Params::default();
        let result = read_tree(file, text, notation, table, |root| {
            params = Params::read(root);
            root.leave_the_rest();
        });
        problems.extend(result.err().unwrap_or_default().0);
        params
    });
    let mut params = params;
    params.set(reading.set, &mut problems);
    let mut broken = Vec::new();
    let expansions = tree.expand(text, &["params"], &|name| params.get(name), &mut |wrong| {
        broken.push(Problem::at(file, text, wrong.scalar, String::new(), None));
        problems.push(Problem::at(file, text, wrong.span, wrong.message, wrong.hint));
    });
    let result = tree.with(|table| {
        read_tree(file, text, notation, table, |root| {
            let (names, targets, actions) = names(root, reading.spec);
            let context = Context {
                text,
                expansions: &expansions,
                names,
                targets,
                actions,
                spec: reading.spec,
                files: reading.files,
            };
            scenario(root, &context, params)
        })
    });
    // What could not be put in has been told; the gap that it left is no problem of its own.
    let place = |problem: &Problem| (problem.line, problem.column);
    let is_gap = |problem: &Problem| {
        let is_in = |gap: &Problem| {
            gap.line == problem.line
                && (gap.column..=gap.column + gap.width).contains(&problem.column)
        };
        broken.iter().any(is_in)
    };
    let found = match result {
        Ok(scenario) if problems.is_empty() => return Ok(scenario),
        Ok(_) => Vec::new(),
        Err(found) => found.0,
    };
    problems.extend(found.into_iter().filter(|problem| !is_gap(problem)));
    problems.sort_by_key(place);
    problems.dedup();
    Err(Problems(problems))
}

type Declared<'s> = (Names<'s>, Vec<(String, TargetKind)>, Vec<String>);

/// The names of targets and actions, which may be used before they are declared.
fn names<'s>(root: &Section<'_, '_>, spec: &'s FarmSpec) -> Declared<'s> {
    let mut names = Names::new(spec);
    let mut targets = Vec::new();
    if let Some(Given::Section(_)) = root.node("targets").map(|node| node.given()) {
        for (name, _, section) in root.named_sections("targets") {
            let kind = section.choice_or("kind", TargetKind::Unit, &TargetKind::ALL);
            names.add_target(&name, sight_kind(kind));
            targets.push((name, kind));
        }
    }
    let mut actions = Vec::new();
    if let Some(Given::List(nodes)) = root.node("timeline").map(|node| node.given()) {
        for node in nodes {
            let Given::Section(section) = node.given() else { continue };
            let id = match section.node("id").map(|node| node.given()) {
                Some(Given::Literal(Literal::Text(id))) => id,
                _ => String::new(),
            };
            names.add_action(&id);
            actions.push(id);
        }
    }
    (names, targets, actions)
}

/// A kind of target as expressions call it.
pub(super) fn sight_kind(kind: TargetKind) -> sight::TargetKind {
    match kind {
        TargetKind::Farm => sight::TargetKind::Farm,
        TargetKind::Grid => sight::TargetKind::Grid,
        TargetKind::Unit => sight::TargetKind::Unit,
        TargetKind::Rack => sight::TargetKind::Rack,
        TargetKind::Cell => sight::TargetKind::Cell,
        TargetKind::Sensor => sight::TargetKind::Sensor,
        TargetKind::Listener => sight::TargetKind::Listener,
        TargetKind::Client => sight::TargetKind::Client,
    }
}

/// The farm that a scenario names, of those that come with bess: its name and its text. `None` where it names
/// none that is known; reading the scenario tells what is wrong with it.
pub fn farm_of(file: &str, text: &str) -> Option<(&'static str, &'static str)> {
    let tree = text::parse(file, text).ok()?;
    let notation = tree.notation();
    let mut named = None;
    let read = tree.with(|table| {
        read_tree(file, text, notation, table, |root| {
            named = root.node("farm").map(|node| node.given()).and_then(|given| match given {
                Given::Literal(Literal::Text(name)) => Some(name),
                _ => None,
            });
            root.leave_the_rest();
        })
    });
    read.ok()?;
    FARMS.into_iter().find(|(name, _)| Some(*name) == named.as_deref())
}

fn scenario(root: &Section<'_, '_>, context: &Context<'_>, params: Params) -> Scenario {
    let part = Part::new(root.again(), &objects::SCENARIO, context);
    root.leave_the_rest();
    part.text("apiVersion");
    part.text("kind");
    part.node("params");
    let metadata = part.part("metadata").map(metadata).unwrap_or_default();
    let seed = part.whole("seed").unwrap_or_default();
    let duration = part.duration("duration");
    if duration.is_some_and(|duration| duration.is_zero()) {
        part.report("duration", "a scenario lasts longer than 0 s".to_owned(), None);
    }
    let duration = duration.unwrap_or_default();
    let sut = sut(part.part("sut"));
    let scenario = Scenario {
        metadata,
        params: params.list,
        seed,
        clock: clock(part.part("clock")),
        duration,
        sut,
        farm: part.word("farm", None, &FARMS.map(|(name, _)| (name, Some(name)))),
        requires: part.part("requires").map(requires).unwrap_or_default(),
        initial: part.parts("initial").into_iter().filter_map(initial).collect(),
        targets: targets::read(&part),
        steady_state: steady_state(part.part("steadyState")),
        timeline: timeline::read(&part, duration),
        expectations: expectations::read(&part),
        abort: part.parts("abort").into_iter().filter_map(abort).collect(),
        rollback: rollback(part.part("rollback")),
        report: report(part.part("report")),
    };
    unique_ids(&part, &scenario);
    nobody_notices(&part, &scenario);
    order::check(&part, &scenario);
    part.finish();
    scenario
}

/// Ids of checks are theirs alone, as are those of actions.
fn unique_ids(part: &Part<'_, '_, '_>, scenario: &Scenario) {
    let complain = |section: &Section<'_, '_>, id: &str, what: &str| {
        section.report(section.span_of("id"), format!("there is another {what} `{id}`"), None);
    };
    let actions: Vec<&str> = scenario.timeline.iter().map(|action| action.id.as_str()).collect();
    for (place, section) in part.section.sections("timeline").iter().enumerate() {
        if actions.get(place).is_some_and(|id| actions[..place].contains(id) && !id.is_empty()) {
            complain(section, actions[place], "action");
        }
    }
    let mut checks: Vec<String> = Vec::new();
    let steady = part.section.section("steadyState");
    let steady = steady.map(|steady| steady.sections("checks")).unwrap_or_default();
    for section in steady.iter().chain(&part.section.sections("expectations")) {
        let id = section.text_or("id", "");
        if checks.contains(&id) && !id.is_empty() {
            complain(section, &id, "check");
        }
        checks.push(id);
    }
}

/// Nobody can notice what must be noticed where there is no system under test.
fn nobody_notices(part: &Part<'_, '_, '_>, scenario: &Scenario) {
    if scenario.sut.mode != SutMode::None {
        return;
    }
    let sections = part.section.sections("expectations");
    for expectation in &scenario.expectations {
        let asks = expectation.kind.conditions().any(|condition| condition.expr.uses().sut);
        let section = sections.iter().find(|section| section.text_or("id", "") == expectation.id);
        if let Some(section) = section.filter(|_| asks && expectation.severity == Severity::Must) {
            let message = format!(
                "`{}` must be noticed, and with `sut: {{mode: none}}` nobody is there who could",
                expectation.id
            );
            let hint = "give it `severity: should`, or let somebody take part".to_owned();
            section.report(section.span_of("expr"), message, Some(hint));
        }
    }
}

fn metadata(part: Part<'_, '_, '_>) -> Metadata {
    let metadata = Metadata {
        id: part.id("id"),
        title: part.text("title"),
        summary: part.text("summary").trim().to_owned(),
        tags: part.texts("tags"),
        refs: part.texts("refs"),
        severity: part.word("severity", Gravity::Info, &Gravity::ALL),
        level: part.word("level", Level::Farm, &Level::ALL),
    };
    for (tag, span) in part.section.names_or_numbers("tags") {
        if !is_id(&tag) {
            let message = format!("a tag is lower-case words joined by hyphens, got \"{tag}\"");
            part.section.report(span, message, None);
        }
    }
    part.finish();
    metadata
}

fn clock(part: Option<Part<'_, '_, '_>>) -> ClockPlan {
    let Some(part) = part else {
        return ClockPlan { mode: ClockMode::Stepped, speed: 1.0, max_wall: None };
    };
    let mode = part.word("mode", ClockMode::Stepped, &ClockMode::ALL);
    let speed = values::bare(&part, "speed");
    match (mode, part.has("speed")) {
        (ClockMode::Accelerated, false) => {
            let message = "an accelerated clock needs a `speed`".to_owned();
            part.report("mode", message, Some("speed: 30".to_owned()));
        }
        (ClockMode::Realtime | ClockMode::Stepped, true) => {
            part.refuse("speed", "is of an accelerated clock", "mode: accelerated");
        }
        _ => {}
    }
    let plan = ClockPlan { mode, speed: speed.unwrap_or(1.0), max_wall: part.duration("maxWall") };
    part.finish();
    plan
}

fn sut(part: Option<Part<'_, '_, '_>>) -> Sut {
    let attach_timeout = Duration::from_secs(60);
    let Some(part) = part else {
        return Sut { mode: SutMode::Stub, expect_clients: 1, attach_timeout };
    };
    let mode = part.word("mode", SutMode::Stub, &SutMode::ALL);
    let wanted = part.whole("expectClients");
    if mode == SutMode::None && wanted.is_some_and(|clients| clients > 0) {
        let message = "nobody attaches where the system under test is `none`".to_owned();
        part.report("expectClients", message, None);
    }
    let default = usize::from(mode != SutMode::None);
    let sut = Sut {
        mode,
        expect_clients: wanted.map_or(default, |clients| clients as usize),
        attach_timeout: part.duration_or("attachTimeout", attach_timeout),
    };
    part.finish();
    sut
}

fn requires(part: Part<'_, '_, '_>) -> Requires {
    let requires = Requires {
        min_units: part.whole("minUnits").unwrap_or_default() as usize,
        min_power: values::bare(&part, "min_power_w").map(Watts),
        chemistry: part.has("chemistry").then(|| part.text("chemistry")),
        features: part.words("features", &Feature::ALL),
    };
    part.finish();
    requires
}

fn initial(part: Part<'_, '_, '_>) -> Option<Initial> {
    let target = part.target("target");
    let kind = target.map(|target| part.context.targets[target].1);
    let section = part.section.section("set");
    let functions = part.section.section("functions");
    if !part.has("set") && !part.has("functions") {
        let message = "one of `set` and `functions` is needed".to_owned();
        part.section.report(part.section.span(), message, None);
    }
    let initial = match kind {
        Some(kind @ (TargetKind::Unit | TargetKind::Farm)) => {
            let parameters = setup::parameters(kind);
            let set = values::settings(section, &parameters, Allowed::Draws, part.context);
            if kind == TargetKind::Farm {
                part.refuse("functions", "is of units, not of the farm", "name a target of units");
            }
            let functions = functions.map(|section| self::functions(section, &part));
            target.map(|target| Initial { target, set, functions })
        }
        Some(kind) => {
            let message = format!("only units and the farm can be set, not a {}", kind.name());
            part.report("target", message, None);
            None
        }
        None => None,
    };
    part.finish();
    initial
}

/// The functions of units in `section`; what no unit of the farm takes is reported.
fn functions(section: Section<'_, '_>, part: &Part<'_, '_, '_>) -> Functions {
    let (on, change) = read_functions_change(section);
    let spec = part.context.spec;
    let refused = |unit: &UnitSpec| change.check(&unit.design, spec.nominal_frequency.0).err();
    if let Some(first) = spec.units.first().and_then(refused)
        && spec.units.iter().all(|unit| refused(unit).is_some())
        && part.section.is_clean()
    {
        part.report("functions", format!("no unit of the farm takes them: {first}"), None);
    }
    Functions { on, change }
}

fn steady_state(part: Option<Part<'_, '_, '_>>) -> SteadyState {
    let mut steady = SteadyState {
        window: Duration::ZERO,
        timeout: Duration::from_secs(300),
        checks: Vec::new(),
    };
    let Some(part) = part else { return steady };
    steady.window = part.duration("window").unwrap_or_default();
    steady.timeout = part.duration_or("timeout", steady.timeout);
    if part.has("window") && steady.timeout < steady.window {
        let message = "the time to become steady is shorter than the window".to_owned();
        part.report(if part.has("timeout") { "timeout" } else { "window" }, message, None);
    }
    let parts = part.parts("checks");
    if part.has("checks") && parts.is_empty() {
        part.report("checks", "at least one check says what is so without faults".to_owned(), None);
    }
    for part in parts {
        let id = part.id("id");
        let modes = part.words("modes", &SteadyMode::ALL);
        if part.has("modes") && modes.is_empty() {
            part.report("modes", "a check is asked at some time".to_owned(), None);
        }
        let condition = part.condition_that_looks("expr");
        let severity = part.word("severity", Severity::Must, &Severity::ALL);
        let message = part.text("message");
        part.finish();
        let check =
            condition.map(|condition| SteadyCheck { id, modes, condition, severity, message });
        steady.checks.extend(check);
    }
    part.finish();
    steady
}

fn abort(part: Part<'_, '_, '_>) -> Option<Abort> {
    let condition = part.condition("when");
    let hold = part.duration_or("for", Duration::ZERO);
    let reason = part.text("reason");
    part.finish();
    Some(Abort { condition: condition?, hold, reason })
}

fn rollback(part: Option<Part<'_, '_, '_>>) -> Rollback {
    let mut rollback = Rollback { policy: RollbackPolicy::Always, reset_alarms: false };
    if let Some(part) = part {
        rollback.policy = part.word("policy", rollback.policy, &RollbackPolicy::ALL);
        rollback.reset_alarms = part.flag_or("resetAlarms", false);
        part.finish();
    }
    rollback
}

fn report(part: Option<Part<'_, '_, '_>>) -> ReportPlan {
    let mut plan = ReportPlan {
        formats: FORMATS.iter().map(|(_, form)| *form).collect(),
        record: Vec::new(),
        sample_every: Duration::from_secs(1),
    };
    let Some(part) = part else { return plan };
    if part.has("formats") {
        plan.formats = part.words("formats", &FORMATS);
    }
    plan.record = part.texts("record");
    for (wish, span) in part.section.names_or_numbers("record") {
        let pattern = match wish.split_once('@') {
            Some((pattern, target)) => {
                if !part.context.targets.iter().any(|(name, _)| name == target) {
                    let message = format!("there is no target `{target}`");
                    part.section.report(span.clone(), message, None);
                }
                pattern
            }
            None => wish.as_str(),
        };
        let pattern = pattern.strip_prefix("shadow.").unwrap_or(pattern);
        if !sight::SIGNALS.iter().any(|signal| sight::is_called(signal, pattern)) {
            let known: Vec<&str> = sight::SIGNALS.iter().map(|signal| signal.name).collect();
            let message = format!("no signal is called `{pattern}`");
            part.section.report(span, message, did_you_mean(pattern, &known));
        }
    }
    if let Some(every) = part.duration("sampleEvery") {
        if every < Duration::from_millis(100) {
            let message = "samples are a tick, 100ms, apart at least".to_owned();
            part.report("sampleEvery", message, None);
        }
        plan.sample_every = every;
    }
    part.finish();
    plan
}
