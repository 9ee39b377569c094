//! Points of SunSpec model 120; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 120,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("DERTyp", Encoding::Enum16).mandatory().symbols(&[("PV", 4), ("PV_STOR", 82)]),
            p("WRtg", Encoding::U16).sf("WRtg_SF").unit("W").mandatory(),
            p("WRtg_SF", Encoding::ScaleFactor).mandatory(),
            p("VARtg", Encoding::U16).sf("VARtg_SF").unit("VA").mandatory(),
            p("VARtg_SF", Encoding::ScaleFactor).mandatory(),
            p("VArRtgQ1", Encoding::I16).sf("VArRtg_SF").unit("var").mandatory(),
            p("VArRtgQ2", Encoding::I16).sf("VArRtg_SF").unit("var").mandatory(),
            p("VArRtgQ3", Encoding::I16).sf("VArRtg_SF").unit("var").mandatory(),
            p("VArRtgQ4", Encoding::I16).sf("VArRtg_SF").unit("var").mandatory(),
            p("VArRtg_SF", Encoding::ScaleFactor).mandatory(),
            p("ARtg", Encoding::U16).sf("ARtg_SF").unit("A").mandatory(),
            p("ARtg_SF", Encoding::ScaleFactor).mandatory(),
            p("PFRtgQ1", Encoding::I16).sf("PFRtg_SF").unit("cos()").mandatory(),
            p("PFRtgQ2", Encoding::I16).sf("PFRtg_SF").unit("cos()").mandatory(),
            p("PFRtgQ3", Encoding::I16).sf("PFRtg_SF").unit("cos()").mandatory(),
            p("PFRtgQ4", Encoding::I16).sf("PFRtg_SF").unit("cos()").mandatory(),
            p("PFRtg_SF", Encoding::ScaleFactor).mandatory(),
            p("WHRtg", Encoding::U16).sf("WHRtg_SF").unit("Wh"),
            p("WHRtg_SF", Encoding::ScaleFactor),
            p("AhrRtg", Encoding::U16).sf("AhrRtg_SF").unit("AH"),
            p("AhrRtg_SF", Encoding::ScaleFactor),
            p("MaxChaRte", Encoding::U16).sf("MaxChaRte_SF").unit("W"),
            p("MaxChaRte_SF", Encoding::ScaleFactor),
            p("MaxDisChaRte", Encoding::U16).sf("MaxDisChaRte_SF").unit("W"),
            p("MaxDisChaRte_SF", Encoding::ScaleFactor),
            p("Pad", Encoding::Pad),
        ],
        groups: &[],
    },
};
