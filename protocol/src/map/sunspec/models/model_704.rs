//! Points of SunSpec model 704; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 704,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("PFWInjEna", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("PFWInjEnaRvrt", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("PFWInjRvrtTms", Encoding::U32).unit("Secs").rw(),
            p("PFWInjRvrtRem", Encoding::U32).unit("Secs"),
            p("PFWAbsEna", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("PFWAbsEnaRvrt", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("PFWAbsRvrtTms", Encoding::U32).unit("Secs").rw(),
            p("PFWAbsRvrtRem", Encoding::U32).unit("Secs"),
            p("WMaxLimPctEna", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("WMaxLimPct", Encoding::U16).sf("WMaxLimPct_SF").unit("Pct").rw(),
            p("WMaxLimPctRvrt", Encoding::U16).sf("WMaxLimPct_SF").unit("Pct").rw(),
            p("WMaxLimPctEnaRvrt", Encoding::Enum16)
                .rw()
                .symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("WMaxLimPctRvrtTms", Encoding::U32).unit("Secs").rw(),
            p("WMaxLimPctRvrtRem", Encoding::U32).unit("Secs"),
            p("WSetEna", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("WSetMod", Encoding::Enum16).rw().symbols(&[("W_MAX_PCT", 0), ("WATTS", 1)]),
            p("WSet", Encoding::I32).sf("WSet_SF").unit("W").rw(),
            p("WSetRvrt", Encoding::I32).sf("WSet_SF").unit("W").rw(),
            p("WSetPct", Encoding::I16).sf("WSetPct_SF").unit("Pct").rw(),
            p("WSetPctRvrt", Encoding::I16).sf("WSetPct_SF").unit("Pct").rw(),
            p("WSetEnaRvrt", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("WSetRvrtTms", Encoding::U32).unit("Secs").rw(),
            p("WSetRvrtRem", Encoding::U32).unit("Secs"),
            p("VarSetEna", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("VarSetMod", Encoding::Enum16).rw().symbols(&[
                ("W_MAX_PCT", 0),
                ("VAR_MAX_PCT", 1),
                ("VAR_AVAIL_PCT", 2),
                ("VA_MAX_PCT", 3),
                ("VARS", 4),
            ]),
            p("VarSetPri", Encoding::Enum16).rw().symbols(&[
                ("ACTIVE", 0),
                ("REACTIVE", 1),
                ("VENDOR", 2),
            ]),
            p("VarSet", Encoding::I32).sf("VarSet_SF").unit("Var").rw(),
            p("VarSetRvrt", Encoding::I32).sf("VarSet_SF").unit("Var").rw(),
            p("VarSetPct", Encoding::I16).sf("VarSetPct_SF").unit("Pct").rw(),
            p("VarSetPctRvrt", Encoding::I16).sf("VarSetPct_SF").unit("Pct").rw(),
            p("VarSetEnaRvrt", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("VarSetRvrtTms", Encoding::U32).unit("Secs").rw(),
            p("VarSetRvrtRem", Encoding::U32).unit("Secs"),
            p("WRmp", Encoding::U16).unit("%Max/Sec").rw(),
            p("WRmpRef", Encoding::Enum16).rw().symbols(&[("A_MAX", 0), ("W_MAX", 1)]),
            p("VarRmp", Encoding::U16).unit("%Max/Sec").rw(),
            p("AntiIslEna", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("PF_SF", Encoding::ScaleFactor),
            p("WMaxLimPct_SF", Encoding::ScaleFactor),
            p("WSet_SF", Encoding::ScaleFactor),
            p("WSetPct_SF", Encoding::ScaleFactor),
            p("VarSet_SF", Encoding::ScaleFactor),
            p("VarSetPct_SF", Encoding::ScaleFactor),
        ],
        groups: &[
            Group {
                name: "PFWInj",
                count: Count::Once,
                points: &[
                    p("PF", Encoding::U16).sf("PF_SF").rw(),
                    p("Ext", Encoding::Enum16)
                        .rw()
                        .symbols(&[("OVER_EXCITED", 0), ("UNDER_EXCITED", 1)]),
                ],
                groups: &[],
            },
            Group {
                name: "PFWInjRvrt",
                count: Count::Once,
                points: &[
                    p("PF", Encoding::U16).sf("PF_SF").rw(),
                    p("Ext", Encoding::Enum16)
                        .rw()
                        .symbols(&[("OVER_EXCITED", 0), ("UNDER_EXCITED", 1)]),
                ],
                groups: &[],
            },
            Group {
                name: "PFWAbs",
                count: Count::Once,
                points: &[
                    p("PF", Encoding::U16).sf("PF_SF").rw(),
                    p("Ext", Encoding::Enum16)
                        .rw()
                        .symbols(&[("OVER_EXCITED", 0), ("UNDER_EXCITED", 1)]),
                ],
                groups: &[],
            },
            Group {
                name: "PFWAbsRvrt",
                count: Count::Once,
                points: &[
                    p("PF", Encoding::U16).sf("PF_SF").rw(),
                    p("Ext", Encoding::Enum16)
                        .rw()
                        .symbols(&[("OVER_EXCITED", 0), ("UNDER_EXCITED", 1)]),
                ],
                groups: &[],
            },
        ],
    },
};
