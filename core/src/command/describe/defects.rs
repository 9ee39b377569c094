//! Defects as the audit names them, in words.

use super::{List, Number};
use crate::defect::{CellDefect, ContactorFault, Defect, Distortion, Reading};

pub(super) fn describe_defect(defect: &Defect) -> String {
    let state = |part: &str, failed| format!("{part} {}", if failed { "fails" } else { "works" });
    match *defect {
        Defect::Cell { rack_idx, cell_idx, defect } => {
            let cell = format!("cell {} of rack {}", cell_idx + 1, rack_idx + 1);
            describe_cell(defect, &cell)
        }
        Defect::Chiller(failed) => state("chiller", failed),
        Defect::Pump(failed) => state("pump", failed),
        Defect::Fan(failed) => format!("fans {}", if failed { "fail" } else { "work" }),
        Defect::Contactor { rack_idx, contactor, fault } => {
            let does = match fault {
                ContactorFault::None => "obeys",
                ContactorFault::Welded => "is welded",
                ContactorFault::Stuck => "is stuck",
                ContactorFault::Slow => "is slow",
            };
            format!("{} contactor of rack {} {does}", contactor.name(), rack_idx + 1)
        }
        Defect::Fuse { rack_idx, blown } => {
            let is = if blown { "is blown" } else { "is whole" };
            format!("fuse of rack {} {is}", rack_idx + 1)
        }
        Defect::Precharge(open) => {
            format!("precharge resistor {}", if open { "is open" } else { "is whole" })
        }
        Defect::Insulation(Some(kohm)) => {
            format!("insulation damaged, resistance_kohm = {}", Number(kohm))
        }
        Defect::Insulation(None) => "insulation is whole".to_owned(),
        Defect::BmsCommunication(failed) => state("communication of BMS and PCS", failed),
        Defect::PcsFan(failed) => state("fan of the PCS", failed),
        Defect::PcsTrip { .. }
        | Defect::PcsDerate(_)
        | Defect::SetpointIgnored(_)
        | Defect::PcsInverted(_)
        | Defect::PcsRamp(_)
        | Defect::PcsLoss(_)
        | Defect::PllOffset(_)
        | Defect::MomentaryCessation { .. }
        | Defect::RelayShift { .. }
        | Defect::StartStuck(_)
        | Defect::RecoveryTrip(_)
        | Defect::DroopOverride(_) => describe_converter(defect),
        Defect::VentilationOff(failed) => state("ventilation", failed),
        Defect::CoolantLeak(lost) => {
            format!("coolant leak, flow lost = {} %", Number(lost * 100.0))
        }
        Defect::DoorOpen(open) => format!("door {}", if open { "is open" } else { "is shut" }),
        Defect::Suppression(on) => {
            format!("fire suppression {}", if on { "releases its agent" } else { "is at rest" })
        }
        Defect::AuxSupplyOff(off) => {
            format!("auxiliary supply {}", if off { "is gone" } else { "is there" })
        }
        Defect::SmokeDetector(smoke) => {
            format!("smoke detector says {}", if smoke { "smoke" } else { "no smoke" })
        }
        Defect::Reading { rack_idx, reading, value } => {
            let (name, ..) = Reading::ALL[reading as usize];
            let rack = rack_idx + 1;
            value.map_or_else(
                || format!("{name} of rack {rack} as measured"),
                |value| format!("{name} of rack {rack} forced to {}", Number(value)),
            )
        }

        Defect::Gas { litres_per_s } if litres_per_s <= 0.0 => "no gas is vented".to_owned(),
        Defect::Gas { litres_per_s } => {
            format!("gas is vented, litres_per_s = {}", Number(litres_per_s))
        }
        Defect::DcArc { rack_idx, power_w } if power_w <= 0.0 => {
            format!("no arc in rack {}", rack_idx + 1)
        }
        Defect::DcArc { rack_idx, power_w } => {
            format!("arc of {} W in rack {}", Number(power_w), rack_idx + 1)
        }
        Defect::RackOpen { rack_idx, open } => {
            format!("rack {} {}", rack_idx + 1, if open { "drops out" } else { "may close" })
        }
        Defect::RackSoc { rack_idx, soc: Some(soc) } => {
            format!("rack {} brought to soc = {}", rack_idx + 1, Number(soc))
        }
        Defect::RackSoc { rack_idx, soc: None } => {
            format!("rack {} keeps its soc", rack_idx + 1)
        }
        Defect::SlowPrecharge(factor) => {
            format!("precharge takes {} times as long", Number(factor))
        }
        Defect::BmsFrozen(frozen) => {
            format!("BMS {}", if frozen { "hangs" } else { "works" })
        }
        Defect::BmsLimits { charge, discharge } => format!(
            "BMS tells {} times its charge limit and {} times its discharge limit",
            Number(charge),
            Number(discharge)
        ),
        Defect::ProtectionOff(off) => {
            format!("protection of the battery is {}", if off { "off" } else { "on" })
        }
        Defect::ThresholdShift { degc, volts } => format!(
            "thresholds of the protection shifted by {} K and {} V",
            Number(degc),
            Number(volts)
        ),
        Defect::NoLatch(off) => {
            format!("alarms {}", if off { "do not latch" } else { "latch" })
        }
        Defect::SocJump { by } => format!("soc of the BMS jumps by {}", Number(by)),
        Defect::NuisanceTrip { code: Some(code) } => {
            format!("{} trips without cause", code.name())
        }
        Defect::NuisanceTrip { code: None } => "no trip without cause".to_owned(),
        Defect::GasDetectorOff(failed) => state("gas detector", failed),
        Defect::SensorsSwapped { quantity, rack_a, rack_b, swapped } => {
            let are = if swapped { "exchanged" } else { "in their places" };
            let (a, b) = (rack_a + 1, rack_b + 1);
            format!("sensors of {} of racks {a} and {b} are {are}", quantity.name())
        }
        Defect::Sensor { quantity, rack_idx, distortion } => {
            let of = rack_idx.map_or_else(String::new, |idx| format!(" of rack {}", idx + 1));
            let what = describe_distortion(&distortion);
            format!("sensor of {}{of}: {what}", quantity.name())
        }
    }
}

/// What is wrong with a converter and its controller.
fn describe_converter(defect: &Defect) -> String {
    let pick = |yes, there: &str, gone: &str| if yes { there.to_owned() } else { gone.to_owned() };
    match *defect {
        Defect::PcsTrip { code: Some(code) } => format!("PCS trips with {}", code.name()),
        Defect::PcsTrip { code: None } => "PCS does not trip any more".to_owned(),
        Defect::PcsDerate(share) => format!("PCS can give {} %", Number(share * 100.0)),
        Defect::SetpointIgnored(on) => {
            pick(on, "PCS ignores its setpoints", "PCS obeys its setpoints")
        }
        Defect::PcsInverted(on) => {
            pick(on, "PCS inverts its active power", "PCS gives the sign that is asked for")
        }
        Defect::PcsRamp(factor) => format!("PCS ramps times {}", Number(factor)),
        Defect::PcsLoss(pct) => format!("PCS loses {} % more", Number(pct)),
        Defect::PllOffset(hz) => format!("PCS measures {} Hz too much", Number(hz)),
        Defect::MomentaryCessation { below_pu, .. } if below_pu <= 0.0 => {
            "PCS rides through as it should".to_owned()
        }
        Defect::MomentaryCessation { below_pu, recovery_s } => {
            let (below, recovery) = (Number(below_pu), Number(recovery_s));
            format!("PCS ceases below {below} pu and comes back in {recovery} s")
        }
        Defect::RelayShift { voltage_pu, time_factor } => {
            let (shift, factor) = (Number(voltage_pu), Number(time_factor));
            format!("relays {shift} pu nearer, their times times {factor}")
        }
        Defect::StartStuck(on) => pick(on, "PCS is stuck in its start", "PCS starts"),
        Defect::RecoveryTrip(on) => {
            pick(on, "PCS trips when the voltage comes back", "PCS bears a voltage that comes back")
        }
        Defect::DroopOverride(Some(droop)) => {
            format!("PCS works with a droop of {}", Number(droop))
        }
        Defect::DroopOverride(None) => "PCS works with the droop of its settings".to_owned(),
        _ => String::new(),
    }
}

fn describe_cell(defect: CellDefect, cell: &str) -> String {
    match defect {
        CellDefect::Short(ohm) if ohm.is_infinite() => format!("no short of {cell}"),
        CellDefect::Short(ohm) => format!("short of {} ohm of {cell}", Number(ohm)),
        CellDefect::Heater(w) if w <= 0.0 => format!("no heater on {cell}"),
        CellDefect::Heater(w) => format!("heater of {} W on {cell}", Number(w)),
        CellDefect::Capacity(factor) => format!("capacity of {cell} times {}", Number(factor)),
        CellDefect::Resistance(factor) => {
            format!("resistance of {cell} times {}", Number(factor))
        }
        CellDefect::Leak(leak_a) if leak_a <= 0.0 => format!("no leak of {cell}"),
        CellDefect::Leak(leak_a) => format!("leak of {} A of {cell}", Number(leak_a)),
        CellDefect::Joint(ohm) if ohm <= 0.0 => format!("sound joint of {cell}"),
        CellDefect::Joint(ohm) => format!("joint of {} ohm of {cell}", Number(ohm)),
        CellDefect::Ignite(true) => format!("{cell} is set on fire"),
        CellDefect::Ignite(false) => format!("{cell} is not set on fire"),
    }
}

fn describe_distortion(distortion: &Distortion) -> String {
    let Distortion { delay_ticks, gain, offset, noise_sd, spike_p, spike, stuck, dropout } =
        *distortion;
    let unless = |value: f64, none: f64| Some(value).filter(|value| (value - none).abs() > 0.0);
    let mut list = List::default();
    list.item("delay_ticks", Some(delay_ticks).filter(|ticks| *ticks > 0));
    list.number("gain", unless(gain, 1.0));
    list.number("offset", unless(offset, 0.0));
    list.number("noise_sd", unless(noise_sd, 0.0));
    list.number("spike_p", unless(spike_p, 0.0));
    list.number("spike", unless(spike, 0.0));
    list.0.extend(stuck.then(|| "stuck".to_owned()));
    list.0.extend(dropout.then(|| "dropout".to_owned()));
    if list.0.is_empty() { "as it measures".to_owned() } else { list.text() }
}
