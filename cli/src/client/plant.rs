//! `bess plant`, `bess services`, `bess grid`: the plant controller, the services that it knows, and
//! the grid.

use super::{Target, acknowledge, cell, given, print, rows, text};
use crate::BadInput;
use serde_json::{Value, json};
use std::io::Write;

/// Show and change the plant controller of a running farm
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess plant show
  bess plant set --strategy equalise_soc --ramp 20
  bess plant set --frequency-response fcr --contract 5000000
  bess plant set --frequency-response none")]
pub(crate) struct PlantArgs {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: PlantCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PlantCommand {
    /// Its settings, as JSON
    Show,
    /// Change settings; what is not given stays
    Set(PlantSettings),
}

#[derive(Debug, clap::Args)]
struct PlantSettings {
    /// Whether it acts at all: true or false
    #[arg(long)]
    enabled: Option<bool>,
    /// How it splits: equal, available, soc, equalise_soc, priority, efficiency, sticky
    #[arg(long)]
    strategy: Option<String>,
    /// Numbers of the units in the order of the strategy `priority`
    #[arg(long, value_name = "UNITS", value_delimiter = ',')]
    priority: Option<Vec<u32>>,
    /// Ramp of the setpoint in percent of the rating per minute, or none
    #[arg(long, value_name = "PERCENT or none")]
    ramp: Option<String>,
    /// State of charge of a unit below which it is not asked to discharge, 0 to 1
    #[arg(long)]
    soc_min: Option<f64>,
    /// State of charge of a unit above which it is not asked to charge, 0 to 1
    #[arg(long)]
    soc_max: Option<f64>,
    /// Frequency response at the POI: a service of `bess services`, or none
    #[arg(long, value_name = "NAME or none")]
    frequency_response: Option<String>,
    /// Contract of the frequency response in W; the rating when absent
    #[arg(long, value_name = "WATTS", requires = "frequency_response")]
    contract: Option<f64>,
}

impl PlantSettings {
    fn body(&self) -> anyhow::Result<Value> {
        let ramp = match self.ramp.as_deref() {
            None => None,
            Some("none") => Some(Value::Null),
            Some(text) => Some(json!(text.parse::<f64>().map_err(|_| {
                BadInput(format!(
                    "--ramp must be a number of percent per minute or none, got {text}"
                ))
            })?)),
        };
        let response = match self.frequency_response.as_deref() {
            None => None,
            Some("none") => Some(Value::Null),
            Some(name) => Some(given([
                ("preset", Some(json!(name))),
                ("contract_w", self.contract.map(Value::from)),
            ])),
        };
        let body = given([
            ("enabled", self.enabled.map(Value::from)),
            ("strategy", self.strategy.clone().map(Value::from)),
            ("priority", self.priority.clone().map(Value::from)),
            ("ramp_pct_per_min", ramp),
            ("soc_min", self.soc_min.map(Value::from)),
            ("soc_max", self.soc_max.map(Value::from)),
            ("frequency_response", response),
        ]);
        Ok(body)
    }
}

/// List the frequency response services that a running farm knows by name
#[derive(Debug, clap::Args)]
pub(crate) struct ServicesArgs {
    #[command(flatten)]
    target: Target,
}

/// Show and disturb the grid of a running farm
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess grid disturb voltage 0.5 --for 120ms
  bess grid disturb frequency 49.2 --for 10m
  bess grid disturb outage
  bess grid load 1 on")]
pub(crate) struct GridArgs {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: GridCommand,
}

#[derive(Debug, clap::Subcommand)]
enum GridCommand {
    /// Frequency, voltage and loads, as JSON
    Show,
    /// Disturb it from the next tick on
    Disturb {
        /// voltage, frequency, outage, phase_jump or load_step
        kind: String,
        /// Per unit of nominal, Hz, degrees or W; none for an outage
        #[arg(allow_hyphen_values = true)]
        value: Option<f64>,
        /// How long, exactly; until something else happens when absent
        #[arg(long = "for", value_name = "DURATION", value_parser = crate::duration::parse_duration)]
        duration: Option<f64>,
    },
    /// Pick up a load of the island, or drop it
    Load {
        /// Number of the load, from 1
        number: u32,
        /// on or off
        #[arg(value_parser = ["on", "off"])]
        fed: String,
    },
}

pub(crate) fn plant(args: &PlantArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let target = &args.target;
    match &args.command {
        PlantCommand::Show => print(&target.send("GET", "farm/plant", None)?, out),
        PlantCommand::Set(settings) => {
            let answer = target.send("PATCH", "farm/plant", Some(settings.body()?))?;
            acknowledge(target, &answer, out)
        }
    }
}

pub(crate) fn services(args: &ServicesArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let answer = args.target.send("GET", "services", None)?;
    if args.target.json {
        return print(&answer, out);
    }
    for service in rows(&answer, "services")? {
        writeln!(
            out,
            "{:<28} dead time {:>5} s, full in {:>6} s: {}\n{:<28} {}",
            text(service, "name"),
            cell(service, "dead_time_s"),
            cell(service, "full_s"),
            text(service, "text"),
            "",
            text(service, "source"),
        )?;
    }
    Ok(())
}

pub(crate) fn grid(args: &GridArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let target = &args.target;
    let answer = match &args.command {
        GridCommand::Show => return print(&target.send("GET", "grid", None)?, out),
        GridCommand::Disturb { kind, value, duration } => {
            let body = given([
                ("kind", Some(json!(kind))),
                ("value", value.map(Value::from)),
                ("duration_s", duration.map(Value::from)),
            ]);
            target.send("POST", "grid/disturbances", Some(body))?
        }
        GridCommand::Load { number, fed } => {
            let body = json!({ "fed": fed == "on" });
            target.send("POST", &format!("grid/loads/{number}"), Some(body))?
        }
    };
    acknowledge(target, &answer, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> PlantSettings {
        PlantSettings {
            enabled: None,
            strategy: None,
            priority: None,
            ramp: None,
            soc_min: None,
            soc_max: None,
            frequency_response: None,
            contract: None,
        }
    }

    #[test]
    fn none_is_sent_as_null_and_what_is_absent_is_not_sent() {
        let wish = PlantSettings {
            ramp: Some("none".to_owned()),
            frequency_response: Some("none".to_owned()),
            priority: Some(vec![3, 1]),
            ..settings()
        };
        let body =
            json!({"ramp_pct_per_min": null, "frequency_response": null, "priority": [3, 1]});
        assert_eq!(wish.body().unwrap(), body);
        let wish = PlantSettings {
            ramp: Some("20".to_owned()),
            frequency_response: Some("fcr".to_owned()),
            contract: Some(5e6),
            ..settings()
        };
        let response = json!({"preset": "fcr", "contract_w": 5e6});
        let body = json!({"ramp_pct_per_min": 20.0, "frequency_response": response});
        assert_eq!(wish.body().unwrap(), body);
    }

    #[test]
    fn a_ramp_that_is_no_number_is_refused() {
        assert!(PlantSettings { ramp: Some("fast".to_owned()), ..settings() }.body().is_err());
    }
}
