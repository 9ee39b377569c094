//! The checks of a run: the steady state and the expectations, each with its judge.

use super::judge::{Judge, ticks};
use super::record::Since;
use crate::expr::{EventPattern, Expr, Names, Uses};
use crate::format::{
    After, Anchor, Condition, Expectation, ExpectationKind, Goal, Scenario, SteadyMode, Tolerance,
};
use crate::report::{BandPart, CheckPart};
use crate::sight::Sight;
use bess_core::stage::{CheckState, CheckView, Severity};
use bess_core::time::{TICKS_PER_S, Tick};
use std::collections::VecDeque;

/// Ticks before and after a violation that the report shows.
const WINDOW_TICKS: u64 = 10 * TICKS_PER_S;

/// When a check is asked.
#[derive(Clone, Debug)]
pub(super) enum When {
    /// Before the time line, over the whole window of the steady state.
    Start,
    /// At the end.
    End,
    /// From the zero to the end.
    Always,
    /// While a fault is in force.
    OnChaos,
    /// From its anchor on.
    Expected,
}

/// What a check looks at.
#[derive(Clone, Debug)]
enum Looks {
    /// A condition, and whether it must not hold.
    Condition(Condition, bool),
    Settles(Box<Settling>),
    Events(Vec<EventPattern>),
}

/// A signal that is to settle.
#[derive(Clone, Debug)]
struct Settling {
    signal: Condition,
    goal: Goal,
    tolerance: Tolerance,
}

/// A value that a condition compares, and where it is right.
#[derive(Clone, Debug)]
struct Compared {
    signal: Expr,
    // Each a goal, the part of its size and the number that are added to it.
    low: Option<(Expr, f64, f64)>,
    high: Option<(Expr, f64, f64)>,
    /// Once the time line runs: lowest and highest right value.
    band: Option<(f64, f64)>,
    /// While it is asked: how they go.
    path: Vec<(Tick, f64, f64)>,
    /// Ticks between two of them.
    every: u64,
}

/// Most moments at which the bounds of a check are kept; where there would be more, it is every other one.
const BOUNDS_MAX: usize = 2_000;

/// One check.
#[derive(Clone, Debug)]
pub(super) struct Check {
    /// Its id.
    pub id: String,
    kind: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    message: String,
    asks: String,
    /// When it is asked.
    pub when: When,
    /// What it counts from.
    pub after: Option<After>,
    /// The compiled pattern of the event that it counts from.
    pub anchor: Option<EventPattern>,
    looks: Looks,
    /// Its way to its result.
    pub judge: Judge,
    compared: Option<Compared>,
    recent: VecDeque<(Tick, f64)>,
    window: Vec<(Tick, f64)>,
}

/// Every check of a scenario, those of the steady state first. `has_sut` says whether somebody outside can
/// notice something.
pub(super) fn all(scenario: &Scenario, names: &Names<'_>, has_sut: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    for check in &scenario.steady_state.checks {
        for mode in &check.modes {
            let whens: &[When] = match mode {
                SteadyMode::StartOfTest => &[When::Start],
                SteadyMode::EndOfTest => &[When::End],
                SteadyMode::Edge => &[When::Start, When::End],
                SteadyMode::Continuous => &[When::Always],
                SteadyMode::OnChaos => &[When::OnChaos],
            };
            for when in whens {
                let id = if check.modes.len() == 1 && whens.len() == 1 {
                    check.id.clone()
                } else {
                    let at = match when {
                        When::Start => "start",
                        When::End => "end",
                        When::Always => "continuous",
                        When::OnChaos | When::Expected => "on-chaos",
                    };
                    format!("{}-{at}", check.id)
                };
                let lasts =
                    matches!(when, When::Start).then(|| ticks(scenario.steady_state.window));
                checks.push(Check {
                    id,
                    kind: "steady_state",
                    severity: check.severity,
                    message: check.message.clone(),
                    asks: check.condition.text.clone(),
                    when: when.clone(),
                    after: None,
                    anchor: None,
                    looks: Looks::Condition(check.condition.clone(), false),
                    judge: Judge::stays(lasts),
                    compared: Compared::of(&check.condition.text, names, false),
                    recent: VecDeque::new(),
                    window: Vec::new(),
                });
            }
        }
    }
    let expected = |expectation: &Expectation| Check::expected(expectation, names);
    checks.extend(scenario.expectations.iter().map(expected));
    for check in &mut checks {
        if check.uses().sut && !has_sut {
            let seen = "nobody takes part who could notice".to_owned();
            check.judge.decide(CheckState::Skipped, Tick(0), seen);
            check.judge.decided = None;
        }
    }
    checks
}

impl Check {
    fn expected(expectation: &Expectation, names: &Names<'_>) -> Self {
        let (looks, asks, compared) = match &expectation.kind {
            ExpectationKind::Within { condition, .. }
            | ExpectationKind::Always { condition, .. }
            | ExpectationKind::Eventually { condition, .. } => {
                let compared = Compared::of(&condition.text, names, false);
                (Looks::Condition(condition.clone(), false), condition.text.clone(), compared)
            }
            ExpectationKind::Never { condition, .. } => {
                let compared = Compared::of(&condition.text, names, true);
                (Looks::Condition(condition.clone(), true), condition.text.clone(), compared)
            }
            ExpectationKind::Settles { signal, goal, tolerance, .. } => {
                let asks = settles_text(signal, goal, *tolerance);
                let compared = Compared::of(&asks, names, false);
                let (signal, goal) = (signal.clone(), goal.clone());
                let settling = Settling { signal, goal, tolerance: *tolerance };
                (Looks::Settles(Box::new(settling)), asks, compared)
            }
            ExpectationKind::Sequence(steps) => {
                let texts: Vec<&str> =
                    steps.iter().map(|step| step.pattern.text.as_str()).collect();
                let patterns = steps.iter().map(|step| step.pattern.pattern.clone()).collect();
                (Looks::Events(patterns), texts.join(", then "), None)
            }
            ExpectationKind::Count { pattern: of, min, max, .. } => {
                let least = min.map(|min| format!("at least {min} times "));
                let most = max.map(|max| format!("at most {max} times "));
                let bounds = [least, most].into_iter().flatten().collect::<String>();
                let text = format!("{bounds}{}", of.text);
                (Looks::Events(vec![of.pattern.clone()]), text, None)
            }
        };
        let anchor = match expectation.after.as_ref().map(|after| &after.anchor) {
            Some(Anchor::Event(of)) => Some(of.pattern.clone()),
            _ => None,
        };
        Self {
            id: expectation.id.clone(),
            kind: expectation.kind.name(),
            severity: expectation.severity,
            message: expectation.message.clone(),
            asks,
            when: When::Expected,
            after: expectation.after.clone(),
            anchor,
            looks,
            judge: Judge::of(expectation),
            compared,
            recent: VecDeque::new(),
            window: Vec::new(),
        }
    }

    /// What kind of check it is, as files name it.
    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }
    /// What its expressions look at.
    pub(super) fn uses(&self) -> Uses {
        self.exprs().fold(Uses::default(), |uses, expr| uses.and(expr.uses()))
    }
    /// Its expressions, those for the report as well.
    pub(super) fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let own: Vec<&Expr> = match &self.looks {
            Looks::Condition(condition, _) => vec![&condition.expr],
            Looks::Settles(of) => match &of.goal {
                Goal::Number(_) => vec![&of.signal.expr],
                Goal::Expression(goal) => vec![&of.signal.expr, &goal.expr],
            },
            Looks::Events(_) => Vec::new(),
        };
        own.into_iter().chain(self.compared.iter().flat_map(Compared::exprs))
    }

    /// Its truth now.
    pub(super) fn truth(&self, sight: &Sight<'_>) -> Option<bool> {
        match &self.looks {
            Looks::Condition(condition, _) => condition.expr.truth(sight),
            Looks::Settles(of) => {
                let value = of.signal.expr.value(sight);
                let goal = match &of.goal {
                    Goal::Number(goal) => *goal,
                    Goal::Expression(goal) => goal.expr.value(sight),
                };
                let within = match of.tolerance {
                    Tolerance::Absolute(within) => within,
                    Tolerance::Relative(part) => part * goal.abs(),
                };
                let off = (value - goal).abs();
                (!off.is_nan()).then_some(off <= within)
            }
            Looks::Events(_) => None,
        }
    }

    /// Looks at the end of a tick; `chaos` says whether a fault is in force.
    pub(super) fn look(&mut self, sight: &Sight<'_>, chaos: bool) {
        let now = sight.snapshot.tick;
        self.keep_window(sight);
        if !self.judge.is_open() || matches!(self.when, When::Start | When::End) {
            return;
        }
        // What begins later is not looked at now.
        let Some(from) = self.judge.from.filter(|from| *from < now) else { return };
        let sight = Sight { since: from.next(), ..*sight };
        if let Some(compared) = &mut self.compared {
            compared.note(&sight);
        }
        if let Looks::Events(patterns) = &self.looks {
            let fits =
                |step: usize, (name, seen): &(crate::sight::EventName, crate::sight::Seen)| {
                    let pattern = patterns.get(step);
                    pattern.is_some_and(|p| p.name() == *name && p.fits(seen, sight.targets))
                };
            self.judge.events(now, sight.story.fresh(), &fits);
        } else {
            let truth = match self.when {
                When::OnChaos if !chaos => Some(true),
                _ => self.truth(&sight),
            };
            let looks = &self.looks;
            self.judge.look(now, truth, &|| looks.seen(&sight));
        }
        if self.judge.violated == Some(now) && self.window.is_empty() {
            self.window = self.recent.iter().copied().collect();
        }
    }

    /// The run is over.
    pub(super) fn finish(&mut self, sight: &Sight<'_>, is_full: bool) {
        let now = sight.snapshot.tick;
        if !self.judge.is_pending() {
            return;
        }
        let sight = Sight { since: self.judge.from.map_or(now, Tick::next), ..*sight };
        match self.when {
            When::End if is_full => {
                let (state, seen) = match self.truth(&sight) {
                    Some(true) => (CheckState::Passed, "at the end".to_owned()),
                    Some(false) => {
                        self.judge.violated = Some(now);
                        (CheckState::Failed, self.looks.seen(&sight))
                    }
                    None => {
                        let seen = "what it asks about was not there".to_owned();
                        (CheckState::Inconclusive, seen)
                    }
                };
                self.judge.from = Some(now);
                self.judge.decide(state, now, seen);
            }
            _ => {
                let looks = &self.looks;
                self.judge.finish(now, is_full, &|| looks.seen(&sight));
            }
        }
        if self.judge.violated == Some(now) && self.window.is_empty() {
            self.window = self.recent.iter().copied().collect();
        }
    }

    /// The time line begins: bounds that look at the baseline have their value now.
    pub(super) fn set_band(&mut self, sight: &Sight<'_>) {
        if let Some(compared) = &mut self.compared {
            compared.set_band(sight);
        }
    }

    pub(super) fn keep_window(&mut self, sight: &Sight<'_>) {
        let Some(compared) = &self.compared else { return };
        let now = sight.snapshot.tick;
        if let Some(violated) = self.judge.violated {
            if !self.window.is_empty() && now.0 <= violated.0 + WINDOW_TICKS {
                self.window.push((now, compared.signal.value(sight)));
            }
        } else if self.judge.is_pending() {
            if self.recent.len() as u64 > WINDOW_TICKS {
                self.recent.pop_front();
            }
            self.recent.push_back((now, compared.signal.value(sight)));
        }
    }

    /// How others see it.
    pub(super) fn view(&self) -> CheckView {
        let message = match (self.message.is_empty(), self.judge.seen.is_empty()) {
            (_, true) if self.message.is_empty() => self.asks.clone(),
            (_, true) => self.message.clone(),
            (true, false) => self.judge.seen.clone(),
            (false, false) => format!("{}: {}", self.message, self.judge.seen),
        };
        CheckView {
            id: self.id.clone(),
            kind: self.kind,
            severity: self.severity,
            state: self.judge.state,
            message,
            decided: self.judge.decided,
        }
    }

    /// For the report.
    pub(super) fn part(&self, since: Since) -> CheckPart {
        let at = |tick: Option<Tick>| tick.map(|tick| since.tick(tick));
        CheckPart {
            id: self.id.clone(),
            kind: self.kind,
            severity: self.severity,
            state: self.judge.state,
            message: self.message.clone(),
            asks: self.asks.clone(),
            seen: self.judge.seen.clone(),
            from_s: at(self.judge.from),
            to_s: at(self.judge.until().or(self.judge.decided)),
            decided_s: at(self.judge.decided),
            violated_s: at(self.judge.violated),
            window: self.window.iter().map(|(tick, value)| (since.tick(*tick), *value)).collect(),
            band: self.compared.as_ref().and_then(|compared| compared.part(since)),
        }
    }
}

impl Looks {
    /// What is seen, for people.
    fn seen(&self, sight: &Sight<'_>) -> String {
        match self {
            Self::Condition(condition, is_never) => {
                let seen = condition.expr.seen(sight);
                let plain = if *is_never { "it held" } else { "it did not hold" };
                if seen.is_empty() { plain.to_owned() } else { seen }
            }
            Self::Settles(of) => {
                let value = of.signal.expr.value(sight);
                format!("{} = {value}", of.signal.text)
            }
            Self::Events(_) => String::new(),
        }
    }
}

fn settles_text(signal: &Condition, goal: &Goal, tolerance: Tolerance) -> String {
    let goal = match goal {
        Goal::Number(goal) => goal.to_string(),
        Goal::Expression(goal) => goal.text.clone(),
    };
    match tolerance {
        Tolerance::Absolute(within) => format!("{} ~= {goal} ± {within}", signal.text),
        Tolerance::Relative(part) => format!("{} ~= {goal} ± {}%", signal.text, part * 100.0),
    }
}

impl Compared {
    /// What a simple comparison compares: `signal < bound`, `signal ~= goal ± tolerance`; `is_never` turns
    /// it round.
    fn of(text: &str, names: &Names<'_>, is_never: bool) -> Option<Self> {
        let (left, op, right) = split(text)?;
        let signal = Expr::number(left.trim(), names).ok()?;
        let number = |text: &str| Expr::number(text.trim(), names).ok();
        let bound = |text: &str| number(text).map(|expr| (expr, 0.0, 0.0));
        let (low, high) = match (op, is_never) {
            ("<" | "<=", false) | (">" | ">=", true) => (None, bound(right)),
            (">" | ">=", false) | ("<" | "<=", true) => (bound(right), None),
            ("==", false) => (bound(right), bound(right)),
            ("~=", false) => {
                let (goal, tolerance) = right.split_once('±').or_else(|| right.split_once("+-"))?;
                let goal = number(goal)?;
                match tolerance.trim().strip_suffix('%') {
                    Some(percent) => {
                        let part = percent.trim().parse::<f64>().ok()? / 100.0;
                        (Some((goal.clone(), -part, 0.0)), Some((goal, part, 0.0)))
                    }
                    None => {
                        let within = tolerance.trim().parse::<f64>().ok()?;
                        (Some((goal.clone(), 0.0, -within)), Some((goal, 0.0, within)))
                    }
                }
            }
            _ => return None,
        };
        let (band, path, every) = (None, Vec::new(), TICKS_PER_S);
        (low.is_some() || high.is_some()).then_some(Self { signal, low, high, band, path, every })
    }
    fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let bounds = self.low.iter().chain(&self.high).map(|(expr, ..)| expr);
        [&self.signal].into_iter().chain(bounds)
    }
    fn bounds(&self, sight: &Sight<'_>) -> Option<(f64, f64)> {
        let bound = |bound: &Option<(Expr, f64, f64)>, none: f64| {
            bound.as_ref().map_or(none, |(expr, part, plus)| {
                let goal = expr.value(sight);
                goal + part * goal.abs() + plus
            })
        };
        let bounds = (bound(&self.low, f64::NEG_INFINITY), bound(&self.high, f64::INFINITY));
        (!bounds.0.is_nan() && !bounds.1.is_nan()).then_some(bounds)
    }
    fn set_band(&mut self, sight: &Sight<'_>) {
        self.band = self.bounds(sight);
    }
    /// Keeps the bounds of now.
    fn note(&mut self, sight: &Sight<'_>) {
        let now = sight.snapshot.tick;
        if !self.path.is_empty() && !now.0.is_multiple_of(self.every) {
            return;
        }
        let Some((low, high)) = self.bounds(sight) else { return };
        if self.path.len() >= BOUNDS_MAX {
            let mut place = 0;
            self.path.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.every *= 2;
        }
        self.path.push((now, low, high));
    }
    fn part(&self, since: Since) -> Option<BandPart> {
        let first = self.path.first().map(|(_, low, high)| (*low, *high));
        let (low, high) = first.or(self.band)?;
        let moves = self.path.iter().any(|moment| (moment.1, moment.2) != (low, high));
        let path = self.path.iter().filter(|_| moves);
        let path = path.map(|(tick, low, high)| (since.tick(*tick), *low, *high)).collect();
        Some(BandPart { signal: self.signal.text().to_owned(), low, high, path })
    }
}

/// The sides of the one comparison that a text is, if it is no more than that.
fn split(text: &str) -> Option<(&str, &'static str, &str)> {
    const OPS: [&str; 6] = ["~=", "<=", ">=", "==", "<", ">"];
    const MORE: [&str; 4] = [" and ", " or ", " implies ", "not "];
    if MORE.iter().any(|word| text.contains(word)) || text.contains("!=") {
        return None;
    }
    let mut depth = 0_i32;
    let mut found: Option<(usize, &'static str)> = None;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let first = rest.chars().next()?;
        match first {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ if depth == 0 => {
                if let Some(op) = OPS.iter().find(|op| rest.starts_with(**op)) {
                    if found.is_some() {
                        return None;
                    }
                    found = Some((at, op));
                    at += op.len();
                    continue;
                }
            }
            _ => {}
        }
        at += first.len_utf8();
    }
    found.map(|(at, op)| (&text[..at], op, &text[at + op.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comparison_is_taken_apart_and_nothing_else() {
        assert_eq!(split("a < 5"), Some(("a ", "<", " 5")));
        assert_eq!(split("max(x{unit==\"a\"}) >= 2"), Some(("max(x{unit==\"a\"}) ", ">=", " 2")));
        assert_eq!(split("p ~= 4MW ± 2%"), Some(("p ", "~=", " 4MW ± 2%")));
        for text in ["a < 5 and b > 2", "not a < 5", "a", "a < b < c", "count(x == 0)"] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
