//! Answers come late.

use super::{Act, Case, FaultKind, Pace, Parameter, Probe, Target, TargetKind, link_probe};
use bess_core::command::Command;
use bess_core::link::{LinkCondition, LinkEffect, LinkScope, SECONDS_MAX};
use bess_core::snapshot::FaultPlane;

pub(super) const KIND: FaultKind = FaultKind {
    name: "transport.delay",
    plane: FaultPlane::Transport,
    targets: &[TargetKind::Unit, TargetKind::Listener],
    catalogue: &["N01"],
    summary: "answers to Modbus requests come late",
    effect: "every answer waits, in wall time; the farm itself goes on as it did",
    symptoms: "slow reads, timeouts, requests that pile up",
    reaction: "the client waits and does not ask again at once; one slow device does not hold up others",
    source: "github.com/ljean/modbus-tk/issues/122",
    parameters: &[
        Parameter::number("latency_s", 0.0, SECONDS_MAX, "time by which an answer is late"),
        Parameter::number_or(
            "jitter_s",
            0.0,
            0.0,
            SECONDS_MAX,
            "up to this much more, drawn for each request",
        ),
        Parameter::number_or("probability", 1.0, 0.0, 1.0, "share of the requests that it hits"),
    ],
    pace: Pace::OnChange,
    act: begin,
    end: |case, out| out.push(Command::ClearLink { name: Some(case.tag.to_owned()) }.into()),
    probe: Probe::Func(link_probe),
};

fn begin(case: &Case<'_>, out: &mut Vec<Act>) {
    let scope = LinkScope {
        unit: case.target.unit(),
        listener: match case.target {
            Target::Listener(Some(name)) => Some(name.to_string()),
            _ => None,
        },
        ..LinkScope::default()
    };
    let condition = LinkCondition {
        name: case.tag.to_owned(),
        effect: LinkEffect::Delay {
            delay_s: case.args.number("latency_s"),
            jitter_s: case.args.number("jitter_s"),
        },
        scope,
        probability: case.args.number("probability"),
        seed: case.seed,
        until: None,
    };
    out.push(Command::SetLink(Box::new(condition)).into());
}
