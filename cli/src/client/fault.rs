//! `bess fault`: makes something of a running farm wrong, and ends that.

use super::{Target, acknowledge, cell, encoded, given, print, rows};
use bess_core::config::did_you_mean;
use bess_core::snapshot::FaultPlane;
use bess_core::stage::FaultKindInfo;
use bess_scenarios::faults::{FaultKind, KINDS};
use serde_json::{Map, Value, json};
use std::io::Write;

/// Make something of a running farm wrong, and end that
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess fault kinds
  bess fault kinds device.pcs.trip
  bess fault inject device.hvac.pump --target unit-003 --for 10m --id pump-1
  bess fault inject device.cell.internal_short --target unit-001/rack-2/cell-117 --with resistance_ohm=12mohm
  bess fault inject sensor.bias --target unit-001/rack-2/current_a --with offset=15
  bess fault list
  bess fault clear pump-1
  bess fault clear --all")]
pub(crate) struct FaultArgs {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: FaultCommand,
}

#[derive(Debug, clap::Subcommand)]
enum FaultCommand {
    /// A line for each fault that is in force, or was lately
    List,
    /// What can be made wrong; with the name of a kind all about it and its parameters
    Kinds {
        /// One of them, or how it begins
        kind: Option<String>,
    },
    /// Begin a fault
    Inject(Box<InjectArgs>),
    /// End a fault
    Clear(Which),
}

/// One fault, or all.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Its id
    id: Option<String>,
    /// End every single fault; those of runs end with their runs
    #[arg(long)]
    all: bool,
}

#[derive(Debug, clap::Args)]
struct InjectArgs {
    /// What goes wrong, as `bess fault kinds` names it
    kind: String,
    /// Whom it hits, such as unit-003, unit-003/rack-2, unit-003/rack-2/current_a or grid; several times
    /// for several
    #[arg(long, value_name = "TARGET")]
    target: Vec<String>,
    /// A parameter by its name, such as resistance_ohm=12mohm
    #[arg(long = "with", value_name = "NAME=VALUE", value_parser = crate::scenario::parse_setting)]
    with: Vec<(String, String)>,
    /// Simulated time after which it ends; until it is cleared when absent
    #[arg(long = "for", value_name = "DURATION")]
    duration: Option<String>,
    /// What ends it: auto or manual (its duration, or clear), or never (clear alone)
    #[arg(long, value_name = "RECOVERY", value_parser = ["auto", "manual", "never"])]
    recovery: Option<String>,
    /// Its id; a drawn one when absent
    #[arg(long)]
    id: Option<String>,
    /// Seed of its chance
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl InjectArgs {
    fn body(&self) -> Value {
        let target = match self.target.as_slice() {
            [] => None,
            [one] => Some(json!(one)),
            several => Some(json!(several)),
        };
        let with: Map<String, Value> =
            self.with.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
        given([
            ("id", self.id.clone().map(Value::from)),
            ("kind", Some(json!(self.kind))),
            ("target", target),
            ("with", (!with.is_empty()).then_some(Value::Object(with))),
            ("duration", self.duration.clone().map(Value::from)),
            ("recovery", self.recovery.clone().map(Value::from)),
            ("seed", self.seed.map(Value::from)),
        ])
    }
}

/// A number or a yes or no is sent as one; everything else, such as `5MW`, as it was typed.
fn plain(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => Value::from(text),
    }
}

pub(crate) fn run(args: &FaultArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let target = &args.target;
    let answer = match &args.command {
        FaultCommand::List => {
            let answer = target.send("GET", "faults", None)?;
            return if target.json { print(&answer, out) } else { list(&answer, out) };
        }
        FaultCommand::Kinds { kind } => return kinds(kind.as_deref(), target.json, out),
        FaultCommand::Inject(inject) => {
            if !KINDS.iter().any(|kind| kind.name == inject.kind) {
                return Err(unknown(&inject.kind).into());
            }
            let answer = target.send("POST", "faults", Some(inject.body()))?;
            if !target.json {
                writeln!(out, "fault {} begun", cell(&answer, "id"))?;
                return Ok(());
            }
            answer
        }
        FaultCommand::Clear(Which { id: Some(id), .. }) => {
            target.send("DELETE", &format!("faults/{}", encoded(id)), None)?
        }
        FaultCommand::Clear(Which { id: None, .. }) => target.send("DELETE", "faults", None)?,
    };
    acknowledge(target, &answer, out)
}

fn list(answer: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    let [id, kind, state, effect, targets] = ["id", "kind", "state", "effect", "targets"];
    writeln!(out, "{id:<28} {kind:<32} {state:<7} {effect:<13} {targets}")?;
    for fault in rows(answer, "faults")? {
        let is_active = fault.get("is_active").and_then(Value::as_bool) == Some(true);
        let targets = fault.get("targets").and_then(Value::as_array).into_iter().flatten();
        let targets: Vec<&str> = targets.filter_map(Value::as_str).collect();
        writeln!(
            out,
            "{:<28} {:<32} {:<7} {:<13} {}",
            cell(fault, "id"),
            cell(fault, "kind"),
            if is_active { "active" } else { "ended" },
            cell(fault, "effect"),
            targets.join(" "),
        )?;
    }
    Ok(())
}

fn unknown(kind: &str) -> crate::BadInput {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let hint = did_you_mean(kind, &names)
        .unwrap_or_else(|| "`bess fault kinds` names every one".to_owned());
    crate::BadInput(format!("there is no kind of fault called {kind}\nhint: {hint}"))
}

/// What can be made wrong; no farm is asked.
fn kinds(name: Option<&str>, is_json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let all: Vec<FaultKindInfo> = KINDS.iter().copied().map(FaultKind::info).collect();
    let wanted = name.unwrap_or_default();
    let is_one = all.iter().any(|kind| kind.name == wanted);
    let fits = |kind: &&FaultKindInfo| {
        if is_one { kind.name == wanted } else { kind.name.starts_with(wanted) }
    };
    let found: Vec<&FaultKindInfo> = all.iter().filter(fits).collect();
    if found.is_empty() {
        return Err(unknown(wanted).into());
    }
    if is_json {
        let found: Vec<Value> = found.into_iter().map(as_json).collect();
        serde_json::to_writer_pretty(&mut *out, &found)?;
        return Ok(writeln!(out)?);
    }
    for kind in found {
        let target = kind.targets.first().copied().unwrap_or_default();
        writeln!(out, "{:<36} {target:<9} {}", kind.name, kind.summary)?;
        if is_one {
            describe(kind, out)?;
        }
    }
    Ok(())
}

/// All about one kind.
fn describe(kind: &FaultKindInfo, out: &mut dyn Write) -> std::io::Result<()> {
    for (name, text) in [
        ("plane", FaultPlane::NAMES[kind.plane as usize].to_owned()),
        ("hits", kind.targets.join(", ")),
        ("effect", kind.effect.to_owned()),
        ("symptoms", kind.symptoms.to_owned()),
        ("reaction", kind.reaction.to_owned()),
        ("source", kind.source.to_owned()),
        ("catalogue", kind.catalogue.join(", ")),
    ] {
        writeln!(out, "  {name:<24} {text}")?;
    }
    if !kind.parameters.is_empty() {
        writeln!(out, "Parameters:")?;
    }
    for parameter in &kind.parameters {
        let (range, default) = (parameter.range(), parameter.default_text());
        writeln!(out, "  {:<24} {} ({range}; {default})", parameter.name, parameter.text)?;
    }
    Ok(())
}

fn as_json(kind: &FaultKindInfo) -> Value {
    let parameters = kind.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "text": parameter.text,
            "takes": parameter.takes,
            "min": parameter.min,
            "max": parameter.max,
            "choices": parameter.choices,
            "default": parameter.default,
        })
    });
    json!({
        "name": kind.name,
        "plane": FaultPlane::NAMES[kind.plane as usize],
        "target": kind.targets.first(),
        "targets": kind.targets,
        "summary": kind.summary,
        "effect": kind.effect,
        "symptoms": kind.symptoms,
        "reaction": kind.reaction,
        "source": kind.source,
        "catalogue": kind.catalogue,
        "parameters": parameters.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, Parser};

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        inject: InjectArgs,
    }
    fn body(words: &str) -> Result<Value, String> {
        let words = ["inject"].into_iter().chain(words.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(cli.inject.body())
    }

    #[test]
    fn every_flag_becomes_its_key_and_values_keep_their_units() {
        assert_eq!(body("device.hvac.pump").unwrap(), json!({"kind": "device.hvac.pump"}));
        let all = "device.cell.internal_short --target unit-001/rack-02/cell-117 --with resistance=12mohm \
                   --with hard=true --with share=0.5 --for 10m --recovery manual --id a --seed 7";
        let expected = json!({
            "id": "a", "kind": "device.cell.internal_short", "target": "unit-001/rack-02/cell-117",
            "with": {"resistance": "12mohm", "hard": true, "share": 0.5}, "duration": "10m",
            "recovery": "manual", "seed": 7,
        });
        assert_eq!(body(all).unwrap(), expected);
        let two = body("device.hvac.pump --target unit-001 --target unit-002").unwrap();
        assert_eq!(two["target"], json!(["unit-001", "unit-002"]));
        assert!(body("device.hvac.pump --with resistance").unwrap_err().contains("NAME=VALUE"));
    }

    #[test]
    fn kinds_are_told_with_their_parameters_and_an_unknown_one_with_what_may_be_meant() {
        let told = |name| {
            let mut out = Vec::new();
            kinds(name, false, &mut out).map_err(|error| error.to_string())?;
            Ok::<_, String>(String::from_utf8(out).unwrap())
        };
        assert_eq!(told(None).unwrap().lines().count(), KINDS.len());
        let device = told(Some("device.")).unwrap();
        assert!(device.lines().all(|line| line.starts_with("device.")), "{device}");
        let pump = told(Some("device.hvac.pump")).unwrap();
        assert!(pump.starts_with("device.hvac.pump "), "{pump}");
        for about in ["plane", "hits", "effect", "symptoms", "reaction", "source", "catalogue"] {
            assert!(pump.contains(&format!("\n  {about} ")), "{about}: {pump}");
        }
        // A yes or no, and a list, have no bounds.
        for kind in KINDS {
            let told = told(Some(kind.name)).unwrap();
            assert!(!told.contains("NaN") && told.contains(kind.source), "{told}");
        }
        assert!(told(Some("device.hvac.pumb")).unwrap_err().contains("device.hvac.pump"));
    }

    #[test]
    fn every_documented_fault_is_one_that_the_farm_takes() {
        use bess_core::config::parse_farm;
        let farm = bess_core::config::BUILT_IN_FARM;
        let spec = parse_farm("farm", farm, &|name| panic!("{name}")).unwrap();
        let documents = [
            include_str!("../../../docs/scenarios.md"),
            include_str!("../../../README.md"),
            &FaultArgs::augment_args(clap::Command::new("fault")).render_long_help().to_string(),
        ];
        let lines = documents.iter().flat_map(|text| text.lines());
        let commands = lines.filter_map(|line| line.trim().strip_prefix("bess fault inject "));
        let mut read = 0;
        for words in commands {
            let words = words.split(" #").next().unwrap_or_default();
            let body = body(words).unwrap_or_else(|error| panic!("{words}: {error}"));
            let text = body.to_string();
            let fault = bess_scenarios::format::read_fault("body", &text, &spec);
            assert!(fault.is_ok(), "{words}: {}", fault.unwrap_err());
            read += 1;
        }
        assert!(read >= 4, "{read}");
    }

    #[test]
    fn a_line_says_whom_a_fault_hits_and_whether_it_was_seen_to_act() {
        let answer = json!({"faults": [
            {"id": "a", "kind": "device.hvac.pump", "targets": ["unit-001", "unit-002"],
             "is_active": true, "effect": "confirmed"},
            {"id": "b", "kind": "grid.outage", "targets": ["grid"], "is_active": false,
             "effect": "no_effect"},
        ]});
        let mut out = Vec::new();
        list(&answer, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split_whitespace().collect()).collect();
        assert_eq!(
            lines[1],
            ["a", "device.hvac.pump", "active", "confirmed", "unit-001", "unit-002"]
        );
        assert_eq!(lines[2], ["b", "grid.outage", "ended", "no_effect", "grid"]);
    }
}
