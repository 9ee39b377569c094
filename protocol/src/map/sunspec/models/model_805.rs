//! Points of SunSpec model 805; made by `tools/sunspec_tables.py`.

use super::super::table::{Count, Group, Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 805,
    body: Group {
        name: "",
        count: Count::Once,
        points: &[
            p("ID", Encoding::U16).mandatory(),
            p("L", Encoding::U16).mandatory(),
            p("StrIdx", Encoding::U16).mandatory(),
            p("ModIdx", Encoding::U16).mandatory(),
            p("NCell", Encoding::U16).mandatory(),
            p("SoC", Encoding::U16).sf("SoC_SF").unit("%"),
            p("DoD", Encoding::U16).sf("DoD_SF").unit("%"),
            p("SoH", Encoding::U16).sf("SoH_SF").unit("%"),
            p("NCyc", Encoding::U32),
            p("V", Encoding::U16).sf("V_SF").unit("V").mandatory(),
            p("CellVMax", Encoding::U16).sf("CellV_SF").unit("V").mandatory(),
            p("CellVMaxCell", Encoding::U16),
            p("CellVMin", Encoding::U16).sf("CellV_SF").unit("V").mandatory(),
            p("CellVMinCell", Encoding::U16),
            p("CellVAvg", Encoding::U16).sf("CellV_SF").unit("V").mandatory(),
            p("CellTmpMax", Encoding::I16).sf("Tmp_SF").unit("C").mandatory(),
            p("CellTmpMaxCell", Encoding::U16),
            p("CellTmpMin", Encoding::I16).sf("Tmp_SF").unit("C").mandatory(),
            p("CellTmpMinCell", Encoding::U16),
            p("CellTmpAvg", Encoding::I16).sf("Tmp_SF").unit("C").mandatory(),
            p("NCellBal", Encoding::U16),
            p("SN", Encoding::Text(16)),
            p("SoC_SF", Encoding::ScaleFactor),
            p("SoH_SF", Encoding::ScaleFactor),
            p("DoD_SF", Encoding::ScaleFactor),
            p("V_SF", Encoding::ScaleFactor).mandatory(),
            p("CellV_SF", Encoding::ScaleFactor).mandatory(),
            p("Tmp_SF", Encoding::ScaleFactor).mandatory(),
        ],
        groups: &[Group {
            name: "lithium-ion-module-cell",
            count: Count::ByLength,
            points: &[
                p("CellV", Encoding::U16).sf("CellV_SF").unit("V").mandatory(),
                p("CellTmp", Encoding::I16).sf("Tmp_SF").unit("C").mandatory(),
                p("CellSt", Encoding::Bits32).symbols(&[("CELL_IS_BALANCING", 0)]),
            ],
            groups: &[],
        }],
    },
};
