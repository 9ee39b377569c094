//! A book of faults and scenarios for tests: one kind, one scenario, and a report of every run.

use bess_core::config::Problems;
use bess_core::snapshot::FaultPlane;
use bess_core::spec::FarmSpec;
use bess_core::stage::{
    Effect, FaultKindInfo, FaultView, Phase, Prepared, ReportForm, RunView, ScenarioInfo,
    StageBook, StageView, Verdict,
};
use bess_core::time::Tick;
use std::sync::Arc;

/// Knows the kind `device.hvac.pump` and the scenario `1`.
#[derive(Debug)]
pub(crate) struct FakeStage {
    kinds: Vec<FaultKindInfo>,
    scenarios: Vec<ScenarioInfo>,
}

impl Default for FakeStage {
    fn default() -> Self {
        let kind = FaultKindInfo {
            name: KIND,
            plane: FaultPlane::Device,
            targets: vec!["unit"],
            summary: "no coolant flows",
            effect: "the heat stays in the cells",
            symptoms: "the cells get warm",
            reaction: "an alarm",
            source: "operations",
            catalogue: &["H01"],
            parameters: Vec::new(),
        };
        let scenario = ScenarioInfo {
            id: "1".to_owned(),
            title: "One".to_owned(),
            summary: "A scenario.".to_owned(),
            tags: Vec::new(),
            duration_s: 60.0,
            text: "kind: Scenario".into(),
        };
        Self { kinds: vec![kind], scenarios: vec![scenario] }
    }
}

const KIND: &str = "device.hvac.pump";

impl StageBook for FakeStage {
    fn kinds(&self) -> &[FaultKindInfo] {
        &self.kinds
    }
    fn scenarios(&self) -> &[ScenarioInfo] {
        &self.scenarios
    }
    fn read_fault(&self, _: &str, text: &str, _: &FarmSpec) -> Result<Prepared, Problems> {
        Ok(Prepared(Arc::new(text.to_owned())))
    }
    fn read_scenario(
        &self,
        _: &str,
        text: &str,
        _: &[(String, String)],
        _: Option<u64>,
        _: &FarmSpec,
    ) -> Result<Prepared, Problems> {
        Ok(Prepared(Arc::new(text.to_owned())))
    }
    fn report(&self, _: &str, _: ReportForm) -> Option<Arc<str>> {
        Some("{}".into())
    }
}

/// A fault in force and a run that is done, both with the id `1`.
pub(crate) fn one_of_each() -> Arc<StageView> {
    let fault = FaultView {
        id: "1".to_owned(),
        kind: KIND,
        plane: FaultPlane::Device,
        targets: vec!["unit-001".to_owned()],
        with: Vec::new(),
        run: None,
        since: Tick(1),
        until: None,
        is_active: true,
        effect: Effect::Confirmed,
    };
    let run = RunView {
        id: "1".to_owned(),
        scenario: "1".to_owned(),
        title: "One".to_owned(),
        seed: 7,
        phase: Phase::Done,
        verdict: Some(Verdict::Passed),
        reason: None,
        start: Tick(1),
        length: 600,
        checks: Vec::new(),
        observations: 0,
    };
    Arc::new(StageView {
        faults: vec![Arc::new(fault)],
        runs: vec![Arc::new(run)],
        injected: vec![(KIND, 1)],
        ..StageView::default()
    })
}
