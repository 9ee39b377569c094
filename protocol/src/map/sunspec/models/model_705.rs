//! Points of SunSpec model 705; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 705,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("Ena", Encoding::Enum16).rw().mandatory().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("AdptCrvReq", Encoding::U16).rw().mandatory(),
            p("AdptCrvRslt", Encoding::Enum16).mandatory().symbols(&[
                ("IN_PROGRESS", 0),
                ("COMPLETED", 1),
                ("FAILED", 2),
            ]),
            p("NPt", Encoding::U16).mandatory(),
            p("NCrv", Encoding::U16).mandatory(),
            p("RvrtTms", Encoding::U32).unit("Secs").rw(),
            p("RvrtRem", Encoding::U32).unit("Secs"),
            p("RvrtCrv", Encoding::U16).rw(),
            p("V_SF", Encoding::ScaleFactor).mandatory(),
            p("DeptRef_SF", Encoding::ScaleFactor).mandatory(),
            p("RspTms_SF", Encoding::ScaleFactor).mandatory(),
        ],
        groups: &[Group {
            name: "Crv",
            count: Count::By("NCrv"),
            points: &[
                p("ActPt", Encoding::U16).rw().mandatory(),
                p("DeptRef", Encoding::Enum16).rw().mandatory().symbols(&[
                    ("W_MAX_PCT", 0),
                    ("VAR_MAX_PCT", 1),
                    ("VAR_AVAL_PCT", 2),
                    ("VA_MAX_PCT", 3),
                ]),
                p("Pri", Encoding::Enum16).rw().symbols(&[
                    ("ACTIVE", 0),
                    ("REACTIVE", 1),
                    ("VENDOR", 2),
                ]),
                p("VRef", Encoding::U16).sf("V_SF").unit("VNomPct").rw(),
                p("VRefAuto", Encoding::U16).sf("V_SF").unit("VNomPct"),
                p("VRefAutoEna", Encoding::Enum16).rw().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
                p("VRefAutoTms", Encoding::U16).unit("Secs").rw(),
                p("RspTms", Encoding::U32).sf("RspTms_SF").unit("Secs").rw(),
                p("ReadOnly", Encoding::Enum16).mandatory().symbols(&[("RW", 0), ("R", 1)]),
            ],
            groups: &[Group {
                name: "Pt",
                count: Count::By("NPt"),
                points: &[
                    p("V", Encoding::U16).sf("V_SF").unit("VNomPct").rw(),
                    p("Var", Encoding::I16).sf("DeptRef_SF").unit("DeptRef").rw(),
                ],
                groups: &[],
            }],
        }],
    },
};
