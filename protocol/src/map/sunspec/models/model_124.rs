//! Points of SunSpec model 124; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 124,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("WChaMax", Encoding::U16).sf("WChaMax_SF").unit("W").rw().mandatory(),
            p("WChaGra", Encoding::U16)
                .sf("WChaDisChaGra_SF")
                .unit("% WChaMax/sec")
                .rw()
                .mandatory(),
            p("WDisChaGra", Encoding::U16)
                .sf("WChaDisChaGra_SF")
                .unit("% WChaMax/sec")
                .rw()
                .mandatory(),
            p("StorCtl_Mod", Encoding::Bits16)
                .rw()
                .mandatory()
                .symbols(&[("CHARGE", 0), ("DiSCHARGE", 1)]),
            p("VAChaMax", Encoding::U16).sf("VAChaMax_SF").unit("VA").rw(),
            p("MinRsvPct", Encoding::U16).sf("MinRsvPct_SF").unit("% WChaMax").rw(),
            p("ChaState", Encoding::U16).sf("ChaState_SF").unit("% AhrRtg"),
            p("StorAval", Encoding::U16).sf("StorAval_SF").unit("AH"),
            p("InBatV", Encoding::U16).sf("InBatV_SF").unit("V"),
            p("ChaSt", Encoding::Enum16).symbols(&[
                ("OFF", 1),
                ("EMPTY", 2),
                ("DISCHARGING", 3),
                ("CHARGING", 4),
                ("FULL", 5),
                ("HOLDING", 6),
                ("TESTING", 7),
            ]),
            p("OutWRte", Encoding::I16).sf("InOutWRte_SF").unit("% WDisChaMax").rw(),
            p("InWRte", Encoding::I16).sf("InOutWRte_SF").unit("% WChaMax").rw(),
            p("InOutWRte_WinTms", Encoding::U16).unit("Secs").rw(),
            p("InOutWRte_RvrtTms", Encoding::U16).unit("Secs").rw(),
            p("InOutWRte_RmpTms", Encoding::U16).unit("Secs").rw(),
            p("ChaGriSet", Encoding::Enum16).rw().symbols(&[("PV", 0), ("GRID", 1)]),
            p("WChaMax_SF", Encoding::ScaleFactor).mandatory(),
            p("WChaDisChaGra_SF", Encoding::ScaleFactor).mandatory(),
            p("VAChaMax_SF", Encoding::ScaleFactor),
            p("MinRsvPct_SF", Encoding::ScaleFactor),
            p("ChaState_SF", Encoding::ScaleFactor),
            p("StorAval_SF", Encoding::ScaleFactor),
            p("InBatV_SF", Encoding::ScaleFactor),
            p("InOutWRte_SF", Encoding::ScaleFactor),
        ],
        groups: &[],
    },
};
