//! Points of SunSpec model 715; made by `tools/sunspec_tables.py`.

use super::super::table::{Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 715,
    length: 9,
    points: &[
        p("ID", 0, Encoding::U16).mandatory(),
        p("L", 1, Encoding::U16).mandatory(),
        p("LocRemCtl", 2, Encoding::Enum16).symbols(&[("REMOTE", 0), ("LOCAL", 1)]),
        p("DERHb", 3, Encoding::U32),
        p("ControllerHb", 5, Encoding::U32).rw(),
        p("AlarmReset", 7, Encoding::U16).rw(),
        p("OpCtl", 8, Encoding::Enum16).rw().symbols(&[
            ("STOP", 0),
            ("START", 1),
            ("ENTER_STANDBY", 2),
            ("EXIT_STANDBY", 3),
        ]),
    ],
    group: "",
    group_length: 0,
    group_points: &[],
};
