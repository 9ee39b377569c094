use super::*;
use bess_core::defect::CellDefect;

/// Two shorts by chance in one cell each, with more actions before and behind them.
fn shorts(seed: u64, before: &str, behind: &str) -> Vec<String> {
    let more = format!(
        "timeline:\n{before}  \
           - {{id: short, at: 1s, action: device.cell.internal_short, target: cell, \
             with: {{resistance_ohm: {{dist: lognormal, mu: 2, sigma: 1}}}}}}\n{behind}"
    );
    let text = scenario(&more)
        .replace("seed: 7", &format!("seed: {seed}"))
        .replace("  everybody:", "  cell: {kind: cell, mode: fixed, value: 2}\n  everybody:");
    let mut play = Play::new(3);
    play.start(&text);
    play.end();
    let short = |(tick, command): &(Tick, Command)| match command {
        Command::SetDefect { unit, defect: Defect::Cell { rack_idx, cell_idx, defect } } => {
            match defect {
                CellDefect::Short(ohm) if ohm.is_finite() => {
                    Some(format!("{tick} {unit} {rack_idx} {cell_idx} {ohm}"))
                }
                _ => None,
            }
        }
        _ => None,
    };
    play.given.iter().filter_map(short).collect()
}

#[test]
fn the_seed_decides_who_is_hit_and_how_hard_and_the_same_seed_does_it_again() {
    let one = shorts(1, "", "");
    assert_eq!(one.len(), 2);
    assert_eq!(one, shorts(1, "", ""));
    assert_ne!(one, shorts(2, "", ""));
}

#[test]
fn one_more_fault_shifts_no_draw_of_the_others() {
    let alone = shorts(1, "", "");
    let before = "  - {id: other, at: 0s, action: device.cell.internal_short, target: cell, \
                  with: {resistance_ohm: {dist: uniform, min: 1, max: 2}}, duration: 100ms}\n";
    let with_another = shorts(1, before, "");
    assert_eq!(with_another.len(), 4);
    assert!(alone.iter().all(|short| with_another.contains(short)), "{alone:?} {with_another:?}");
    let behind = "  - {id: late, at: 9s, action: device.hvac.pump, target: one, \
                  repeat: {every: {dist: exponential, mean: 1s}, count: 3}}\n";
    assert_eq!(shorts(1, "", behind), alone);
}

#[test]
fn a_scenario_with_seed_0_gets_one_and_says_which() {
    let mut play = Play::new(2);
    play.start(&scenario(QUIET).replace("seed: 7", "seed: 0"));
    assert_eq!(play.end().seed, 4711);
}
