//! Points of SunSpec model 713; made by `tools/sunspec_tables.py`.

use super::super::table::{Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 713,
    length: 9,
    points: &[
        p("ID", 0, Encoding::U16).mandatory(),
        p("L", 1, Encoding::U16).mandatory(),
        p("WHRtg", 2, Encoding::U16).sf("WH_SF").unit("WH"),
        p("WHAvail", 3, Encoding::U16).sf("WH_SF").unit("WH"),
        p("SoC", 4, Encoding::U16).sf("Pct_SF").unit("Pct"),
        p("SoH", 5, Encoding::U16).sf("Pct_SF").unit("Pct"),
        p("Sta", 6, Encoding::Enum16).symbols(&[("OK", 0), ("WARNING", 1), ("ERROR", 2)]),
        p("WH_SF", 7, Encoding::ScaleFactor),
        p("Pct_SF", 8, Encoding::ScaleFactor),
    ],
    group: "",
    group_length: 0,
    group_points: &[],
};
