//! The validations' own tool: a bar that is missed fails, whatever the figure.

mod support;

use support::is_met;

#[test]
fn a_bar_is_met_up_to_its_ends_and_missed_beyond() {
    assert!(is_met(1.0, "uV", "<= 1 uV") && !is_met(1.01, "uV", "<= 1 uV"));
    assert!(is_met(3.0, "", ">= 3") && !is_met(2.9, "", ">= 3"));
    assert!(is_met(80.0, "%", "80..90 %") && is_met(90.0, "%", "80..90 %"));
    assert!(!is_met(79.9, "%", "80..90 %") && !is_met(90.1, "%", "80..90 %"));
    assert!(is_met(-0.5, "K", "-1..1 K") && is_met(1e9, "J", "none"));
}

#[test]
#[should_panic(expected = "misses <= 1 mV")]
fn a_figure_that_misses_its_bar_fails_the_test() {
    support::figure("a figure", 2.0, "mV", "<= 1 mV");
}

#[test]
#[should_panic(expected = "is not in mV")]
fn a_bar_in_another_unit_is_refused() {
    let _ = is_met(2.0, "mV", "<= 1 uV");
}

#[test]
#[should_panic(expected = "is not a figure")]
fn what_is_not_a_number_meets_no_bar() {
    let _ = is_met(f64::NAN, "mV", "none");
}
