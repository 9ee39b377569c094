//! Whole runs over snapshots made by hand.

mod faults;
mod runs;
mod streams;

use super::Stage;
use super::testing::snapshot;
use crate::book::{Book, Forms, open};
use crate::report::{Again, Attendance, HostPart, Report};
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel, AlarmPhase, AlarmState};
use bess_core::command::{Command, Rejection};
use bess_core::defect::Defect;
use bess_core::event::{Cause, Event, EventKind};
use bess_core::id::UnitId;
use bess_core::snapshot::Snapshot;
use bess_core::stage::{
    Director, FaultWish, Prepared, ReportForm, StageBook, StageRequest, Verdict,
};
use bess_core::state::{Trigger, UnitState};
use bess_core::stats::Stats;
use bess_core::time::{Moment, TICK_NS, Tick};
use std::sync::Arc;

/// A farm that is what a test makes it: pumps that fail raise their alarm, and nothing else acts by
/// itself.
pub(super) struct Play {
    pub(super) stage: Stage,
    pub(super) book: Book,
    pub(super) seen: Snapshot,
    pub(super) stats: Stats,
    /// Every command that was given, with the tick at whose start it was.
    pub(super) given: Vec<(Tick, Command)>,
    /// Whether a failed pump raises its alarm.
    pub(super) pumps_tell: bool,
}

/// How a run is run in these tests.
pub(super) fn host() -> HostPart {
    HostPart {
        version: "test".to_owned(),
        attendance: Attendance::Alone,
        has_shadow: false,
        again: Again::default(),
    }
}

impl Play {
    pub(super) fn new(n_units: usize) -> Self {
        let (stage, book) = open(host(), Forms::default(), Box::new(|| 4711));
        let (given, stats) = (Vec::new(), Stats::default());
        let seen = snapshot(n_units, 100);
        Self { stage, book, seen, stats, given, pumps_tell: true }
    }

    pub(super) fn read(&self, text: &str) -> Prepared {
        let spec = Arc::clone(&self.seen.spec);
        match self.book.read_scenario("test.yaml", text, &[], None, &spec) {
            Ok(prepared) => prepared,
            Err(problems) => panic!("{problems}"),
        }
    }
    pub(super) fn ask(&mut self, request: &StageRequest) -> Result<(), Rejection> {
        let mut out = Vec::new();
        let result = self.stage.ask(request, &self.seen, &mut out);
        self.take(out);
        result
    }
    pub(super) fn start(&mut self, text: &str) {
        let prepared = self.read(text);
        let request = StageRequest::StartRun { id: "run".to_owned(), prepared };
        self.ask(&request).expect("it may begin");
    }
    pub(super) fn inject(&mut self, id: &str, text: &str) -> Result<(), Rejection> {
        let spec = Arc::clone(&self.seen.spec);
        let prepared = match self.book.read_fault("fault.yaml", text, &spec) {
            Ok(prepared) => prepared,
            Err(problems) => panic!("{problems}"),
        };
        self.ask(&StageRequest::Inject(FaultWish { id: id.to_owned(), prepared }))
    }

    fn take(&mut self, commands: Vec<Command>) {
        for command in commands {
            if let Command::SetDefect { unit, defect: Defect::Pump(failed) } = command
                && self.pumps_tell
            {
                self.alarm(unit, failed);
            }
            self.given.push((self.seen.tick, command));
        }
    }
    /// The alarm of a unit's cooling comes or goes in this tick.
    fn alarm(&mut self, unit: UnitId, on: bool) {
        let key = AlarmKey::unit(AlarmCode::CoolingFailed, AlarmLevel::Warning);
        let at = Moment::end_of(self.seen.tick);
        self.seen.alarms.retain(|alarm| alarm.unit != unit);
        let alarms = &mut self.seen.units[unit.idx()].alarms;
        if on {
            alarms.insert(key.code, key.level);
            self.seen.alarms.push(AlarmState {
                unit,
                key,
                phase: AlarmPhase::Active,
                since: at,
                value: f64::NAN,
                threshold: f64::NAN,
                cell: None,
                resets_refused: 0,
            });
        } else {
            alarms.remove(key.code, key.level);
        }
        let phase = on.then_some(AlarmPhase::Active);
        self.event(at, unit, EventKind::Alarm { key, phase, value: f64::NAN });
    }
    fn event(&mut self, at: Moment, unit: UnitId, kind: EventKind) {
        Arc::make_mut(&mut self.seen.events).push(Event { at, unit: Some(unit), kind });
    }
    /// A unit goes to another state in this tick.
    pub(super) fn change_state(&mut self, unit: usize, to: UnitState) {
        let from = std::mem::replace(&mut self.seen.units[unit].state, to);
        self.seen.units[unit].state_since = self.seen.tick;
        let (trigger, cause) = (Trigger::Trip, Cause::Sequence);
        let kind = EventKind::State { from, to, trigger, cause };
        self.event(Moment::end_of(self.seen.tick), UnitId::from_idx(unit), kind);
    }

    /// One tick, in which `change` happens after the commands.
    pub(super) fn tick(&mut self, change: impl FnOnce(&mut Self)) {
        self.seen.tick = self.seen.tick.next();
        self.seen.time.unix_ns += TICK_NS;
        let mut out = Vec::new();
        self.stage.due(self.seen.tick, &mut out);
        self.take(out);
        change(self);
        self.stage.saw(&self.seen, None, &self.stats);
    }
    /// So many seconds in which nothing else happens.
    pub(super) fn seconds(&mut self, seconds: u64) {
        (0..10 * seconds).for_each(|_| self.tick(|_| {}));
    }
    /// Goes on until every run is done.
    pub(super) fn end(&mut self) -> Arc<Report> {
        for _ in 0..100_000 {
            if self.stage.is_done() {
                return self.report();
            }
            self.tick(|_| {});
        }
        panic!("it does not end");
    }
    pub(super) fn report(&self) -> Arc<Report> {
        let report = self.book.report_of("run").expect("a report");
        self.look_at_forms(&report);
        report
    }
    /// Every form of a report says what its run came to.
    fn look_at_forms(&self, report: &Report) {
        let form = |form| self.book.report("run", form).expect("a report");
        let json: serde_json::Value = serde_json::from_str(&form(ReportForm::Json)).expect("JSON");
        assert_eq!(json["verdict"], report.verdict.name());
        assert_eq!(json["exit_code"], report.verdict.exit_code());
        let junit = form(ReportForm::Junit);
        let junit = roxmltree::Document::parse(&junit).expect("XML");
        let bad = ["failures", "errors"].map(|name| junit.root_element().attribute(name));
        let is_good = bad == [Some("0"); 2];
        assert_eq!(is_good, report.verdict == Verdict::Passed, "{bad:?} {}", report.reason);
        let page = form(ReportForm::Html);
        assert!(page.contains(&format!("<section class=\"banner {}\">", report.verdict.name())));
    }
    pub(super) fn verdict(&mut self) -> (Verdict, String) {
        let report = self.end();
        (report.verdict, report.reason.clone())
    }
    /// Ticks since the 100th at whose begin a pump failed, or worked again.
    pub(super) fn pumps(&self, failed: bool) -> Vec<u64> {
        let is_it = |command: &Command| matches!(command, Command::SetDefect { defect: Defect::Pump(on), .. } if *on == failed);
        let all = self.given.iter().filter(|(_, command)| is_it(command));
        all.map(|(tick, _)| tick.0 - 100).collect()
    }
}

/// What is so in every one of these farms.
pub(super) const STEADY: &str =
    "checks: [{id: there, modes: [SoT], expr: \"farm.units >= 1\", severity: must}]";
/// A time line on which nothing happens.
pub(super) const QUIET: &str =
    "timeline: [{id: here, at: 0s, action: control.mark, with: {name: here}}]\n";

/// The check `id` of a report.
pub(super) fn check<'r>(report: &'r Report, id: &str) -> &'r crate::report::CheckPart {
    report.checks.iter().find(|check| check.id == id).expect("it is in the report")
}

/// A scenario of 20 s on a farm that is steady for a second, with more lines of YAML.
pub(super) fn scenario(more: &str) -> String {
    format!(
        "apiVersion: bess/v1\n\
         kind: Scenario\n\
         metadata: {{id: a-test, title: A test, summary: It tests.}}\n\
         seed: 7\n\
         clock: {{mode: stepped}}\n\
         duration: 20s\n\
         sut: {{mode: none}}\n\
         targets:\n  \
           one: {{kind: unit, match: {{units: [unit-001]}}, mode: all}}\n  \
           everybody: {{kind: unit, mode: all}}\n\
         steadyState: {{window: 1s, {STEADY}}}\n\
         {more}"
    )
}
