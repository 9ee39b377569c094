//! `bess alarms`, `bess events`, `bess writes`: what is wrong, what happened, who wrote what.

use super::{Target, cell, path, print, rows, text};
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
            "{:>7} tick {:>8} unit {:>5} {:<8} {} {}{} {}: {}{}{}",
            cell(write, "number"),
            cell(write, "tick"),
            cell(write, "unit"),
            text(write, "result"),
            text(write, "source"),
            cell(write, "peer"),
            write.get("token").map(holder_of).unwrap_or_default(),
            cell(write, "via"),
            text(write, "what"),
            write.get("modbus").map(words_of).unwrap_or_default(),
            reason.map(|reason| format!(" ({reason})")).unwrap_or_default(),
        )?;
    }
    Ok(())
}

/// Whose token it was, in brackets: ` (ems-1, operator)`; nothing where there was none.
fn holder_of(token: &Value) -> String {
    if token.is_null() {
        return String::new();
    }
    format!(" ({}, {})", text(token, "name"), text(token, "role"))
}

/// What a Modbus request wrote, in brackets: ` [main, operator, unit id 3: 0 0 -> 15 16960]`.
fn words_of(write: &Value) -> String {
    let words = |key: &str| {
        let words = write.get(key).and_then(Value::as_array).into_iter().flatten();
        words.map(Value::to_string).collect::<Vec<_>>().join(" ")
    };
    let (listener, role) = (text(write, "listener"), text(write, "role"));
    let (old, new) = (words("old"), words("new"));
    let old = if old.is_empty() { old } else { format!("{old} -> ") };
    format!(" [{listener}, {role}, unit id {}: {old}{new}]", cell(write, "unit_id"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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

    #[test]
    fn a_write_with_a_token_tells_whose_it_was() {
        let token = json!({"name": "ems-1", "role": "operator"});
        assert_eq!(holder_of(&token), " (ems-1, operator)");
        assert_eq!(holder_of(&Value::Null), "");
    }

    #[test]
    fn a_write_over_modbus_tells_its_words_in_brackets() {
        let write = json!({"listener": "main", "role": "operator", "unit_id": 3, "old": [0, 0],
            "new": [15, 16_960], "points": [], "exception": null});
        assert_eq!(words_of(&write), " [main, operator, unit id 3: 0 0 -> 15 16960]");
        let to_nobody =
            json!({"listener": "main", "role": "viewer", "unit_id": 99, "old": [], "new": [1]});
        assert_eq!(words_of(&to_nobody), " [main, viewer, unit id 99: 1]");
    }
}
