//! The book of faults and scenarios: reads what somebody asks for, and hands out what runs came to.

use crate::faults::{FaultKind, HostAct, KINDS};
use crate::format::{self, ClockPlan, Reading, SutMode};
use crate::library;
use crate::report::{HostPart, Report};
use crate::run::{Ready, ReadyFault, Shared, Stage, fnv1a};
use bess_core::config::Problems;
use bess_core::spec::FarmSpec;
use bess_core::stage::{FaultKindInfo, Prepared, ReportForm, ScenarioInfo, StageBook};
use std::fmt;
use std::sync::Arc;

/// How reports become texts.
#[derive(Clone, Copy)]
pub struct Forms {
    /// JSON, `bess-report/v1`.
    pub json: fn(&Report) -> String,
    /// JUnit XML.
    pub junit: fn(&Report) -> String,
    /// One page of HTML.
    pub html: fn(&Report) -> String,
}

impl Default for Forms {
    /// Those of [`crate::report`].
    fn default() -> Self {
        use crate::report::{html, json, junit};
        Self { json, junit, html }
    }
}

impl fmt::Debug for Forms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forms")
    }
}

/// Gives a seed where a scenario asks for a drawn one.
pub type Seeds = Box<dyn Fn() -> u64 + Send + Sync>;

/// The book.
pub struct Book {
    kinds: Vec<FaultKindInfo>,
    scenarios: Vec<ScenarioInfo>,
    shared: Arc<Shared>,
    forms: Forms,
    seeds: Seeds,
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book").field("shared", &self.shared).finish_non_exhaustive()
    }
}

/// A director and its book. `host` says how runs are run; `seeds` gives a seed where a scenario has 0.
pub fn open(host: HostPart, forms: Forms, seeds: Seeds) -> (Stage, Book) {
    let shared = Arc::new(Shared::default());
    let stage = Stage::new(host, Arc::clone(&shared));
    let book = Book {
        kinds: KINDS.iter().copied().map(FaultKind::info).collect(),
        scenarios: library::list(),
        shared,
        forms,
        seeds,
    };
    (stage, book)
}

/// What a host wants to know of a scenario before it runs it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPlan {
    /// Id of the scenario.
    pub scenario: String,
    /// Seed of its chance, drawn where the text asks for that.
    pub seed: u64,
    /// Pace that the scenario asks for.
    pub clock: ClockPlan,
    /// Who is to attend.
    pub sut: SutMode,
    /// Clients that it waits for.
    pub expect_clients: usize,
    /// Whether its checks look at the farm as it would be without the faults: a second one must run.
    pub uses_shadow: bool,
    /// Forms of the report that it asks for.
    pub forms: Vec<ReportForm>,
    /// Length of the time line in s.
    pub duration_s: f64,
    /// What the farm is to begin with.
    pub overrides: FarmOverrides,
}

/// What a farm is to begin with: the same for every unit. A farm that already runs is brought there by
/// commands, so that a host may leave this out; a fresh one that begins with it has nothing to settle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FarmOverrides {
    /// Mean state of charge.
    pub soc: Option<f64>,
    /// Ambient temperature in degC.
    pub ambient_degc: Option<f64>,
}

impl Book {
    /// Takes what the host is to do, in order; asked after each tick by a host that can.
    pub fn take_host_acts(&self) -> Vec<HostAct> {
        self.shared.take_host_acts()
    }
    /// The report of a run that is done, as a value.
    pub fn report_of(&self, run: &str) -> Option<Arc<Report>> {
        self.shared.report(run)
    }
    /// What a host wants to know of a scenario; `None` for what this book did not read as one.
    pub fn plan(&self, prepared: &Prepared) -> Option<RunPlan> {
        let ready = prepared.0.downcast_ref::<Ready>()?;
        let scenario = &ready.scenario;
        Some(RunPlan {
            scenario: scenario.metadata.id.clone(),
            seed: ready.seed,
            clock: scenario.clock,
            sut: scenario.sut.mode,
            expect_clients: scenario.sut.expect_clients,
            uses_shadow: ready.uses_shadow(),
            forms: scenario.report.formats.clone(),
            duration_s: scenario.duration.as_secs_f64(),
            overrides: ready.farm_overrides(),
        })
    }
    /// Reads a scenario like [`StageBook::read_scenario`], with `files` for records that it names.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub fn read_scenario_with(
        &self,
        file: &str,
        text: &str,
        seed: Option<u64>,
        reading: &Reading<'_>,
    ) -> Result<Prepared, Problems> {
        let scenario = format::read_scenario(file, text, reading)?;
        let seed = match seed.unwrap_or(scenario.seed) {
            // 0 asks for a drawn one, which is not 0.
            0 => (self.seeds)().max(1),
            seed => seed,
        };
        let (digest, file) = (fnv1a(text.as_bytes()), file.to_owned());
        Ok(Prepared(Arc::new(Ready { scenario, seed, digest, file })))
    }
}

impl StageBook for Book {
    fn kinds(&self) -> &[FaultKindInfo] {
        &self.kinds
    }
    fn scenarios(&self) -> &[ScenarioInfo] {
        &self.scenarios
    }
    fn read_fault(&self, file: &str, text: &str, spec: &FarmSpec) -> Result<Prepared, Problems> {
        let fault = format::read_fault(file, text, spec)?;
        // Without a seed of its own the text gives one: the same text draws the same.
        let seed = fault.seed.unwrap_or_else(|| fnv1a(text.as_bytes()));
        Ok(Prepared(Arc::new(ReadyFault { fault, seed })))
    }
    fn read_scenario(
        &self,
        file: &str,
        text: &str,
        set: &[(String, String)],
        seed: Option<u64>,
        spec: &FarmSpec,
    ) -> Result<Prepared, Problems> {
        let reading = Reading { set, spec, files: &format::no_files };
        self.read_scenario_with(file, text, seed, &reading)
    }
    fn report(&self, run: &str, form: ReportForm) -> Option<Arc<str>> {
        let report = self.shared.report(run)?;
        let render = match form {
            ReportForm::Json => self.forms.json,
            ReportForm::Junit => self.forms.junit,
            ReportForm::Html => self.forms.html,
        };
        Some(render(&report).into())
    }
}
