//! Points of SunSpec model 715; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 715,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("LocRemCtl", Encoding::Enum16).symbols(&[("REMOTE", 0), ("LOCAL", 1)]),
            p("DERHb", Encoding::U32),
            p("ControllerHb", Encoding::U32).rw(),
            p("AlarmReset", Encoding::U16).rw(),
            p("OpCtl", Encoding::Enum16).rw().symbols(&[
                ("STOP", 0),
                ("START", 1),
                ("ENTER_STANDBY", 2),
                ("EXIT_STANDBY", 3),
            ]),
        ],
        groups: &[],
    },
};
