//! Points of SunSpec model 121; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 121,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("WMax", Encoding::U16).sf("WMax_SF").unit("W").rw().mandatory(),
            p("VRef", Encoding::U16).sf("VRef_SF").unit("V").rw().mandatory(),
            p("VRefOfs", Encoding::I16).sf("VRefOfs_SF").unit("V").rw().mandatory(),
            p("VMax", Encoding::U16).sf("VMinMax_SF").unit("V").rw(),
            p("VMin", Encoding::U16).sf("VMinMax_SF").unit("V").rw(),
            p("VAMax", Encoding::U16).sf("VAMax_SF").unit("VA").rw(),
            p("VArMaxQ1", Encoding::I16).sf("VArMax_SF").unit("var").rw(),
            p("VArMaxQ2", Encoding::I16).sf("VArMax_SF").unit("var").rw(),
            p("VArMaxQ3", Encoding::I16).sf("VArMax_SF").unit("var").rw(),
            p("VArMaxQ4", Encoding::I16).sf("VArMax_SF").unit("var").rw(),
            p("WGra", Encoding::U16).sf("WGra_SF").unit("% WMax/sec").rw(),
            p("PFMinQ1", Encoding::I16).sf("PFMin_SF").unit("cos()").rw(),
            p("PFMinQ2", Encoding::I16).sf("PFMin_SF").unit("cos()").rw(),
            p("PFMinQ3", Encoding::I16).sf("PFMin_SF").unit("cos()").rw(),
            p("PFMinQ4", Encoding::I16).sf("PFMin_SF").unit("cos()").rw(),
            p("VArAct", Encoding::Enum16).rw().symbols(&[("SWITCH", 1), ("MAINTAIN", 2)]),
            p("ClcTotVA", Encoding::Enum16).rw().symbols(&[("VECTOR", 1), ("ARITHMETIC", 2)]),
            p("MaxRmpRte", Encoding::U16).sf("MaxRmpRte_SF").unit("% WGra").rw(),
            p("ECPNomHz", Encoding::U16).sf("ECPNomHz_SF").unit("Hz").rw(),
            p("ConnPh", Encoding::Enum16).rw().symbols(&[("A", 1), ("B", 2), ("C", 3)]),
            p("WMax_SF", Encoding::ScaleFactor).mandatory(),
            p("VRef_SF", Encoding::ScaleFactor).mandatory(),
            p("VRefOfs_SF", Encoding::ScaleFactor).mandatory(),
            p("VMinMax_SF", Encoding::ScaleFactor),
            p("VAMax_SF", Encoding::ScaleFactor),
            p("VArMax_SF", Encoding::ScaleFactor),
            p("WGra_SF", Encoding::ScaleFactor),
            p("PFMin_SF", Encoding::ScaleFactor),
            p("MaxRmpRte_SF", Encoding::ScaleFactor),
            p("ECPNomHz_SF", Encoding::ScaleFactor),
        ],
        groups: &[],
    },
};
