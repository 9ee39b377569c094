//! Reads the tables `[units.sequence]` and `[units.pcs_thermal]`.

use super::reader::{Bounds, Section};
use crate::spec::{PcsThermalSpec, SequenceSpec};

/// Longest time of a step in s; beyond it a number is a slip of the unit (engineering choice).
const STEP: Bounds = Bounds::within(0.0, 3600.0);
const SPAN: Bounds = Bounds::within(0.1, 3600.0);

/// The table `[units.sequence]` of `group`; what it does not say is as [`SequenceSpec::default`] has it.
pub(super) fn read_sequence(group: &Section<'_, '_>) -> SequenceSpec {
    let default = SequenceSpec::default();
    let Some(section) = group.section("sequence") else { return default };
    let spec = SequenceSpec {
        self_test_s: section.f64_or("self_test_s", default.self_test_s, STEP),
        negative_s: section.f64_or("negative_s", default.negative_s, STEP),
        precharge_s: section.f64_or("precharge_s", default.precharge_s, Bounds::within(0.01, 60.0)),
        precharge_done: section.f64_or(
            "precharge_done",
            default.precharge_done,
            Bounds::within(0.5, 0.999).with_hint("it is a fraction of the rack voltage"),
        ),
        precharge_timeout_s: section.f64_or(
            "precharge_timeout_s",
            default.precharge_timeout_s,
            SPAN,
        ),
        positive_s: section.f64_or("positive_s", default.positive_s, STEP),
        synchronise_s: section.f64_or("synchronise_s", default.synchronise_s, STEP),
        synchronise_timeout_s: section.f64_or(
            "synchronise_timeout_s",
            default.synchronise_timeout_s,
            SPAN,
        ),
        stop_timeout_s: section.f64_or("stop_timeout_s", default.stop_timeout_s, SPAN),
        rack_match_v: section.f64_or(
            "rack_match_v",
            default.rack_match_v,
            Bounds::positive(1500.0),
        ),
        fuse_a: section.optional_f64("fuse_a", Bounds::positive(1e5)).unwrap_or(f64::INFINITY),
        fuse_i2t: section.f64_or("fuse_i2t", default.fuse_i2t, Bounds::positive(1e9)),
        insulation_kohm: section.f64_or(
            "insulation_kohm",
            default.insulation_kohm,
            Bounds::positive(1e6),
        ),
    };
    refuse_what_cannot_end(&section, &spec);
    section.finish();
    spec
}

/// Reports times within which nothing could come up.
fn refuse_what_cannot_end(section: &Section<'_, '_>, spec: &SequenceSpec) {
    // The bus follows 1 - exp(-t / T).
    let charged_s = -spec.precharge_s * crate::math::ln(1.0 - spec.precharge_done);
    if charged_s >= spec.precharge_timeout_s {
        let message = format!(
            "the bus reaches `precharge_done` after {charged_s:.1} s, which is not before \
             `precharge_timeout_s` ({})",
            spec.precharge_timeout_s
        );
        let hint = "raise `precharge_timeout_s`, or lower `precharge_s`";
        section.report(section.span_of("precharge_timeout_s"), message, Some(hint.to_owned()));
    }
    if spec.synchronise_s >= spec.synchronise_timeout_s {
        let message = format!(
            "`synchronise_timeout_s` ({}) must be above `synchronise_s` ({})",
            spec.synchronise_timeout_s, spec.synchronise_s
        );
        section.report(section.span_of("synchronise_timeout_s"), message, None);
    }
    if section.has("fuse_i2t") && !section.has("fuse_a") {
        let message = "`fuse_i2t` does nothing without `fuse_a`: the racks have no fuses";
        let hint = "write the rating of the fuses as `fuse_a`".to_owned();
        section.report(section.span_of("fuse_i2t"), message.to_owned(), Some(hint));
    }
}

/// The table `[units.pcs_thermal]` of `group`.
pub(super) fn read_pcs_thermal(group: &Section<'_, '_>) -> PcsThermalSpec {
    let default = PcsThermalSpec::default();
    let Some(section) = group.section("pcs_thermal") else { return default };
    let spec = PcsThermalSpec {
        rise_k: section.f64_or("rise_k", default.rise_k, Bounds::positive(200.0)),
        time_constant_s: section.f64_or(
            "time_constant_s",
            default.time_constant_s,
            Bounds::within(1.0, 36_000.0),
        ),
    };
    section.finish();
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, Problems, parse_farm};

    fn parsed(table: &str) -> Result<(SequenceSpec, PcsThermalSpec), Problems> {
        let text = format!("{BUILT_IN_FARM}\n{table}");
        let farm = parse_farm("farm.toml", &text, &|path| Err(format!("cannot read {path}")))?;
        let design = &farm.units[0].design;
        Ok((design.sequence, design.pcs_thermal))
    }

    #[test]
    fn what_a_table_does_not_say_is_the_default() {
        let defaults = (SequenceSpec::default(), PcsThermalSpec::default());
        for table in ["", "[units.sequence]", "[units.pcs_thermal]"] {
            assert_eq!(parsed(table).unwrap_or_else(|e| panic!("{e}")), defaults, "{table}");
        }
        let table = "[units.sequence]\nself_test_s = 0\nfuse_a = 400\nfuse_i2t = 2e5";
        let (sequence, _) = parsed(table).unwrap_or_else(|e| panic!("{e}"));
        let expected =
            SequenceSpec { self_test_s: 0.0, fuse_a: 400.0, fuse_i2t: 2e5, ..defaults.0 };
        assert_eq!(sequence, expected);
    }

    #[test]
    fn what_could_never_come_up_is_refused() {
        let refusal = |table: &str| parsed(table).expect_err("impossible").to_string();
        let text = refusal("[units.sequence]\nprecharge_s = 6");
        assert!(text.contains("after 18.0 s") && text.contains("(15)"), "{text}");
        let text = refusal("[units.sequence]\nsynchronise_s = 30");
        assert!(text.contains("(30) must be above `synchronise_s` (30)"), "{text}");
        let text = refusal("[units.sequence]\nfuse_i2t = 5");
        assert!(text.contains("does nothing without `fuse_a`"), "{text}");
        let text = refusal("[units.sequence]\nself_test_ms = 5");
        assert!(text.contains("self_test_s"), "{text}");
    }
}
