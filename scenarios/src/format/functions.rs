//! The schema of the functions of units in `initial`. They are read by the reader of farm files, so what is said
//! here is only told to editors; a test reads every key of it.

use bess_core::control::FunctionName;
use bess_core::service;
use serde_json::{Map, Value, json};

/// One table of it: its name, its presets, its lists of numbers, its numbers and its truth values.
struct Table {
    name: &'static str,
    presets: fn() -> Vec<&'static str>,
    lists: &'static [&'static str],
    numbers: &'static [&'static str],
    flags: &'static [&'static str],
}

const NONE: Table = Table { name: "", presets: Vec::new, lists: &[], numbers: &[], flags: &[] };

const TABLES: &[Table] = &[
    Table {
        name: "frequency_droop",
        presets: || service::DROOPS.to_vec(),
        numbers: &[
            "over_deadband_hz",
            "under_deadband_hz",
            "over_droop",
            "under_droop",
            "response_s",
        ],
        ..NONE
    },
    Table {
        name: "frequency_response",
        presets: || service::PRESETS.iter().map(|preset| preset.name).collect(),
        lists: &["deviation_hz", "share"],
        numbers: &[
            "contract_kw",
            "dead_time_s",
            "full_s",
            "hold_s",
            "deactivation_per_s",
            "recovery_s",
        ],
        ..NONE
    },
    Table {
        name: "volt_var",
        presets: || service::VOLT_VAR.iter().map(|preset| preset.name).collect(),
        lists: &["voltage_pu", "reactive"],
        numbers: &["response_s"],
        ..NONE
    },
    Table {
        name: "volt_watt",
        presets: || service::VOLT_WATT.iter().map(|preset| preset.name).collect(),
        lists: &["voltage_pu", "active"],
        numbers: &["response_s"],
        ..NONE
    },
    Table {
        name: "watt_var",
        presets: || service::WATT_VAR.iter().map(|preset| preset.name).collect(),
        lists: &["active", "reactive"],
        numbers: &["response_s"],
        ..NONE
    },
    Table { name: "peak_shaving", numbers: &["import_max_kw", "export_max_kw"], ..NONE },
    Table { name: "schedule", lists: &["time_s", "power_kw"], flags: &["looped"], ..NONE },
];

/// The schema of `functions`.
pub(super) fn schema() -> Value {
    let names: Vec<&str> = FunctionName::ALL.iter().map(|(name, _)| *name).collect();
    let on = json!({ "type": "array", "uniqueItems": true, "items": { "enum": names } });
    let mut properties = Map::from_iter([("on".to_owned(), on)]);
    for table in TABLES {
        properties.insert(table.name.to_owned(), table.schema());
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

impl Table {
    fn schema(&self) -> Value {
        let put_in = || json!({ "$ref": "#/$defs/put-in" });
        let number = || json!({ "anyOf": [{ "type": "number" }, put_in()] });
        let mut properties = Map::new();
        let presets = (self.presets)();
        if !presets.is_empty() {
            let preset = json!({ "anyOf": [{ "enum": presets }, put_in()] });
            properties.insert("preset".to_owned(), preset);
        }
        for name in self.lists {
            let list = json!({ "type": "array", "items": number() });
            properties.insert((*name).to_owned(), list);
        }
        for name in self.numbers {
            properties.insert((*name).to_owned(), number());
        }
        for name in self.flags {
            let flag = json!({ "anyOf": [{ "type": "boolean" }, put_in()] });
            properties.insert((*name).to_owned(), flag);
        }
        json!({ "type": "object", "additionalProperties": false, "properties": properties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::config::{read_document, read_functions_change};

    /// A farm file's table of these, with every key that the schema has.
    fn whole(tables: impl Iterator<Item = &'static Table>) -> String {
        let mut text = String::from("[functions]\non = []\n");
        for table in tables {
            text += &format!("[functions.{}]\n", table.name);
            if let Some(preset) = (table.presets)().first() {
                text += &format!("preset = \"{preset}\"\n");
            }
            for (n, list) in table.lists.iter().enumerate() {
                // Both ends of every curve may be these, and falling.
                let (from, to) = if n == 0 { ("0.0", "0.5") } else { ("0.5", "0.0") };
                text += &format!("{list} = [{from}, {to}]\n");
            }
            for number in table.numbers {
                let value = if *number == "dead_time_s" { 0.1 } else { 0.5 };
                text += &format!("{number} = {value}\n");
            }
            for flag in table.flags {
                text += &format!("{flag} = true\n");
            }
        }
        text
    }

    #[test]
    fn the_reader_of_farm_files_knows_every_key_of_the_schema() {
        let text = whole(TABLES.iter());
        let (on, change) = read_document("functions.toml", &text, |section| {
            read_functions_change(section.section("functions").expect("it is there"))
        })
        .unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        assert!(on.is_some());
        assert!(change.frequency_droop.is_some() && change.frequency_response.is_some());
        assert!(change.volt_var.is_some() && change.volt_watt.is_some());
        assert!(change.watt_var.is_some() && change.peak_shaving.is_some());
        assert!(change.schedule.is_some());
    }

    #[test]
    fn what_the_reader_does_not_know_it_lists_with_the_keys_of_the_schema() {
        for table in TABLES {
            let text = format!("{}nothing = 1\n", whole(std::iter::once(table)));
            let problems = read_document("functions.toml", &text, |section| {
                read_functions_change(section.section("functions").expect("it is there"))
            })
            .expect_err("an unknown key");
            let told = problems.to_string();
            let preset: &[&str] = if (table.presets)().is_empty() { &[] } else { &["preset"] };
            let mut known: Vec<&str> = [preset, table.lists, table.numbers, table.flags].concat();
            let (_, listed) = told.split_once("known keys here: ").expect(&told);
            let listed = listed.lines().next().expect("a line");
            let mut listed: Vec<&str> = listed.split(", ").collect();
            known.sort_unstable();
            listed.sort_unstable();
            assert_eq!(listed, known, "{}", table.name);
        }
    }
}
