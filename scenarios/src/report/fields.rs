//! What stands in the JSON form: one row for each member.

use super::value::{Field, Json, Kind, Part, each, part, parts, schema, seconds, text, texts};
use super::words;
use super::{
    ActionPart, AlarmPart, Attendance, BandPart, CheckPart, CommandPart, Determinism, EventPart,
    FarmPart, HitPart, InvariantPart, ObservationPart, Report, ScenarioPart, Scores, SignalPart,
    StatePart, SutPart, TargetPart, TimePart,
};
use bess_core::snapshot::FaultPlane;
use bess_core::stage::{CheckState, Effect, Severity, Verdict};

/// What the first member says.
pub(super) const FORMAT: &str = "bess-report/v1";

fn names<T: Copy>(all: &'static [(&'static str, T)]) -> Vec<&'static str> {
    all.iter().map(|(name, _)| *name).collect()
}
fn plane(plane: Option<FaultPlane>) -> Json {
    plane.map_or(Json::Null, |plane| text(FaultPlane::NAMES[plane as usize]))
}
fn count(count: usize) -> Json {
    Json::Count(count as u64)
}
const OR_NONE: Kind = Kind::Or(&Kind::Number);

parts! {
Whole(Report):
    "format", Kind::Always(FORMAT), "Name and version of this format.", |_| text(FORMAT);
    "verdict", Kind::Word(|| names(&Verdict::ALL)),
        "What the run came to: invalid means that nothing was proven.", |r| text(r.verdict.name());
    "exit_code", Kind::Count, "Exit code of `bess scenario run`: 0 passed, 1 failed, 2 error, 3 aborted, 4 invalid.",
        |r| Json::Count(r.verdict.exit_code().into());
    "reason", Kind::Text, "Why, in a sentence; empty where it passed.", |r| text(&r.reason);
    "run", Kind::Part(schema::<Run>), "How it was run.", part::<Run>;
    "scenario", Kind::Part(schema::<Scenario>), "The scenario.", |r| part::<Scenario>(&r.scenario);
    "params", Kind::List(&Kind::Part(schema::<Param>)), "Its parameters.", |r| each::<Param>(&r.params);
    "farm", Kind::Part(schema::<Farm>), "The farm.", |r| part::<Farm>(&r.farm);
    "sut", Kind::Part(schema::<Sut>), "The system under test.", |r| part::<Sut>(&r.sut);
    "targets", Kind::List(&Kind::Part(schema::<Target>)), "Whom the named targets were, in the order of the scenario.",
        |r| each::<Target>(&r.targets);
    "timeline", Kind::List(&Kind::Part(schema::<Action>)), "What was done, in the order of the scenario.",
        |r| each::<Action>(&r.actions);
    "checks", Kind::List(&Kind::Part(schema::<Check>)), "What was checked: first the steady state, then the expectations.",
        |r| each::<Check>(&r.checks);
    "invariants", Kind::List(&Kind::Part(schema::<Invariant>)), "What is true in every run.",
        |r| each::<Invariant>(&r.invariants);
    "scores", Kind::Part(schema::<Score>), "Numbers that an outside system can be graded by.", |r| part::<Score>(&r.scores);
    "signals", Kind::Part(schema::<Signals>), "Recorded signals.", part::<Signals>;
    "alarms", Kind::List(&Kind::Part(schema::<Alarm>)), "When alarms stood, by their begin.", |r| each::<Alarm>(&r.alarms);
    "states", Kind::List(&Kind::Part(schema::<State>)), "States of units, by unit and begin.", |r| each::<State>(&r.states);
    "commands", Kind::List(&Kind::Part(schema::<Write>)), "What was written to the farm from outside or by `control.*`, by time.",
        |r| each::<Write>(&r.commands);
    "commands_left_out", Kind::Count, "Commands that are not listed because there were too many.", |r| Json::Count(r.commands_left_out);
    "events", Kind::List(&Kind::Part(schema::<Event>)), "What happened, by time.", |r| each::<Event>(&r.events);
    "events_left_out", Kind::Count, "Events that are not listed because there were too many.", |r| Json::Count(r.events_left_out);
    "observations", Kind::List(&Kind::Part(schema::<Observation>)), "What an outside system noticed, by time.",
        |r| each::<Observation>(&r.observations);

Run(Report):
    "id", Kind::Text, "Id of the run.", |r| text(&r.run);
    "bess_version", Kind::Text, "Version of bess.", |r| text(&r.host.version);
    "seed", Kind::Count, "Seed of its chance.", |r| Json::Count(r.seed);
    "determinism", Kind::Word(|| names(&Determinism::ALL)), "Whether it comes out the same again: from file and seed, from those and the recorded commands, or not.",
        |r| text(r.determinism.name());
    "attendance", Kind::Word(|| names(&Attendance::ALL)), "Who asked and wrote beside the scenario.", |r| text(r.host.attendance.name());
    "has_shadow", Kind::Flag, "Whether a farm without the faults ran beside it.", |r| Json::Flag(r.host.has_shadow);
    "reproduce", Kind::Text, "The command that repeats it.", |r| text(words::reproduce(r));
    "zero", Kind::Text, "Simulated instant (UTC) of the zero of the time line: every `_s` of a moment counts from here, and is negative before.",
        |r| text(words::utc(r.zero));
    "start_s", Kind::Number, "When it was started.", |r| Json::Number(r.start_s);
    "baseline_s", OR_NONE, "When the look at the steady state began; null where it never did.", |r| seconds(r.baseline_s);
    "end_s", Kind::Number, "When it ended.", |r| Json::Number(r.end_s);
    "duration_s", Kind::Number, "Length of the time line as planned.", |r| Json::Number(r.duration_s);
    "ticks", Kind::Count, "Ticks of 0.1 s from its start to its end.", |r| Json::Count(words::ticks(r));

Scenario(ScenarioPart):
    "id", Kind::Text, "Its id.", |s| text(&s.id);
    "title", Kind::Text, "Its title.", |s| text(&s.title);
    "summary", Kind::Text, "What happens in it.", |s| text(&s.summary);
    "tags", Kind::List(&Kind::Text), "Its tags.", |s| texts(&s.tags);
    "refs", Kind::List(&Kind::Text), "Its sources.", |s| texts(&s.refs);
    "severity", Kind::Text, "How grave it is.", |s| text(s.severity);
    "digest", Kind::Text, "FNV-1a of its text, in hexadecimal: tells two versions apart.", |s| text(&s.digest);

Param((String, String, bool)):
    "name", Kind::Text, "Its name.", |p| text(&p.0);
    "value", Kind::Text, "Its value.", |p| text(&p.1);
    "is_set", Kind::Flag, "Whether it was set from outside.", |p| Json::Flag(p.2);

Farm(FarmPart):
    "name", Kind::Text, "Its name.", |f| text(&f.name);
    "units", Kind::Count, "Number of units.", |f| count(f.n_units);
    "rated_power_w", Kind::Number, "Sum of the units' rated power in W.", |f| Json::Number(f.rated_power_w);
    "nominal_energy_wh", Kind::Number, "Sum of the units' nominal energy in Wh.", |f| Json::Number(f.nominal_energy_wh);
    "seed", Kind::Count, "Its seed.", |f| Json::Count(f.seed);

Sut(SutPart):
    "mode", Kind::Text, "`external`, `stub` or `none`.", |s| text(s.mode);
    "expect_clients", Kind::Count, "Clients that had to be there before the time line began.", |s| count(s.expect_clients);
    "writers", Kind::List(&Kind::Part(schema::<Writer>)), "Who wrote.", |s| each::<Writer>(&s.writers);

Writer((String, u64)):
    "address", Kind::Text, "Its address, or what kind of writer it is.", |w| text(&w.0);
    "writes", Kind::Count, "How often it wrote.", |w| Json::Count(w.1);

Target(TargetPart):
    "name", Kind::Text, "Its name.", |t| text(&t.name);
    "kind", Kind::Text, "`unit`, `rack`, `cell`, ….", |t| text(t.kind);
    "ids", Kind::List(&Kind::Text), "Who it was; last, where it is resolved at each use.", |t| texts(&t.ids);
    "left_out", Kind::Count, "Ids that are not listed because there are too many.", |t| count(t.left_out);

Action(ActionPart):
    "id", Kind::Text, "Its id.", |a| text(&a.id);
    "kind", Kind::Text, "What, such as `device.pcs.trip` or `control.mark`.", |a| text(a.kind);
    "plane", Kind::Or(&Kind::Word(|| FaultPlane::NAMES.to_vec())), "What it makes wrong; null for `control.*`.", |a| plane(a.plane);
    "target", Kind::Text, "Name of its target; empty where it has none.", |a| text(&a.target);
    "effect", Kind::Word(|| names(&Effect::ALL)), "Whether it took effect; the best of its times.", |a| text(a.effect.name());
    "proof", Kind::Text, "What shows it.", |a| text(&a.proof);
    "stands_for", Kind::List(&Kind::Text), "Checks of severity must that stand on it.", |a| texts(&a.stands_for);
    "left_out", Kind::Text, "Why it was not done, or not each time; empty otherwise.", |a| text(&a.left_out);
    "times", Kind::List(&Kind::Part(schema::<Time>)), "Each time that it was done.", |a| each::<Time>(&a.times);

Time(TimePart):
    "from_s", Kind::Number, "When it began.", |t| Json::Number(t.from_s);
    "until_s", OR_NONE, "When it ended; null where it was in force still at the end of the run.", |t| seconds(t.until_s);
    "confirmed_s", OR_NONE, "When it was seen to act.", |t| seconds(t.confirmed_s);
    "hits", Kind::List(&Kind::Part(schema::<Hit>)), "What was done to each target.", |t| each::<Hit>(&t.hits);
    "refused", Kind::List(&Kind::Text), "Commands of it that the farm refused, with the reason.", |t| texts(&t.refused);

Hit(HitPart):
    "target", Kind::Text, "The target.", |h| text(&h.target);
    "effect", Kind::Word(|| names(&Effect::ALL)), "Whether it took effect there.", |h| text(h.effect.name());
    "with", Kind::List(&Kind::Part(schema::<With>)), "Its parameters at the begin, draws included.", |h| each::<With>(&h.with);

With((&'static str, String)):
    "name", Kind::Text, "Its name, with its unit.", |w| text(w.0);
    "value", Kind::Text, "Its value.", |w| text(&w.1);

Check(CheckPart):
    "id", Kind::Text, "Its id.", |c| text(&c.id);
    "kind", Kind::Text, "`steady_state`, `within`, `always`, ….", |c| text(c.kind);
    "severity", Kind::Word(|| names(&Severity::ALL)), "How much it weighs.", |c| text(c.severity.name());
    "state", Kind::Word(|| names(&CheckState::ALL)), "How it came out.", |c| text(c.state.name());
    "message", Kind::Text, "What it says to people.", |c| text(&c.message);
    "asks", Kind::Text, "Its expression, or a text of what it asks.", |c| text(&c.asks);
    "seen", Kind::Text, "What was seen: why it failed or is inconclusive, or when it held.", |c| text(&c.seen);
    "from_s", OR_NONE, "From when on it was asked; null where that never came.", |c| seconds(c.from_s);
    "to_s", OR_NONE, "Until when it was to be asked.", |c| seconds(c.to_s);
    "decided_s", OR_NONE, "When it was decided.", |c| seconds(c.decided_s);
    "violation", Kind::Or(&Kind::Part(schema::<Violation>)), "The first sample at which it did not hold.",
        |c| words::violation(c).map_or(Json::Null, |at| part::<Violation>(&at));
    "window", Kind::List(&Kind::Part(schema::<Sample>)), "The compared value in the 20 s around that.", |c| each::<Sample>(&c.window);
    "band", Kind::Or(&Kind::Part(schema::<Band>)), "Where the compared value has to be, where it is that simple.",
        |c| c.band.as_ref().map_or(Json::Null, part::<Band>);

Violation((f64, Option<f64>)):
    "at_s", Kind::Number, "When.", |v| Json::Number(v.0);
    "value", OR_NONE, "The compared value; null where none is compared.", |v| seconds(v.1);

Sample((f64, f64)):
    "at_s", Kind::Number, "When.", |s| Json::Number(s.0);
    "value", OR_NONE, "The value; null where there was none.", |s| Json::Number(s.1);

Band(BandPart):
    "signal", Kind::Text, "The compared value as in the expression.", |b| text(&b.signal);
    "low", OR_NONE, "Lowest right value, of a bound that moves the first one; null for none.", |b| Json::Number(b.low);
    "high", OR_NONE, "Highest right value, of a bound that moves the first one; null for none.", |b| Json::Number(b.high);
    "path", Kind::List(&Kind::Part(schema::<Bounds>)), "How bounds that move went; empty where they stand still.", |b| each::<Bounds>(&b.path);

Bounds((f64, f64, f64)):
    "at_s", Kind::Number, "When.", |b| Json::Number(b.0);
    "low", OR_NONE, "Lowest right value of then; null for none.", |b| Json::Number(b.1);
    "high", OR_NONE, "Highest right value of then; null for none.", |b| Json::Number(b.2);

Invariant(InvariantPart):
    "name", Kind::Text, "Its name.", |i| text(i.name);
    "text", Kind::Text, "What it says.", |i| text(i.text);
    "ticks", Kind::Count, "Ticks at which it was looked at.", |i| Json::Count(i.ticks);
    "broken", Kind::Or(&Kind::Part(schema::<Broken>)), "When it was broken first, and how; null where it held.",
        |i| i.broken.as_ref().map_or(Json::Null, part::<Broken>);

Broken((f64, String)):
    "at_s", Kind::Number, "When.", |b| Json::Number(b.0);
    "how", Kind::Text, "How.", |b| text(&b.1);

Score(Scores):
    "detected", Kind::List(&Kind::Part(schema::<Detected>)), "Faults that were noticed.", |s| each::<Detected>(&s.detected);
    "undetected", Kind::List(&Kind::Text), "Faults that did something and that nobody noticed, by id of the action.", |s| texts(&s.undetected);
    "false_alarms", Kind::Count, "Observations about no fault that was in force or just over at their unit.", |s| Json::Count(s.false_alarms);
    "writes_per_s", Kind::Number, "Writes from outside per second of the time line.", |s| Json::Number(s.writes_per_s);
    "writes_refused", Kind::Count, "Writes that were refused.", |s| Json::Count(s.writes_refused);
    "requests_per_s", Kind::Number, "Modbus requests per second of the time line.", |s| Json::Number(s.requests_per_s);
    "stale_reads", Kind::Count, "Reads that got what was not of the last tick, because a fault froze it.", |s| Json::Count(s.stale_reads);

Detected((String, String, f64)):
    "action", Kind::Text, "Id of the action.", |d| text(&d.0);
    "what", Kind::Text, "What was noticed.", |d| text(&d.1);
    "delay_s", Kind::Number, "Seconds from its begin.", |d| Json::Number(d.2);

Signals(Report):
    "sample_s", Kind::List(&Kind::Number), "Times of the samples.",
        |r| Json::List(r.sample_s.iter().map(|at_s| Json::Number(*at_s)).collect());
    "series", Kind::List(&Kind::Part(schema::<Signal>)), "The signals; each has one value for each of those times.",
        |r| each::<Signal>(&r.signals);
    "left_out", Kind::List(&Kind::Part(schema::<LeftOut>)), "Signals that were asked for and are not here.",
        |r| each::<LeftOut>(&r.signals_left_out);

Signal(SignalPart):
    "name", Kind::Text, "Its name with what it is of.", |s| text(&s.name);
    "unit", Kind::Text, "Unit of its values; empty where they have none.", |s| text(s.unit);
    "values", Kind::List(&OR_NONE), "Its values; null where there was none.", |s| Json::Samples(s.values.clone());

LeftOut((String, String)):
    "name", Kind::Text, "As it was asked for.", |l| text(&l.0);
    "reason", Kind::Text, "Why it is not here.", |l| text(&l.1);

Alarm(AlarmPart):
    "of", Kind::Text, "Unit, and rack where it is about one.", |a| text(&a.of);
    "code", Kind::Text, "Its code.", |a| text(a.code);
    "level", Kind::Text, "Its level.", |a| text(a.level);
    "from_s", Kind::Number, "When it became active.", |a| Json::Number(a.from_s);
    "latched_s", OR_NONE, "When its cause was gone and it stayed latched.", |a| seconds(a.latched_s);
    "until_s", OR_NONE, "When it was gone; null where it stood at the end.", |a| seconds(a.until_s);

State(StatePart):
    "of", Kind::Text, "The unit.", |s| text(&s.of);
    "state", Kind::Text, "The state.", |s| text(s.state);
    "from_s", Kind::Number, "From when on.", |s| Json::Number(s.from_s);
    "until_s", Kind::Number, "Until when; the end of the run for the last one.", |s| Json::Number(s.until_s);

Write(CommandPart):
    "at_s", Kind::Number, "When.", |c| Json::Number(c.at_s);
    "source", Kind::Text, "Kind of the writer, such as `modbus`.", |c| text(c.source);
    "peer", Kind::Text, "Its address, where it has one.", |c| text(&c.peer);
    "of", Kind::Text, "The unit; `farm` where it is not about one.", |c| text(&c.of);
    "what", Kind::Text, "What was written.", |c| text(&c.what);
    "refused", Kind::Text, "Why it was refused; empty when it was applied.", |c| text(&c.refused);

Event(EventPart):
    "at_s", Kind::Number, "When.", |e| Json::Number(e.at_s);
    "of", Kind::Text, "The unit; `farm` where it is not about one.", |e| text(&e.of);
    "kind", Kind::Text, "Its kind.", |e| text(e.kind);
    "text", Kind::Text, "It in words.", |e| text(&e.text);

Observation(ObservationPart):
    "at_s", Kind::Number, "When it was told.", |o| Json::Number(o.at_s);
    "what", Kind::Text, "What.", |o| text(&o.what);
    "of", Kind::Text, "The unit; empty where it is not about one.", |o| text(&o.of);
    "text", Kind::Text, "In its own words.", |o| text(&o.text);
    "action", Kind::Text, "Id of the action that it is taken for: the latest in force or just over.", |o| text(&o.action);
    "delay_s", OR_NONE, "Seconds from the begin of that; null for a false alarm.", |o| Json::Number(o.delay_s);
}
