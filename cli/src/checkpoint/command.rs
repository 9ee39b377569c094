//! `bess checkpoint show`, `bess backup` and `bess restore`.

use super::folder::{self, Folder};
use super::format::{self, Broken, Checkpoint, Header};
use crate::BadInput;
use anyhow::Context;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Look at checkpoints of a farm's state
#[derive(Debug, clap::Subcommand)]
pub(crate) enum CheckpointCommand {
    /// Check a checkpoint and say what it holds
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess checkpoint show state/checkpoint-000000036000.bess
  bess checkpoint show backup.bess --json")]
pub(crate) struct ShowArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Copy the newest whole checkpoint out of a folder; the farm may run meanwhile
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess backup --state state --out backup.bess")]
pub(crate) struct BackupArgs {
    /// The folder of `bess serve --state`
    #[arg(long, value_name = "DIR", env = "BESS_STATE")]
    state: PathBuf,
    /// The file to write; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Bring a backup back into a folder, for the next start of `bess serve`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess restore backup.bess --state state
  bess restore backup.bess --state state --force")]
pub(crate) struct RestoreArgs {
    /// The backup, or any checkpoint
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder of `bess serve --state`
    #[arg(long, value_name = "DIR", env = "BESS_STATE")]
    state: PathBuf,
    /// Where checkpoints are there already, move them aside into a folder within it
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(command: &CheckpointCommand, out: &mut dyn Write) -> anyhow::Result<()> {
    let CheckpointCommand::Show(args) = command;
    let (_, checkpoint) = read(&args.file)?;
    if args.json { show_json(&checkpoint, out) } else { show(&checkpoint, out) }
}

/// Reads a file of which somebody says that it is a checkpoint.
fn read(path: &Path) -> Result<(Vec<u8>, Checkpoint), BadInput> {
    let refuse = |why: String| BadInput(format!("{}: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| refuse(format!("cannot read it: {error}")))?;
    let checkpoint = format::read(&bytes).map_err(|broken| {
        let hint = match broken {
            Broken::TooNew { .. } => "use that version of bess, or a newer one",
            Broken::NoCheckpoint => "checkpoints are named checkpoint-TICK.bess",
            _ => "use an older checkpoint or a backup; this file was left as it is",
        };
        refuse(format!("{broken}\nhint: {hint}"))
    })?;
    Ok((bytes, checkpoint))
}

fn instant(unix_ns: i64) -> String {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(unix_ns));
    instant.map_or_else(|_| unix_ns.to_string(), |instant| format!("{instant:.3}"))
}

fn show(checkpoint: &Checkpoint, out: &mut dyn Write) -> anyhow::Result<()> {
    let Checkpoint { format, header, sections, crc32, size } = checkpoint;
    let Header { identity, clock, .. } = header;
    let rows = [
        ("farm", format!("{:?}, {} units, shard {}", header.farm, identity.units, identity.shard)),
        ("farm file", format!("SHA-256 {}, seed {}", identity.farm_sha256, identity.seed)),
        ("tick", header.tick.to_string()),
        ("simulated", instant(header.time_unix_ns)),
        ("written", instant(header.wall_unix_ns)),
        (
            "clock",
            format!("{}, speed {}", if clock.paused { "paused" } else { "running" }, clock.speed),
        ),
        (
            "scenarios",
            if header.runs.is_empty() { "none".to_owned() } else { header.runs.join(", ") },
        ),
        ("bess", format!("{}, format {format}", header.bess)),
        ("size", format!("{size} bytes in {} sections", sections.len())),
        ("checksum", format!("CRC-32 {crc32:08x}, it holds")),
    ];
    for (name, value) in rows {
        writeln!(out, "{name:<10} {value}")?;
    }
    Ok(())
}

fn show_json(checkpoint: &Checkpoint, out: &mut dyn Write) -> anyhow::Result<()> {
    let Checkpoint { format, header, sections, crc32, size } = checkpoint;
    let json = serde_json::json!({
        "farm": header.farm,
        "farm_sha256": header.identity.farm_sha256,
        "seed": header.identity.seed,
        "shard": header.identity.shard,
        "units": header.identity.units,
        "tick": header.tick,
        "time": instant(header.time_unix_ns),
        "written": instant(header.wall_unix_ns),
        "paused": header.clock.paused,
        "speed": header.clock.speed,
        "scenarios": header.runs,
        "bess": header.bess,
        "format": format,
        "size_bytes": size,
        "crc32": format!("{crc32:08x}"),
        "sections": sections.iter().map(|section| serde_json::json!({
            "name": section.name,
            "bytes": section.bytes.len(),
        })).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &json)?;
    writeln!(out)?;
    Ok(())
}

pub(crate) fn backup(args: &BackupArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let folder = &args.state;
    let bad = |why: String| BadInput(format!("cannot back up {}: {why}", folder.display()));
    if args.out.exists() {
        let why = format!("{} is there already", args.out.display());
        return Err(bad(why).into());
    }
    let mut skipped = 0;
    let all = folder::list(folder).map_err(|error| bad(error.to_string()))?;
    for path in all.into_iter().rev() {
        // The farm may have deleted it meanwhile.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        match format::read(&bytes) {
            Ok(checkpoint) => {
                folder::put_whole(&args.out, &bytes, false)
                    .with_context(|| format!("cannot write {}", args.out.display()))?;
                // What was written is what is read.
                read(&args.out)?;
                let (tick, from) = (checkpoint.header.tick, path.display());
                writeln!(out, "backed up tick {tick} from {from} to {}", args.out.display())?;
                if skipped > 0 {
                    let _ = writeln!(
                        std::io::stderr(),
                        "warning: {skipped} newer checkpoints cannot be read"
                    );
                }
                return Ok(());
            }
            Err(_) => skipped += 1,
        }
    }
    let why = match skipped {
        0 => "it holds no checkpoint".to_owned(),
        n => format!("none of its {n} checkpoints can be read"),
    };
    Err(bad(why).into())
}

pub(crate) fn restore(args: &RestoreArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let (bytes, checkpoint) = read(&args.file)?;
    let folder = Folder::take(&args.state)?;
    let there = folder::list(&args.state)?;
    if let (Some(newest), false) = (there.last(), args.force) {
        let message = format!(
            "{} holds a state already: {}\nhint: --force moves it aside",
            args.state.display(),
            newest.display()
        );
        return Err(BadInput(message).into());
    }
    let cannot = || format!("cannot restore to {}", args.state.display());
    if let Some(aside) = folder.set_aside("before-restore").with_context(cannot)? {
        writeln!(out, "moved {} checkpoints to {}", there.len(), aside.display())?;
    }
    let path = folder.put(checkpoint.header.tick, &bytes).with_context(cannot)?;
    writeln!(out, "restored tick {} to {}", checkpoint.header.tick, path.display())?;
    Ok(())
}
