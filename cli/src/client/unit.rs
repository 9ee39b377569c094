//! `bess unit`: the units of a running farm.

use super::power::parse_power;
use super::{Target, acknowledge, given, print, rows};
use crate::input::{ColumnOptions, Quantity, read_series};
use anyhow::Context;
use serde_json::{Value, json};
use std::io::Write;

/// List and control the units of a running farm
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess unit list
  bess unit set 3 1.5MW
  bess unit set unit-003 -20%
  bess unit mode 3 volt_var
  bess unit schedule 3 day.csv --loop
  bess unit watchdog 3 --timeout 60s --kind change --action ramp_to_zero
  bess unit stop 3 --panel")]
pub(crate) struct UnitArgs {
    #[command(flatten)]
    target: Target,
    /// As from the unit's own panel, which local control does not refuse
    #[arg(long, global = true)]
    panel: bool,
    #[command(subcommand)]
    command: UnitCommand,
}

/// Which unit.
#[derive(Debug, clap::Args)]
struct Which {
    /// Number or name of the unit
    unit: String,
}

#[derive(Debug, clap::Subcommand)]
enum UnitCommand {
    /// A line for each unit
    List,
    /// Everything about one unit, as JSON
    Show(Which),
    /// The settings of a unit's functions, as JSON
    Functions(Which),
    /// Set the power of a unit; positive is discharge
    Set {
        #[command(flatten)]
        which: Which,
        /// Active power with its unit: 1500000W, 1500kW, 1.5MW, 60%
        #[arg(allow_hyphen_values = true)]
        power: String,
        /// Reactive power with its unit: 200kvar, 0.2Mvar, 10%
        #[arg(long, value_name = "POWER", allow_hyphen_values = true)]
        reactive: Option<String>,
    },
    /// Come up and run: contactors closed, converter running
    Start(Which),
    /// Ramp down and open the contactors
    Stop(Which),
    /// Stop the converter, keep the contactors closed
    Standby(Which),
    /// Start the converter again
    ExitStandby(Which),
    /// Reset latched alarms, a lock-out, a fault or an emergency stop whose cause is gone
    Reset(Which),
    /// Press the emergency stop
    Estop(Which),
    /// Release the emergency stop; the unit stays stopped until it is reset
    ReleaseEstop(Which),
    /// Take the unit out for work on it
    Maintenance(Which),
    /// End the work on it; the unit is off
    EndMaintenance(Which),
    /// Turn the switch at the unit's panel to local: remote writes are refused
    Local(Which),
    /// Turn it back to remote
    Remote(Which),
    /// Form an island from a dead grid, with the function `grid_forming` on
    BlackStart(Which),
    /// What the unit is to do: off, standby, maintenance, pq, or functions such as volt_var
    Mode {
        #[command(flatten)]
        which: Which,
        /// A mode, or several functions that are to be on together
        #[arg(required = true)]
        modes: Vec<String>,
    },
    /// Give the unit a schedule of active power from a CSV file, and switch that function on
    Schedule {
        #[command(flatten)]
        which: Which,
        /// Time as t_s (seconds from the start of the run) or time (RFC 3339), and a power column
        #[arg(value_name = "CSV")]
        file: std::path::PathBuf,
        #[command(flatten)]
        columns: ColumnOptions,
    },
    /// Connect or disconnect a rack of the unit
    Rack {
        #[command(flatten)]
        which: Which,
        /// Number of the rack in its unit, from 1
        rack: u32,
        /// What to do with it
        #[arg(value_parser = ["connect", "disconnect"])]
        action: String,
    },
    /// Set the watch over the unit's controller, or send it a sign of life; without options show it
    Watchdog {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        settings: WatchdogSettings,
    },
}

/// Settings of the watch; what is not given stays.
#[derive(Debug, clap::Args)]
struct WatchdogSettings {
    /// Longest time without a sign of life; 0 for no watch
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_duration)]
    timeout: Option<f64>,
    /// What counts as one: change, increment, complement, any_write, any_request, setpoint_rewrite, timeout_rewrite
    #[arg(long)]
    kind: Option<String>,
    /// What happens then: hold, ramp_to_zero, value, standby, fallback_function, open_contactors
    #[arg(long)]
    action: Option<String>,
    /// Power for the action `value`, with its unit
    #[arg(long, value_name = "POWER", allow_hyphen_values = true)]
    value: Option<String>,
    /// Function for the action `fallback_function`
    #[arg(long)]
    function: Option<String>,
    /// How the controller is taken back: automatic, reset
    #[arg(long)]
    recovery: Option<String>,
    /// How much longer the device really takes than configured
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_duration)]
    extra: Option<f64>,
    /// Largest further delay, drawn anew for each loss
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_duration)]
    jitter: Option<f64>,
    /// Send this heartbeat
    #[arg(long, value_name = "NUMBER")]
    heartbeat: Option<u32>,
}

impl WatchdogSettings {
    /// The body of the change; `None` when nothing is given.
    fn body(&self) -> anyhow::Result<Option<Value>> {
        let value = match &self.value {
            None => None,
            Some(power) => match parse_power(power, "W")? {
                (form, value) if form == "w" => Some(json!(value)),
                _ => {
                    let message = "give --value in W, kW or MW, not in percent";
                    return Err(crate::BadInput(message.to_owned()).into());
                }
            },
        };
        let watchdog = given([
            ("timeout_s", self.timeout.map(Value::from)),
            ("kind", self.kind.clone().map(Value::from)),
            ("action", self.action.clone().map(Value::from)),
            ("value_w", value),
            ("function", self.function.clone().map(Value::from)),
            ("recovery", self.recovery.clone().map(Value::from)),
            ("extra_s", self.extra.map(Value::from)),
            ("jitter_s", self.jitter.map(Value::from)),
        ]);
        let is_empty = watchdog.as_object().is_some_and(serde_json::Map::is_empty);
        let body = given([
            ("watchdog", (!is_empty).then_some(watchdog)),
            ("heartbeat", self.heartbeat.map(Value::from)),
        ]);
        Ok((body != json!({})).then_some(body))
    }
}

/// The action in REST, and the unit, of a command that is no more than that.
fn action(command: &UnitCommand) -> Option<(&'static str, &Which)> {
    Some(match command {
        UnitCommand::Start(which) => ("start", which),
        UnitCommand::Stop(which) => ("stop", which),
        UnitCommand::Standby(which) => ("standby", which),
        UnitCommand::ExitStandby(which) => ("exit_standby", which),
        UnitCommand::Reset(which) => ("reset_alarms", which),
        UnitCommand::Estop(which) => ("estop", which),
        UnitCommand::ReleaseEstop(which) => ("release_estop", which),
        UnitCommand::Maintenance(which) => ("maintenance", which),
        UnitCommand::EndMaintenance(which) => ("end_maintenance", which),
        UnitCommand::Local(which) => ("local", which),
        UnitCommand::Remote(which) => ("remote", which),
        UnitCommand::BlackStart(which) => ("black_start", which),
        _ => return None,
    })
}

/// The body of a mode: one name is a mode, several are functions.
fn mode(modes: &[String]) -> Value {
    match modes {
        [mode] => json!({ "mode": mode }),
        functions => json!({ "functions": functions }),
    }
}

pub(crate) fn run(args: &UnitArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let target = &args.target;
    let query = if args.panel { "?panel=true" } else { "" };
    if let Some((action, which)) = action(&args.command) {
        let body =
            given([("action", Some(json!(action))), ("panel", args.panel.then_some(json!(true)))]);
        let answer = target.send("POST", &format!("units/{}/commands", which.unit), Some(body))?;
        return acknowledge(target, &answer, out);
    }
    let answer = match &args.command {
        UnitCommand::Show(which) => {
            return print(&target.send("GET", &format!("units/{}", which.unit), None)?, out);
        }
        UnitCommand::Functions(which) => {
            let path = format!("units/{}/functions", which.unit);
            return print(&target.send("GET", &path, None)?, out);
        }
        UnitCommand::Set { which, power, reactive } => {
            let mut body = serde_json::Map::new();
            let (form, value) = parse_power(power, "W")?;
            body.insert(format!("active_power_{form}"), json!(value));
            if let Some(reactive) = reactive {
                let (form, value) = parse_power(reactive, "var")?;
                body.insert(format!("reactive_power_{form}"), json!(value));
            }
            let path = format!("units/{}/setpoint{query}", which.unit);
            target.send("PUT", &path, Some(Value::Object(body)))?
        }
        UnitCommand::Mode { which, modes } => {
            target.send("PUT", &format!("units/{}/mode{query}", which.unit), Some(mode(modes)))?
        }
        UnitCommand::Schedule { which, file, columns } => {
            let unit = target.send("GET", &format!("units/{}", which.unit), None)?;
            let rated = unit.pointer("/rating/active_power_w").and_then(Value::as_f64);
            let quantity = Quantity::FarmPower { rated_w: rated.context("a unit without rating")? };
            let schedule = read_series(file, quantity, columns)?;
            let times = schedule.times_s().iter();
            let rows: Vec<Value> =
                times.zip(schedule.values()).map(|(time, power)| json!([time, power])).collect();
            let body = json!({ "schedule": { "rows": rows, "repeats": columns.looped } });
            let path = format!("units/{}/functions{query}", which.unit);
            target.send("PATCH", &path, Some(body))?;
            let mode = json!({ "mode": "schedule" });
            target.send("PUT", &format!("units/{}/mode{query}", which.unit), Some(mode))?
        }
        UnitCommand::Rack { which, rack, action } => {
            let panel = args.panel.then_some(json!(true));
            let body = given([("action", Some(json!(action))), ("panel", panel)]);
            let path = format!("units/{}/racks/{rack}/commands", which.unit);
            target.send("POST", &path, Some(body))?
        }
        UnitCommand::Watchdog { which, settings } => match settings.body()? {
            None => {
                let unit = target.send("GET", &format!("units/{}", which.unit), None)?;
                let watchdog = unit.pointer("/control/watchdog").unwrap_or(&Value::Null);
                return print(watchdog, out);
            }
            Some(body) => {
                let path = format!("units/{}/control{query}", which.unit);
                target.send("PATCH", &path, Some(body))?
            }
        },
        // List, and the commands that were done above.
        _ => {
            let answer = target.send("GET", "units", None)?;
            return if target.json { print(&answer, out) } else { list(&answer, out) };
        }
    };
    acknowledge(target, &answer, out)
}

fn list(answer: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "{:>4} {:<14} {:<14} {:>11} {:>11} {:>7} {:>8} {:<18} {:<9} alarms",
        "no.", "name", "state", "power kW", "setpoint kW", "SoC %", "T max", "mode", "watch"
    )?;
    for unit in rows(answer, "units")? {
        let number = |path: &str| unit.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let text = |path: &str| unit.pointer(path).and_then(Value::as_str).unwrap_or("?");
        let many = |path: &str| unit.pointer(path).and_then(Value::as_array).into_iter().flatten();
        let functions: Vec<&str> = many("/control/functions").filter_map(Value::as_str).collect();
        let alarms: Vec<String> = many("/alarms")
            .map(|alarm| format!("{}:{}", super::text(alarm, "code"), super::text(alarm, "level")))
            .collect();
        let local = if unit.pointer("/local") == Some(&json!(true)) { " (local)" } else { "" };
        let mode = if functions.is_empty() { "pq".to_owned() } else { functions.join("+") };
        writeln!(
            out,
            "{:>4} {:<14} {:<14} {:>11.1} {:>11.1} {:>7.2} {:>8.1} {:<18} {:<9} {}",
            number("/number"),
            text("/name"),
            text("/state"),
            number("/ac/active_power_w") / 1e3,
            number("/setpoint/active_power_w") / 1e3,
            number("/measured/soc") * 100.0,
            number("/measured/temperature_max_degc"),
            mode + local,
            text("/control/watchdog/state"),
            if alarms.is_empty() { "-".to_owned() } else { alarms.join(" ") },
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_a_mode_and_several_are_functions() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(mode(&names(&["standby"])), json!({"mode": "standby"}));
        let both = json!({"functions": ["volt_var", "frequency_droop"]});
        assert_eq!(mode(&names(&["volt_var", "frequency_droop"])), both);
    }

    #[test]
    fn a_watch_sends_what_is_given_and_nothing_else() {
        let mut settings = WatchdogSettings {
            timeout: None,
            kind: None,
            action: None,
            value: None,
            function: None,
            recovery: None,
            extra: None,
            jitter: None,
            heartbeat: None,
        };
        assert_eq!(settings.body().unwrap(), None);
        settings.heartbeat = Some(7);
        assert_eq!(settings.body().unwrap(), Some(json!({"heartbeat": 7})));
        settings.timeout = Some(60.0);
        settings.value = Some("-0.5MW".to_owned());
        let watchdog = json!({"timeout_s": 60.0, "value_w": -5e5});
        assert_eq!(settings.body().unwrap(), Some(json!({"watchdog": watchdog, "heartbeat": 7})));
        settings.value = Some("5%".to_owned());
        assert!(settings.body().is_err());
    }

    #[test]
    fn a_line_of_the_list_names_mode_watch_and_alarms() {
        let answer = json!({"units": [{
            "number": 3, "name": "unit-003", "state": "tripped", "local": true,
            "alarms": [{"code": "cell_over_voltage", "level": "trip"}],
            "control": {"functions": ["volt_var"], "watchdog": {"state": "late"}},
        }]});
        let mut out = Vec::new();
        list(&answer, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let line = text.lines().nth(1).unwrap();
        for part in ["unit-003", "tripped", "volt_var (local)", "late", "cell_over_voltage:trip"] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}
