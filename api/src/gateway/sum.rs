//! Totals: what shards say of the farm, put together field by field.
//!
//! Each field of an answer has one rule here; a test compares the rules with the fields that a farm has.

use serde_json::{Map, Value};

/// How a field of several shards becomes one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// Their sum; null where all are null.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The same on all: the first one's.
    Same,
    /// Their mean, weighted by this field.
    Weighted(&'static str),
    /// The whole over the sum of the parts, each of which is this field over its own: for ratios whose
    /// numerator is given.
    Ratio(&'static str),
    /// An object, each of whose fields is summed.
    SumEach,
    /// An object with rules of its own; fields without one are the same on all.
    Inner(&'static [(&'static str, Rule)]),
    /// An extreme: the value and, beside it, the place that goes with it.
    Extremes,
}

/// The farm.
pub(super) const FARM: &[(&str, Rule)] = &[
    ("tick", Rule::Min),
    ("publication", Rule::Min),
    ("simulation_time", Rule::Min),
    ("wall_time", Rule::Min),
    ("name", Rule::Same),
    ("units", Rule::Sum),
    ("cells", Rule::Sum),
    ("units_by_state", Rule::SumEach),
    ("active_power_w", Rule::Sum),
    ("reactive_power_var", Rule::Sum),
    ("units_power_w", Rule::Sum),
    ("auxiliary_power_w", Rule::Sum),
    ("transformer_loss_w", Rule::Sum),
    ("setpoint_active_power_w", Rule::Sum),
    ("setpoint_reactive_power_var", Rule::Sum),
    ("available_discharge_power_w", Rule::Sum),
    ("available_charge_power_w", Rule::Sum),
    ("rated_power_w", Rule::Sum),
    ("soc", Rule::Weighted("energy_capacity_wh")),
    ("soh", Rule::Ratio("energy_capacity_wh")),
    (
        "truth",
        Rule::Inner(&[
            // The true capacity is not told; that which the BMSes believe is close to it.
            ("soc", Rule::Weighted("energy_capacity_wh")),
            ("active_power_w", Rule::Sum),
            ("reactive_power_var", Rule::Sum),
        ]),
    ),
    ("energy_wh", Rule::Sum),
    ("energy_capacity_wh", Rule::Sum),
    ("frequency_hz", Rule::Same),
    ("voltage_pu", Rule::Same),
    ("frequency_response_w", Rule::Sum),
    ("ramped_setpoint_w", Rule::Sum),
    ("trips", Rule::Sum),
    ("nominal_frequency_hz", Rule::Same),
    ("ambient_temperature_degc", Rule::Same),
    ("extremes", Rule::Extremes),
    ("totals", Rule::SumEach),
    ("commands_applied", Rule::Sum),
    ("commands_refused", Rule::Sum),
];

/// The plant controller.
pub(super) const PLANT: &[(&str, Rule)] = &[
    ("tick", Rule::Min),
    ("publication", Rule::Min),
    ("simulation_time", Rule::Min),
    ("wall_time", Rule::Min),
    ("enabled", Rule::Same),
    ("strategy", Rule::Same),
    // Lists of units, one after the other.
    ("priority", Rule::Sum),
    ("ramp_pct_per_min", Rule::Same),
    ("soc_min", Rule::Same),
    ("soc_max", Rule::Same),
    ("frequency_response", Rule::Inner(&[("contract_w", Rule::Sum)])),
    ("volt_var", Rule::Same),
    ("peak_shaving", Rule::Inner(&[("import_max_w", Rule::Sum), ("export_max_w", Rule::Sum)])),
];

/// The clock.
pub(super) const CLOCK: &[(&str, Rule)] = &[
    ("tick", Rule::Min),
    ("publication", Rule::Min),
    ("simulation_time", Rule::Min),
    ("wall_time", Rule::Min),
    ("mode", Rule::Same),
    ("speed", Rule::Same),
    ("steps_left", Rule::Max),
    ("tick_s", Rule::Same),
];

/// Puts answers together by `rules`. Fields that should be the same on all and are not are named in
/// `shards_differ`; fields without a rule are left out.
pub(super) fn merged(answers: &[Value], rules: &[(&'static str, Rule)]) -> Map<String, Value> {
    let mut differ = Vec::new();
    let mut whole = put_together(answers, rules, answers, &mut differ);
    if !differ.is_empty() {
        whole.insert("shards_differ".to_owned(), differ.into());
    }
    whole
}

fn put_together(
    parts: &[Value],
    rules: &[(&'static str, Rule)],
    roots: &[Value],
    differ: &mut Vec<String>,
) -> Map<String, Value> {
    let mut whole = Map::new();
    for (name, rule) in rules {
        let values: Vec<&Value> = parts.iter().filter_map(|part| part.get(name)).collect();
        // Where only some fields were asked for, others are in no answer.
        if values.len() == parts.len() && !values.is_empty() {
            let value = one(name, *rule, &values, roots, differ);
            whole.insert((*name).to_owned(), value);
        }
    }
    whole
}

fn one(
    name: &'static str,
    rule: Rule,
    values: &[&Value],
    roots: &[Value],
    differ: &mut Vec<String>,
) -> Value {
    let weight = |field: &str| {
        let weights = roots.iter().map(|root| root.get(field).and_then(Value::as_f64));
        weights.collect::<Option<Vec<f64>>>()
    };
    match rule {
        Rule::Sum => sum(values),
        Rule::Min => extreme(values, std::cmp::Ordering::Less),
        Rule::Max => extreme(values, std::cmp::Ordering::Greater),
        Rule::Same => {
            if values.iter().any(|value| *value != values[0]) {
                differ.push(name.to_owned());
            }
            values[0].clone()
        }
        Rule::Weighted(field) => {
            let (values, weights) = (numbers(values), weight(field));
            let mean = values.zip(weights).map(|(values, weights)| {
                let total: f64 = weights.iter().sum();
                values.iter().zip(&weights).map(|(value, weight)| value * weight).sum::<f64>()
                    / total
            });
            mean.map_or(Value::Null, Value::from)
        }
        Rule::Ratio(field) => {
            let (values, parts) = (numbers(values), weight(field));
            let ratio = values.zip(parts).map(|(values, parts)| {
                let whole: f64 = parts.iter().zip(&values).map(|(part, value)| part / value).sum();
                parts.iter().sum::<f64>() / whole
            });
            ratio.map_or(Value::Null, Value::from)
        }
        Rule::SumEach => {
            let names = values[0].as_object().into_iter().flat_map(Map::keys);
            let each = names.map(|name| {
                let values: Vec<&Value> =
                    values.iter().map(|value| value.get(name).unwrap_or(&Value::Null)).collect();
                (name.clone(), sum(&values))
            });
            Value::Object(each.collect())
        }
        Rule::Inner(rules) => {
            let Some(first) = values[0].as_object() else {
                // Switched off: on all of them, or they differ.
                if values.iter().any(|value| !value.is_null()) {
                    differ.push(name.to_owned());
                }
                return values[0].clone();
            };
            let parts: Vec<Value> = values.iter().map(|value| (*value).clone()).collect();
            let mut inner = Vec::new();
            let mut whole = first.clone();
            whole.extend(put_together(&parts, rules, roots, &mut inner));
            let is_own = |field: &str| rules.iter().any(|(own, _)| *own == field);
            let others = first.iter().filter(|(field, _)| !is_own(field));
            let is_other = |(field, value): (&String, &Value)| {
                parts.iter().any(|part| part.get(field.as_str()) != Some(value))
            };
            if !inner.is_empty() || others.into_iter().any(is_other) {
                differ.push(name.to_owned());
            }
            Value::Object(whole)
        }
        Rule::Extremes => extremes(values),
    }
}

/// Numbers, none of them null.
fn numbers(values: &[&Value]) -> Option<Vec<f64>> {
    values.iter().map(|value| value.as_f64()).collect()
}

/// Whole numbers stay whole; lists are put one after the other; null counts as nothing.
fn sum(values: &[&Value]) -> Value {
    if values.iter().any(|value| value.is_array()) {
        let items = values.iter().filter_map(|value| value.as_array()).flatten().cloned();
        return Value::Array(items.collect());
    }
    let present = values.iter().filter(|value| !value.is_null());
    if let Some(whole) = present.clone().map(|value| value.as_u64()).collect::<Option<Vec<u64>>>()
        && !whole.is_empty()
    {
        return whole.iter().sum::<u64>().into();
    }
    let numbers: Vec<f64> = present.filter_map(|value| value.as_f64()).collect();
    if numbers.is_empty() { Value::Null } else { numbers.iter().sum::<f64>().into() }
}

/// The least or greatest of numbers or texts; null only where all are null.
fn extreme(values: &[&Value], wanted: std::cmp::Ordering) -> Value {
    let mut found = Value::Null;
    for value in values.iter().filter(|value| !value.is_null()) {
        if found.is_null() || order(value, &found) == Some(wanted) {
            found = (*value).clone();
        }
    }
    found
}

fn order(one: &Value, other: &Value) -> Option<std::cmp::Ordering> {
    match (one, other) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

/// `x_min_v` with `x_min_at`, and so on: each value with the place of the shard that has it.
fn extremes(values: &[&Value]) -> Value {
    let Some(first) = values[0].as_object() else { return Value::Null };
    let mut whole = Map::new();
    for name in first.keys().filter(|name| !name.ends_with("_at")) {
        let wanted = if name.contains("_min_") {
            std::cmp::Ordering::Less
        } else {
            std::cmp::Ordering::Greater
        };
        let mut holder = values[0];
        for value in values {
            let better = match (value.get(name), holder.get(name)) {
                (Some(value), Some(held)) => order(value, held) == Some(wanted) || held.is_null(),
                _ => false,
            };
            if better {
                holder = value;
            }
        }
        let place = name.rsplit_once('_').map(|(stem, _)| format!("{stem}_at"));
        for name in [Some(name.clone()), place].into_iter().flatten() {
            if let Some(value) = holder.get(&name) {
                whole.insert(name, value.clone());
            }
        }
    }
    Value::Object(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(name: &str) -> Vec<String> {
        let document = serde_json::to_value(crate::routes::document()).expect("it serialises");
        let mut found = Vec::new();
        collect(&document["components"]["schemas"][name], &document, &mut found);
        found
    }
    /// The names of the fields of a schema, those of what it is put together of as well.
    fn collect(schema: &Value, document: &Value, found: &mut Vec<String>) {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            collect(&document["components"]["schemas"][name], document, found);
        }
        found.extend(schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned());
        for part in schema["allOf"].as_array().into_iter().flatten() {
            collect(part, document, found);
        }
    }

    #[test]
    fn every_field_of_the_farm_the_plant_and_the_clock_has_one_rule_and_every_rule_its_field() {
        for (name, rules) in [("FarmAnswer", FARM), ("PlantAnswer", PLANT), ("ClockAnswer", CLOCK)]
        {
            let mut fields = fields(name);
            let mut ruled: Vec<String> = rules.iter().map(|(name, _)| (*name).to_owned()).collect();
            fields.sort();
            ruled.sort();
            assert!(fields.len() > 5, "{name} has fields");
            assert_eq!(fields, ruled, "{name}");
        }
    }

    #[test]
    fn powers_are_summed_and_the_state_of_charge_is_that_of_all_the_energy() {
        let farm = |power: f64, soc: f64, capacity: f64, soh: f64| {
            json!({
                "tick": 7, "units": 3, "active_power_w": power, "soc": soc, "soh": soh,
                "energy_capacity_wh": capacity, "setpoint_active_power_w": null,
                "units_by_state": {"running": 2, "off": 1}, "frequency_hz": 50.0,
            })
        };
        let whole = merged(&[farm(1.5, 0.2, 100.0, 1.0), farm(2.0, 0.8, 300.0, 0.75)], FARM);
        assert_eq!(whole["active_power_w"], json!(3.5));
        assert_eq!(whole["units"], json!(6));
        assert_eq!(whole["units_by_state"], json!({"running": 4, "off": 2}));
        assert!((whole["soc"].as_f64().expect("a number") - 0.65).abs() < 1e-12);
        // 400 of 100 + 400 nominal.
        assert!((whole["soh"].as_f64().expect("a number") - 0.8).abs() < 1e-12);
        assert_eq!(whole["setpoint_active_power_w"], Value::Null);
        assert!(!whole.contains_key("shards_differ"));
    }

    #[test]
    fn a_setpoint_that_some_shards_lack_is_the_sum_of_the_others() {
        let parts =
            [json!({"setpoint_active_power_w": 5.0}), json!({"setpoint_active_power_w": null})];
        assert_eq!(merged(&parts, FARM)["setpoint_active_power_w"], json!(5.0));
    }

    #[test]
    fn an_extreme_comes_with_its_place() {
        let part = |v: f64, unit: u64| {
            json!({"extremes": {"cell_voltage_min_v": v, "cell_voltage_min_at": {"unit": unit},
                                "cell_voltage_max_v": v + 0.1, "cell_voltage_max_at": {"unit": unit}}})
        };
        let whole = merged(&[part(3.3, 1), part(3.2, 4), part(3.25, 7)], FARM);
        assert_eq!(whole["extremes"]["cell_voltage_min_at"], json!({"unit": 4}));
        assert_eq!(whole["extremes"]["cell_voltage_max_at"], json!({"unit": 1}));
    }

    #[test]
    fn the_plant_adds_limits_up_and_tells_settings_that_differ() {
        let plant = |strategy: &str, limit: Value, priority: Vec<u32>| {
            json!({"strategy": strategy, "priority": priority,
                   "peak_shaving": {"import_max_w": limit, "export_max_w": null},
                   "frequency_response": {"name": "fcr", "contract_w": 1e6}, "volt_var": null})
        };
        let whole = merged(
            &[plant("soc", json!(2e6), vec![2]), plant("equal", json!(1e6), vec![5, 4])],
            PLANT,
        );
        assert_eq!(whole["peak_shaving"], json!({"import_max_w": 3e6, "export_max_w": null}));
        assert_eq!(whole["frequency_response"], json!({"name": "fcr", "contract_w": 2e6}));
        assert_eq!(whole["priority"], json!([2, 5, 4]));
        assert_eq!(whole["shards_differ"], json!(["strategy"]));
    }
}
