use super::*;
use crate::config::{BUILT_IN_FARM, parse_farm};
use crate::device::Part;

fn condition(effect: LinkEffect) -> LinkCondition {
    LinkCondition {
        name: "test".to_owned(),
        effect,
        scope: LinkScope::default(),
        probability: 0.3,
        seed: 7,
        until: None,
    }
}

fn refusal(change: impl FnOnce(&mut LinkCondition)) -> String {
    let spec = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).expect("built in");
    let mut condition = condition(LinkEffect::Drop);
    assert_eq!(condition.check(&spec), Ok(()));
    change(&mut condition);
    condition.check(&spec).expect_err("refused").to_string()
}

fn everything() -> LinkSight<'static> {
    LinkSight {
        listener: "main",
        unit: Some(UnitId::from_idx(2)),
        part: Some(Part::Pcs),
        function: Some(3),
        registers: &[(40_000, 40_059), (100, 101)],
        peer: Some("10.1.2.3".parse().unwrap()),
    }
}

#[test]
fn every_effect_is_built_from_its_name_and_parameters_and_gives_them_back() {
    let mut parameters = Vec::new();
    for (position, name) in LinkEffect::NAMES.into_iter().enumerate() {
        let given: Vec<(&'static str, f64)> = match name {
            "delay" => vec![("delay_s", 0.5), ("jitter_s", 0.25)],
            "exception" => vec![("exception", 6.0)],
            "split" => vec![("gap_s", 0.1)],
            "stale_time" => vec![("by_s", 30.0)],
            "burst_loss" => {
                vec![("good_to_bad", 0.1), ("bad_to_good", 0.5), ("loss_bad", 0.9)]
            }
            "bandwidth" => vec![("bytes_per_s", 1200.0)],
            "limit_clients" | "limit_connections" => vec![("max_clients", 2.0)],
            _ => vec![],
        };
        let effect = LinkEffect::build(name, &given).expect(name);
        assert_eq!((effect.name(), effect.position()), (name, position));
        assert_eq!(effect.parameters(), given);
        for (name, _) in given {
            if !parameters.contains(&name) {
                parameters.push(name);
            }
        }
    }
    assert_eq!(parameters, LinkEffect::PARAMETERS);
    let delay = LinkEffect::build("delay", &[("delay_s", 1.0)]);
    assert_eq!(delay, Ok(LinkEffect::Delay { delay_s: 1.0, jitter_s: 0.0 }));
}

#[test]
fn an_effect_with_a_parameter_too_few_too_many_or_out_of_range_says_which() {
    let words = |name: &str, given: &[(&'static str, f64)]| {
        LinkEffect::build(name, given).expect_err("refused").to_string()
    };
    assert!(words("lag", &[]).starts_with("effect: it must be one of delay, drop, "));
    assert_eq!(words("delay", &[]), "delay_s: the effect delay needs it");
    assert_eq!(words("drop", &[("gap_s", 1.0)]), "gap_s: the effect drop has no such parameter");
    assert!(words("delay", &[("delay_s", -1.0)]).contains("delay_s must be from 0 to 3600 s"));
    assert!(words("delay", &[("delay_s", f64::NAN)]).contains("delay_s must be from 0 to 3600 s"));
    assert!(words("exception", &[("exception", 256.0)]).contains("from 0 to 255"));
    assert!(words("exception", &[("exception", 2.5)]).contains("whole number"));
    assert!(words("stale_time", &[("by_s", 0.0)]).contains("by_s must be from 0.1"));
}

#[test]
fn a_scope_without_restrictions_covers_everything_and_each_restriction_leaves_something_out() {
    let covers = |scope: LinkScope| scope.covers(&everything());
    let none = LinkScope::default;
    assert!(covers(none()));
    let listener = |name: &str| LinkScope { listener: Some(name.to_owned()), ..none() };
    assert!(covers(listener("main")) && !covers(listener("tls")));
    let unit = |idx| LinkScope { unit: Some(UnitId::from_idx(idx)), ..none() };
    assert!(covers(unit(2)) && !covers(unit(1)));
    let functions = |functions: &[u8]| LinkScope { functions: functions.to_vec(), ..none() };
    assert!(covers(functions(&[16, 3])) && !covers(functions(&[16, 4])));
    let registers = |first, last| LinkScope { registers: Some((first, last)), ..none() };
    for (first, last, expected) in [
        (40_059, 40_100, true),
        (40_060, 40_100, false),
        (39_000, 40_000, true),
        (102, 39_999, false),
        (101, 101, true),
        (0, 65_535, true),
    ] {
        assert_eq!(covers(registers(first, last)), expected, "{first} to {last}");
    }
    let peer = |net: &str| LinkScope { peer: Some(net.parse().unwrap()), ..none() };
    assert!(covers(peer("10.0.0.0/8")) && !covers(peer("192.0.2.0/24")));
    assert!(!covers(LinkScope { functions: vec![4], ..peer("10.0.0.0/8") }), "all must fit");
    assert!(covers(LinkScope { part: Some(Part::Pcs), ..none() }));
    assert!(!covers(LinkScope { part: Some(Part::Bms), ..none() }));
}

#[test]
fn a_connection_that_asked_nothing_yet_is_chosen_by_listener_and_peer_alone() {
    let fresh = LinkSight { unit: None, function: None, registers: &[], ..everything() };
    let none = LinkScope::default;
    assert!(none().covers(&fresh));
    assert!(LinkScope { peer: Some("10.0.0.0/8".parse().unwrap()), ..none() }.covers(&fresh));
    assert!(!LinkScope { unit: Some(UnitId::from_idx(2)), ..none() }.covers(&fresh));
    assert!(!LinkScope { functions: vec![3], ..none() }.covers(&fresh));
    assert!(!LinkScope { registers: Some((0, 65_535)), ..none() }.covers(&fresh));
    assert!(!LinkScope { peer: Some("::/0".parse().unwrap()), ..none() }.covers(&fresh));
}

#[test]
fn the_same_seed_hits_the_same_requests_in_the_share_that_was_asked_for() {
    let pattern = |seed| {
        let condition = LinkCondition { seed, ..condition(LinkEffect::Drop) };
        (0..10_000).map(|n| condition.hits(n)).collect::<Vec<_>>()
    };
    assert_eq!(pattern(7), pattern(7));
    assert_ne!(pattern(7), pattern(8));
    let hits = pattern(7).iter().filter(|hit| **hit).count();
    assert!((2_850..3_150).contains(&hits), "{hits} of 10,000 where 30 % were asked for");
    let always = LinkCondition { probability: 1.0, ..condition(LinkEffect::Drop) };
    let never = LinkCondition { probability: 0.0, ..condition(LinkEffect::Drop) };
    assert!((0..1_000).all(|n| always.hits(n) && !never.hits(n)));
}

#[test]
fn jitter_is_drawn_for_each_request_and_not_by_whether_it_is_hit() {
    let condition = condition(LinkEffect::Delay { delay_s: 1.0, jitter_s: 1.0 });
    let of_hits: Vec<f64> =
        (0..10_000).filter(|n| condition.hits(*n)).map(|n| condition.jitter(n)).collect();
    assert!(of_hits.iter().all(|jitter| (0.0..1.0).contains(jitter)));
    let mean = of_hits.iter().sum::<f64>() / of_hits.len() as f64;
    assert!((mean - 0.5).abs() < 0.02, "{mean}");
    assert_eq!(condition.jitter(5).to_bits(), condition.jitter(5).to_bits());
}

#[test]
fn a_condition_counts_what_it_saw_and_what_it_hit() {
    let link = ActiveLink::new(condition(LinkEffect::Drop), Tick(4));
    let taken: Vec<u64> = (0..1_000).filter_map(|_| link.take()).collect();
    let expected: Vec<u64> = (0..1_000).filter(|n| link.condition.hits(*n)).collect();
    assert_eq!(taken, expected);
    assert_eq!((link.seen(), link.hits()), (1_000, expected.len() as u64));
}

#[test]
fn what_is_not_possible_is_refused_with_the_field() {
    for name in ["", "a b", "a/b", "é", &"x".repeat(65)] {
        assert!(refusal(|c| c.name = name.to_owned()).contains("1 to 64 letters"), "{name}");
    }
    assert!(refusal(|c| c.probability = 1.1).contains("probability must be from 0 to 1"));
    assert!(refusal(|c| c.probability = f64::NAN).contains("probability"));
    assert!(refusal(|c| c.scope.unit = Some(UnitId::from_idx(10))).contains("units 1 to 10"));
    assert!(refusal(|c| c.scope.functions = vec![3, 128]).contains("functions must be from 1"));
    assert!(refusal(|c| c.scope.registers = Some((9, 8))).starts_with("last_register"));
    assert!(refusal(|c| c.scope.listener = Some(String::new())).starts_with("listener"));
    assert!(refusal(|c| c.effect = LinkEffect::Split { gap_s: 4e3 }).contains("gap_s"));
    let early = refusal(|c| (c.effect, c.scope.functions) = (LinkEffect::Refuse, vec![3]));
    assert!(early.starts_with("functions: a connection is refused before"), "{early}");
}

#[test]
fn a_condition_takes_the_place_of_its_name_and_begins_to_count_anew() {
    let one = condition(LinkEffect::Drop);
    let two = LinkCondition { name: "two".to_owned(), ..one.clone() };
    let active = with(&[], &one, Tick(4)).unwrap();
    let active = with(&active, &two, Tick(5)).unwrap();
    active[0].take();
    let other = condition(LinkEffect::Junk);
    let active = with(&active, &other, Tick(6)).unwrap();
    let seen: Vec<_> = active.iter().map(|l| (&l.condition, l.since, l.seen())).collect();
    assert_eq!(seen, [(&other, Tick(6), 0), (&two, Tick(5), 0)]);
    let left = without(&active, Some("test")).unwrap();
    assert_eq!((left.len(), left[0].condition.name.as_str()), (1, "two"));
    assert!(without(&active, None).unwrap().is_empty());
    let unknown = without(&left, Some("test")).expect_err("gone").to_string();
    assert_eq!(unknown, "name: no condition \"test\" is in force; in force: two");
}

#[test]
fn a_condition_whose_time_is_over_and_one_too_many_are_refused() {
    let until = |tick| LinkCondition { until: Some(Tick(tick)), ..condition(LinkEffect::Drop) };
    assert!(with(&[], &until(6), Tick(4)).is_ok());
    let over = with(&[], &until(5), Tick(4)).expect_err("over").to_string();
    assert_eq!(over, "until: it must be after tick 5, got tick 5");
    let named = |n| LinkCondition { name: format!("l{n}"), ..condition(LinkEffect::Drop) };
    let mut active = ActiveLinks::default();
    for n in 0..LINKS_MAX {
        active = with(&active, &named(n), Tick(0)).unwrap();
    }
    assert!(with(&active, &named(LINKS_MAX), Tick(0)).is_err());
    assert!(with(&active, &named(0), Tick(0)).is_ok(), "one more of the same name is none more");
}
