//! What `bess serve` has for scenarios and faults: who directs them, the book that reads them, the scenario
//! that it starts with and what that came to, and the built-in EMS.

use super::host::Ended;
use super::{
    Attendant, FORMS, Found, ems_flags, find, new_seed, parse_setting, post, reading_book, tell,
};
use crate::ems::{Ems, EmsOptions, Flaw};
use crate::record::RememberingBook;
use crate::{BadInput, Judged};
use anyhow::Context;
use bess_core::command::{ClockCommand, ControlSource, Mailbox, Origin, Request};
use bess_core::device::DeviceAddress;
use bess_core::snapshot::Snapshot;
use bess_core::spec::FarmSpec;
use bess_core::stage::{Director, Phase, Prepared, StageRequest, Verdict};
use bess_scenarios::book::open;
use bess_scenarios::report::{Again, Attendance, HostPart};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

/// Scenarios of a live farm.
#[derive(Debug, clap::Args)]
pub(crate) struct StageArgs {
    /// Start this scenario as soon as the farm is ready: a file, or the id of one that comes with bess
    #[arg(long, value_name = "FILE|ID", env = "BESS_SCENARIO")]
    scenario: Option<String>,
    /// A parameter of the scenario
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting, requires = "scenario")]
    set: Vec<(String, String)>,
    /// Seed of the scenario's chance; beats that of its file, 0 draws one
    #[arg(long, value_name = "N", requires = "scenario")]
    scenario_seed: Option<u64>,
    /// Folder for report.json, junit.xml and report.html of the scenario, written as soon as it is over
    #[arg(long, value_name = "DIR", env = "BESS_SCENARIO_OUT", requires = "scenario")]
    scenario_out: Option<PathBuf>,
    /// Stop when the scenario is over, with its verdict as exit code, as `bess scenario run` has it
    #[arg(long, env = "BESS_EXIT_WITH_SCENARIO", requires = "scenario")]
    exit_with_scenario: bool,
    /// The built-in EMS attends, over real Modbus
    #[arg(long, env = "BESS_STUB_EMS")]
    stub_ems: bool,
    /// What the built-in EMS does wrong: shows that a scenario notices
    #[arg(long, value_name = "FLAW", value_enum, requires = "stub_ems")]
    ems_flaw: Vec<Flaw>,
}

/// Who directs a live farm, ready to.
pub(crate) struct Stage {
    pub(crate) director: Box<dyn Director>,
    /// Whether the farm as it would be without the faults is asked for.
    pub(crate) uses_shadow: bool,
    pub(crate) book: Arc<RememberingBook>,
    start: Option<(String, Prepared)>,
}

impl StageArgs {
    /// The farm that the scenario names, of those that come with bess: its name and its text.
    pub(crate) fn named_farm(&self) -> anyhow::Result<Option<(&'static str, &'static str)>> {
        let Some(name) = self.scenario.as_deref() else { return Ok(None) };
        Ok(find(name, &reading_book())?.named_farm())
    }

    /// Reads the scenario, and opens the book; `again` says how its runs are run again.
    ///
    /// # Errors
    /// Every problem of the scenario, with its place.
    pub(crate) fn open(&self, spec: &FarmSpec, again: Again) -> anyhow::Result<Stage> {
        if let Some(folder) = &self.scenario_out {
            // Tried now, so that a bad path is told before a port is bound.
            let tried = std::fs::create_dir_all(folder)
                .and_then(|()| tempfile::tempfile_in(folder).map(drop));
            let refuse = |error| BadInput(format!("cannot write to {}: {error}", folder.display()));
            tried.map_err(refuse)?;
        }
        let found = self.scenario.as_deref().map(|name| self.find(name, spec)).transpose()?;
        let uses_shadow = found.as_ref().is_some_and(|(_, uses_shadow)| *uses_shadow);
        let host = HostPart {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            attendance: match again {
                Again::Replay(_) => Attendance::Recorded,
                Again::Run(_) | Again::Serve(_) => Attendance::Live,
            },
            has_shadow: uses_shadow,
            again,
        };
        let (director, book) = open(host, FORMS, Box::new(new_seed));
        let book = Arc::new(RememberingBook::around(Arc::new(book)));
        let start = found.map(|(found, _)| {
            let prepared = book.read_found(&found, &self.set, self.scenario_seed, spec)?;
            let plan = book.book().plan(&prepared);
            let id = plan.map_or(found.id, |plan| plan.scenario);
            Ok::<_, anyhow::Error>((id, prepared))
        });
        let start = start.transpose()?;
        Ok(Stage { director: Box::new(director), uses_shadow, book, start })
    }

    /// The scenario, and whether it asks for the farm without its faults.
    fn find(&self, name: &str, spec: &FarmSpec) -> anyhow::Result<(Found, bool)> {
        let book = reading_book();
        let found = find(name, &book)?;
        let prepared = found.read(&book, &self.set, self.scenario_seed, spec)?;
        let uses_shadow = book.plan(&prepared).is_some_and(|plan| plan.uses_shadow);
        Ok((found, uses_shadow))
    }

    /// Who attends, as it stands on a command line.
    pub(crate) fn ems_flags(&self) -> Vec<String> {
        ems_flags(self.stub_ems, &self.ems_flaw)
    }

    /// Who attends the farm.
    ///
    /// # Errors
    /// When the built-in EMS is to, and can reach no unit.
    pub(crate) fn attendant(
        &self,
        book: &RememberingBook,
        devices: &[DeviceAddress],
        mailbox: Arc<dyn Mailbox>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> anyhow::Result<Attendant> {
        let options = EmsOptions { flaws: self.ems_flaw.clone(), ..EmsOptions::default() };
        let ems = self.stub_ems.then(|| {
            Ems::new(devices, &options).context(
                "--stub-ems: the farm has no unit that the built-in EMS can reach; it needs SunSpec \
                 without TLS, and a listener that lets it write",
            )
        });
        Ok(Attendant::new(Arc::clone(book.book()), ems.transpose()?, mailbox, snapshots))
    }
}

/// The run that the farm was started with, and what becomes of what it came to.
pub(crate) struct FirstRun {
    id: Option<String>,
    book: Arc<RememberingBook>,
    folder: Option<PathBuf>,
    /// Whether the farm stops with it, and its verdict is the exit code.
    is_last: bool,
    begun: Instant,
    told: Option<Verdict>,
    failure: Option<anyhow::Error>,
}

impl StageArgs {
    /// The run that the farm is started with, where it is.
    pub(crate) fn first_run(&self, stage: &Stage) -> FirstRun {
        FirstRun {
            id: stage.start.as_ref().map(|(id, _)| id.clone()),
            book: Arc::clone(&stage.book),
            folder: self.scenario_out.clone(),
            is_last: self.exit_with_scenario,
            begun: Instant::now(),
            told: None,
            failure: None,
        }
    }
}

impl FirstRun {
    /// Tells once what it came to, in words and in its files; whether the farm is to stop now.
    pub(crate) fn look(&mut self, seen: &Snapshot) -> bool {
        let Some(id) = self.id.clone().filter(|_| self.told.is_none()) else {
            return self.is_last && self.told.is_some();
        };
        let mut runs = seen.stage.runs.iter();
        let Some(run) = runs.find(|run| run.id == id && run.phase == Phase::Done) else {
            return false;
        };
        self.told = run.verdict;
        if self.is_last || self.folder.is_some() {
            // Files that cannot be written are no reason to end the farm: its end tells it.
            self.failure = self.tell(&id).err();
        }
        self.is_last
    }

    fn tell(&self, id: &str) -> anyhow::Result<()> {
        let report = self.book.book().report_of(id).context("the run left no report")?;
        let ended = Ended { report, took: self.begun.elapsed(), ems: None };
        let mut out = std::io::stdout().lock();
        tell::tell(&ended, self.folder.as_deref(), false, &mut out)?;
        Ok(out.flush()?)
    }

    /// How the process ends.
    ///
    /// # Errors
    /// When its files could not be written, and the verdict of the run where the farm was to stop with it
    /// and it is not passed.
    pub(crate) fn judge(self) -> anyhow::Result<()> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        match self.told.filter(|_| self.is_last) {
            None | Some(Verdict::Passed) => Ok(()),
            Some(verdict) => Err(Judged(verdict).into()),
        }
    }
}

/// Ends every run that goes on: the farm stops, and each is to leave a report.
pub(crate) async fn end_runs(mailbox: &dyn Mailbox, seen: &watch::Receiver<Arc<Snapshot>>) {
    let stage = Arc::clone(&seen.borrow().stage);
    let open: Vec<_> = stage.runs.iter().filter(|run| run.phase != Phase::Done).collect();
    if open.is_empty() {
        return;
    }
    let origin = || Origin::local(ControlSource::Schedule);
    for run in open {
        tracing::warn!(run = run.id, "the farm stops before the scenario is over; it is aborted");
        let _ = post(mailbox, origin(), Request::Stage(StageRequest::EndRun(run.id.clone()))).await;
    }
    // A run ends with the next tick, also where the clock stands.
    let _ = post(mailbox, origin(), Request::Clock(vec![ClockCommand::Step(1)])).await;
}

/// Starts the scenario that the farm was started with.
///
/// # Errors
/// When it is refused.
pub(crate) async fn start(
    start: Option<(String, Prepared)>,
    mailbox: &dyn Mailbox,
) -> anyhow::Result<()> {
    let Some((id, prepared)) = start else { return Ok(()) };
    let request = Request::Stage(StageRequest::StartRun { id: id.clone(), prepared });
    let origin = Origin::local(ControlSource::Schedule);
    post(mailbox, origin, request)
        .await
        .with_context(|| format!("the scenario {id} did not start"))?;
    tracing::info!(run = id, "scenario started");
    Ok(())
}

impl Stage {
    /// Takes what the farm starts with.
    pub(crate) fn take_start(&mut self) -> Option<(String, Prepared)> {
        self.start.take()
    }
}
