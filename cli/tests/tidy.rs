//! Layer guards: what may depend on what, what the physics may touch, what the repository may hold.
//!
//! - `bess-core`'s normal dependency tree is on an allowlist: no runtime, no IO, no clock.
//! - The four siblings never depend on each other; only `cli` and `benches` know more than one.
//! - The sources of `core`, `simulation` and `scenarios` open no file or socket and read no clock.
//! - The top level is what ARCHITECTURE.md says; crates inherit the workspace's lints; no file names
//!   a path of somebody's machine.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const CRATES: [&str; 7] = ["core", "simulation", "scenarios", "protocol", "api", "cli", "benches"];
const SIBLINGS: [&str; 4] = ["bess-simulation", "bess-scenarios", "bess-protocol", "bess-api"];

fn cargo(args: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let ran = Command::new(cargo).current_dir(ROOT).args(args).output().expect("cargo starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "cargo {args:?} said:\n{said}");
    String::from_utf8(ran.stdout).expect("cargo writes UTF-8")
}

/// What the manifests of the workspace say. `--no-deps` needs nothing of other platforms.
fn packages() -> Vec<Value> {
    let text = cargo(&["metadata", "--format-version", "1", "--offline", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&text).expect("cargo writes JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// Names of the declared dependencies on crates of this workspace, of every kind: normal, dev and
/// build.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    packages()
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let ours = dependencies.iter().map(name).filter(|name| name.starts_with("bess-"));
            (name(package), ours.collect())
        })
        .collect()
}

// ---------------------------------------------------------------------------------------------
// Dependencies

/// Everything that `bess-core` may have in its normal tree, with the reason. Proc macros count too.
const CORE_MAY_HAVE: [(&str, &str); 15] = [
    ("libm", "the same exp and ln on every platform"),
    ("rand", "traits and distributions of the seeded streams; without the system's generator"),
    ("rand_core", "of rand"),
    ("rand_pcg", "the generator of the streams"),
    ("thiserror", "error types"),
    ("thiserror-impl", "of thiserror"),
    ("proc-macro2", "of thiserror"),
    ("quote", "of thiserror"),
    ("syn", "of thiserror"),
    ("unicode-ident", "of thiserror"),
    ("toml", "farm and chemistry files, with the places of their values"),
    ("toml_datetime", "of toml"),
    ("toml_parser", "of toml"),
    ("serde_spanned", "of toml"),
    ("winnow", "of toml"),
];

/// What must never get near the vocabulary: runtimes, IO, clocks, threads, logs.
const CORE_MUST_NOT_HAVE: [&str; 22] = [
    "tokio",
    "mio",
    "async-std",
    "smol",
    "futures-util",
    "socket2",
    "axum",
    "hyper",
    "ureq",
    "reqwest",
    "jiff",
    "chrono",
    "time",
    "rayon",
    "crossbeam",
    "parking_lot",
    "tracing",
    "log",
    "clap",
    "csv",
    "getrandom",
    "tempfile",
];

#[test]
fn the_core_has_no_runtime_no_io_and_no_clock_in_its_dependency_tree() {
    // `cargo metadata` resolves features for the whole workspace at once and so shows optional
    // dependencies that only other members switch on; `cargo tree` shows what this crate really has.
    let tree = cargo(&[
        "tree",
        "--offline",
        "-p",
        "bess-core",
        "-e",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let names: BTreeSet<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains("bess-core"), "{tree}");
    for name in &names {
        assert!(!CORE_MUST_NOT_HAVE.contains(name), "bess-core must not depend on {name}");
        let is_allowed =
            *name == "bess-core" || CORE_MAY_HAVE.iter().any(|(allowed, _)| allowed == name);
        assert!(is_allowed, "bess-core depends on {name}, which nobody allowed:\n{tree}");
    }
}

#[test]
fn the_siblings_never_depend_on_each_other() {
    let arrows = arrows();
    for sibling in SIBLINGS {
        let ours = &arrows[sibling];
        let known: Vec<_> = ours.iter().filter(|name| *name != "bess-core").collect();
        assert!(known.is_empty(), "{sibling} depends on {known:?}; it may know bess-core alone");
        assert!(ours.contains("bess-core"));
    }
    assert!(arrows["bess-core"].is_empty(), "the core knows nobody: {:?}", arrows["bess-core"]);
}

#[test]
fn only_the_command_line_and_the_benches_know_more_than_one_sibling() {
    for (name, ours) in arrows() {
        let known = SIBLINGS.iter().filter(|sibling| ours.contains(**sibling)).count();
        let may = matches!(name.as_str(), "bess-cli" | "bess-benches");
        assert!(known <= 1 || may, "{name} knows {ours:?}");
        assert!(!ours.contains("bess-cli") && !ours.contains("bess-benches"), "{name}: {ours:?}");
    }
}

#[test]
fn the_physics_has_of_tokio_only_its_channels() {
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        let tokio = package["dependencies"].as_array().expect("dependencies").iter().filter(|d| {
            d["name"].as_str().is_some_and(|name| name.starts_with("tokio")) && d["kind"].is_null()
        });
        for dependency in tokio {
            match name {
                "bess-simulation" => {
                    assert_eq!(dependency["name"], "tokio");
                    assert_eq!(dependency["features"], serde_json::json!(["sync"]));
                    assert_eq!(dependency["uses_default_features"], false);
                }
                "bess-core" | "bess-scenarios" => {
                    panic!("{name} depends on {}", dependency["name"])
                }
                _ => {}
            }
        }
    }
}

#[test]
fn every_crate_inherits_the_lints_the_edition_and_the_version_of_the_workspace() {
    assert_eq!(packages().len(), CRATES.len());
    for name in CRATES {
        let manifest = std::fs::read_to_string(format!("{ROOT}/{name}/Cargo.toml")).unwrap();
        let lines: Vec<&str> = manifest.lines().map(str::trim).collect();
        let lints = lines.windows(2).any(|pair| pair == ["[lints]", "workspace = true"]);
        assert!(lints, "{name}/Cargo.toml does not inherit the lints");
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            let line = format!("{key}.workspace = true");
            assert!(lines.contains(&line.as_str()), "{name}/Cargo.toml lacks `{line}`");
        }
        // Versions are chosen at one place.
        let own_version = lines.iter().find(|line| {
            line.contains("version = \"")
                || line.split_once(" = ").is_some_and(|(_, v)| v.starts_with("\"^"))
        });
        assert!(own_version.is_none(), "{name}/Cargo.toml chooses a version: {own_version:?}");
    }
}

// ---------------------------------------------------------------------------------------------
// Sources

/// A source file without its comments and its module of tests, which is the last thing in a file.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a source file");
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn is_word(text: &str, at: usize, length: usize) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    !text[..at].chars().next_back().is_some_and(is_part)
        && !text[at + length..].chars().next().is_some_and(is_part)
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| is_word(text, at, word.len()))
}

/// Which of `names` the code takes from the module `parent`: `parent::name` or `parent::{.., name}`.
fn taken<'n>(code: &str, parent: &str, names: &[&'n str]) -> Vec<&'n str> {
    let code: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let prefix = format!("{parent}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&prefix) {
        let rest = &code[at + prefix.len()..];
        let items = match rest.strip_prefix('{') {
            Some(group) => top_level_items(group),
            None => vec![rest],
        };
        for item in items {
            let first: String =
                item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.extend(names.iter().filter(|name| **name == first));
        }
    }
    found
}

/// The items of a `use` group up to its closing brace, inner groups kept whole.
fn top_level_items(group: &str) -> Vec<&str> {
    let (mut depth, mut from, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[from..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_physics_opens_no_file_no_socket_and_reads_no_clock() {
    // Only these two may ask the wall.
    let may_read_clocks = ["simulation/src/pacer.rs", "simulation/src/thread.rs"];
    let mut n_files = 0;
    for name in ["core", "simulation", "scenarios"] {
        let mut files = Vec::new();
        sources(&Path::new(ROOT).join(name).join("src"), &mut files);
        for path in files {
            if path.file_name().is_some_and(|name| name == "tests.rs") {
                continue;
            }
            n_files += 1;
            let (code, shown) = (code(&path), path.display());
            let bad = taken(&code, "std", &["fs", "net", "process", "env"]);
            assert!(bad.is_empty(), "{shown} takes {bad:?} from std");
            for macro_name in ["println!", "eprintln!", "print!", "eprint!", "dbg!"] {
                let length = macro_name.len() - 1;
                let prints =
                    code.match_indices(macro_name).any(|(at, _)| is_word(&code, at, length));
                assert!(!prints, "{shown} prints with {macro_name}");
            }
            if !may_read_clocks.iter().any(|allowed| path.ends_with(allowed)) {
                for clock in ["Instant", "SystemTime", "UNIX_EPOCH"] {
                    assert!(!has_word(&code, clock), "{shown} reads a clock: {clock}");
                }
                let bad = taken(&code, "std::thread", &["sleep"]);
                assert!(bad.is_empty(), "{shown} sleeps");
            }
        }
    }
    assert!(n_files > 30, "only {n_files} files were looked at");
}

#[test]
fn the_search_for_forbidden_modules_sees_every_way_to_name_them() {
    let names = ["fs", "net"];
    assert_eq!(taken("use std::fs::File;", "std", &names), ["fs"]);
    assert_eq!(taken("let f = std::fs::read(p);", "std", &names), ["fs"]);
    assert_eq!(
        taken("use std::{fmt, net::{TcpStream, UdpSocket}, fs};", "std", &names),
        ["net", "fs"]
    );
    assert_eq!(taken("use std::{\n    fmt,\n    fs::File,\n};", "std", &names), ["fs"]);
    assert!(taken("use std::fmt; use crate::fs; use std::fsx::A;", "std", &names).is_empty());
    assert!(has_word("let t = Instant::now();", "Instant"));
    assert!(!has_word("let t = Instantaneous;", "Instant"));
}

// ---------------------------------------------------------------------------------------------
// The repository

/// Files that git tracks; without git, everything but what is built or fetched.
fn repository_files() -> Vec<PathBuf> {
    let git = Command::new("git").current_dir(ROOT).args(["ls-files", "-z"]).output();
    if let Ok(listed) = git
        && listed.status.success()
    {
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let files = text.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
        // A deleted file is listed until the deletion is staged.
        return files.filter(|file| Path::new(ROOT).join(file).is_file()).collect();
    }
    let mut found = Vec::new();
    walk(Path::new(ROOT), Path::new(""), &mut found);
    found
}

fn walk(root: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root.join(below)).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        if ["target", ".git", ".tools", "__pycache__", "out"].iter().any(|skipped| name == *skipped)
        {
            continue;
        }
        let path = below.join(&name);
        if entry.path().is_dir() {
            walk(root, &path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn the_top_level_holds_only_what_belongs_there() {
    const MAY_BE_THERE: [&str; 13] = [
        "core",
        "simulation",
        "protocol",
        "api",
        "cli",
        "scenarios",
        "benches",
        "charts",
        "dashboards",
        "docs",
        "fuzz",
        ".ci",
        ".github",
    ];
    let files = repository_files();
    assert!(files.len() > 50, "only {} files were found", files.len());
    let folders: BTreeSet<String> = files
        .iter()
        .filter(|file| file.components().count() > 1)
        .filter_map(|file| file.components().next())
        .map(|first| first.as_os_str().to_string_lossy().into_owned())
        .collect();
    for folder in &folders {
        assert!(
            MAY_BE_THERE.contains(&folder.as_str()),
            "{folder} does not belong at the top level"
        );
    }
    for folder in CRATES {
        assert!(folders.contains(folder), "{folder} is missing");
    }
}

#[test]
fn no_file_names_a_path_of_somebodys_machine() {
    // Built from parts, so that this file does not find itself.
    let needles: Vec<String> =
        ["work", "root", "home", "Users"].iter().map(|name| format!("/{name}/")).collect();
    let mut found = Vec::new();
    for file in repository_files() {
        let Ok(text) = std::fs::read_to_string(Path::new(ROOT).join(&file)) else {
            continue; // Not text.
        };
        for (number, line) in text.lines().enumerate() {
            for needle in &needles {
                if is_absolute_path_in(line, needle) {
                    found.push(format!("{}:{}: {line}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Whether the line has `needle` as the beginning of a path: nothing of a path or URL before it.
fn is_absolute_path_in(line: &str, needle: &str) -> bool {
    line.match_indices(needle).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/~}$)".contains(c))
    })
}

#[test]
fn no_test_is_switched_off_and_no_work_is_left_in_comments() {
    let ignored = format!("#[{}", "ignore");
    let left = [format!("TO{}", "DO"), format!("XX{}", "X")];
    for file in repository_files() {
        let kind = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if !["rs", "py", "toml"].contains(&kind) {
            continue;
        }
        let text = std::fs::read_to_string(Path::new(ROOT).join(&file)).unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            let place = format!("{}:{}: {line}", file.display(), number + 1);
            // A slow proof may wait for the target that runs it.
            let waits = line.contains("`make validate` runs it");
            assert!(!line.trim_start().starts_with(&ignored) || waits, "{place}");
            for word in &left {
                // With the number of an issue it may stay.
                assert!(!has_word(line, word) || line.contains(&format!("{word}(#")), "{place}");
            }
        }
    }
}
