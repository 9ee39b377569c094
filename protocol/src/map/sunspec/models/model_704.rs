//! Points of SunSpec model 704; made by `tools/sunspec_tables.py`.

use super::super::table::{Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 704,
    length: 67,
    points: &[
        p("ID", 0, Encoding::U16).mandatory(),
        p("L", 1, Encoding::U16).mandatory(),
        p("PFWInjEna", 2, Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("PFWInjEnaRvrt", 3, Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("PFWInjRvrtTms", 4, Encoding::U32).unit("Secs").rw(),
        p("PFWInjRvrtRem", 6, Encoding::U32).unit("Secs"),
        p("PFWAbsEna", 8, Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("PFWAbsEnaRvrt", 9, Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("PFWAbsRvrtTms", 10, Encoding::U32).unit("Secs").rw(),
        p("PFWAbsRvrtRem", 12, Encoding::U32).unit("Secs"),
        p("WMaxLimPctEna", 14, Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("WMaxLimPct", 15, Encoding::U16).sf("WMaxLimPct_SF").unit("Pct").rw(),
        p("WMaxLimPctRvrt", 16, Encoding::U16).sf("WMaxLimPct_SF").unit("Pct").rw(),
        p("WMaxLimPctEnaRvrt", 17, Encoding::Enum16)
            .rw()
            .symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("WMaxLimPctRvrtTms", 18, Encoding::U32).unit("Secs").rw(),
        p("WMaxLimPctRvrtRem", 20, Encoding::U32).unit("Secs"),
        p("WSetEna", 22, Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("WSetMod", 23, Encoding::Enum16).rw().symbols(&[("W_MAX_PCT", 0), ("WATTS", 1)]),
        p("WSet", 24, Encoding::I32).sf("WSet_SF").unit("W").rw(),
        p("WSetRvrt", 26, Encoding::I32).sf("WSet_SF").unit("W").rw(),
        p("WSetPct", 28, Encoding::I16).sf("WSetPct_SF").unit("Pct").rw(),
        p("WSetPctRvrt", 29, Encoding::I16).sf("WSetPct_SF").unit("Pct").rw(),
        p("WSetEnaRvrt", 30, Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("WSetRvrtTms", 31, Encoding::U32).unit("Secs").rw(),
        p("WSetRvrtRem", 33, Encoding::U32).unit("Secs"),
        p("VarSetEna", 35, Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("VarSetMod", 36, Encoding::Enum16).rw().symbols(&[
            ("W_MAX_PCT", 0),
            ("VAR_MAX_PCT", 1),
            ("VAR_AVAIL_PCT", 2),
            ("VA_MAX_PCT", 3),
            ("VARS", 4),
        ]),
        p("VarSetPri", 37, Encoding::Enum16).rw().symbols(&[
            ("ACTIVE", 0),
            ("REACTIVE", 1),
            ("VENDOR", 2),
        ]),
        p("VarSet", 38, Encoding::I32).sf("VarSet_SF").unit("Var").rw(),
        p("VarSetRvrt", 40, Encoding::I32).sf("VarSet_SF").unit("Var").rw(),
        p("VarSetPct", 42, Encoding::I16).sf("VarSetPct_SF").unit("Pct").rw(),
        p("VarSetPctRvrt", 43, Encoding::I16).sf("VarSetPct_SF").unit("Pct").rw(),
        p("VarSetEnaRvrt", 44, Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("VarSetRvrtTms", 45, Encoding::U32).unit("Secs").rw(),
        p("VarSetRvrtRem", 47, Encoding::U32).unit("Secs"),
        p("WRmp", 49, Encoding::U16).unit("%Max/Sec").rw(),
        p("WRmpRef", 50, Encoding::Enum16).rw().symbols(&[("A_MAX", 0), ("W_MAX", 1)]),
        p("VarRmp", 51, Encoding::U16).unit("%Max/Sec").rw(),
        p("AntiIslEna", 52, Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
        p("PF_SF", 53, Encoding::ScaleFactor),
        p("WMaxLimPct_SF", 54, Encoding::ScaleFactor),
        p("WSet_SF", 55, Encoding::ScaleFactor),
        p("WSetPct_SF", 56, Encoding::ScaleFactor),
        p("VarSet_SF", 57, Encoding::ScaleFactor),
        p("VarSetPct_SF", 58, Encoding::ScaleFactor),
        p("PFWInj.PF", 59, Encoding::U16).sf("PF_SF").rw(),
        p("PFWInj.Ext", 60, Encoding::Enum16)
            .rw()
            .symbols(&[("OVER_EXCITED", 0), ("UNDER_EXCITED", 1)]),
        p("PFWInjRvrt.PF", 61, Encoding::U16).sf("PF_SF").rw(),
        p("PFWInjRvrt.Ext", 62, Encoding::Enum16)
            .rw()
            .symbols(&[("OVER_EXCITED", 0), ("UNDER_EXCITED", 1)]),
        p("PFWAbs.PF", 63, Encoding::U16).sf("PF_SF").rw(),
        p("PFWAbs.Ext", 64, Encoding::Enum16)
            .rw()
            .symbols(&[("OVER_EXCITED", 0), ("UNDER_EXCITED", 1)]),
        p("PFWAbsRvrt.PF", 65, Encoding::U16).sf("PF_SF").rw(),
        p("PFWAbsRvrt.Ext", 66, Encoding::Enum16)
            .rw()
            .symbols(&[("OVER_EXCITED", 0), ("UNDER_EXCITED", 1)]),
    ],
    group: "",
    group_length: 0,
    group_points: &[],
};
