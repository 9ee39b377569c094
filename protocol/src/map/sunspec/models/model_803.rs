//! Points of SunSpec model 803; made by `tools/sunspec_tables.py`.

use super::super::table::{Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 803,
    length: 28,
    points: &[
        p("ID", 0, Encoding::U16).mandatory(),
        p("L", 1, Encoding::U16).mandatory(),
        p("NStr", 2, Encoding::U16).mandatory(),
        p("NStrCon", 3, Encoding::U16).mandatory(),
        p("ModTmpMax", 4, Encoding::I16)
            .sf("ModTmp_SF")
            .unit("C")
            .mandatory(),
        p("ModTmpMaxStr", 5, Encoding::U16),
        p("ModTmpMaxMod", 6, Encoding::U16),
        p("ModTmpMin", 7, Encoding::I16)
            .sf("ModTmp_SF")
            .unit("C")
            .mandatory(),
        p("ModTmpMinStr", 8, Encoding::U16),
        p("ModTmpMinMod", 9, Encoding::U16),
        p("ModTmpAvg", 10, Encoding::I16).sf("ModTmp_SF").unit("C"),
        p("StrVMax", 11, Encoding::U16).sf("V_SF").unit("V"),
        p("StrVMaxStr", 12, Encoding::U16),
        p("StrVMin", 13, Encoding::U16).sf("V_SF").unit("V"),
        p("StrVMinStr", 14, Encoding::U16),
        p("StrVAvg", 15, Encoding::U16).sf("V_SF").unit("V"),
        p("StrAMax", 16, Encoding::I16).sf("A_SF").unit("A"),
        p("StrAMaxStr", 17, Encoding::U16),
        p("StrAMin", 18, Encoding::I16).sf("A_SF").unit("A"),
        p("StrAMinStr", 19, Encoding::U16),
        p("StrAAvg", 20, Encoding::I16).sf("A_SF").unit("A"),
        p("NCellBal", 21, Encoding::U16),
        p("CellV_SF", 22, Encoding::ScaleFactor).mandatory(),
        p("ModTmp_SF", 23, Encoding::ScaleFactor).mandatory(),
        p("A_SF", 24, Encoding::ScaleFactor).mandatory(),
        p("SoH_SF", 25, Encoding::ScaleFactor),
        p("SoC_SF", 26, Encoding::ScaleFactor).mandatory(),
        p("V_SF", 27, Encoding::ScaleFactor),
    ],
    group: "string",
    group_length: 32,
    group_points: &[
        p("StrNMod", 0, Encoding::U16).mandatory(),
        p("StrSt", 1, Encoding::Bits32)
            .mandatory()
            .symbols(&[("STRING_ENABLED", 0), ("CONTACTOR_STATUS", 1)]),
        p("StrConFail", 3, Encoding::Enum16).symbols(&[
            ("NO_FAILURE", 0),
            ("BUTTON_PUSHED", 1),
            ("STR_GROUND_FAULT", 2),
            ("OUTSIDE_VOLTAGE_RANGE", 3),
            ("STRING_NOT_ENABLED", 4),
            ("FUSE_OPEN", 5),
            ("CONTACTOR_FAILURE", 6),
            ("PRECHARGE_FAILURE", 7),
            ("STRING_FAULT", 8),
        ]),
        p("StrSoC", 4, Encoding::U16)
            .sf("SoC_SF")
            .unit("%")
            .mandatory(),
        p("StrSoH", 5, Encoding::U16).sf("SoH_SF").unit("%"),
        p("StrA", 6, Encoding::I16).sf("A_SF").unit("A").mandatory(),
        p("StrCellVMax", 7, Encoding::U16)
            .sf("CellV_SF")
            .unit("V")
            .mandatory(),
        p("StrCellVMaxMod", 8, Encoding::U16),
        p("StrCellVMin", 9, Encoding::U16)
            .sf("CellV_SF")
            .unit("V")
            .mandatory(),
        p("StrCellVMinMod", 10, Encoding::U16),
        p("StrCellVAvg", 11, Encoding::U16)
            .sf("CellV_SF")
            .unit("V")
            .mandatory(),
        p("StrModTmpMax", 12, Encoding::I16)
            .sf("ModTmp_SF")
            .unit("C")
            .mandatory(),
        p("StrModTmpMaxMod", 13, Encoding::U16),
        p("StrModTmpMin", 14, Encoding::I16)
            .sf("ModTmp_SF")
            .unit("C")
            .mandatory(),
        p("StrModTmpMinMod", 15, Encoding::U16),
        p("StrModTmpAvg", 16, Encoding::I16)
            .sf("ModTmp_SF")
            .unit("C")
            .mandatory(),
        p("StrDisRsn", 17, Encoding::Enum16).symbols(&[
            ("NONE", 0),
            ("FAULT", 1),
            ("MAINTENANCE", 2),
            ("EXTERNAL", 3),
            ("OTHER", 4),
        ]),
        p("StrConSt", 18, Encoding::Bits32).symbols(&[
            ("CONTACTOR_0", 0),
            ("CONTACTOR_1", 1),
            ("CONTACTOR_2", 2),
            ("CONTACTOR_3", 3),
            ("CONTACTOR_4", 4),
            ("CONTACTOR_5", 5),
            ("CONTACTOR_6", 6),
            ("CONTACTOR_7", 7),
            ("CONTACTOR_8", 8),
            ("CONTACTOR_9", 9),
            ("CONTACTOR_10", 10),
            ("CONTACTOR_11", 11),
            ("CONTACTOR_12", 12),
            ("CONTACTOR_13", 13),
            ("CONTACTOR_14", 14),
            ("CONTACTOR_15", 15),
            ("CONTACTOR_16", 16),
            ("CONTACTOR_17", 17),
            ("CONTACTOR_18", 18),
            ("CONTACTOR_19", 19),
            ("CONTACTOR_20", 20),
            ("CONTACTOR_21", 21),
            ("CONTACTOR_22", 22),
            ("CONTACTOR_23", 23),
            ("CONTACTOR_24", 24),
            ("CONTACTOR_25", 25),
            ("CONTACTOR_26", 26),
            ("CONTACTOR_27", 27),
            ("CONTACTOR_28", 28),
            ("CONTACTOR_29", 29),
            ("CONTACTOR_30", 30),
        ]),
        p("StrEvt1", 20, Encoding::Bits32).mandatory().symbols(&[
            ("COMMUNICATION_ERROR", 0),
            ("OVER_TEMP_ALARM", 1),
            ("OVER_TEMP_WARNING", 2),
            ("UNDER_TEMP_ALARM", 3),
            ("UNDER_TEMP_WARNING", 4),
            ("OVER_CHARGE_CURRENT_ALARM", 5),
            ("OVER_CHARGE_CURRENT_WARNING", 6),
            ("OVER_DISCHARGE_CURRENT_ALARM", 7),
            ("OVER_DISCHARGE_CURRENT_WARNING", 8),
            ("OVER_VOLT_ALARM", 9),
            ("OVER_VOLT_WARNING", 10),
            ("UNDER_VOLT_ALARM", 11),
            ("UNDER_VOLT_WARNING", 12),
            ("UNDER_SOC_MIN_ALARM", 13),
            ("UNDER_SOC_MIN_WARNING", 14),
            ("OVER_SOC_MAX_ALARM", 15),
            ("OVER_SOC_MAX_WARNING", 16),
            ("VOLTAGE_IMBALANCE_WARNING", 17),
            ("TEMPERATURE_IMBALANCE_ALARM", 18),
            ("TEMPERATURE_IMBALANCE_WARNING", 19),
            ("CONTACTOR_ERROR", 20),
            ("FAN_ERROR", 21),
            ("GROUND_FAULT", 22),
            ("OPEN_DOOR_ERROR", 23),
            ("RESERVED_1", 24),
            ("OTHER_ALARM", 25),
            ("OTHER_WARNING", 26),
            ("RESERVED_2", 27),
            ("CONFIGURATION_ALARM", 28),
            ("CONFIGURATION_WARNING", 29),
        ]),
        p("StrEvt2", 22, Encoding::Bits32),
        p("StrEvtVnd1", 24, Encoding::Bits32),
        p("StrEvtVnd2", 26, Encoding::Bits32),
        p("StrSetEna", 28, Encoding::Enum16)
            .rw()
            .symbols(&[("ENABLE_STRING", 1), ("DISABLE_STRING", 2)]),
        p("StrSetCon", 29, Encoding::Enum16)
            .rw()
            .symbols(&[("CONNECT_STRING", 1), ("DISCONNECT_STRING", 2)]),
        p("Pad1", 30, Encoding::Pad).mandatory(),
        p("Pad2", 31, Encoding::Pad).mandatory(),
    ],
};
