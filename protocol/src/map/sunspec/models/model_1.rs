//! Points of SunSpec model 1; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 1,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("Mn", Encoding::Text(16)).mandatory(),
            p("Md", Encoding::Text(16)).mandatory(),
            p("Opt", Encoding::Text(8)),
            p("Vr", Encoding::Text(8)),
            p("SN", Encoding::Text(16)).mandatory(),
            p("DA", Encoding::U16).rw(),
            p("Pad", Encoding::Pad),
        ],
        groups: &[],
    },
};
