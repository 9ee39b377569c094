//! Reads what lies around the units: climate and transformer.

use super::reader::{Bounds, Section};
use crate::spec::{AmbientSpec, DailySpec, FarmSpec, TransformerSpec};
use crate::units::{Celsius, VoltAmps};
use std::ops::Range;

/// Temperatures that an ambient may have.
pub(super) const TEMPERATURE: Bounds = Bounds::within(-60.0, 80.0);
const HOUR: Bounds = Bounds::within(0.0, 24.0);

/// `ambient_degc` or the table `[farm.ambient]`; 20 degC when both are absent.
pub(super) fn read_ambient(farm: &Section<'_, '_>) -> AmbientSpec {
    let constant_degc = farm.f64_or("ambient_degc", 20.0, TEMPERATURE);
    let Some(section) = farm.section("ambient") else {
        return AmbientSpec::Constant(Celsius(constant_degc));
    };
    if farm.has("ambient_degc") {
        let message = "the farm has both `ambient_degc` and `[farm.ambient]`".to_owned();
        let hint = "keep one of them".to_owned();
        farm.report(farm.span_of("ambient_degc"), message, Some(hint));
    }
    let is_daily = section.choice_or("kind", true, &[("daily", true), ("constant", false)]);
    let ambient = if is_daily {
        AmbientSpec::Daily(read_daily(&section))
    } else {
        for key in DAILY_KEYS {
            section.refuse(key, "belongs to a day", "write `kind = \"daily\"`, or leave it out");
        }
        AmbientSpec::Constant(Celsius(section.f64("mean_degc", TEMPERATURE)))
    };
    section.finish();
    ambient
}

/// What only a day has.
const DAILY_KEYS: [&str; 5] =
    ["swing_k", "warmest_hour", "solar_peak_w_per_m2", "sunrise_hour", "sunset_hour"];

fn read_daily(section: &Section<'_, '_>) -> DailySpec {
    let day = DailySpec {
        mean: Celsius(section.f64("mean_degc", TEMPERATURE)),
        swing_k: section.f64_or("swing_k", 0.0, Bounds::within(0.0, 40.0)),
        warmest_hour: section.f64_or("warmest_hour", 15.0, HOUR),
        solar_peak_w_per_m2: section.f64_or(
            "solar_peak_w_per_m2",
            0.0,
            Bounds::within(0.0, 1_400.0),
        ),
        sunrise_hour: section.f64_or("sunrise_hour", 6.0, HOUR),
        sunset_hour: section.f64_or("sunset_hour", 18.0, HOUR),
    };
    if day.sunset_hour <= day.sunrise_hour {
        let message = format!(
            "`sunset_hour` ({}) must be after `sunrise_hour` ({})",
            day.sunset_hour, day.sunrise_hour
        );
        section.report(section.span_of("sunset_hour"), message, None);
    }
    day
}

/// What `[farm.transformer]` says, before the units are known.
#[derive(Clone, Debug)]
pub(super) struct Transformer {
    rated_mva: Option<f64>,
    rated_at: Range<usize>,
    no_load_loss: f64,
    load_loss: f64,
}

/// 0.1 % of the rating in the core and 0.6 % in the windings at the rating [E, typical of
/// distribution transformers to IEC 60076].
pub(super) fn read_transformer(section: Section<'_, '_>) -> Transformer {
    let percent = |key, default| section.f64_or(key, default, Bounds::within(0.0, 10.0)) / 100.0;
    let transformer = Transformer {
        rated_mva: section.optional_f64("rated_mva", Bounds::positive(1e5)),
        rated_at: section.span_of("rated_mva"),
        no_load_loss: percent("no_load_loss_pct", 0.1),
        load_loss: percent("load_loss_pct", 0.6),
    };
    section.finish();
    transformer
}

impl Transformer {
    /// The transformer of `farm`: as large as its units together where no rating was given, and
    /// refused where it is smaller.
    pub(super) fn fit(self, root: &Section<'_, '_>, farm: &FarmSpec) -> TransformerSpec {
        let needed = farm.rated_apparent_power();
        let rated = self.rated_mva.map_or(needed, |mva| VoltAmps(mva * 1e6));
        // A rounded sum is no reason to refuse.
        if rated.0 < needed.0 * (1.0 - 1e-9) {
            let message = format!(
                "`farm.transformer.rated_mva` is {}, but the units together have {} MVA",
                rated.0 / 1e6,
                needed.0 / 1e6
            );
            let hint = format!("at least {}, or leave it out", needed.0 / 1e6);
            root.report(self.rated_at, message, Some(hint));
        }
        TransformerSpec { rated, no_load_loss: self.no_load_loss, load_loss: self.load_loss }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{BUILT_IN_FARM, parse_farm};
    use crate::spec::{AmbientSpec, FarmSpec};
    use crate::units::Celsius;

    fn with(from: &str, to: &str) -> Result<FarmSpec, String> {
        assert!(BUILT_IN_FARM.contains(from), "the built-in farm has no {from:?}");
        let text = BUILT_IN_FARM.replace(from, to);
        parse_farm("farm.toml", &text, &|_| unreachable!()).map_err(|e| e.to_string())
    }
    const DAY: &str = "\n[farm.ambient]\nkind = \"daily\"\nmean_degc = 18\nswing_k = 6\n";

    #[test]
    fn a_climate_is_a_number_or_a_table_but_not_both() {
        let farm = with("ambient_degc = 20", "ambient_degc = -5").unwrap();
        assert_eq!(farm.ambient, AmbientSpec::Constant(Celsius(-5.0)));
        let farm = with("ambient_degc = 20", DAY).unwrap();
        let AmbientSpec::Daily(day) = farm.ambient else { panic!("{:?}", farm.ambient) };
        assert_eq!((day.mean, day.swing_k, day.warmest_hour), (Celsius(18.0), 6.0, 15.0));
        assert_eq!((day.solar_peak_w_per_m2, day.sunrise_hour, day.sunset_hour), (0.0, 6.0, 18.0));
        let problem = with("ambient_degc = 20", &format!("ambient_degc = 20\n{DAY}")).unwrap_err();
        assert!(problem.contains("both `ambient_degc` and `[farm.ambient]`"), "{problem}");
        let still = DAY.replace("daily", "constant");
        let problem = with("ambient_degc = 20", &still).unwrap_err();
        assert!(problem.contains("`farm.ambient.swing_k` belongs to a day"), "{problem}");
        let dark = format!("{DAY}sunrise_hour = 20\n");
        let problem = with("ambient_degc = 20", &dark).unwrap_err();
        assert!(
            problem.contains("`sunset_hour` (18) must be after `sunrise_hour` (20)"),
            "{problem}"
        );
    }

    #[test]
    fn a_transformer_without_a_rating_is_as_large_as_the_units_together() {
        let farm = with("count = 10", "count = 3").unwrap();
        let transformer = farm.transformer.unwrap();
        assert!((transformer.rated.0 - 3.0 * 2.75e6).abs() < 1e-6);
        assert!((transformer.no_load_loss - 0.001).abs() < 1e-15);
        assert!((transformer.load_loss - 0.006).abs() < 1e-15);
    }

    #[test]
    fn a_transformer_that_is_too_small_is_refused_with_the_figure_that_it_needs() {
        let larger = with("# rated_mva = 28", "rated_mva = 30").unwrap();
        assert!((larger.transformer.unwrap().rated.0 - 30e6).abs() < 1e-6);
        let problem = with("# rated_mva = 28", "rated_mva = 25").unwrap_err();
        assert!(problem.contains("is 25, but the units together have 27.5 MVA"), "{problem}");
        assert!(
            problem.contains("rated_mva = 25") && problem.contains("at least 27.5"),
            "{problem}"
        );
        assert!(with("# rated_mva = 28", "rated_mva = 27.5").is_ok());
    }
}
