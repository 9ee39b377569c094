//! One run of a scenario on a farm of its own: in steps as fast as it goes, or at a speed, with the built-in
//! EMS where it attends.

use super::{Found, Pace, RunArgs};
use crate::ems::{Door, Ems, EmsOptions, ROUND_S};
use crate::run::workers;
use crate::{BadInput, ems};
use anyhow::{Context, bail};
use bess_core::command::{
    Applied, ClockCommand, ControlSource, Mailbox, Origin, Rejection, Reply, Request, Submission,
};
use bess_core::device::DeviceAddress;
use bess_core::snapshot::Snapshot;
use bess_core::spec::{AmbientSpec, FarmSpec};
use bess_core::stage::{Observation, Phase, Prepared, StageRequest};
use bess_core::stats::Stats;
use bess_core::time::TICKS_PER_S;
use bess_core::units::Celsius;
use bess_protocol::config::ModbusConfig;
use bess_protocol::plan::{Place, Plan};
use bess_scenarios::book::{Book, FarmOverrides, RunPlan, open};
use bess_scenarios::faults::HostAct;
use bess_scenarios::format::{ClockMode, SutMode};
use bess_scenarios::report::{Again, Attendance, HostPart, Report};
use bess_simulation::{Engine, EngineOptions, FarmHandle, Inputs, LoopOptions};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What a run came to.
pub(super) struct Ended {
    pub(super) report: Arc<Report>,
    /// Wall time that it took.
    pub(super) took: Duration,
    /// What the EMS did, where it attended.
    pub(super) ems: Option<ems::Totals>,
}

/// Simulated time of a step where nobody attends: a stop of the run is seen after it.
const STEP_TICKS: u64 = 5 * TICKS_PER_S;
/// Simulated time that a run may take beyond its length, for clients that are waited for and the look at
/// the steady state, before it is given up; their own deadlines come first.
const BEYOND_S: f64 = 86_400.0;
/// Wait of the EMS for an answer in a stepped run: the farm stands meanwhile, so it is always at hand.
const STEPPED_TIMEOUT: Duration = Duration::from_millis(500);

/// Runs a scenario.
pub(super) fn run_one(args: &RunArgs, found: &Found) -> anyhow::Result<Ended> {
    let mut spec = found.farm(args.farm.as_deref())?;
    let reader = super::reading_book();
    let prepared = found.read(&reader, &args.set, args.seed, &spec)?;
    let Some(plan) = reader.plan(&prepared) else { bail!("the book does not know its scenario") };
    let with_ems = args.stub_ems || plan.sut == SutMode::Stub;
    if plan.sut == SutMode::External && plan.expect_clients > 0 && !with_ems {
        return Err(BadInput(format!(
            "{} waits for {} clients, and here nobody can come\nhint: --stub-ems lets the built-in EMS attend; \
             with `bess serve --scenario {}` your own does",
            found.name, plan.expect_clients, found.name
        ))
        .into());
    }
    let pace = match args.pace.asked()? {
        Some(pace) => pace,
        // A scenario that is made for somebody's own EMS asks for its pace; without one nobody needs it.
        None if plan.sut == SutMode::External => Pace::Stepped,
        None => match plan.clock.mode {
            ClockMode::Stepped => Pace::Stepped,
            ClockMode::Realtime => Pace::At(1.0),
            ClockMode::Accelerated => Pace::At(plan.clock.speed),
        },
    };
    let modbus = crate::modbus::load(args.farm.as_deref(), None, &spec)?;
    modbus.set_watchdogs(&mut spec);
    begin_with(plan.overrides, &mut spec);
    let attendance = match (with_ems, pace) {
        (false, _) => Attendance::Alone,
        (true, Pace::Stepped) => Attendance::Lockstep,
        (true, Pace::At(_)) => Attendance::Live,
    };
    let stand = Stand { args, spec: Arc::new(spec), modbus, pace, with_ems, attendance };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("bess-edge")
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(stand.run(&prepared, &plan))
}

/// A fresh farm begins as its scenario wants it, and has nothing to settle.
fn begin_with(overrides: FarmOverrides, spec: &mut FarmSpec) {
    if let Some(soc) = overrides.soc {
        spec.initial.soc = soc;
    }
    if let Some(degc) = overrides.ambient_degc {
        spec.ambient = AmbientSpec::Constant(Celsius(degc));
    }
}

/// What a run needs.
struct Stand<'r> {
    args: &'r RunArgs,
    spec: Arc<FarmSpec>,
    modbus: ModbusConfig,
    pace: Pace,
    with_ems: bool,
    attendance: Attendance,
}

impl Stand<'_> {
    /// What repeats it beside the scenario with its seed and parameters.
    fn again(&self) -> Again {
        let farm = self.args.farm.iter().map(|farm| farm.display().to_string());
        let mut flags: Vec<String> = farm.flat_map(|farm| ["--farm".to_owned(), farm]).collect();
        match self.pace {
            // With nobody there the pace is nobody's.
            _ if !self.with_ems => {}
            Pace::Stepped => flags.push("--stepped".to_owned()),
            Pace::At(speed) => flags.extend(["--speed".to_owned(), speed.to_string()]),
        }
        flags.extend(super::ems_flags(self.with_ems, &self.args.ems_flaw));
        Again::Run(flags)
    }

    async fn run(self, prepared: &Prepared, plan: &RunPlan) -> anyhow::Result<Ended> {
        let host = HostPart {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            attendance: self.attendance,
            has_shadow: plan.uses_shadow,
            again: self.again(),
        };
        let (stage, book) = open(host, super::FORMS, Box::new(super::new_seed));
        let workers = workers(Some(self.args.workers))?;
        let engine = |workers| {
            let options = EngineOptions { workers, ..EngineOptions::default() };
            Engine::new(Arc::clone(&self.spec), Inputs::default(), options)
        };
        let options = LoopOptions {
            paused: true,
            speed: if let Pace::At(speed) = self.pace { speed } else { 1.0 },
            director: Some(Box::new(stage)),
            shadow: plan.uses_shadow.then(|| engine(1)),
            ..LoopOptions::default()
        };
        let farm = bess_simulation::spawn(engine(workers), options)
            .context("cannot start the tick loop")?;
        let closing = CancellationToken::new();
        let mut house = House {
            snapshots: farm.snapshots(),
            mailbox: farm.mailbox(),
            stats: farm.stats(),
            book: &book,
            ems: None,
            run: plan.scenario.clone(),
            stalled: 0,
        };
        let serving = if self.with_ems {
            let (devices, serving) = self.serve(&farm, &closing).await?;
            let timeout = match self.pace {
                Pace::Stepped => STEPPED_TIMEOUT,
                Pace::At(_) => EmsOptions::default().timeout,
            };
            let options = EmsOptions { timeout, flaws: self.args.ems_flaw.clone() };
            house.ems = Ems::new(&devices, &options);
            if house.ems.is_none() {
                bail!(
                    "the farm has no unit that the built-in EMS can reach: it needs SunSpec without TLS"
                );
            }
            Some(serving)
        } else {
            None
        };
        let begun = Instant::now();
        let result = house.play(prepared, plan, self.pace).await;
        let (took, totals) = (begun.elapsed(), house.ems.as_ref().map(Ems::totals));
        drop(house);
        closing.cancel();
        if let Some(serving) = serving {
            let _ = serving.await;
        }
        let stopped = tokio::task::spawn_blocking(move || farm.stop()).await?;
        if stopped.is_err() {
            bail!("the tick loop ended by itself");
        }
        result?;
        let report = book.report_of(&plan.scenario).context("the run left no report")?;
        Ok(Ended { report, took, ems: totals })
    }

    /// Starts the Modbus server on loopback.
    async fn serve(
        &self,
        farm: &FarmHandle,
        closing: &CancellationToken,
    ) -> anyhow::Result<(Vec<DeviceAddress>, tokio::task::JoinHandle<()>)> {
        let place = Place { bind: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0, reserved: Vec::new() };
        let plan = Plan::new(&self.spec, &self.modbus, &place)
            .map_err(|misfit| BadInput(misfit.to_string()))?;
        let (sockets, devices) = plan.bind().await.map_err(|unbound| {
            let each = unbound.iter().map(|one| format!("{}: {}", one.address, one.error));
            BadInput(format!("cannot listen: {}", each.collect::<Vec<_>>().join(", ")))
        })?;
        let access = bess_protocol::FarmAccess {
            snapshots: farm.snapshots(),
            mailbox: Door::to(farm.mailbox()),
            stats: farm.stats(),
        };
        let serving = tokio::spawn(bess_protocol::serve_all(sockets, access, closing.clone()));
        Ok((devices, serving))
    }
}

/// A run under way.
struct House<'r> {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    mailbox: Arc<dyn Mailbox>,
    stats: Arc<Stats>,
    book: &'r Book,
    ems: Option<Ems>,
    run: String,
    /// Ticks for which the loop stood still, as the EMS has lived through them.
    stalled: u64,
}

impl House<'_> {
    async fn play(
        &mut self,
        prepared: &Prepared,
        plan: &RunPlan,
        pace: Pace,
    ) -> anyhow::Result<()> {
        // What is set for the run is set before the EMS looks what it finds; then it is there before the
        // first tick.
        let start = StageRequest::StartRun { id: self.run.clone(), prepared: prepared.clone() };
        ask(&*self.mailbox, Request::Stage(start)).await?;
        let deadline = plan.clock.max_wall.map(|most| (Instant::now() + most, most));
        let last_s = plan.duration_s + BEYOND_S;
        if pace != Pace::Stepped {
            ask(&*self.mailbox, Request::Clock(vec![ClockCommand::Resume])).await?;
        }
        let mut is_given_up = false;
        while !self.is_done() {
            match pace {
                Pace::Stepped => self.step().await?,
                Pace::At(speed) => self.wait(speed).await?,
            }
            let late = deadline.filter(|(deadline, _)| Instant::now() >= *deadline);
            if let Some((_, most)) = late
                && !is_given_up
            {
                tracing::warn!(most_s = most.as_secs_f64(), "the run takes too long; it is ended");
                is_given_up = true;
                let _ = ask(&*self.mailbox, Request::Stage(StageRequest::EndRun(self.run.clone())))
                    .await;
            }
            if self.snapshots.borrow().tick.elapsed_s() > last_s {
                bail!("the run does not come to its end");
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        let seen = self.snapshots.borrow();
        let mut runs = seen.stage.runs.iter();
        runs.any(|run| run.id == self.run && run.phase == Phase::Done)
    }

    /// A round of the EMS, then ticks until the next.
    async fn step(&mut self) -> anyhow::Result<()> {
        self.act();
        self.round().await?;
        self.live_through_stalls().await?;
        let ticks =
            if self.ems.is_some() { (ROUND_S * TICKS_PER_S as f64) as u64 } else { STEP_TICKS };
        ask(&*self.mailbox, Request::Clock(vec![ClockCommand::Step(ticks)])).await?;
        Ok(())
    }

    /// While a loop stands still whoever watches it lives on: so does the EMS, where time comes in steps.
    async fn live_through_stalls(&mut self) -> anyhow::Result<()> {
        let round_ticks = (ROUND_S * TICKS_PER_S as f64) as u64;
        while self.ems.is_some()
            && self.stats.ticks.stalled.load(Relaxed) >= self.stalled + round_ticks
        {
            self.stalled += round_ticks;
            self.round().await?;
        }
        Ok(())
    }

    /// At a speed: a round of the EMS when it is due.
    async fn wait(&mut self, speed: f64) -> anyhow::Result<()> {
        self.act();
        let next = tokio::time::Instant::now() + Duration::from_secs_f64(ROUND_S / speed);
        self.round().await?;
        tokio::time::sleep_until(next).await;
        if self.snapshots.has_changed().is_err() {
            bail!("the tick loop ended by itself");
        }
        Ok(())
    }

    async fn round(&mut self) -> anyhow::Result<()> {
        let tick = self.snapshots.borrow().tick.0 + self.stalled;
        let Some(ems) = &mut self.ems else { return Ok(()) };
        let seen = ems.round(tick as f64 / TICKS_PER_S as f64).await;
        let observer = Observer { mailbox: &*self.mailbox, snapshots: &self.snapshots };
        observer.tell(seen).await;
        Ok(())
    }

    /// Does what the scenario wants of its host.
    fn act(&mut self) {
        for act in self.book.take_host_acts() {
            // Whoever is not there does nothing; the effect of the fault says so.
            if let (HostAct::Client { act, .. }, Some(ems)) = (act, &mut self.ems) {
                ems.act(&act);
            }
        }
    }
}

/// Tells runs what an EMS noticed.
pub(crate) struct Observer<'o> {
    pub(crate) mailbox: &'o dyn Mailbox,
    pub(crate) snapshots: &'o watch::Receiver<Arc<Snapshot>>,
}

impl Observer<'_> {
    pub(crate) async fn tell(&self, seen: Vec<Observation>) {
        if seen.is_empty() {
            return;
        }
        let stage = Arc::clone(&self.snapshots.borrow().stage);
        for run in stage.runs.iter().filter(|run| run.phase != Phase::Done) {
            for observation in &seen {
                let (run, observation) = (run.id.clone(), observation.clone());
                // A run that is over meanwhile does not want to know.
                let _ =
                    ask(self.mailbox, Request::Stage(StageRequest::Observe { run, observation }))
                        .await;
            }
        }
    }
}

/// Asks the loop, and waits for its answer.
pub(crate) async fn post(
    mailbox: &dyn Mailbox,
    origin: Origin,
    request: Request,
) -> Result<Applied, Rejection> {
    let (answer, answers) = tokio::sync::oneshot::channel();
    let reply = Reply::new(move |outcome| drop(answer.send(outcome)));
    mailbox.post(Submission { request, origin, reply });
    answers.await.unwrap_or(Err(Rejection::Closed))
}

async fn ask(mailbox: &dyn Mailbox, request: Request) -> Result<Applied, Rejection> {
    post(mailbox, Origin::local(ControlSource::Scenario), request).await
}
