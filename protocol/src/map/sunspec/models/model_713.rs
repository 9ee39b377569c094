//! Points of SunSpec model 713; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 713,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("WHRtg", Encoding::U16).sf("WH_SF").unit("WH"),
            p("WHAvail", Encoding::U16).sf("WH_SF").unit("WH"),
            p("SoC", Encoding::U16).sf("Pct_SF").unit("Pct"),
            p("SoH", Encoding::U16).sf("Pct_SF").unit("Pct"),
            p("Sta", Encoding::Enum16).symbols(&[("OK", 0), ("WARNING", 1), ("ERROR", 2)]),
            p("WH_SF", Encoding::ScaleFactor),
            p("Pct_SF", Encoding::ScaleFactor),
        ],
        groups: &[],
    },
};
