//! A farm in shards gets shards of another size, as the runbook says: docs/operations/reshard.md.

mod common;

use common::{Farm, PATIENCE, Ran, SMALL_FARM, file, folder, run, text};
use serde_json::Value;
use std::path::PathBuf;
use tempfile::TempDir;

/// Seven units; one waits for its controller, one is out, one has a defect.
struct Site {
    folder: TempDir,
    farm: String,
}

impl Site {
    fn new() -> Self {
        let folder = folder();
        let defect = "\n[[defects]]\nkind = \"pump\"\nunit = 5\nfrom_s = 3\n";
        let text = SMALL_FARM.replace("count = 3", "count = 7") + defect;
        let farm = file(&folder, "farm.toml", text);
        Self { folder, farm }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    /// The shards of at most `k` units, whose state is below `name`.
    fn start(&self, name: &str, k: usize) -> Vec<Farm> {
        let shard = |index: usize| {
            let state = text(&self.path(&format!("{name}-{index}")));
            let (index, k) = (index.to_string(), k.to_string());
            let args = ["--farm", &self.farm, "--stepped", "--state", &state];
            let cut = ["--shard", &index, "--units-per-shard", &k];
            Farm::start(&[&args[..], &cut].concat())
        };
        (0..7usize.div_ceil(k)).map(shard).collect()
    }
    fn reshard(&self, from: &[String], k: Option<usize>, to: &str) -> Ran {
        let to = text(&self.path(to));
        let mut args = vec!["reshard".to_owned(), "--farm".into(), self.farm.clone()];
        args.extend(from.iter().flat_map(|from| ["--from".to_owned(), text(&self.path(from))]));
        args.extend(["--to".to_owned(), to]);
        args.extend(k.into_iter().flat_map(|k| ["--units-per-shard".to_owned(), k.to_string()]));
        run(args)
    }
}

fn folders(name: &str, n: usize) -> Vec<String> {
    (0..n).map(|index| format!("{name}-{index}")).collect()
}

fn stop(farms: Vec<Farm>) {
    for mut farm in farms {
        farm.signal("TERM");
        assert_eq!(farm.code_within(PATIENCE), Some(Some(0)), "{}", farm.log());
    }
}

/// A command for the shard that has the unit.
fn operate(shards: &[Farm], k: usize, unit: usize, args: &[&str]) {
    let api = shards[(unit - 1) / k].api();
    let number = unit.to_string();
    let args = [&["unit", args[0], &number], &args[1..], &["--api", &api]].concat();
    let ran = run(args);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

fn step(shards: &[Farm], ticks: u64) {
    for shard in shards {
        let ran = run(["clock", "step", &ticks.to_string(), "--api", &shard.api()]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
}

/// Every unit with its alarms and racks, by number, without what tells of the wall clock or the process.
fn units(shards: &[Farm], k: usize) -> Vec<Value> {
    let view = |number: usize| {
        let shard = &shards[(number - 1) / k];
        let get = |path: &str| {
            let (status, mut answer) =
                shard.get(&format!("/api/v1/units/{number}{path}")).expect("an answer");
            assert_eq!(status, 200, "{answer:#}");
            forget(&mut answer);
            answer
        };
        Value::Array(vec![get(""), get("/racks")])
    };
    (1..=7).map(view).collect()
}

fn forget(view: &mut Value) {
    match view {
        Value::Object(fields) => {
            for name in [
                "publication",
                "simulation_time",
                "wall_time",
                "age_ms",
                "snapshot_age_s",
                "modbus_unit_id",
            ] {
                fields.remove(name);
            }
            fields.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

#[test]
fn units_go_on_to_the_bit_in_shards_of_another_size_and_in_one_process() {
    let site = Site::new();
    let mut cut = (site.start("old", 3), 3);
    let twin = site.start("twin", 7);
    for (shards, k) in [(&cut.0, 3), (&twin, 7)] {
        operate(shards, k, 2, &["set", "40kW"]);
        operate(shards, k, 4, &["set", "25kW"]);
        operate(shards, k, 7, &["stop", "--panel"]);
        step(shards, 200);
    }
    let mut names = folders("old", 3);
    for (k, name) in [(Some(2), "two"), (None, "one"), (Some(4), "four")] {
        assert_eq!(units(&cut.0, cut.1), units(&twin, 7), "before {name}");
        stop(cut.0);
        let size = k.unwrap_or(7);
        let n = 7usize.div_ceil(size);
        let to = if k.is_some() { format!("{name}-{{shard}}") } else { format!("{name}-0") };
        let ran = site.reshard(&names, k, &to);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(ran.stdout.lines().count(), n, "{}", ran.stdout);
        names = folders(name, n);
        let shards = match k {
            Some(k) => site.start(name, k),
            None => {
                let state = text(&site.path("one-0"));
                vec![Farm::start(&["--farm", &site.farm, "--stepped", "--state", &state])]
            }
        };
        assert_eq!(units(&shards, size), units(&twin, 7), "after {name}");
        operate(&shards, size, 6, &["set", "20kW"]);
        operate(&twin, 7, 6, &["set", "20kW"]);
        step(&shards, 150);
        step(&twin, 150);
        cut = (shards, size);
    }
    assert_eq!(units(&cut.0, cut.1), units(&twin, 7));
    stop(cut.0);
    stop(twin);
}

#[test]
fn what_is_no_farm_is_refused_and_nothing_is_written() {
    let site = Site::new();
    let shards = site.start("old", 3);
    step(&shards, 5);
    let old = folders("old", 3);
    let ran = site.reshard(&old, Some(2), "new-{shard}");
    assert!(ran.code == Some(2) && ran.stderr.contains("another bess process"), "{}", ran.stderr);
    step(&shards[1..2], 200);
    stop(shards);
    let refused = |from: &[String], k, to: &str, why: &str| {
        let ran = site.reshard(from, k, to);
        assert_eq!(ran.code, Some(2), "{why}: {}", ran.stderr);
        assert!(ran.stderr.contains(why), "{why}: {}", ran.stderr);
    };
    refused(&old, Some(2), "new-{shard}", "ticks 5 to 205, and may be 100 apart");
    refused(&old[..2], Some(2), "new-{shard}", "no shard has unit 7");
    refused(&[&old[..], &old[..1]].concat(), Some(2), "new-{shard}", "another bess process has it");
    refused(&["nobody".to_owned()], None, "new", "there is no such folder");
    let shards = site.start("old", 3);
    step(&shards[..1], 200);
    step(&shards[2..], 200);
    stop(shards);
    refused(&old, Some(2), "new", "it is one folder for 4 shards");
    refused(&old, Some(0), "new-{shard}", "a shard has at least 1 unit");
    refused(&old, None, "old-0", "another bess process has it");
    let written = |name: &str| site.path(name).join("checkpoint-000000000205.bess").exists();
    assert!(!written("new-0") && !written("new"));
    let ran = site.reshard(&old, Some(2), "new-{shard}");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(written("new-0") && written("new-3"));
    refused(&old, Some(2), "new-{shard}", "--force moves it aside");
}
