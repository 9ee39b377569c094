//! Points of SunSpec model 703; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 703,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("ES", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("ESVHi", Encoding::U16).sf("V_SF").unit("Pct").rw(),
            p("ESVLo", Encoding::U16).sf("V_SF").unit("Pct").rw(),
            p("ESHzHi", Encoding::U32).sf("Hz_SF").unit("Hz").rw(),
            p("ESHzLo", Encoding::U32).sf("Hz_SF").unit("Hz").rw(),
            p("ESDlyTms", Encoding::U32).unit("Secs").rw(),
            p("ESRndTms", Encoding::U32).unit("Secs").rw(),
            p("ESRmpTms", Encoding::U32).unit("Secs").rw(),
            p("ESDlyRemTms", Encoding::U32).unit("Secs"),
            p("V_SF", Encoding::ScaleFactor),
            p("Hz_SF", Encoding::ScaleFactor),
        ],
        groups: &[],
    },
};
