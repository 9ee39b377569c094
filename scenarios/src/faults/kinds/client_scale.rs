//! The EMS has a wrong scale: kW for MW, or a reversed sign.

use crate::faults::{ClientAct, FaultKind, Pace, Parameter, Probe, TargetKind, shared};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "client.scale",
    plane: FaultPlane::Controller,
    targets: &[TargetKind::Client],
    catalogue: &["I07", "S05"],
    summary: "setpoints times a factor",
    effect: "every setpoint that it writes is off by the factor",
    symptoms: "power is a thousandth, a thousand times or the mirror of what was meant",
    reaction: "plausibility at commissioning",
    source: "bess-ems: MW for kW; EPRI 2024",
    parameters: &[Parameter::number("factor", -1e4, 1e4, "what is written over what is meant")],
    pace: Pace::OnChange,
    act: |case, out| shared::client(case, ClientAct::Scale(case.args.number("factor")), out),
    end: |case, out| shared::client(case, ClientAct::Scale(1.0), out),
    probe: Probe::Expr("event(\"client.write_setpoint\") or event(\"client.refused\")"),
};
