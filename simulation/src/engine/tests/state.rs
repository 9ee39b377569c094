//! Checkpoints, where a test must spoil a unit first.

use super::*;
use crate::engine::State;

#[test]
fn a_unit_in_quarantine_still_shows_after_a_restart_what_it_showed_last() {
    let spec = small(2, 1, 16);
    let mut first = engine(&spec, 1);
    set_farm(&mut first, 4_000.0);
    (0..50).for_each(|_| first.step());
    see(&mut first);
    first.units[1].spoil();
    (0..20).for_each(|_| first.step());
    let seen = see(&mut first);
    let mut state = State::default();
    first.save(&mut state);
    let mut second = engine(&spec, 1);
    second.load(&state.sections).unwrap();
    let again = see(&mut second);
    assert!(seen.units[1].measured.soc > 0.0, "it shows something");
    assert_eq!(format!("{:?}", again.units), format!("{:?}", seen.units));
    assert_eq!(format!("{:?}", again.racks), format!("{:?}", seen.racks));
    (0..50).for_each(|_| {
        first.step();
        second.step();
    });
    assert_eq!(second.state_hash(), first.state_hash());
    assert_eq!(format!("{:?}", see(&mut second).units), format!("{:?}", see(&mut first).units));
}
