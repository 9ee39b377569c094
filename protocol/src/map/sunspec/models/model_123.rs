//! Points of SunSpec model 123; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 123,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("Conn_WinTms", Encoding::U16).unit("Secs").rw(),
            p("Conn_RvrtTms", Encoding::U16).unit("Secs").rw(),
            p("Conn", Encoding::Enum16)
                .rw()
                .mandatory()
                .symbols(&[("DISCONNECT", 0), ("CONNECT", 1)]),
            p("WMaxLimPct", Encoding::U16).sf("WMaxLimPct_SF").unit("% WMax").rw().mandatory(),
            p("WMaxLimPct_WinTms", Encoding::U16).unit("Secs").rw(),
            p("WMaxLimPct_RvrtTms", Encoding::U16).unit("Secs").rw(),
            p("WMaxLimPct_RmpTms", Encoding::U16).unit("Secs").rw(),
            p("WMaxLim_Ena", Encoding::Enum16)
                .rw()
                .mandatory()
                .symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("OutPFSet", Encoding::I16).sf("OutPFSet_SF").unit("cos()").rw().mandatory(),
            p("OutPFSet_WinTms", Encoding::U16).unit("Secs").rw(),
            p("OutPFSet_RvrtTms", Encoding::U16).unit("Secs").rw(),
            p("OutPFSet_RmpTms", Encoding::U16).unit("Secs").rw(),
            p("OutPFSet_Ena", Encoding::Enum16)
                .rw()
                .mandatory()
                .symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("VArWMaxPct", Encoding::I16).sf("VArPct_SF").unit("% WMax").rw(),
            p("VArMaxPct", Encoding::I16).sf("VArPct_SF").unit("% VArMax").rw(),
            p("VArAvalPct", Encoding::I16).sf("VArPct_SF").unit("% VArAval").rw(),
            p("VArPct_WinTms", Encoding::U16).unit("Secs").rw(),
            p("VArPct_RvrtTms", Encoding::U16).unit("Secs").rw(),
            p("VArPct_RmpTms", Encoding::U16).unit("Secs").rw(),
            p("VArPct_Mod", Encoding::Enum16).rw().symbols(&[
                ("NONE", 0),
                ("WMax", 1),
                ("VArMax", 2),
                ("VArAval", 3),
            ]),
            p("VArPct_Ena", Encoding::Enum16)
                .rw()
                .mandatory()
                .symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("WMaxLimPct_SF", Encoding::ScaleFactor).mandatory(),
            p("OutPFSet_SF", Encoding::ScaleFactor).mandatory(),
            p("VArPct_SF", Encoding::ScaleFactor),
        ],
        groups: &[],
    },
};
