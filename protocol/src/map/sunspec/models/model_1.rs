//! Points of SunSpec model 1; made by `tools/sunspec_tables.py`.

use super::super::table::{Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 1,
    length: 68,
    points: &[
        p("ID", 0, Encoding::U16).mandatory(),
        p("L", 1, Encoding::U16).mandatory(),
        p("Mn", 2, Encoding::Text(16)).mandatory(),
        p("Md", 18, Encoding::Text(16)).mandatory(),
        p("Opt", 34, Encoding::Text(8)),
        p("Vr", 42, Encoding::Text(8)),
        p("SN", 50, Encoding::Text(16)).mandatory(),
        p("DA", 66, Encoding::U16).rw(),
        p("Pad", 67, Encoding::Pad),
    ],
    group: "",
    group_length: 0,
    group_points: &[],
};
