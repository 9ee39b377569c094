//! Points of SunSpec model 703; made by `tools/sunspec_tables.py`.

use super::super::table::{Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 703,
    length: 19,
    points: &[
        p("ID", 0, Encoding::U16).mandatory(),
        p("L", 1, Encoding::U16).mandatory(),
        p("ES", 2, Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("ESVHi", 3, Encoding::U16).sf("V_SF").unit("Pct").rw(),
        p("ESVLo", 4, Encoding::U16).sf("V_SF").unit("Pct").rw(),
        p("ESHzHi", 5, Encoding::U32).sf("Hz_SF").unit("Hz").rw(),
        p("ESHzLo", 7, Encoding::U32).sf("Hz_SF").unit("Hz").rw(),
        p("ESDlyTms", 9, Encoding::U32).unit("Secs").rw(),
        p("ESRndTms", 11, Encoding::U32).unit("Secs").rw(),
        p("ESRmpTms", 13, Encoding::U32).unit("Secs").rw(),
        p("ESDlyRemTms", 15, Encoding::U32).unit("Secs"),
        p("V_SF", 17, Encoding::ScaleFactor),
        p("Hz_SF", 18, Encoding::ScaleFactor),
    ],
    group: "",
    group_length: 0,
    group_points: &[],
};
