//! Points of SunSpec model 711; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 711,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("Ena", Encoding::Enum16).rw().mandatory().symbols(&[("DISABLED", 0), ("ENABLED", 1)]),
            p("AdptCtlReq", Encoding::U16).rw().mandatory(),
            p("AdptCtlRslt", Encoding::Enum16).mandatory().symbols(&[
                ("IN_PROGRESS", 0),
                ("COMPLETED", 1),
                ("FAILED", 2),
            ]),
            p("NCtl", Encoding::U16).mandatory(),
            p("RvrtTms", Encoding::U32).unit("Secs").rw(),
            p("RvrtRem", Encoding::U32).unit("Secs"),
            p("RvrtCtl", Encoding::U16).rw(),
            p("Db_SF", Encoding::ScaleFactor).mandatory(),
            p("K_SF", Encoding::ScaleFactor).mandatory(),
            p("RspTms_SF", Encoding::ScaleFactor).mandatory(),
        ],
        groups: &[Group {
            name: "Ctl",
            count: Count::By("NCtl"),
            points: &[
                p("DbOf", Encoding::U32).sf("Db_SF").unit("Hz").rw().mandatory(),
                p("DbUf", Encoding::U32).sf("Db_SF").unit("Hz").rw().mandatory(),
                p("KOf", Encoding::U16).sf("K_SF").rw().mandatory(),
                p("KUf", Encoding::U16).sf("K_SF").rw().mandatory(),
                p("RspTms", Encoding::U32).sf("RspTms_SF").unit("Secs").rw().mandatory(),
                p("PMin", Encoding::I16).unit("Pct").rw(),
                p("ReadOnly", Encoding::Enum16).mandatory().symbols(&[("RW", 0), ("R", 1)]),
            ],
            groups: &[],
        }],
    },
};
