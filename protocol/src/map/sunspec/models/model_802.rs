//! Points of SunSpec model 802; made by `tools/sunspec_tables.py`.

use super::super::table::{Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 802,
    length: 64,
    points: &[
        p("ID", 0, Encoding::U16).mandatory(),
        p("L", 1, Encoding::U16).mandatory(),
        p("AHRtg", 2, Encoding::U16)
            .sf("AHRtg_SF")
            .unit("Ah")
            .mandatory(),
        p("WHRtg", 3, Encoding::U16)
            .sf("WHRtg_SF")
            .unit("Wh")
            .mandatory(),
        p("WChaRteMax", 4, Encoding::U16)
            .sf("WChaDisChaMax_SF")
            .unit("W")
            .mandatory(),
        p("WDisChaRteMax", 5, Encoding::U16)
            .sf("WChaDisChaMax_SF")
            .unit("W")
            .mandatory(),
        p("DisChaRte", 6, Encoding::U16)
            .sf("DisChaRte_SF")
            .unit("%WHRtg"),
        p("SoCMax", 7, Encoding::U16).sf("SoC_SF").unit("%WHRtg"),
        p("SoCMin", 8, Encoding::U16).sf("SoC_SF").unit("%WHRtg"),
        p("SocRsvMax", 9, Encoding::U16)
            .sf("SoC_SF")
            .unit("%WHRtg")
            .rw(),
        p("SoCRsvMin", 10, Encoding::U16)
            .sf("SoC_SF")
            .unit("%WHRtg")
            .rw(),
        p("SoC", 11, Encoding::U16)
            .sf("SoC_SF")
            .unit("%WHRtg")
            .mandatory(),
        p("DoD", 12, Encoding::U16).sf("DoD_SF").unit("%"),
        p("SoH", 13, Encoding::U16).sf("SoH_SF").unit("%"),
        p("NCyc", 14, Encoding::U32),
        p("ChaSt", 16, Encoding::Enum16).symbols(&[
            ("OFF", 1),
            ("EMPTY", 2),
            ("DISCHARGING", 3),
            ("CHARGING", 4),
            ("FULL", 5),
            ("HOLDING", 6),
            ("TESTING", 7),
        ]),
        p("LocRemCtl", 17, Encoding::Enum16)
            .mandatory()
            .symbols(&[("REMOTE", 0), ("LOCAL", 1)]),
        p("Hb", 18, Encoding::U16),
        p("CtrlHb", 19, Encoding::U16).rw(),
        p("AlmRst", 20, Encoding::U16).rw().mandatory(),
        p("Typ", 21, Encoding::Enum16).mandatory().symbols(&[
            ("NOT APPLICABLE_UNKNOWN", 0),
            ("LEAD_ACID", 1),
            ("NICKEL_METAL_HYDRATE", 2),
            ("NICKEL_CADMIUM", 3),
            ("LITHIUM_ION", 4),
            ("CARBON_ZINC", 5),
            ("ZINC_CHLORIDE", 6),
            ("ALKALINE", 7),
            ("RECHARGEABLE_ALKALINE", 8),
            ("SODIUM_SULFUR", 9),
            ("FLOW", 10),
            ("OTHER", 99),
        ]),
        p("State", 22, Encoding::Enum16).mandatory().symbols(&[
            ("DISCONNECTED", 1),
            ("INITIALIZING", 2),
            ("CONNECTED", 3),
            ("STANDBY", 4),
            ("SOC PROTECTION", 5),
            ("SUSPENDING", 6),
            ("FAULT", 99),
        ]),
        p("StateVnd", 23, Encoding::Enum16),
        p("WarrDt", 24, Encoding::U32),
        p("Evt1", 26, Encoding::Bits32).mandatory().symbols(&[
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
            ("CURRENT_IMBALANCE_WARNING", 24),
            ("OTHER_ALARM", 25),
            ("OTHER_WARNING", 26),
            ("RESERVED_1", 27),
            ("CONFIGURATION_ALARM", 28),
            ("CONFIGURATION_WARNING", 29),
        ]),
        p("Evt2", 28, Encoding::Bits32).mandatory(),
        p("EvtVnd1", 30, Encoding::Bits32).mandatory(),
        p("EvtVnd2", 32, Encoding::Bits32).mandatory(),
        p("V", 34, Encoding::U16).sf("V_SF").unit("V").mandatory(),
        p("VMax", 35, Encoding::U16).sf("V_SF").unit("V"),
        p("VMin", 36, Encoding::U16).sf("V_SF").unit("V"),
        p("CellVMax", 37, Encoding::U16).sf("CellV_SF").unit("V"),
        p("CellVMaxStr", 38, Encoding::U16),
        p("CellVMaxMod", 39, Encoding::U16),
        p("CellVMin", 40, Encoding::U16).sf("CellV_SF").unit("V"),
        p("CellVMinStr", 41, Encoding::U16),
        p("CellVMinMod", 42, Encoding::U16),
        p("CellVAvg", 43, Encoding::U16).sf("CellV_SF").unit("V"),
        p("A", 44, Encoding::I16).sf("A_SF").unit("A").mandatory(),
        p("AChaMax", 45, Encoding::U16).sf("AMax_SF").unit("A"),
        p("ADisChaMax", 46, Encoding::U16).sf("AMax_SF").unit("A"),
        p("W", 47, Encoding::I16).sf("W_SF").unit("W").mandatory(),
        p("ReqInvState", 48, Encoding::Enum16).symbols(&[
            ("NO REQUEST", 0),
            ("START", 1),
            ("STOP", 2),
        ]),
        p("ReqW", 49, Encoding::I16).sf("W_SF").unit("W"),
        p("SetOp", 50, Encoding::Enum16)
            .rw()
            .mandatory()
            .symbols(&[("CONNECT", 1), ("DISCONNECT", 2)]),
        p("SetInvState", 51, Encoding::Enum16)
            .rw()
            .mandatory()
            .symbols(&[
                ("INVERTER_STOPPED", 1),
                ("INVERTER_STANDBY", 2),
                ("INVERTER_STARTED", 3),
            ]),
        p("AHRtg_SF", 52, Encoding::ScaleFactor).mandatory(),
        p("WHRtg_SF", 53, Encoding::ScaleFactor).mandatory(),
        p("WChaDisChaMax_SF", 54, Encoding::ScaleFactor).mandatory(),
        p("DisChaRte_SF", 55, Encoding::ScaleFactor),
        p("SoC_SF", 56, Encoding::ScaleFactor).mandatory(),
        p("DoD_SF", 57, Encoding::ScaleFactor),
        p("SoH_SF", 58, Encoding::ScaleFactor),
        p("V_SF", 59, Encoding::ScaleFactor).mandatory(),
        p("CellV_SF", 60, Encoding::ScaleFactor).mandatory(),
        p("A_SF", 61, Encoding::ScaleFactor).mandatory(),
        p("AMax_SF", 62, Encoding::ScaleFactor).mandatory(),
        p("W_SF", 63, Encoding::ScaleFactor),
    ],
    group: "",
    group_length: 0,
    group_points: &[],
};
