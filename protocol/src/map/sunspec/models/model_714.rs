//! Points of SunSpec model 714; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 714,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("PrtAlrms", Encoding::Bits32),
            p("NPrt", Encoding::U16),
            p("DCA", Encoding::I16).sf("DCA_SF").unit("A"),
            p("DCW", Encoding::I16).sf("DCW_SF").unit("W"),
            p("DCWhInj", Encoding::U64).sf("DCWH_SF").unit("Wh"),
            p("DCWhAbs", Encoding::U64).sf("DCWH_SF").unit("Wh"),
            p("DCA_SF", Encoding::ScaleFactor),
            p("DCV_SF", Encoding::ScaleFactor),
            p("DCW_SF", Encoding::ScaleFactor),
            p("DCWH_SF", Encoding::ScaleFactor),
            p("Tmp_SF", Encoding::ScaleFactor),
        ],
        groups: &[Group {
            name: "Prt",
            count: Count::By("NPrt"),
            points: &[
                p("PrtTyp", Encoding::Enum16).symbols(&[
                    ("PV", 0),
                    ("ESS", 1),
                    ("EV", 2),
                    ("INJ", 3),
                    ("ABS", 4),
                    ("BIDIR", 5),
                    ("DC_DC", 6),
                ]),
                p("ID", Encoding::U16),
                p("IDStr", Encoding::Text(8)),
                p("DCA", Encoding::I16).sf("DCA_SF").unit("A"),
                p("DCV", Encoding::U16).sf("DCV_SF").unit("V"),
                p("DCW", Encoding::I16).sf("DCW_SF").unit("W"),
                p("DCWhInj", Encoding::U64).sf("DCWH_SF").unit("Wh"),
                p("DCWhAbs", Encoding::U64).sf("DCWH_SF").unit("Wh"),
                p("Tmp", Encoding::I16).sf("Tmp_SF").unit("C"),
                p("DCSta", Encoding::Enum16).symbols(&[
                    ("OFF", 0),
                    ("ON", 1),
                    ("WARNING", 2),
                    ("ERROR", 3),
                ]),
                p("DCAlrm", Encoding::Bits32).symbols(&[
                    ("GROUND_FAULT", 0),
                    ("INPUT_OVER_VOLTAGE", 1),
                    ("DC_DISCONNECT", 3),
                    ("CABINET_OPEN", 5),
                    ("MANUAL_SHUTDOWN", 6),
                    ("OVER_TEMP", 7),
                    ("BLOWN_FUSE", 12),
                    ("UNDER_TEMP", 13),
                    ("MEMORY_LOSS", 14),
                    ("ARC_DETECTION", 15),
                    ("RESERVED", 19),
                    ("TEST_FAILED", 20),
                    ("INPUT_UNDER_VOLTAGE", 21),
                    ("INPUT_OVER_CURRENT", 22),
                ]),
            ],
            groups: &[],
        }],
    },
};
