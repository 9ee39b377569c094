//! `bess alarms`, `bess events`, `bess writes`: what is wrong, what happened, who wrote what.

use super::{Target, cell, print, rows, text};
use serde_json::Value;
use std::io::Write;

/// List the alarms of a running farm
#[derive(Debug, clap::Args)]
pub(crate) struct AlarmsArgs {
    #[command(flatten)]
    target: Target,
    /// Pending ones as well, which do not stand yet
    #[arg(long)]
    all: bool,
    /// Only those of this unit: number or name
    #[arg(long)]
    unit: Option<String>,
    /// Only those of this level: warning, derate, trip, critical
    #[arg(long)]
    level: Option<String>,
}

/// List the newest events of a running farm
#[derive(Debug, clap::Args)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    target: Target,
    /// Most events
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Only those with a greater number
    #[arg(long)]
    after: Option<u64>,
    /// Only those of this unit: number or name
    #[arg(long)]
    unit: Option<String>,
    /// Only those of this kind, such as state, alarm, contactor, grid
    #[arg(long)]
    kind: Option<String>,
}

/// List the newest writes to a running farm, refused ones as well
#[derive(Debug, clap::Args)]
pub(crate) struct WritesArgs {
    #[command(flatten)]
    target: Target,
    /// Most writes
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Only those with a greater number
    #[arg(long)]
    after: Option<u64>,
    /// Only those to this unit: number or name
    #[arg(long)]
    unit: Option<String>,
    /// Only those that were applied, or refused
    #[arg(long)]
    result: Option<String>,
}

/// A path with the parameters that are given.
fn path(resource: &str, params: &[(&str, Option<String>)]) -> String {
    let given = params.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    given.fold(resource.to_owned(), |path, (name, value)| {
        let sign = if path.contains('?') { '&' } else { '?' };
        format!("{path}{sign}{name}={}", encoded(value))
    })
}

/// Percent-encodes what has a meaning in a query.
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    value.bytes().map(encode).collect()
}

pub(crate) fn alarms(args: &AlarmsArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let params = [
        ("unit", args.unit.clone()),
        ("level", args.level.clone()),
        ("limit", Some("10000".into())),
    ];
    let mut answer = args.target.send("GET", &path("alarms", &params), None)?;
    if !args.all
        && let Some(alarms) = answer.get_mut("alarms").and_then(Value::as_array_mut)
    {
        alarms.retain(|alarm| text(alarm, "phase") != "pending");
    }
    if args.target.json { print(&answer, out) } else { list_alarms(&answer, out) }
}

fn list_alarms(answer: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    let head = ["unit", "rack", "level", "phase", "since tick", "value", "threshold", "alarm"];
    let [unit, rack, level, phase, since, value, threshold, alarm] = head;
    writeln!(
        out,
        "{unit:<14} {rack:>4} {level:<8} {phase:<7} {since:>10} {value:>12} {threshold:>12} {alarm}"
    )?;
    for alarm in rows(answer, "alarms")? {
        writeln!(
            out,
            "{:<14} {:>4} {:<8} {:<7} {:>10} {:>12} {:>12} {}: {}",
            text(alarm, "unit_name"),
            cell(alarm, "rack"),
            text(alarm, "level"),
            text(alarm, "phase"),
            cell(alarm, "since_tick"),
            quantity(alarm, "value"),
            quantity(alarm, "threshold"),
            text(alarm, "code"),
            text(alarm, "text"),
        )?;
    }
    Ok(())
}

/// A value of an alarm with its unit; `-` for a yes or no.
fn quantity(alarm: &Value, key: &str) -> String {
    let Some(value) = alarm.get(key).and_then(Value::as_f64) else {
        return "-".to_owned();
    };
    let unit = alarm.get("unit_of_measure").and_then(Value::as_str).unwrap_or_default();
    format!("{value:.3} {unit}").trim_end().to_owned()
}

pub(crate) fn events(args: &EventsArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let params = [
        ("limit", Some(args.limit.to_string())),
        ("after", args.after.map(|after| after.to_string())),
        ("unit", args.unit.clone()),
        ("kind", args.kind.clone()),
    ];
    let answer = args.target.send("GET", &path("events", &params), None)?;
    if args.target.json {
        return print(&answer, out);
    }
    for event in rows(&answer, "events")? {
        writeln!(
            out,
            "{:>7} tick {:>8} {:<28} unit {:>5} {:<18} {}",
            cell(event, "number"),
            cell(event, "tick"),
            text(event, "simulation_time"),
            cell(event, "unit"),
            text(event, "kind"),
            text(event, "text"),
        )?;
    }
    Ok(())
}

pub(crate) fn writes(args: &WritesArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let params = [
        ("limit", Some(args.limit.to_string())),
        ("after", args.after.map(|after| after.to_string())),
        ("unit", args.unit.clone()),
        ("result", args.result.clone()),
    ];
    let answer = args.target.send("GET", &path("writes", &params), None)?;
    if args.target.json {
        return print(&answer, out);
    }
    for write in rows(&answer, "writes")? {
        let reason = write.get("reason").and_then(Value::as_str);
        writeln!(
            out,
            "{:>7} tick {:>8} unit {:>5} {:<8} {} {} {}: {}{}",
            cell(write, "number"),
            cell(write, "tick"),
            cell(write, "unit"),
            text(write, "result"),
            text(write, "source"),
            cell(write, "peer"),
            cell(write, "via"),
            text(write, "what"),
            reason.map(|reason| format!(" ({reason})")).unwrap_or_default(),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_has_the_parameters_that_are_given() {
        let params = [("limit", Some("5".to_owned())), ("after", None)];
        assert_eq!(path("events", &params), "events?limit=5");
        let params = [("unit", Some("a b&c".to_owned())), ("kind", Some("grid".to_owned()))];
        assert_eq!(path("events", &params), "events?unit=a%20b%26c&kind=grid");
    }

    #[test]
    fn an_alarm_is_a_line_with_its_value_or_a_dash() {
        let answer = json!({"alarms": [
            {"unit_name": "unit-003", "rack": 5, "level": "trip", "phase": "active",
             "since_tick": 11, "value": 3.71, "threshold": 3.65, "unit_of_measure": "V",
             "code": "cell_over_voltage", "text": "too high"},
            {"unit_name": "unit-001", "rack": null, "level": "critical", "phase": "latched",
             "since_tick": 2, "value": null, "threshold": null, "unit_of_measure": "",
             "code": "smoke", "text": "there is smoke"},
        ]});
        let mut out = Vec::new();
        list_alarms(&answer, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].contains("3.710 V") && lines[1].contains("3.650 V"), "{text}");
        assert!(lines[2].contains(" - ") && lines[2].contains("smoke: there is smoke"), "{text}");
    }
}
