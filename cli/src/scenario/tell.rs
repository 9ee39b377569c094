//! What a run came to: for people, and as files for machines.

use super::host::Ended;
use crate::BadInput;
use anyhow::Context;
use bess_core::stage::CheckState;
use bess_scenarios::book::Forms;
use bess_scenarios::report::Report;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Forms of a report.
pub(crate) const FORMS: Forms = Forms {
    json: bess_scenarios::report::json,
    junit: bess_scenarios::report::junit,
    html: bess_scenarios::report::html,
};

/// A file with what makes its text.
type ReportFile = (&'static str, fn(&Report) -> String);

/// The files of a report.
const FILES: [ReportFile; 3] =
    [("report.json", FORMS.json), ("junit.xml", FORMS.junit), ("report.html", FORMS.html)];

/// Tells people, and writes the files.
pub(super) fn tell(
    ended: &Ended,
    folder: Option<&Path>,
    is_quiet: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let report = &ended.report;
    let (seed, determinism) = (report.seed, report.determinism.name());
    // To the tick.
    let length_s = ((report.end_s - report.start_s) * 10.0).round() / 10.0;
    writeln!(
        out,
        "{}: {} (seed {seed}, {determinism}; {length_s} s in {:.1} s)",
        report.scenario.id,
        report.verdict.name(),
        ended.took.as_secs_f64()
    )?;
    if !report.reason.is_empty() {
        writeln!(out, "  {}", report.reason)?;
    }
    if !is_quiet {
        details(ended, out)?;
    }
    folder.map_or(Ok(()), |folder| write(report, folder))
}

fn details(ended: &Ended, out: &mut dyn Write) -> std::io::Result<()> {
    let report = &ended.report;
    for check in &report.checks {
        let seen = if check.state == CheckState::Passed { &check.message } else { &check.seen };
        let (state, severity) = (check.state.name(), check.severity.name());
        writeln!(out, "  {state:<12} {severity:<6} {:<32} {seen}", check.id)?;
    }
    for action in report.actions.iter().filter(|action| action.plane.is_some()) {
        let left_out = &action.left_out;
        writeln!(
            out,
            "  {:<12} fault  {:<32} {} {left_out}",
            action.effect.name(),
            action.id,
            action.kind
        )?;
    }
    for broken in &report.invariants {
        if let Some((at_s, how)) = &broken.broken {
            writeln!(out, "  broken       {} at {at_s} s: {how}", broken.name)?;
        }
    }
    if let Some(ems) = &ended.ems {
        let (requests, connects, writes) = (ems.requests, ems.connects, ems.writes);
        writeln!(
            out,
            "  the EMS made {requests} requests, {writes} writes, {connects} connections"
        )?;
    }
    Ok(())
}

/// Writes the report in every form, each aside and renamed.
fn write(report: &Report, folder: &Path) -> anyhow::Result<()> {
    let refuse = |error| BadInput(format!("cannot write to {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(refuse)?;
    for (name, form) in FILES {
        let path = folder.join(name);
        let cannot = || format!("cannot write {}", path.display());
        let mut file = tempfile::Builder::new()
            // Whoever may look into the folder may read what is in it.
            .permissions(std::fs::Permissions::from_mode(0o644))
            .tempfile_in(folder)
            .with_context(cannot)?;
        file.write_all(form(report).as_bytes()).with_context(cannot)?;
        file.persist(&path).with_context(cannot)?;
    }
    Ok(())
}
