//! Laws that hold for whatever is written.

use super::Bench;
use crate::expr::eval::{and, or};
use crate::expr::{Expr, Value};
use proptest::prelude::*;

const THREE: [Option<bool>; 3] = [Some(true), None, Some(false)];

fn not(truth: Option<bool>) -> Option<bool> {
    truth.map(|truth| !truth)
}

#[test]
fn truths_obey_the_laws_of_kleene() {
    for a in THREE {
        assert_eq!((and(a, a), or(a, a)), (a, a));
        assert_eq!((and(a, Some(true)), or(a, Some(false))), (a, a));
        assert_eq!((and(a, Some(false)), or(a, Some(true))), (Some(false), Some(true)));
        for b in THREE {
            assert_eq!((and(a, b), or(a, b)), (and(b, a), or(b, a)));
            assert_eq!(not(and(a, b)), or(not(a), not(b)));
            assert_eq!(and(a, or(a, b)), a);
            for c in THREE {
                assert_eq!(and(a, and(b, c)), and(and(a, b), c));
                assert_eq!(or(a, or(b, c)), or(or(a, b), c));
                assert_eq!(and(a, or(b, c)), or(and(a, b), and(a, c)));
            }
        }
    }
}

#[test]
fn the_operators_are_those_laws() {
    // Whether a setpoint is in force decides whether the middle one is known.
    let parts = ["1 == 1", "farm.setpoint_w > 1MW", "1 == 2"];
    let bench = Bench::new();
    for (a, left) in THREE.iter().zip(parts) {
        for (b, right) in THREE.iter().zip(parts) {
            assert_eq!(bench.truth(&format!("{left} and {right}")), and(*a, *b));
            assert_eq!(bench.truth(&format!("{left} or {right}")), or(*a, *b));
            assert_eq!(bench.truth(&format!("{left} implies {right}")), or(not(*a), *b));
        }
        assert_eq!(bench.truth(&format!("not ({left})")), not(*a));
    }
}

/// Pieces of the language, to be put together in any way.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "farm.soc",
        "truth.soc",
        "active_power_w@victim",
        "cell.truth.soc@hot",
        "state(all)",
        "running",
        "fault",
        "5MW",
        "25%",
        "30s",
        "1",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "[1s]",
        "@victim",
        "and",
        "or",
        "not",
        "implies",
        "in",
        "in(victim)",
        "==",
        "<",
        "~=",
        "±",
        "+",
        "-",
        "*",
        "/",
        "min(",
        "count(",
        "rate(",
        "baseline(",
        "event(\"unit.trip\")",
        "since(arc)",
        ",",
        "unit=",
        "\"1\"",
        "{unit=\"1\"}",
        "shadow.farm.soc",
        "absent(",
        "quantile(0.5,",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_text_brings_the_compiler_down_and_every_refusal_has_a_place(text in "\\PC{0,60}") {
        never_panics(&text);
    }

    #[test]
    fn no_order_of_its_own_words_brings_the_compiler_down(text in pieces()) {
        never_panics(&text);
    }

    #[test]
    fn sums_and_products_are_what_they_are_elsewhere(a in -1e6..1e6_f64, b in -1e6..1e6_f64, c in 1.0..1e6_f64) {
        let bench = Bench::new();
        let value = bench.eval(&format!("({a:.3}) * 2 - ({b:.3}) / ({c:.3})"));
        let round = |x: f64| format!("{x:.3}").parse::<f64>().unwrap();
        let expected = round(a) * 2.0 - round(b) / round(c);
        prop_assert_eq!(value, Value::Number(expected));
    }
}

fn never_panics(text: &str) {
    let bench = Bench::new();
    match Expr::compile(text, &bench.names()) {
        Ok(expr) => {
            expr.eval(&bench.sight());
        }
        Err(error) => {
            assert!(error.span.start <= error.span.end && error.span.end <= text.len(), "{text:?}");
            assert!(
                text.is_char_boundary(error.span.start) && text.is_char_boundary(error.span.end)
            );
            assert!(!error.problem(text).to_string().is_empty());
        }
    }
}
