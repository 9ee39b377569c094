//! `bess reshard`: the same farm in shards of another size, from the checkpoints of those it ran in.

use super::folder::{self, Folder};
use super::format::{Checkpoint, Clock, Header, Identity};
use crate::BadInput;
use crate::setup::load_farm_texts;
use anyhow::Context;
use bess_core::spec::FarmSpec;
use bess_core::time::SimTime;
use bess_simulation::{Engine, EngineOptions, Inputs, NotRegrouped, State};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Cut a farm into shards of another size: its state, from the checkpoints of the shards it ran in
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess reshard --farm farm.toml --from state-0 --from state-1 --units-per-shard 50 --to 'new-{shard}'
  bess reshard --farm farm.toml --from state-0 --from state-1 --to state      # one process again")]
pub(crate) struct ReshardArgs {
    /// The farm file that the shards ran; the built-in farm when absent
    #[arg(long, value_name = "FILE", env = "BESS_FARM")]
    farm: Option<PathBuf>,
    /// The folder of `bess serve --state` of a shard that has ended; once for each shard
    #[arg(long, value_name = "DIR", required = true)]
    from: Vec<PathBuf>,
    /// Units of a new shard; the whole farm in one process when absent
    #[arg(long, value_name = "K")]
    units_per_shard: Option<usize>,
    /// The folder of each new shard, with `{shard}` where its number stands
    #[arg(long, value_name = "DIR")]
    to: String,
    /// Where such a folder holds checkpoints, move them aside into a folder within it
    #[arg(long)]
    force: bool,
}

/// Where the number of a shard stands in `--to`.
const SHARD: &str = "{shard}";

pub(crate) fn reshard(args: &ReshardArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let (mut spec, texts) = load_farm_texts(args.farm.as_deref(), None)?;
    let sha256 = texts.sha256();
    // Nobody may go on with a shard meanwhile.
    let mut held = Vec::new();
    let mut found = Vec::new();
    for path in &args.from {
        if !path.is_dir() {
            return Err(
                BadInput(format!("--from {}: there is no such folder", path.display())).into()
            );
        }
        held.push(Folder::take(path)?);
        found.push(newest(path)?);
    }
    let seed = found[0].1.header.identity.seed;
    for (path, Checkpoint { header, .. }) in &found {
        let Identity { farm_sha256, seed: other, .. } = &header.identity;
        let refuse = |why: &str| BadInput(format!("{}: {why}", path.display()));
        if *farm_sha256 != sha256 {
            let why = "it is of another farm file\nhint: give the one that the shards ran with --farm, and change it afterwards";
            return Err(refuse(why).into());
        }
        if *other != seed {
            let why = format!("its farm has the seed {other}, that of the first one {seed}");
            return Err(refuse(&why).into());
        }
    }
    spec.seed = seed;
    let whole = Arc::new(spec);
    check_covered(&whole, &found)?;
    let engines = found.iter().map(|(path, checkpoint)| engine_of(&whole, path, checkpoint));
    let parts = engines.collect::<Result<Vec<_>, _>>()?;
    let engines = regrouped(&whole, args, &parts)?;
    let folders = new_folders(engines.len(), args)?;
    let clock = found[0].1.header.clock;
    for (folder, engine) in folders.iter().zip(engines) {
        let spec = engine.spec();
        let identity = Identity::of(spec, sha256.clone());
        write(folder, &engine, identity, clock)?;
        let (first, tick) = (spec.number_at(0), engine.tick().0);
        let last = spec.number_at(spec.units.len() - 1);
        writeln!(out, "units {first} to {last} at tick {tick}: {}", folder.path().display())?;
    }
    Ok(())
}

/// The newest checkpoint of a folder; it must be whole.
fn newest(folder: &Path) -> Result<(PathBuf, Checkpoint), BadInput> {
    let refuse = |path: &Path, why: String| BadInput(format!("{}: {why}", path.display()));
    let all = folder::list(folder).map_err(|error| refuse(folder, error.to_string()))?;
    let Some(path) = all.into_iter().next_back() else {
        return Err(refuse(folder, "it holds no checkpoint".to_owned()));
    };
    let read = folder::read(&path).map_err(|error| refuse(&path, error.to_string()))?;
    let checkpoint = read.map_err(|broken| {
        refuse(&path, format!("{broken}\nhint: move it away to go on from the one before it"))
    })?;
    Ok((path, checkpoint))
}

/// The shard as it stood.
fn engine_of(
    whole: &Arc<FarmSpec>,
    path: &Path,
    checkpoint: &Checkpoint,
) -> Result<Engine, BadInput> {
    let Header { identity, start_unix_ns, .. } = &checkpoint.header;
    let Identity { shard, first_unit, units, .. } = *identity;
    let refuse = |why: String| BadInput(format!("{}: {why}", path.display()));
    let has_all = units as usize == whole.units.len();
    let per_shard = first_unit.checked_div(shard).unwrap_or(units) as usize;
    let spec = match has_all {
        true => Arc::clone(whole),
        false => {
            let spec = whole.in_shard(shard as usize, per_shard);
            Arc::new(spec.map_err(|no| refuse(no.to_string()))?)
        }
    };
    let mut engine = engine(spec, *start_unix_ns);
    engine.load(&checkpoint.sections).map_err(|misfit| {
        refuse(format!("it does not fit: {misfit}\nhint: use the version of bess that wrote it"))
    })?;
    Ok(engine)
}

fn engine(spec: Arc<FarmSpec>, start_unix_ns: i64) -> Engine {
    let start = SimTime { unix_ns: start_unix_ns };
    Engine::new(spec, Inputs::default(), EngineOptions { start, workers: 1 })
}

/// Every unit stands in one of them, and in no more than one.
fn check_covered(whole: &FarmSpec, found: &[(PathBuf, Checkpoint)]) -> Result<(), BadInput> {
    let mut spans: Vec<_> = found
        .iter()
        .map(|(path, checkpoint)| {
            let Identity { first_unit, units, .. } = checkpoint.header.identity;
            (first_unit as usize, units as usize, path)
        })
        .collect();
    spans.sort_unstable();
    let mut next = 0;
    for (first, units, path) in spans {
        if first < next {
            let message = format!(
                "{}: unit {} is in another shard as well\nhint: give each shard once, all of one way to cut the farm",
                path.display(),
                first + 1
            );
            return Err(BadInput(message));
        }
        if first > next {
            break;
        }
        next = first + units;
    }
    if next < whole.units.len() {
        let message = format!(
            "--from: no shard has unit {}\nhint: give the folders of all shards, each with its own --from",
            next + 1
        );
        return Err(BadInput(message));
    }
    Ok(())
}

/// The folder of each new shard, taken before anything is written.
fn new_folders(n: usize, args: &ReshardArgs) -> Result<Vec<Folder>, BadInput> {
    if n > 1 && !args.to.contains(SHARD) {
        let message = format!(
            "--to {}: it is one folder for {n} shards\nhint: write {SHARD} where the number of the shard stands",
            args.to
        );
        return Err(BadInput(message));
    }
    let mut folders = Vec::new();
    for shard in 0..n {
        let path = PathBuf::from(args.to.replace(SHARD, &shard.to_string()));
        let folder = Folder::take(&path)?;
        let there = folder::list(&path).map_err(|error| BadInput(error.to_string()))?;
        if let (Some(one), false) = (there.last(), args.force) {
            let message = format!(
                "{} holds a state already: {}\nhint: --force moves it aside",
                path.display(),
                one.display()
            );
            return Err(BadInput(message));
        }
        folders.push(folder);
    }
    Ok(folders)
}

fn regrouped(
    whole: &Arc<FarmSpec>,
    args: &ReshardArgs,
    parts: &[Engine],
) -> Result<Vec<Engine>, BadInput> {
    let specs = match args.units_per_shard {
        None => vec![Arc::clone(whole)],
        Some(k) => {
            let refuse = |no| BadInput(format!("--units-per-shard {k}: {no}"));
            let specs = (0..whole.n_shards(k)).map(|index| whole.in_shard(index, k).map(Arc::new));
            specs.collect::<Result<_, _>>().map_err(refuse)?
        }
    };
    let make = |spec: Arc<FarmSpec>| {
        let mut engine = engine(spec, 0);
        engine.regroup(parts).map(|()| engine)
    };
    specs.into_iter().map(make).collect::<Result<_, _>>().map_err(|not| {
        let hint = match not {
            NotRegrouped::Apart { .. } => {
                "\nhint: pause every shard, let those that are behind catch up with `bess clock step`, and stop them paused"
            }
            NotRegrouped::Differs { .. } => {
                "\nhint: start the shards, write the setting to all of them by the gateway, and stop them again"
            }
            _ => "",
        };
        BadInput(format!("--from: {not}{hint}"))
    })
}

fn write(
    folder: &Folder,
    engine: &Engine,
    identity: Identity,
    clock: Clock,
) -> anyhow::Result<u64> {
    let mut state = State::default();
    engine.save(&mut state);
    let header = Header {
        clock,
        audit_total: engine.audit().total(),
        ..Header::of(&engine.spec().name, identity, &state)
    };
    folder.set_aside("before-reshard").context("cannot move checkpoints aside")?;
    folder.write(header, &state).context("cannot write a checkpoint")
}
