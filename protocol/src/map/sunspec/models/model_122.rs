//! Points of SunSpec model 122; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 122,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("PVConn", Encoding::Bits16).mandatory().symbols(&[
                ("CONNECTED", 0),
                ("AVAILABLE", 1),
                ("OPERATING", 2),
                ("TEST", 3),
            ]),
            p("StorConn", Encoding::Bits16).mandatory().symbols(&[
                ("CONNECTED", 0),
                ("AVAILABLE", 1),
                ("OPERATING", 2),
                ("TEST", 3),
            ]),
            p("ECPConn", Encoding::Bits16)
                .mandatory()
                .symbols(&[("DISCONNECTED", 0), ("CONNECTED", 1)]),
            p("ActWh", Encoding::Acc64).unit("Wh"),
            p("ActVAh", Encoding::Acc64).unit("VAh"),
            p("ActVArhQ1", Encoding::Acc64).unit("varh"),
            p("ActVArhQ2", Encoding::Acc64).unit("varh"),
            p("ActVArhQ3", Encoding::Acc64).unit("varh"),
            p("ActVArhQ4", Encoding::Acc64).unit("varh"),
            p("VArAval", Encoding::I16).sf("VArAval_SF").unit("var"),
            p("VArAval_SF", Encoding::ScaleFactor),
            p("WAval", Encoding::U16).sf("WAval_SF").unit("var"),
            p("WAval_SF", Encoding::ScaleFactor),
            p("StSetLimMsk", Encoding::Bits32).symbols(&[
                ("WMax", 0),
                ("VAMax", 1),
                ("VArAval", 2),
                ("VArMaxQ1", 3),
                ("VArMaxQ2", 4),
                ("VArMaxQ3", 5),
                ("VArMaxQ4", 6),
                ("PFMinQ1", 7),
                ("PFMinQ2", 8),
                ("PFMinQ3", 9),
                ("PFMinQ4", 10),
            ]),
            p("StActCtl", Encoding::Bits32).symbols(&[
                ("FixedW", 0),
                ("FixedVAR", 1),
                ("FixedPF", 2),
                ("Volt-VAr", 3),
                ("Freq-Watt-Param", 4),
                ("Freq-Watt-Curve", 5),
                ("Dyn-Reactive-Current", 6),
                ("LVRT", 7),
                ("HVRT", 8),
                ("Watt-PF", 9),
                ("Volt-Watt", 10),
                ("Scheduled", 12),
                ("LFRT", 13),
                ("HFRT", 14),
            ]),
            p("TmSrc", Encoding::Text(4)),
            p("Tms", Encoding::U32).unit("Secs"),
            p("RtSt", Encoding::Bits16).symbols(&[
                ("LVRT_ACTIVE", 0),
                ("HVRT_ACTIVE", 1),
                ("LFRT_ACTIVE", 2),
                ("HFRT_ACTIVE", 3),
            ]),
            p("Ris", Encoding::U16).sf("Ris_SF").unit("ohms"),
            p("Ris_SF", Encoding::ScaleFactor),
        ],
        groups: &[],
    },
};
