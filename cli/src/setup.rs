//! What `serve` and `run` share: the farm file and the records that drive it.

use crate::BadInput;
use crate::input::{ColumnOptions, Quantity, read_series};
use crate::texts::{Source, Texts};
use bess_core::config::{BUILT_IN_FARM, Problem, Problems, parse_farm};
use bess_core::series::Series;
use bess_core::spec::FarmSpec;
use bess_core::time::SimTime;
use bess_scenarios::dispatch::Dispatch;
use bess_simulation::Inputs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which farm, and what drives it.
#[derive(Debug, clap::Args)]
pub(crate) struct FarmArgs {
    /// Farm file; the built-in farm of 10 containers when absent
    #[arg(long, value_name = "FILE", env = "BESS_FARM")]
    pub(crate) farm: Option<PathBuf>,
    /// Seed of the cell-to-cell spread; beats the farm file's
    #[arg(long, value_name = "N", env = "BESS_SEED")]
    pub(crate) seed: Option<u64>,
    /// Run the units of one shard of the farm: those from INDEX x K on, with --units-per-shard K
    #[arg(long, value_name = "INDEX", env = "BESS_SHARD", requires = "units_per_shard")]
    pub(crate) shard: Option<usize>,
    /// Units of a shard; the last shard may have fewer
    #[arg(long, value_name = "K", env = "BESS_UNITS_PER_SHARD", requires = "shard")]
    pub(crate) units_per_shard: Option<usize>,
    /// Power that the farm is to follow at its POI, positive is discharge; each change of it takes all
    /// units over from whoever controlled them
    #[arg(long, value_name = "CSV", env = "BESS_DISPATCH")]
    pub(crate) dispatch: Option<PathBuf>,
    /// Grid frequency at the POI
    #[arg(long, value_name = "CSV", env = "BESS_FREQUENCY")]
    pub(crate) frequency: Option<PathBuf>,
    /// Grid voltage at the POI in per unit of nominal
    #[arg(long, value_name = "CSV", env = "BESS_VOLTAGE")]
    pub(crate) voltage: Option<PathBuf>,
    /// Ambient temperature
    #[arg(long, value_name = "CSV", env = "BESS_AMBIENT")]
    pub(crate) ambient: Option<PathBuf>,
    /// How to read the dispatch file
    #[command(flatten, next_help_heading = "Dispatch file")]
    pub(crate) columns: ColumnOptions,
}

/// A farm ready to run.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) spec: Arc<FarmSpec>,
    /// The farm of which `spec` may be a shard.
    pub(crate) whole: Arc<FarmSpec>,
    /// The farm file and the files that it names.
    pub(crate) farm: Texts,
    pub(crate) inputs: Inputs,
    pub(crate) dispatch: Option<Dispatch>,
}

impl FarmArgs {
    /// What of it makes the farm, as it stands on a command line.
    pub(crate) fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        let files = [
            ("--farm", &self.farm),
            ("--dispatch", &self.dispatch),
            ("--frequency", &self.frequency),
            ("--voltage", &self.voltage),
            ("--ambient", &self.ambient),
        ];
        for (flag, file) in files {
            let file = file.iter().map(|file| file.display().to_string());
            flags.extend(file.flat_map(|file| [flag.to_owned(), file]));
        }
        let numbers = [
            ("--seed", self.seed),
            ("--shard", self.shard.map(|n| n as u64)),
            ("--units-per-shard", self.units_per_shard.map(|n| n as u64)),
        ];
        for (flag, number) in numbers {
            flags.extend(number.iter().flat_map(|n| [flag.to_owned(), n.to_string()]));
        }
        flags
    }

    /// Reads every file; `start` is the instant of 0 s for calendar columns (the first row of each
    /// file when absent).
    ///
    /// # Errors
    /// All problems of all files.
    pub(crate) fn load(&self, start: Option<SimTime>) -> anyhow::Result<Setup> {
        self.load_for(start, None)
    }

    /// The same; where no file is given it is the farm `named`: its name and its text.
    ///
    /// # Errors
    /// All problems of all files.
    pub(crate) fn load_for(
        &self,
        start: Option<SimTime>,
        named: Option<(&str, &str)>,
    ) -> anyhow::Result<Setup> {
        self.check_columns()?;
        let mut problems = Problems::default();
        let read = collect(&mut problems, load_farm_texts(self.farm.as_deref(), named));
        let rated_w = read.as_ref().map_or(1.0, |(spec, _)| spec.rated_power().0);
        let plain =
            ColumnOptions { looped: self.columns.looped, start, ..ColumnOptions::default() };
        let columns = ColumnOptions { start, ..self.columns.clone() };
        let mut series = |path: &Option<PathBuf>, quantity, options: &ColumnOptions| {
            let read = path.as_deref().map(|path| read_series(path, quantity, options));
            read.and_then(|read| collect(&mut problems, read))
        };
        let dispatch = series(&self.dispatch, Quantity::FarmPower { rated_w }, &columns);
        let frequency = series(&self.frequency, Quantity::Frequency, &plain).map(Arc::new);
        let voltage = series(&self.voltage, Quantity::Voltage, &plain).map(Arc::new);
        let ambient = series(&self.ambient, Quantity::Ambient, &plain).map(Arc::new);
        let Some((mut spec, farm)) = read.filter(|_| problems.0.is_empty()) else {
            return Err(problems.into());
        };
        if let Some(seed) = self.seed {
            spec.seed = seed;
        }
        let dispatch = dispatch.map(|series: Series| Dispatch::new(series, spec.rated_power()));
        if let Some(dispatch) = &dispatch {
            warn_of_clamping(dispatch, spec.rated_power().0);
        }
        if let Some(frequency) = &frequency {
            warn_of_nominal(frequency, spec.nominal_frequency.0);
        }
        let inputs = Inputs { frequency, voltage, ambient };
        let whole = Arc::new(spec);
        let Some((index, units_per_shard)) = self.shard.zip(self.units_per_shard) else {
            return Ok(Setup { spec: Arc::clone(&whole), whole, farm, inputs, dispatch });
        };
        let spec = whole.in_shard(index, units_per_shard);
        let spec = spec.map_err(|no| BadInput(format!("--shard {index}: {no}")))?;
        let share = spec.shard.as_ref().map_or(1.0, |shard| shard.share);
        let dispatch = dispatch.map(|dispatch| dispatch.for_share(share));
        Ok(Setup { spec: Arc::new(spec), whole, farm, inputs, dispatch })
    }
}

impl FarmArgs {
    /// The column flags adapt the dispatch file; without one they would be ignored in silence.
    fn check_columns(&self) -> Result<(), BadInput> {
        let columns = &self.columns;
        let adapts = [
            ("--column", columns.column.is_some()),
            ("--scale", columns.scale.is_some()),
            ("--invert", columns.invert),
        ];
        if let (None, Some((flag, _))) = (&self.dispatch, adapts.iter().find(|(_, given)| *given)) {
            let message = format!("{flag} adapts the dispatch file, but there is no --dispatch");
            return Err(BadInput(message));
        }
        let files = [&self.dispatch, &self.frequency, &self.voltage, &self.ambient];
        let has_file = files.iter().any(|file| file.is_some());
        if columns.looped && !has_file {
            let message = "--loop needs a file to start over: --dispatch, --frequency, --voltage or --ambient";
            return Err(BadInput(message.to_owned()));
        }
        Ok(())
    }
}

fn warn_of_clamping(dispatch: &Dispatch, rated_w: f64) {
    let (clamped, all) = (dispatch.clamped_samples(), dispatch.series().values().len());
    if clamped > 0 {
        let _ = writeln!(
            std::io::stderr(),
            "warning: {clamped} of {all} dispatch rows are beyond the farm's rating of {} MW and are cut to it\nhint: --scale 0.5 halves every value",
            rated_w / 1e6
        );
    }
}

fn warn_of_nominal(frequency: &Series, nominal_hz: f64) {
    let values = frequency.values();
    let mean_hz = values.iter().sum::<f64>() / values.len() as f64;
    if (mean_hz - nominal_hz).abs() > 2.0 {
        let _ = writeln!(
            std::io::stderr(),
            "warning: the frequency record is around {mean_hz:.1} Hz, but the farm's nominal frequency is {nominal_hz} Hz\nhint: set `nominal_frequency_hz` in the farm file"
        );
    }
}

fn collect<T>(problems: &mut Problems, result: Result<T, Problems>) -> Option<T> {
    result.map_err(|mut found| problems.0.append(&mut found.0)).ok()
}

/// Reads a farm file, or the built-in farm. Chemistry files are named relative to the farm file.
///
/// # Errors
/// All problems of the files.
pub(crate) fn load_farm(path: Option<&Path>) -> Result<FarmSpec, Problems> {
    load_farm_texts(path, None).map(|(spec, _)| spec)
}

/// The same with everything that was read. Where there is no file it is `named`, a farm that comes with bess:
/// its name and its text; else the built-in one.
///
/// # Errors
/// All problems of the files.
pub(crate) fn load_farm_texts(
    path: Option<&Path>,
    named: Option<(&str, &str)>,
) -> Result<(FarmSpec, Texts), Problems> {
    let mut parse = |name: &str, text: &str, source: &Source<'_>| parse_farm(name, text, source);
    match path {
        Some(path) => Texts::read(path, &mut parse),
        None => {
            let (name, text) = named.unwrap_or(("built-in farm", BUILT_IN_FARM));
            let texts = Texts::alone(name, text);
            Ok((texts.again(&mut parse)?, texts))
        }
    }
}

/// The problem of a file that cannot be read.
pub(crate) fn unreadable(name: &str, error: &std::io::Error) -> Problems {
    let hint = (error.kind() == std::io::ErrorKind::NotFound)
        .then(|| "`bess farm init` prints a farm file to start from".to_owned());
    Problems(vec![Problem::without_place(name, format!("cannot read the file: {error}"), hint)])
}
