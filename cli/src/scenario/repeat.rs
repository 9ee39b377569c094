//! Repeats the runs of a recording.

use super::host::Ended;
use super::{FORMS, RunArgs, new_seed, tell};
use crate::record::replay::{Stage, replay};
use crate::record::{Recording, RememberingBook};
use crate::run::workers;
use bess_core::stage::Verdict;
use bess_scenarios::book::open;
use bess_scenarios::report::{Again, Attendance, HostPart};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Repeats what `folder` has, and tells what its runs come to; the gravest verdict.
pub(super) fn repeat(
    args: &RunArgs,
    folder: &Path,
    out: &mut dyn Write,
) -> anyhow::Result<Verdict> {
    let recording = Recording::open(folder)?;
    let host = HostPart {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        attendance: Attendance::Replayed,
        has_shadow: recording.header.shadow,
        again: Again::Replay(folder.display().to_string()),
    };
    let (stage, book) = open(host, FORMS, Box::new(new_seed));
    let book = Arc::new(RememberingBook::around(Arc::new(book)));
    let begun = Instant::now();
    let stage = Stage { director: Box::new(stage), book: Arc::clone(&book) };
    let replayed = replay(&recording, workers(Some(args.workers))?, Some(stage))?;
    let took = begun.elapsed();
    writeln!(out, "{replayed}")?;
    let mut gravest = Verdict::Passed;
    let n = replayed.runs.len();
    for run in &replayed.runs {
        let Some(report) = book.book().report_of(run) else {
            writeln!(out, "{run}: it was not over when the recording ended")?;
            gravest = Verdict::Invalid;
            continue;
        };
        let verdict = report.verdict;
        let folder = args.out.as_deref();
        let folder = folder.map(|folder| if n == 1 { folder.to_owned() } else { folder.join(run) });
        tell::tell(&Ended { report, took, ems: None }, folder.as_deref(), args.quiet, out)?;
        if verdict.exit_code() > gravest.exit_code() {
            gravest = verdict;
        }
    }
    Ok(gravest)
}
