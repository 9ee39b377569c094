//! What serde reads, with the rule for what is missing.

use super::Misfit;
use ciborium::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads one.
///
/// # Errors
/// When it is something else, or a field of it is missing.
pub(crate) fn read<T: DeserializeOwned>(from: &Value) -> Result<T, Misfit> {
    from.deserialized().map_err(|error| Misfit::here(error.to_string()))
}

/// Reads one in the place of `before`, which what is missing is taken from.
///
/// # Errors
/// When it is something else.
pub(crate) fn read_over<T: Serialize + DeserializeOwned>(
    before: &T,
    from: &Value,
) -> Result<T, Misfit> {
    // Most often nothing is missing.
    read(from).or_else(|misfit| {
        let mut whole = Value::serialized(before).map_err(|_| misfit)?;
        lay_over(&mut whole, from);
        read(&whole)
    })
}

/// Lays `from` over `whole`, name by name. A variant with fields is a map of its one name: another one
/// takes its place.
fn lay_over(whole: &mut Value, from: &Value) {
    let name = |map: &[(Value, Value)]| map.first().map(|(name, _)| name.clone());
    match (&mut *whole, from) {
        (Value::Map(whole), Value::Map(from))
            if whole.len() != 1 || from.len() != 1 || name(whole) == name(from) =>
        {
            for (key, value) in from {
                match whole.iter_mut().find(|(known, _)| known == key) {
                    Some((_, known)) => lay_over(known, value),
                    None => whole.push((key.clone(), value.clone())),
                }
            }
        }
        _ => *whole = from.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Course {
        Rest,
        Rises { to: f64 },
        Holds { ticks: u64 },
    }
    /// As version N has it.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Old {
        kept: f64,
        course: Course,
    }
    /// As version N+1 has it.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct New {
        kept: f64,
        course: Course,
        limits: (f64, f64),
    }

    fn value(of: &impl Serialize) -> Value {
        Value::serialized(of).expect("a value")
    }

    #[test]
    fn what_the_older_version_did_not_write_keeps_what_it_is_built_with() {
        let old = value(&Old { kept: 2.0, course: Course::Rises { to: 0.5 } });
        let built = New { kept: 1.0, course: Course::Rest, limits: (3.0, 4.0) };
        let read = read_over(&built, &old).expect("it reads");
        assert_eq!(read, New { kept: 2.0, course: Course::Rises { to: 0.5 }, limits: (3.0, 4.0) });
    }

    #[test]
    fn what_the_newer_version_wrote_on_top_is_passed_over() {
        let new = New { kept: 2.0, course: Course::Holds { ticks: 3 }, limits: (3.0, 4.0) };
        let built = Old { kept: 1.0, course: Course::Rises { to: 0.1 } };
        let read = read_over(&built, &value(&new)).expect("it reads");
        assert_eq!(read, Old { kept: 2.0, course: Course::Holds { ticks: 3 } });
    }

    #[test]
    fn a_variant_takes_the_place_of_another_one_where_something_else_is_missing() {
        let old = value(&Old { kept: 2.0, course: Course::Holds { ticks: 3 } });
        let built = New { kept: 1.0, course: Course::Rises { to: 0.1 }, limits: (3.0, 4.0) };
        assert_eq!(read_over(&built, &old).expect("reads").course, Course::Holds { ticks: 3 });
    }

    #[test]
    fn numbers_keep_every_bit_of_theirs_those_that_are_none_as_well() {
        for bits in
            [0x7FF8_0000_0000_0001, 0xFFF8_0000_0000_0000, 0x7FF0_0000_0000_0000, 1, 1 << 63]
        {
            let mut writer = super::super::Writer::default();
            writer.leaf(&f64::from_bits(bits));
            let read: Value = ciborium::from_reader(&*writer.into_bytes()).expect("reads");
            assert_eq!(read.deserialized::<f64>().expect("a number").to_bits(), bits, "{bits:x}");
        }
    }
}
