//! `bess unit` and `bess clock`: talk to a running farm over REST.

use crate::BadInput;
use anyhow::Context;
use serde_json::{Value, json};
use std::io::Write;

/// Where the running farm is.
#[derive(Debug, clap::Args)]
struct Target {
    /// Base URL of the farm's REST API
    #[arg(
        long,
        value_name = "URL",
        env = "BESS_API",
        default_value = "http://127.0.0.1:8000",
        global = true
    )]
    api: String,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    json: bool,
}

/// List and control the units of a running farm
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess unit list
  bess unit set 3 1.5MW
  bess unit set unit-003 -20%
  bess unit stop 3")]
pub(crate) struct UnitArgs {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: UnitCommand,
}

#[derive(Debug, clap::Subcommand)]
enum UnitCommand {
    /// A line for each unit
    List,
    /// Everything about one unit, as JSON
    Show {
        /// Number or name of the unit
        unit: String,
    },
    /// Set the power of a unit; positive is discharge
    Set {
        /// Number or name of the unit
        unit: String,
        /// Active power with its unit: 1500000W, 1500kW, 1.5MW, 60%
        #[arg(allow_hyphen_values = true)]
        power: String,
        /// Reactive power with its unit: 200kvar, 0.2Mvar, 10%
        #[arg(long, value_name = "POWER", allow_hyphen_values = true)]
        reactive: Option<String>,
    },
    /// Close the contactors and start the converter
    Start {
        /// Number or name of the unit
        unit: String,
    },
    /// Stop the converter and open the contactors
    Stop {
        /// Number or name of the unit
        unit: String,
    },
    /// Stop the converter, keep the contactors closed
    Standby {
        /// Number or name of the unit
        unit: String,
    },
    /// Clear latched alarms whose cause is gone
    Reset {
        /// Number or name of the unit
        unit: String,
    },
}

/// Show and control the clock of a running farm
#[derive(Debug, clap::Args)]
pub(crate) struct ClockArgs {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: ClockCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ClockCommand {
    /// Pace, speed and tick
    Show,
    /// Stop ticking; commands are still taken
    Pause,
    /// Tick on
    Resume,
    /// Simulated seconds per second of wall time, 0.01 to 10000
    Speed {
        /// Factor
        factor: f64,
    },
    /// Run this many ticks, then stay paused
    Step {
        /// Number of ticks of 0.1 s
        ticks: u64,
    },
}

pub(crate) fn unit(args: &UnitArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let target = &args.target;
    let operate = |unit: &str, action: &str| {
        target.send("POST", &format!("units/{unit}/commands"), Some(json!({ "action": action })))
    };
    let answer = match &args.command {
        UnitCommand::List => {
            let answer = target.send("GET", "units", None)?;
            return if target.json { print(&answer, out) } else { list(&answer, out) };
        }
        UnitCommand::Show { unit } => {
            return print(&target.send("GET", &format!("units/{unit}"), None)?, out);
        }
        UnitCommand::Set { unit, power, reactive } => {
            let mut body = serde_json::Map::new();
            let (form, value) = parse_power(power, "W")?;
            body.insert(format!("active_power_{form}"), json!(value));
            if let Some(reactive) = reactive {
                let (form, value) = parse_power(reactive, "var")?;
                body.insert(format!("reactive_power_{form}"), json!(value));
            }
            target.send("PUT", &format!("units/{unit}/setpoint"), Some(Value::Object(body)))?
        }
        UnitCommand::Start { unit } => operate(unit, "start")?,
        UnitCommand::Stop { unit } => operate(unit, "stop")?,
        UnitCommand::Standby { unit } => operate(unit, "standby")?,
        UnitCommand::Reset { unit } => operate(unit, "reset_alarms")?,
    };
    acknowledge(target, &answer, out)
}

pub(crate) fn clock(args: &ClockArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let target = &args.target;
    let patch = |body: Value| target.send("PATCH", "clock", Some(body));
    let answer = match &args.command {
        ClockCommand::Show => return print(&target.send("GET", "clock", None)?, out),
        ClockCommand::Pause => patch(json!({ "mode": "paused" }))?,
        ClockCommand::Resume => patch(json!({ "mode": "running" }))?,
        ClockCommand::Speed { factor } => patch(json!({ "speed": factor }))?,
        ClockCommand::Step { ticks } => patch(json!({ "step_ticks": ticks }))?,
    };
    acknowledge(target, &answer, out)
}

impl Target {
    /// One request; a problem document becomes an error that says what it said.
    fn send(&self, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        // Both forms are in use: the bare host, and the base that the endpoints file names.
        let base = self.api.trim_end_matches('/');
        let base = base.strip_suffix("/api/v1").unwrap_or(base);
        let url = format!("{base}/api/v1/{path}");
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(std::time::Duration::from_secs(660)))
            .timeout_connect(Some(std::time::Duration::from_secs(5)))
            .build()
            .into();
        let unreachable = |error: ureq::Error| {
            anyhow::anyhow!(
                "no farm answers at {}: {error}\nhint: start one with `bess serve`, or name it with --api",
                self.api
            )
        };
        let mut response = match (method, body) {
            ("GET", _) => agent.get(&url).call(),
            ("PUT", Some(body)) => agent.put(&url).send_json(body),
            ("PATCH", Some(body)) => agent.patch(&url).send_json(body),
            (_, body) => agent.post(&url).send_json(body.unwrap_or(Value::Null)),
        }
        .map_err(unreachable)?;
        let status = response.status();
        let answer: Value = response.body_mut().read_json().with_context(|| {
            format!("{url} answered {status} without JSON: is this a bess API?")
        })?;
        if status.is_success() {
            return Ok(answer);
        }
        let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
        anyhow::bail!("{} {}: {}", status.as_u16(), text("title"), text("detail"))
    }
}

fn print(answer: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    Ok(writeln!(out, "{}", serde_json::to_string_pretty(answer)?)?)
}

fn acknowledge(target: &Target, answer: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    if target.json {
        return print(answer, out);
    }
    let tick = answer.get("applied_tick").or_else(|| answer.get("tick")).cloned();
    Ok(writeln!(out, "applied at tick {}", tick.unwrap_or(Value::Null))?)
}

fn list(answer: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    let units = answer.get("units").and_then(Value::as_array).context("an answer without units")?;
    writeln!(
        out,
        "{:>4} {:<14} {:<8} {:>11} {:>11} {:>7} {:>8}",
        "no.", "name", "state", "power kW", "setpoint kW", "SoC %", "T max"
    )?;
    for unit in units {
        let number = |path: &str| unit.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let text = |path: &str| unit.pointer(path).and_then(Value::as_str).unwrap_or("?");
        writeln!(
            out,
            "{:>4} {:<14} {:<8} {:>11.1} {:>11.1} {:>7.2} {:>8.1}",
            number("/number"),
            text("/name"),
            text("/state"),
            number("/ac/active_power_w") / 1e3,
            number("/setpoint/active_power_w") / 1e3,
            number("/measured/soc") * 100.0,
            number("/measured/temperature_max_degc"),
        )?;
    }
    Ok(())
}

/// A power with its unit: the suffix of the REST field and the value for it.
fn parse_power(text: &str, base: &str) -> Result<(String, f64), BadInput> {
    let refuse = || {
        BadInput(format!(
            "\"{text}\" is no power: write a number with its unit, such as 1500k{base}, 1.5M{base} or 60%"
        ))
    };
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic() || c == '%').trim();
    let unit = text[digits.len()..].trim();
    let value: f64 = digits.parse().map_err(|_| refuse())?;
    if !value.is_finite() {
        return Err(refuse());
    }
    if unit == "%" {
        return Ok(("pct".to_owned(), value));
    }
    let factor = match unit.strip_suffix(base) {
        Some("") => 1.0,
        Some("k") => 1e3,
        Some("M") => 1e6,
        _ => return Err(refuse()),
    };
    Ok((base.to_lowercase(), value * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_is_read_with_its_unit() {
        assert_eq!(parse_power("1.5MW", "W").unwrap(), ("w".into(), 1.5e6));
        assert_eq!(parse_power("-250 kW", "W").unwrap(), ("w".into(), -250e3));
        assert_eq!(parse_power("-20%", "W").unwrap(), ("pct".into(), -20.0));
        assert_eq!(parse_power("0.2Mvar", "var").unwrap(), ("var".into(), 2e5));
    }

    #[test]
    fn a_power_without_a_unit_or_with_another_one_is_refused() {
        for text in ["1500", "1.5GW", "MW", "1.5mw", "nanW", ""] {
            assert!(parse_power(text, "W").is_err(), "{text}");
        }
    }
}
