//! What `bess serve` has for scenarios and faults: who directs them, the book that reads them, the scenario
//! that it starts with, and the built-in EMS.

use super::{Attendant, FORMS, Found, find, new_seed, parse_setting, post, reading_book};
use crate::ems::{Ems, EmsOptions, Flaw};
use crate::record::RememberingBook;
use anyhow::Context;
use bess_core::command::{ControlSource, Mailbox, Origin, Request};
use bess_core::device::DeviceAddress;
use bess_core::snapshot::Snapshot;
use bess_core::spec::FarmSpec;
use bess_core::stage::{Director, Prepared, StageRequest};
use bess_scenarios::book::open;
use bess_scenarios::report::{Attendance, HostPart};
use std::sync::Arc;
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
    /// Reads the scenario, and opens the book.
    ///
    /// # Errors
    /// Every problem of the scenario, with its place.
    pub(crate) fn open(&self, spec: &FarmSpec, is_recorded: bool) -> anyhow::Result<Stage> {
        let found = self.scenario.as_deref().map(|name| self.find(name, spec)).transpose()?;
        let uses_shadow = found.as_ref().is_some_and(|(_, uses_shadow)| *uses_shadow);
        let host = HostPart {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            attendance: if is_recorded { Attendance::Recorded } else { Attendance::Live },
            has_shadow: uses_shadow,
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
