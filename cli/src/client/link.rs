//! `bess link`: disturbs the links between a running farm and its Modbus clients.

use super::{Target, acknowledge, cell, encoded, given, print, rows};
use bess_core::link::LinkEffect;
use bess_core::net::PeerNet;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use std::io::Write;

/// Disturb the links between a running farm and its Modbus clients
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess link add slow delay --delay 500ms --jitter 200ms --unit 3
  bess link add flaky drop --probability 0.1 --seed 7
  bess link add busy exception --exception 6 --functions 6,16 --for 60s
  bess link add frozen freeze_registers --registers 12-31 --peer 10.0.0.0/8
  bess link list
  bess link clear slow
  bess link clear --all

Nothing of the farm itself is changed. Times of an answer (--delay, --jitter, --gap) are wall time,
all others simulated time.")]
pub(crate) struct LinkArgs {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: LinkCommand,
}

#[derive(Debug, clap::Subcommand)]
enum LinkCommand {
    /// A line for each condition that is in force
    List,
    /// Begin a condition, or replace the one of this name
    Add(Box<AddArgs>),
    /// End a condition
    Clear(Which),
}

/// One condition, or all.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Its name
    name: Option<String>,
    /// End all
    #[arg(long)]
    all: bool,
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// Its name: letters, digits, `_`, `-`, `.`
    name: String,
    /// What happens
    #[arg(value_parser = PossibleValuesParser::new(LinkEffect::NAMES))]
    effect: String,
    /// delay: by how much the answer comes later
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_duration)]
    delay: Option<f64>,
    /// delay: 0 to this much more, drawn for each request
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_duration)]
    jitter: Option<f64>,
    /// exception: its code
    #[arg(long, value_name = "CODE")]
    exception: Option<u8>,
    /// split: time between the two segments
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_duration)]
    gap: Option<f64>,
    /// stale_time: how old the sample says that it is
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_duration)]
    by: Option<f64>,
    /// burst_loss: chance that a burst begins with a request, 0 to 1
    #[arg(long, value_name = "CHANCE")]
    good_to_bad: Option<f64>,
    /// burst_loss: chance that it ends with one, 0 to 1
    #[arg(long, value_name = "CHANCE")]
    bad_to_good: Option<f64>,
    /// burst_loss: share of the requests that is lost within a burst
    #[arg(long, value_name = "SHARE")]
    loss_bad: Option<f64>,
    /// bandwidth: bytes a second of the line
    #[arg(long, value_name = "BYTES")]
    bytes_per_s: Option<f64>,
    /// limit_clients, limit_connections: how many of a listener are served, or may be open
    #[arg(long, value_name = "N")]
    max_clients: Option<u32>,
    /// Only connections to this listener
    #[arg(long, value_name = "NAME")]
    listener: Option<String>,
    /// Only requests to this unit: number or name
    #[arg(long)]
    unit: Option<String>,
    /// Only requests to devices that show this: whole, bms, pcs, meter, rack or plant
    #[arg(long, value_name = "PART")]
    device: Option<String>,
    /// Only requests with these function codes, separated by commas
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    functions: Option<Vec<u8>>,
    /// Only requests that touch these registers: 12-31, or 12
    #[arg(long, value_name = "FIRST-LAST", value_parser = parse_registers)]
    registers: Option<(u16, u16)>,
    /// Only clients in this network, such as 10.0.0.0/8, or at this address
    #[arg(long, value_name = "NETWORK")]
    peer: Option<PeerNet>,
    /// Share of these requests that it hits, 0 to 1
    #[arg(long, value_name = "SHARE")]
    probability: Option<f64>,
    /// Seed of the draws; the farm's when absent
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Simulated time after which it ends; until it is cleared when absent
    #[arg(long = "for", value_name = "DURATION", value_parser = crate::duration::parse_duration)]
    duration: Option<f64>,
}

fn parse_registers(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok((first, last)),
        _ => Err("expected a register, or the first and the last one, such as 12-31".to_owned()),
    }
}

impl AddArgs {
    fn body(&self) -> Value {
        given([
            ("name", Some(json!(self.name))),
            ("effect", Some(json!(self.effect))),
            ("delay_s", self.delay.map(Value::from)),
            ("jitter_s", self.jitter.map(Value::from)),
            ("exception", self.exception.map(Value::from)),
            ("gap_s", self.gap.map(Value::from)),
            ("by_s", self.by.map(Value::from)),
            ("good_to_bad", self.good_to_bad.map(Value::from)),
            ("bad_to_good", self.bad_to_good.map(Value::from)),
            ("loss_bad", self.loss_bad.map(Value::from)),
            ("bytes_per_s", self.bytes_per_s.map(Value::from)),
            ("max_clients", self.max_clients.map(Value::from)),
            ("listener", self.listener.clone().map(Value::from)),
            ("unit", self.unit.clone().map(Value::from)),
            ("device", self.device.clone().map(Value::from)),
            ("functions", self.functions.clone().map(Value::from)),
            ("first_register", self.registers.map(|(first, _)| first.into())),
            ("last_register", self.registers.map(|(_, last)| last.into())),
            ("peer", self.peer.map(|peer| peer.to_string().into())),
            ("probability", self.probability.map(Value::from)),
            ("seed", self.seed.map(Value::from)),
            ("duration_s", self.duration.map(Value::from)),
        ])
    }
}

pub(crate) fn run(args: &LinkArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let target = &args.target;
    let answer = match &args.command {
        LinkCommand::List => {
            let answer = target.send("GET", "links", None)?;
            return if target.json { print(&answer, out) } else { list(&answer, out) };
        }
        LinkCommand::Add(add) => target.send("POST", "links", Some(add.body()))?,
        LinkCommand::Clear(Which { name: Some(name), .. }) => {
            target.send("DELETE", &format!("links/{}", encoded(name)), None)?
        }
        LinkCommand::Clear(Which { name: None, .. }) => target.send("DELETE", "links", None)?,
    };
    acknowledge(target, &answer, out)
}

/// Parameters and scope of a condition: what it has, and no more.
fn about(link: &Value) -> String {
    let plain = |key: &str| {
        let value = link.get(key).filter(|value| !value.is_null())?;
        Some(format!("{key}={}", value.as_str().map_or(value.to_string(), str::to_owned)))
    };
    let keys = LinkEffect::PARAMETERS.into_iter().chain(["listener", "unit", "device", "peer"]);
    let mut parts: Vec<String> = keys.filter_map(plain).collect();
    let functions = link.get("functions").and_then(Value::as_array).into_iter().flatten();
    let functions: Vec<String> = functions.map(Value::to_string).collect();
    if !functions.is_empty() {
        parts.push(format!("functions={}", functions.join(",")));
    }
    if link.get("first_register").is_some_and(|first| !first.is_null()) {
        let (first, last) = (cell(link, "first_register"), cell(link, "last_register"));
        parts.push(format!("registers={first}-{last}"));
    }
    if parts.is_empty() { "everything".to_owned() } else { parts.join(" ") }
}

fn list(answer: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    let [name, effect, share, seen, hits, left, about_] =
        ["name", "effect", "share", "seen", "hits", "left s", "about"];
    writeln!(out, "{name:<16} {effect:<17} {share:>5} {seen:>9} {hits:>9} {left:>8} {about_}")?;
    for link in rows(answer, "links")? {
        writeln!(
            out,
            "{:<16} {:<17} {:>5} {:>9} {:>9} {:>8} {}",
            cell(link, "name"),
            cell(link, "effect"),
            cell(link, "probability"),
            cell(link, "seen"),
            cell(link, "hits"),
            cell(link, "remaining_s"),
            about(link),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        add: AddArgs,
    }
    fn add(flags: &str) -> Result<Value, String> {
        let words = ["link", "slow", "delay"].into_iter().chain(flags.split_whitespace());
        Cli::try_parse_from(words).map(|cli| cli.add.body()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_flag_becomes_its_field_and_what_is_not_given_is_not_sent() {
        assert_eq!(add("").unwrap(), json!({"name": "slow", "effect": "delay"}));
        let all = "--delay 500ms --jitter 0.2s --exception 6 --gap 1s --by 30s --good-to-bad 0.1 \
                   --bad-to-good 0.4 --loss-bad 0.9 --bytes-per-s 1200 --max-clients 2 --listener main \
                   --unit unit-003 --device bms --functions 3,4 --registers 12-31 --peer 10.0.0.0/8 \
                   --probability 0.5 --seed 7 --for 1m";
        let expected = json!({
            "name": "slow", "effect": "delay", "delay_s": 0.5, "jitter_s": 0.2, "exception": 6,
            "gap_s": 1.0, "by_s": 30.0, "good_to_bad": 0.1, "bad_to_good": 0.4, "loss_bad": 0.9,
            "bytes_per_s": 1200.0, "max_clients": 2, "listener": "main", "unit": "unit-003", "device": "bms",
            "functions": [3, 4], "first_register": 12, "last_register": 31, "peer": "10.0.0.0/8",
            "probability": 0.5, "seed": 7, "duration_s": 60.0,
        });
        assert_eq!(add(all).unwrap(), expected);
        assert_eq!(add("--registers 7").unwrap()["last_register"], 7);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_could() {
        assert!(add("--registers 9-8").unwrap_err().contains("12-31"));
        assert!(add("--peer 10.1.0.0/8").unwrap_err().contains("did you mean 10.0.0.0/8?"));
        assert!(add("--delay 5").unwrap_err().contains("number with a unit"));
        let words = ["link", "slow", "lag"];
        let unknown = Cli::try_parse_from(words).unwrap_err().to_string();
        assert!(unknown.contains("half_frame"), "{unknown}");
    }

    #[test]
    fn a_line_says_what_the_condition_is_about_and_what_it_did() {
        let answer = json!({"links": [
            {"name": "a", "effect": "delay", "delay_s": 0.5, "jitter_s": 0.0, "listener": null,
             "unit": 3, "functions": [3, 4], "first_register": 0, "last_register": 9,
             "peer": "::1", "probability": 0.5, "seen": 12, "hits": 5, "remaining_s": 1.5},
            {"name": "b", "effect": "drop", "listener": null, "unit": null, "functions": [],
             "first_register": null, "last_register": null, "peer": null, "probability": 1.0,
             "seen": 0, "hits": 0, "remaining_s": null},
        ]});
        let mut out = Vec::new();
        list(&answer, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split_whitespace().collect()).collect();
        let first = "a delay 0.5 12 5 1.5 delay_s=0.5 jitter_s=0.0 unit=3 peer=::1 functions=3,4 \
                     registers=0-9";
        assert_eq!(lines[1], first.split_whitespace().collect::<Vec<_>>());
        assert_eq!(lines[2], ["b", "drop", "1.0", "0", "0", "-", "everything"]);
    }
}
