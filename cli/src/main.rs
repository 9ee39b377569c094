//! `bess`: a simulator of a grid-scale battery farm that speaks Modbus, REST and Prometheus.
//!
//! This crate only wires: it reads files and flags, builds the farm, and connects the loop to the
//! edges. Data goes to stdout, talk to stderr. Exit codes: 0 fine, 1 failed while running, 2 bad usage
//! or configuration, before any port is bound.

mod access;
mod audit_file;
mod cell;
mod certs;
mod checkpoint;
mod client;
mod duration;
mod ems;
mod farm;
mod gateway;
mod healthcheck;
mod history;
mod input;
mod log;
mod modbus;
mod profile;
mod record;
mod registers;
mod run;
mod run_metrics;
mod scale;
mod scenario;
mod serve;
mod service;
mod setup;
mod summary;
mod texts;
mod token;

use bess_core::config::Problems;
use bess_core::stage::Verdict;
use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// A battery-farm simulator: every cell at 10 Hz, behind real Modbus TCP, REST and metrics
#[derive(Debug, Parser)]
#[command(name = "bess", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a live farm with Modbus TCP, REST and metrics
    Serve(Box<serve::ServeArgs>),
    /// Look at checkpoints of a farm's state
    #[command(subcommand)]
    Checkpoint(checkpoint::command::CheckpointCommand),
    Backup(checkpoint::command::BackupArgs),
    Restore(checkpoint::command::RestoreArgs),
    Reshard(checkpoint::reshard::ReshardArgs),
    Gateway(Box<gateway::GatewayArgs>),
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Run a farm headless, as fast as the machine allows, and print a summary
    Run(run::RunArgs),
    /// Run one cell against a profile of current or power
    Cell(cell::CellArgs),
    Profile(profile::ProfileArgs),
    /// Show, check or write farm files
    #[command(subcommand)]
    Farm(farm::FarmCommand),
    /// Print a register map
    Registers(registers::RegistersArgs),
    Certs(certs::CertsArgs),
    Token(token::TokenArgs),
    /// List and control the units of a running farm
    Unit(client::unit::UnitArgs),
    /// Show and control the clock of a running farm
    Clock(client::clock::ClockArgs),
    /// List the alarms of a running farm
    Alarms(client::logs::AlarmsArgs),
    /// List the newest events of a running farm
    Events(client::logs::EventsArgs),
    /// List the newest writes to a running farm, refused ones as well
    Writes(client::logs::WritesArgs),
    /// What the signals of a running farm were, as CSV
    History(client::history::HistoryArgs),
    /// Show and change the plant controller of a running farm
    Plant(client::plant::PlantArgs),
    /// List the frequency response services that a running farm knows by name
    Services(client::plant::ServicesArgs),
    /// Show and disturb the grid of a running farm
    Grid(client::plant::GridArgs),
    /// List, force and walk through the points of a running farm's register maps
    Point(client::point::PointArgs),
    /// List, check and run scenarios: what goes wrong, when, to whom, and what must then be true
    #[command(subcommand)]
    Scenario(scenario::ScenarioCommand),
    Fault(client::fault::FaultArgs),
    /// Disturb the links between a running farm and its Modbus clients
    Link(client::link::LinkArgs),
    Log(client::log::LogArgs),
}

/// Bad usage or configuration: nothing was started. Ends the process with exit code 2.
#[derive(Debug)]
pub(crate) struct BadInput(pub(crate) String);

impl std::fmt::Display for BadInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for BadInput {}

/// A run of a scenario that did not pass. What it came to was told; its exit code is that of the verdict.
#[derive(Debug)]
pub(crate) struct Judged(pub(crate) Verdict);

impl std::fmt::Display for Judged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}
impl std::error::Error for Judged {}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = std::io::stdout().lock();
    let mut err = std::io::stderr();
    let result = match &cli.command {
        Command::Serve(args) => {
            drop(out);
            return finish(serve::run(args));
        }
        Command::Checkpoint(command) => checkpoint::command::run(command, &mut out),
        Command::Backup(args) => checkpoint::command::backup(args, &mut out),
        Command::Restore(args) => checkpoint::command::restore(args, &mut out),
        Command::Reshard(args) => checkpoint::reshard::reshard(args, &mut out),
        Command::Gateway(args) => {
            drop(out);
            return finish(gateway::run(args));
        }
        Command::Healthcheck(args) => healthcheck::run(args),
        Command::Run(args) => run::run(args, &mut out),
        Command::Cell(args) => cell::run(args, &mut out),
        Command::Profile(args) => profile::run(args, &mut out, &mut err),
        Command::Farm(command) => farm::run(command, &mut out),
        Command::Registers(args) => registers::run(args, &mut out),
        Command::Certs(args) => certs::run(args, &mut out, &mut err),
        Command::Token(args) => token::run(args, &mut out, &mut err),
        Command::Unit(args) => client::unit::run(args, &mut out),
        Command::Clock(args) => client::clock::run(args, &mut out),
        Command::Alarms(args) => client::logs::alarms(args, &mut out),
        Command::Events(args) => client::logs::events(args, &mut out),
        Command::Writes(args) => client::logs::writes(args, &mut out),
        Command::History(args) => client::history::run(args, &mut out),
        Command::Plant(args) => client::plant::plant(args, &mut out),
        Command::Services(args) => client::plant::services(args, &mut out),
        Command::Grid(args) => client::plant::grid(args, &mut out),
        Command::Point(args) => client::point::run(args, &mut out),
        Command::Scenario(command) => scenario::run(command, &mut out),
        Command::Fault(args) => client::fault::run(args, &mut out),
        Command::Link(args) => client::link::run(args, &mut out),
        Command::Log(args) => client::log::run(args, &mut out),
    };
    let flushed = out.flush();
    finish(result.and_then(|()| Ok(flushed?)))
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    let closed_pipe = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe);
    if closed_pipe {
        return ExitCode::SUCCESS;
    }
    if let Some(Judged(verdict)) = error.downcast_ref::<Judged>() {
        return ExitCode::from(verdict.exit_code());
    }
    let mut err = std::io::stderr();
    if let Some(problems) = error.downcast_ref::<Problems>() {
        let _ = writeln!(err, "{problems}");
        return ExitCode::from(2);
    }
    let _ = writeln!(err, "error: {error:#}");
    let is_usage = error
        .chain()
        .any(|cause| cause.is::<BadInput>() || cause.is::<bess_scenarios::profile::ProfileError>());
    if is_usage { ExitCode::from(2) } else { ExitCode::FAILURE }
}
