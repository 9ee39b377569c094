use super::*;
use crate::command::{RackAction, UnitAction};
use crate::control::{
    FunctionName, HeartbeatKind, LossAction, PowerFactor, Reversion, Sustain, TripCurveChange,
    TripsChange, WatchdogSettings,
};
use crate::defect::{CellDefect, ContactorFault, Defect, Reading};
use crate::event::Contactor;
use crate::force::{ForcedPoint, ForcedValue};
use crate::link::{LinkEffect, LinkScope};
use crate::spec::EnterService;
use crate::time::Tick;
use crate::units::{Vars, Watts};
use std::sync::Arc;

fn unit() -> UnitId {
    UnitId::from_idx(2)
}
fn control(change: ControlChange) -> String {
    Command::ControlUnit { unit: unit(), change }.describe()
}
fn configure(change: FunctionsChange) -> String {
    Command::ConfigureUnit { unit: unit(), change: Box::new(change) }.describe()
}

#[test]
fn a_setpoint_is_told_in_watts_with_what_puts_it_in_force() {
    let change = ControlChange {
        active_w: Some(1.5e6),
        active_enabled: Some(true),
        ..ControlChange::default()
    };
    assert_eq!(control(change), "active_power_w = 1500000, active_enabled = true");
    let change = ControlChange {
        reactive_pct: Some(-12.5),
        reactive_mode: Some(SetpointMode::Percent),
        priority: Some(PowerPriority::Reactive),
        ..ControlChange::default()
    };
    assert_eq!(
        control(change),
        "reactive_power_pct = -12.5, reactive_mode = percent, priority = reactive"
    );
    assert_eq!(control(ControlChange::default()), "nothing");
}

#[test]
fn numbers_lose_what_scale_factors_leave_behind_and_keep_what_was_meant() {
    for (value, text) in [
        (0.1 * 3.0, "0.3"),
        (-0.0, "0"),
        (0.0, "0"),
        (-1_234_567.891, "-1234567.891"),
        (1e-6, "1e-6"),
        (0.0005, "0.0005"),
        (1e18, "1e18"),
        (f64::INFINITY, "none"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(Number(value).to_string(), text);
    }
}

#[test]
fn every_field_of_a_change_is_told() {
    let factor = PowerFactor { enabled: true, factor: 0.95, over_excited: false }.into();
    let reversion = ReversionChange::from(Reversion {
        time_s: 3600,
        enabled: true,
        absolute: 1e5,
        percent: 10.0,
        over_excited: true,
    });
    let change = ControlChange {
        active_enabled: Some(true),
        active_mode: Some(SetpointMode::Absolute),
        active_w: Some(1.0),
        active_pct: Some(2.0),
        reactive_enabled: Some(false),
        reactive_mode: Some(SetpointMode::Percent),
        reactive_var: Some(3.0),
        reactive_pct: Some(4.0),
        priority: Some(PowerPriority::Active),
        discharge_limit_enabled: Some(true),
        discharge_limit_pct: Some(5.0),
        ramp_pct_per_s: Some(6.0),
        controller_heartbeat: Some(7),
        charge_limit_pct: Some(8.0),
        soc_min: Some(0.1),
        soc_max: Some(0.9),
        soc_reserve: Some(0.05),
        pf_injecting: factor,
        pf_absorbing: factor,
        functions: Some(
            [FunctionName::VoltVar, FunctionName::FrequencyDroop].into_iter().collect(),
        ),
        watchdog: WatchdogChange::from(WatchdogSettings {
            timeout_s: 60.0,
            kind: HeartbeatKind::Increment,
            action: LossAction::Value,
            value_w: 1e5,
            ..WatchdogSettings::default()
        }),
        active_reversion: reversion,
        reactive_reversion: reversion,
        discharge_limit_reversion: reversion,
        pf_injecting_reversion: reversion,
        pf_absorbing_reversion: reversion,
        capacity: CapacityChange { charge_max_w: Some(2e6), ..CapacityChange::default() },
        enter_service: EnterService { permitted: false, ..EnterService::ieee_1547(50.0) }.into(),
    };
    let expected = [
        "active_power_w = 1, active_power_pct = 2, active_mode = absolute, active_enabled = true",
        "reactive_power_var = 3, reactive_power_pct = 4, reactive_mode = percent",
        "reactive_enabled = false, priority = active",
        "discharge_limit_pct = 5, discharge_limit_enabled = true, charge_limit_pct = 8",
        "ramp_pct_per_s = 6, soc_min = 0.1, soc_max = 0.9, soc_reserve = 0.05",
        "controller_heartbeat = 7, functions = frequency_droop + volt_var",
        "watchdog_timeout_s = 60, watchdog_kind = increment, watchdog_action = value",
        "watchdog_value_w = 100000, watchdog_function = frequency_droop",
        "watchdog_recovery = automatic, watchdog_extra_s = 0, watchdog_jitter_s = 0",
        "pf_injecting_factor = 0.95, pf_injecting_over_excited = false, pf_injecting_enabled = true",
        "pf_absorbing_factor = 0.95, pf_absorbing_over_excited = false, pf_absorbing_enabled = true",
        "active_reversion_time_s = 3600, active_reversion_enabled = true",
        "active_reversion_w = 100000, active_reversion_pct = 10",
        "reactive_reversion_time_s = 3600, reactive_reversion_enabled = true",
        "reactive_reversion_var = 100000, reactive_reversion_pct = 10",
        "discharge_limit_reversion_time_s = 3600, discharge_limit_reversion_enabled = true",
        "discharge_limit_reversion_pct = 10",
        "pf_injecting_reversion_time_s = 3600, pf_injecting_reversion_enabled = true",
        "pf_injecting_reversion_factor = 10, pf_injecting_reversion_over_excited = true",
        "pf_absorbing_reversion_time_s = 3600, pf_absorbing_reversion_enabled = true",
        "pf_absorbing_reversion_factor = 10, pf_absorbing_reversion_over_excited = true",
        "capacity_charge_max_w = 2000000",
        "enter_service_permitted = false",
        "enter_service_voltage_min_pu = 0.917, enter_service_voltage_max_pu = 1.05",
        "enter_service_frequency_min_hz = 49.5, enter_service_frequency_max_hz = 50.1",
        "enter_service_delay_s = 300, enter_service_random_delay_s = 0, enter_service_ramp_s = 300",
    ];
    assert_eq!(control(change), expected.join(", "));
    let off = ControlChange { functions: Some(FunctionSet::default()), ..ControlChange::default() };
    assert_eq!(control(off), "functions = none");
    let watchdog = WatchdogChange { timeout_s: Some(60.0), ..WatchdogChange::default() };
    let change = ControlChange { watchdog, ..ControlChange::default() };
    assert_eq!(control(change), "watchdog_timeout_s = 60", "what is not written is not told");
}

#[test]
fn curves_are_told_as_points_and_services_with_their_timing() {
    let curve = CurveFunction { points: vec![(0.92, 1.0), (1.08, -1.0)], response_s: 5.0 };
    let change = FunctionsChange { volt_var: Some(curve), ..FunctionsChange::default() };
    assert_eq!(
        configure(change),
        "volt_var_points = (0.92, 1) (1.08, -1), volt_var_response_s = 5"
    );
    let points = Some(vec![(0.5, 2.0), (0.88, 21.0)]);
    let under_voltage = TripCurveChange { enabled: Some(true), points };
    let over_voltage = TripCurveChange { points: Some(vec![]), ..TripCurveChange::default() };
    let cessation_below_pu = Some(0.5);
    let trips =
        TripsChange { under_voltage, over_voltage, cessation_below_pu, ..TripsChange::default() };
    assert_eq!(
        configure(FunctionsChange { trips, ..FunctionsChange::default() }),
        "trips_over_voltage_points = none, trips_under_voltage_enabled = true, \
         trips_under_voltage_points = (0.5, 2) (0.88, 21), trips_cessation_below_pu = 0.5"
    );
    let response = FrequencyResponse {
        name: "custom".to_owned(),
        points: vec![(-0.5, 1.0), (0.5, -1.0)],
        contract_w: None,
        dead_time_s: 0.25,
        full_s: 1.0,
        sustain: Some(Sustain { duration_s: 30.0, deactivation_per_s: 0.2, recovery_s: 900.0 }),
    };
    let change =
        FunctionsChange { frequency_response: Some(response), ..FunctionsChange::default() };
    assert_eq!(
        configure(change),
        "frequency_response_name = custom, frequency_response_points = (-0.5, 1) (0.5, -1), \
         frequency_response_contract_w = rating, frequency_response_dead_time_s = 0.25, \
         frequency_response_full_s = 1, frequency_response_sustain_duration_s = 30, \
         frequency_response_sustain_deactivation_per_s = 0.2, \
         frequency_response_sustain_recovery_s = 900"
    );
}

#[test]
fn droop_limits_and_schedules_are_told_too() {
    let series = Series::new(&[(0.0, 1e5), (900.0, -1e5)], false).unwrap();
    let change = FunctionsChange {
        frequency_droop: Some(FrequencyDroop::default()),
        peak_shaving: Some(PeakShaving { import_max_w: 2e6, export_max_w: f64::INFINITY }),
        schedule: Some(Arc::new(series)),
        ..FunctionsChange::default()
    };
    assert_eq!(
        configure(change),
        "frequency_droop_over_deadband_hz = 0.036, frequency_droop_under_deadband_hz = 0.036, \
         frequency_droop_over_droop = 0.05, frequency_droop_under_droop = 0.05, \
         frequency_droop_response_s = 5, peak_shaving_import_max_w = 2000000, \
         peak_shaving_export_max_w = none, schedule = 2 values in W from 0 s to 1800 s"
    );
}

#[test]
fn what_is_about_the_farm_begins_with_farm() {
    let active = Watts(-2e6);
    let plain = Command::SetFarmPower { active, reactive: None };
    assert_eq!(plain.describe(), "farm active_power_w = -2000000");
    let both = Command::SetFarmPower { active, reactive: Some(Vars(1e5)) };
    assert_eq!(both.describe(), "farm active_power_w = -2000000, reactive_power_var = 100000");
    assert_eq!(Command::ReleaseFarm.describe(), "farm setpoint released");
    let load = Command::PickUpLoad { load_idx: 0, fed: true };
    assert_eq!(load.describe(), "farm load 1 picked up");
    let change = PlantChange {
        enabled: Some(true),
        strategy: Some(crate::spec::Strategy::EqualiseSoc),
        priority: Some(vec![2, 0]),
        ramp_per_s: Some(f64::INFINITY),
        frequency_response: Some(None),
        ..PlantChange::default()
    };
    assert_eq!(
        Command::ConfigurePlant(Box::new(change)).describe(),
        "farm enabled = true, strategy = equalise_soc, priority = [3, 1], ramp_per_s = none, \
         frequency_response = none"
    );
    for (kind, duration_s, text) in [
        (DisturbanceKind::Voltage(0.5), 0.15, "farm grid voltage_pu = 0.5 for 0.15 s"),
        (DisturbanceKind::Frequency(49.5), f64::INFINITY, "farm grid frequency_hz = 49.5"),
        (DisturbanceKind::Outage, 60.0, "farm grid outage for 60 s"),
        (DisturbanceKind::PhaseJump(-20.0), 1.0, "farm grid phase_jump_deg = -20"),
        (DisturbanceKind::LoadStep(Watts(5e6)), 1.0, "farm grid load_step_w = 5000000 for 1 s"),
    ] {
        assert_eq!(Command::Disturb(Disturbance { kind, duration_s }).describe(), text);
    }
}

#[test]
fn defects_are_told_in_words_and_so_are_their_ends() {
    let contactor =
        |fault| Defect::Contactor { rack_idx: 3, contactor: Contactor::Positive, fault };
    let cell = |defect| Defect::Cell { rack_idx: 0, cell_idx: 56, defect };
    let reading = |value| Defect::Reading { rack_idx: 1, reading: Reading::TemperatureMax, value };
    for (defect, begun, ended) in [
        (
            cell(CellDefect::Short(0.005)),
            "short of 0.005 ohm of cell 57 of rack 1",
            "no short of cell 57 of rack 1",
        ),
        (
            cell(CellDefect::Heater(500.0)),
            "heater of 500 W on cell 57 of rack 1",
            "no heater on cell 57 of rack 1",
        ),
        (Defect::Chiller(true), "chiller fails", "chiller works"),
        (Defect::Pump(true), "pump fails", "pump works"),
        (Defect::Fan(true), "fans fail", "fans work"),
        (
            contactor(ContactorFault::Welded),
            "positive contactor of rack 4 is welded",
            "positive contactor of rack 4 obeys",
        ),
        (
            contactor(ContactorFault::Stuck),
            "positive contactor of rack 4 is stuck",
            "positive contactor of rack 4 obeys",
        ),
        (
            Defect::Fuse { rack_idx: 0, blown: true },
            "fuse of rack 1 is blown",
            "fuse of rack 1 is whole",
        ),
        (Defect::Precharge(true), "precharge resistor is open", "precharge resistor is whole"),
        (
            Defect::Insulation(Some(20.0)),
            "insulation damaged, resistance_kohm = 20",
            "insulation is whole",
        ),
        (
            Defect::BmsCommunication(true),
            "communication of BMS and PCS fails",
            "communication of BMS and PCS works",
        ),
        (Defect::PcsFan(true), "fan of the PCS fails", "fan of the PCS works"),
        (Defect::SmokeDetector(true), "smoke detector says smoke", "smoke detector says no smoke"),
        (
            cell(CellDefect::Leak(0.2)),
            "leak of 0.2 A of cell 57 of rack 1",
            "no leak of cell 57 of rack 1",
        ),
        (
            cell(CellDefect::Ignite(true)),
            "cell 57 of rack 1 is set on fire",
            "cell 57 of rack 1 is not set on fire",
        ),
        (Defect::BmsFrozen(true), "BMS hangs", "BMS works"),
        (
            Defect::Sensor {
                quantity: Reading::Current,
                rack_idx: Some(1),
                distortion: crate::defect::Distortion {
                    gain: -1.0,
                    stuck: true,
                    ..Default::default()
                },
            },
            "sensor of current_a of rack 2: gain = -1, stuck",
            "sensor of current_a of rack 2: as it measures",
        ),
        (
            reading(Some(80.0)),
            "temperature_max_degc of rack 2 forced to 80",
            "temperature_max_degc of rack 2 as measured",
        ),
    ] {
        let tell = |defect| Command::SetDefect { unit: unit(), defect }.describe();
        assert_eq!(tell(defect), begun);
        assert_eq!(tell(defect.ended()), ended);
    }
}

#[test]
fn faults_of_a_converter_and_its_enclosure_are_told_in_words_and_so_are_their_ends() {
    use crate::alarm::AlarmCode;
    for (defect, begun, ended) in [
        (
            Defect::PcsTrip { code: Some(AlarmCode::PcsFault) },
            "PCS trips with pcs_fault",
            "PCS does not trip any more",
        ),
        (Defect::PcsDerate(0.25), "PCS can give 25 %", "PCS can give 100 %"),
        (Defect::SetpointIgnored(true), "PCS ignores its setpoints", "PCS obeys its setpoints"),
        (
            Defect::PcsInverted(true),
            "PCS inverts its active power",
            "PCS gives the sign that is asked for",
        ),
        (Defect::PcsRamp(0.1), "PCS ramps times 0.1", "PCS ramps times 1"),
        (Defect::PcsLoss(3.0), "PCS loses 3 % more", "PCS loses 0 % more"),
        (Defect::PllOffset(-0.5), "PCS measures -0.5 Hz too much", "PCS measures 0 Hz too much"),
        (
            Defect::MomentaryCessation { below_pu: 0.8, recovery_s: 2.0 },
            "PCS ceases below 0.8 pu and comes back in 2 s",
            "PCS rides through as it should",
        ),
        (
            Defect::RelayShift { voltage_pu: 0.05, time_factor: 0.1 },
            "relays 0.05 pu nearer, their times times 0.1",
            "relays 0 pu nearer, their times times 1",
        ),
        (Defect::StartStuck(true), "PCS is stuck in its start", "PCS starts"),
        (
            Defect::RecoveryTrip(true),
            "PCS trips when the voltage comes back",
            "PCS bears a voltage that comes back",
        ),
        (Defect::VentilationOff(true), "ventilation fails", "ventilation works"),
        (
            Defect::CoolantLeak(0.5),
            "coolant leak, flow lost = 50 %",
            "coolant leak, flow lost = 0 %",
        ),
        (Defect::DoorOpen(true), "door is open", "door is shut"),
        (
            Defect::Suppression(true),
            "fire suppression releases its agent",
            "fire suppression is at rest",
        ),
        (Defect::AuxSupplyOff(true), "auxiliary supply is gone", "auxiliary supply is there"),
        (
            Defect::DroopOverride(Some(0.02)),
            "PCS works with a droop of 0.02",
            "PCS works with the droop of its settings",
        ),
    ] {
        let tell = |defect| Command::SetDefect { unit: unit(), defect }.describe();
        assert_eq!(tell(defect), begun);
        assert_eq!(tell(defect.ended()), ended);
    }
}

#[test]
fn what_testers_do_at_the_poi_is_told_with_its_figures() {
    use crate::spec::LastingKind;
    use crate::units::Celsius;
    let limit = TransformerLimit { overload_pu: 1.1, delay_s: 5.0 };
    let meter = PoiMeter { gain: -1.0, ..PoiMeter::default() };
    for (command, text) in [
        (
            Command::SetGrid { frequency_hz: Some(Hold::At(49.5)), voltage_pu: None },
            "farm grid frequency_hz = 49.5",
        ),
        (
            Command::SetGrid { frequency_hz: None, voltage_pu: Some(Hold::Release) },
            "farm grid voltage_pu = released",
        ),
        (Command::EndDisturbances { kind: None }, "farm grid disturbances ended"),
        (
            Command::EndDisturbances { kind: Some(LastingKind::LoadStep) },
            "farm grid disturbances of load_step ended",
        ),
        (Command::SetAmbient(Some(Celsius(-5.0))), "farm ambient_degc = -5"),
        (Command::SetAmbient(None), "farm ambient_degc released"),
        (
            Command::PoiMeter(meter),
            "farm power meter at the POI: gain = -1, offset_w = 0, frozen = false",
        ),
        (Command::PoiMeter(PoiMeter::default()), "farm power meter at the POI shows what is so"),
        (Command::PoiBreaker { open: true }, "farm breaker at the POI opened"),
        (
            Command::TransformerLimit(Some(limit)),
            "farm transformer relay: overload_pu = 1.1, delay_s = 5",
        ),
        (Command::TransformerLimit(None), "farm transformer relay off"),
        (
            Command::NoteFault { unit: Some(unit()), kind: "device.pcs.trip", on: true },
            "fault device.pcs.trip begins",
        ),
    ] {
        assert_eq!(command.describe(), text);
        assert_eq!(command.role(), crate::role::Role::Tester);
    }
}

#[test]
fn operations_have_their_names_and_a_batch_over_several_units_says_which_each_is_about() {
    let start = Command::OperateUnit { unit: unit(), action: UnitAction::Start };
    assert_eq!(start.describe(), "start");
    let rack = Command::OperateRack { unit: unit(), rack_idx: 4, action: RackAction::Disconnect };
    assert_eq!(rack.describe(), "disconnect rack 5");
    let batch = Command::Batch(vec![start.clone(), rack.clone()]);
    assert_eq!(batch.unit(), Some(unit()));
    assert_eq!(batch.describe(), "start; disconnect rack 5");
    let batch = Command::Batch(vec![start, rack, Command::ReleaseFarm]);
    assert_eq!(
        batch.describe(),
        "unit 3: start; unit 3: disconnect rack 5; farm setpoint released"
    );
    assert_eq!(batch.unit(), None);
}

#[test]
fn link_conditions_and_forced_points_are_told_with_whom_they_are_about() {
    let set = |effect, scope, probability, until| {
        let name = "slow".to_owned();
        let condition = LinkCondition { name, effect, scope, probability, seed: 7, until };
        Command::SetLink(Box::new(condition))
    };
    let plain = set(LinkEffect::Drop, LinkScope::default(), 1.0, None);
    assert_eq!((plain.describe().as_str(), plain.unit()), ("link slow: drop", None));
    let scope = LinkScope {
        listener: Some("main".to_owned()),
        unit: Some(unit()),
        part: None,
        functions: vec![3, 4],
        registers: Some((0, 124)),
        peer: Some("10.0.0.0/8".parse().unwrap()),
    };
    let delay = LinkEffect::Delay { delay_s: 0.5, jitter_s: 0.25 };
    let full = set(delay, scope, 0.5, Some(Tick(700)));
    assert_eq!(
        full.describe(),
        "link slow: delay, delay_s = 0.5, jitter_s = 0.25, listener = main, unit = 3, \
         functions = 3 4, registers = 0..124, peer = 10.0.0.0/8, probability = 0.5, seed = 7, \
         until_tick = 700"
    );
    assert_eq!(full.unit(), Some(unit()));
    let clear = |name: Option<&str>| Command::ClearLink { name: name.map(str::to_owned) };
    assert_eq!(clear(Some("slow")).describe(), "link slow cleared");
    assert_eq!(clear(None).describe(), "all links cleared");
    let force = |value| {
        let point = "sunspec/701.W".to_owned();
        Command::ForcePoint(Box::new(ForcedPoint { unit: Some(unit()), point, value }))
    };
    assert_eq!(force(ForcedValue::Number(12.5)).describe(), "sunspec/701.W forced to 12.5");
    let words = force(ForcedValue::Words(vec![1, 65_535]));
    assert_eq!(words.describe(), "sunspec/701.W forced to words 1 65535");
    assert_eq!(words.unit(), Some(unit()));
    let release = |point: Option<&str>| Command::ReleasePoint {
        unit: Some(unit()),
        point: point.map(str::to_owned),
    };
    assert_eq!(release(Some("sunspec/701.W")).describe(), "sunspec/701.W released");
    assert_eq!(release(None).describe(), "all points released");
    assert_eq!(release(None).unit(), Some(unit()));
}
