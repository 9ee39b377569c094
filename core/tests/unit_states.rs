//! `docs/unit-states.md` is made from the tables of the code: states, transitions, alarms.
//! `UPDATE=1 cargo test -p bess-core --test unit_states` writes it anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use bess_core::alarm::ALARMS;
use bess_core::state::{STATES, TRANSITIONS};
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "\
# States, transitions and alarms of a unit

This page is made from the tables in `core/src/state.rs` and `core/src/alarm.rs`. REST, metrics and
registers read the same state and the same alarms of one snapshot, so they never differ.

## States

`connected`: the contactors are closed for good. `converts`: the converter gives power, or could at once.
The rest are the numbers that SunSpec has for the state. 802.ChaSt is that while no current flows: while
the unit converts, a current makes it 3 (discharging) or 4 (charging), an empty or full battery at rest 2
or 5, and open racks 1. The position in this list, from 0, is the number of the state in metrics and in register 107 of the compact map.

";

const SYMBOLS: &str = "
701.St: 0 off, 1 on. 701.InvSt: 0 off, 2 starting, 3 running, 4 throttled, 5 shutting down, 6 fault, 7
standby. 701.ConnSt: 1 connected to the grid. 802.State: 1 disconnected, 2 initializing, 3 connected, 4
standby, 6 suspending, 99 fault. 802.ChaSt: 1 off, 6 holding. 715.OpCtl: what would have to be written
to come here: 0 stop, 1 start, 2 standby.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    let yes = |flag: bool| if flag { "yes" } else { "" };
    page += "| state | connected | converts | 701.St | 701.InvSt | 701.ConnSt | 802.State | 802.ChaSt | 715.OpCtl |\n";
    page += "|---|---|---|---|---|---|---|---|---|\n";
    for row in STATES {
        writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.name,
            yes(row.is_connected),
            yes(row.converts),
            row.der_state,
            row.inverter_state,
            row.grid_connection,
            row.battery_state,
            row.charge_state,
            row.operation
        )
        .unwrap();
    }
    page += SYMBOLS;
    page += "\n## Transitions\n\nWhatever is not here does not happen. Every transition is an event with its cause and its tick.\n\n";
    page += "| from | trigger | to |\n|---|---|---|\n";
    for (from, trigger, to) in TRANSITIONS {
        let from: Vec<String> = from.iter().map(|state| format!("`{}`", state.name())).collect();
        writeln!(page, "| {} | {} | `{}` |", from.join(", "), trigger.name(), to.name()).unwrap();
    }
    page += "\n## Alarms\n\n";
    page += "An alarm has a level: `warning`, `derate` (the unit gives less), `trip` (it stops, and comes back by\nitself) or `critical` (it stops until it is reset). It is pending while its delay runs, then active, and\nlatched when its cause is gone but a reset must come. Bits of 802.Evt1 and 803.StrEvt1 are\nthose of a warning or derating / of a trip or critical alarm. 701.Alrm has its bit from a trip on, and from\nthe derating by `string_open`, `fuse_blown` and `dc_voltage_out_of_window`: a part is gone.\n\n";
    page += "| alarm | means | unit | 802.Evt1, 803.StrEvt1 | 701.Alrm |\n|---|---|---|---|---|\n";
    for alarm in ALARMS {
        let (warning, grave) = alarm.evt1_bits;
        let alrm = alarm.alrm_bit.map_or("-".to_owned(), |bit| bit.to_string());
        writeln!(
            page,
            "| `{}` | {} | {} | {warning} / {grave} | {alrm} |",
            alarm.name, alarm.text, alarm.unit
        )
        .unwrap();
    }
    page
}

#[test]
fn the_page_of_states_is_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/unit-states.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "docs/unit-states.md is not what the code says: run with UPDATE=1");
}
