//! Roles of registers against those of what they ask.

use super::*;
use crate::device::Device;
use crate::map::chain_layout;
use bess_core::role::Role;

/// What to write to a register of these words: them, and numbers that settings and switches take.
fn candidates(shown: &[u16]) -> Vec<Vec<u16>> {
    let last = shown[shown.len() - 1];
    let others = [0, 1, 2, 3, 4, last.wrapping_sub(1), last / 2];
    let other = |word: u16| [&shown[..shown.len() - 1], &[word]].concat();
    std::iter::once(shown.to_vec()).chain(others.map(other)).collect()
}

#[test]
fn what_a_register_asks_may_be_asked_by_whoever_may_write_it() {
    let (snapshot, chains) = chains();
    let with_rack = |(of, chain, unit, rack_idx): Case| (of, chain_layout(chain), unit, rack_idx);
    let mut layouts: Vec<_> = chains.into_iter().map(with_rack).collect();
    let unit = UnitId::from_number(1);
    for (of, level, unit) in
        [("compact", compact::Level::Unit, unit), ("compact plant", compact::Level::Plant, None)]
    {
        layouts.push((of.to_owned(), Layout::new(compact::fields(level)), unit, None));
    }
    let mut highest = std::collections::BTreeMap::new();
    for (of, layout, unit, rack_idx) in layouts {
        let layout = Arc::new(layout);
        let device = Device::new(unit, Part::Whole, &layout, &Arc::default());
        let sight = device.sight(&snapshot).of_rack(rack_idx);
        for field in layout.fields_of(Table::Holding).filter(|field| field.write.is_some()) {
            let (name, length) = (&field.about.name, field.codec.registers());
            let shown = layout.read(sight, field.address, length).unwrap();
            let mut commands = 0;
            for words in candidates(&shown) {
                let written =
                    layout.write_to(sight, Table::Holding, field.address, &words, field.role);
                let Ok(Some(command)) = written.and_then(Edit::command) else { continue };
                commands += 1;
                let role = command.role();
                assert!(role <= field.role, "{of}: {name} is for {:?}: {command:?}", field.role);
                let known = highest.entry(field.address).or_insert(role);
                *known = role.max(*known);
            }
            // The plant keeps what is so already to itself.
            assert!(commands > 0 || unit.is_none(), "{of}: {name} was never taken");
        }
    }
    assert!(highest.values().any(|role| *role == Role::Engineer), "settings were among them");
}
