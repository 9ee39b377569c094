//! Points of SunSpec model 702; made by `tools/sunspec_tables.py`.

use super::super::table::{Model, p};
use crate::map::encoding::Encoding;

pub(crate) const MODEL: Model = Model {
    id: 702,
    length: 52,
    points: &[
        p("ID", 0, Encoding::U16).mandatory(),
        p("L", 1, Encoding::U16).mandatory(),
        p("WMaxRtg", 2, Encoding::U16).sf("W_SF").unit("W"),
        p("WOvrExtRtg", 3, Encoding::U16).sf("W_SF").unit("W"),
        p("WOvrExtRtgPF", 4, Encoding::U16).sf("PF_SF"),
        p("WUndExtRtg", 5, Encoding::U16).sf("W_SF").unit("W"),
        p("WUndExtRtgPF", 6, Encoding::U16).sf("PF_SF"),
        p("VAMaxRtg", 7, Encoding::U16).sf("VA_SF").unit("VA"),
        p("VarMaxInjRtg", 8, Encoding::U16).sf("Var_SF").unit("Var"),
        p("VarMaxAbsRtg", 9, Encoding::U16).sf("Var_SF").unit("Var"),
        p("WChaRteMaxRtg", 10, Encoding::U16).sf("W_SF").unit("W"),
        p("WDisChaRteMaxRtg", 11, Encoding::U16)
            .sf("W_SF")
            .unit("W"),
        p("VAChaRteMaxRtg", 12, Encoding::U16)
            .sf("VA_SF")
            .unit("VA"),
        p("VADisChaRteMaxRtg", 13, Encoding::U16)
            .sf("VA_SF")
            .unit("VA"),
        p("VNomRtg", 14, Encoding::U16).sf("V_SF").unit("V"),
        p("VMaxRtg", 15, Encoding::U16).sf("V_SF").unit("V"),
        p("VMinRtg", 16, Encoding::U16).sf("V_SF").unit("V"),
        p("AMaxRtg", 17, Encoding::U16).sf("A_SF").unit("A"),
        p("PFOvrExtRtg", 18, Encoding::U16).sf("PF_SF"),
        p("PFUndExtRtg", 19, Encoding::U16).sf("PF_SF"),
        p("ReactSusceptRtg", 20, Encoding::U16).sf("S_SF").unit("S"),
        p("NorOpCatRtg", 21, Encoding::Enum16).symbols(&[("CAT_A", 0), ("CAT_B", 1)]),
        p("AbnOpCatRtg", 22, Encoding::Enum16).symbols(&[("CAT_1", 0), ("CAT_2", 1), ("CAT_3", 2)]),
        p("CtrlModes", 23, Encoding::Bits32).symbols(&[
            ("MAX_W", 0),
            ("FIXED_W", 1),
            ("FIXED_VAR", 2),
            ("FIXED_PF", 3),
            ("VOLT_VAR", 4),
            ("FREQ_WATT", 5),
            ("DYN_REACT_CURR", 6),
            ("LV_TRIP", 7),
            ("HV_TRIP", 8),
            ("WATT_VAR", 9),
            ("VOLT_WATT", 10),
            ("SCHEDULED", 11),
            ("LF_TRIP", 12),
            ("HF_TRIP", 13),
        ]),
        p("IntIslandCatRtg", 25, Encoding::Bits16).symbols(&[
            ("UNCATEGORIZED", 0),
            ("INT_ISL_CAPABLE", 1),
            ("BLACK_START_CAPABLE", 2),
            ("ISOCH_CAPABLE", 3),
        ]),
        p("WMax", 26, Encoding::U16).sf("W_SF").unit("W").rw(),
        p("WMaxOvrExt", 27, Encoding::U16).sf("W_SF").unit("W").rw(),
        p("WOvrExtPF", 28, Encoding::U16).sf("PF_SF").rw(),
        p("WMaxUndExt", 29, Encoding::U16).sf("W_SF").unit("W").rw(),
        p("WUndExtPF", 30, Encoding::U16).sf("PF_SF").rw(),
        p("VAMax", 31, Encoding::U16).sf("VA_SF").unit("VA").rw(),
        p("VarMaxInj", 32, Encoding::U16)
            .sf("Var_SF")
            .unit("Var")
            .rw(),
        p("VarMaxAbs", 33, Encoding::U16)
            .sf("Var_SF")
            .unit("Var")
            .rw(),
        p("WChaRteMax", 34, Encoding::U16).sf("W_SF").unit("W").rw(),
        p("WDisChaRteMax", 35, Encoding::U16)
            .sf("W_SF")
            .unit("W")
            .rw(),
        p("VAChaRteMax", 36, Encoding::U16)
            .sf("VA_SF")
            .unit("VA")
            .rw(),
        p("VADisChaRteMax", 37, Encoding::U16)
            .sf("VA_SF")
            .unit("VA")
            .rw(),
        p("VNom", 38, Encoding::U16).sf("V_SF").unit("V").rw(),
        p("VMax", 39, Encoding::U16).sf("V_SF").unit("V").rw(),
        p("VMin", 40, Encoding::U16).sf("V_SF").unit("V").rw(),
        p("AMax", 41, Encoding::U16).sf("A_SF").unit("A").rw(),
        p("PFOvrExt", 42, Encoding::U16).sf("PF_SF").rw(),
        p("PFUndExt", 43, Encoding::U16).sf("PF_SF").rw(),
        p("IntIslandCat", 44, Encoding::Bits16).rw().symbols(&[
            ("UNCATEGORIZED", 0),
            ("INT_ISL_CAPABLE", 1),
            ("BLACK_START_CAPABLE", 2),
            ("ISOCH_CAPABLE", 3),
        ]),
        p("W_SF", 45, Encoding::ScaleFactor),
        p("PF_SF", 46, Encoding::ScaleFactor),
        p("VA_SF", 47, Encoding::ScaleFactor),
        p("Var_SF", 48, Encoding::ScaleFactor),
        p("V_SF", 49, Encoding::ScaleFactor),
        p("A_SF", 50, Encoding::ScaleFactor),
        p("S_SF", 51, Encoding::ScaleFactor),
    ],
    group: "",
    group_length: 0,
    group_points: &[],
};
