//! Points of SunSpec model 708; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 708,
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
            p("NCrvSet", Encoding::U16).mandatory(),
            p("V_SF", Encoding::ScaleFactor).mandatory(),
            p("Tms_SF", Encoding::ScaleFactor).mandatory(),
        ],
        groups: &[Group {
            name: "Crv",
            count: Count::By("NCrvSet"),
            points: &[p("ReadOnly", Encoding::Enum16).mandatory().symbols(&[("RW", 0), ("R", 1)])],
            groups: &[
                Group {
                    name: "MustTrip",
                    count: Count::Once,
                    points: &[p("ActPt", Encoding::U16).rw()],
                    groups: &[Group {
                        name: "Pt",
                        count: Count::By("NPt"),
                        points: &[
                            p("V", Encoding::U16).sf("V_SF").unit("VNomPct").rw(),
                            p("Tms", Encoding::U32).sf("Tms_SF").unit("Secs").rw(),
                        ],
                        groups: &[],
                    }],
                },
                Group {
                    name: "MayTrip",
                    count: Count::Once,
                    points: &[p("ActPt", Encoding::U16).rw()],
                    groups: &[Group {
                        name: "Pt",
                        count: Count::By("NPt"),
                        points: &[
                            p("V", Encoding::U16).sf("V_SF").unit("VNomPct").rw(),
                            p("Tms", Encoding::U32).sf("Tms_SF").unit("Secs").rw(),
                        ],
                        groups: &[],
                    }],
                },
                Group {
                    name: "MomCess",
                    count: Count::Once,
                    points: &[p("ActPt", Encoding::U16).rw()],
                    groups: &[Group {
                        name: "Pt",
                        count: Count::By("NPt"),
                        points: &[
                            p("V", Encoding::U16).sf("V_SF").unit("VNomPct").rw(),
                            p("Tms", Encoding::U32).sf("Tms_SF").unit("Secs").rw(),
                        ],
                        groups: &[],
                    }],
                },
            ],
        }],
    },
};
