//! Which history `bess serve` keeps: flags, and the check that it fits into the memory.

use crate::BadInput;
use bess_api::history::{
    HistoryConfig, HistoryPlan, MEMORY_MIN_BYTES, TierSpec, UnitSignals, parse_duration_ns,
};
use bess_core::spec::FarmSpec;

/// What to keep of the signals
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "History")]
pub(crate) struct HistoryArgs {
    /// Signals of units that are kept, with commas between them, or none; some that fit when absent
    #[arg(long, value_name = "SIGNALS", env = "BESS_HISTORY_UNITS")]
    history_units: Option<String>,
    /// How signals of units are kept: STEP:SPAN of simulated time, with commas between them
    #[arg(
        long,
        value_name = "TIERS",
        env = "BESS_HISTORY_UNIT_TIERS",
        default_value = "1s:1h,1m:7d"
    )]
    history_unit_tiers: String,
    /// Most memory of the history, everything counted; 0 to keep none
    #[arg(long, value_name = "SIZE", env = "BESS_HISTORY_MEMORY", default_value = "256MB")]
    history_memory: String,
}

impl HistoryArgs {
    /// Checks what is to be kept of a farm; `None` for nothing.
    ///
    /// # Errors
    /// What is wrong with a flag, or does not fit.
    pub(crate) fn plan(&self, spec: &FarmSpec) -> Result<Option<HistoryPlan>, BadInput> {
        let memory_bytes = self.memory_bytes()?;
        let config = HistoryConfig {
            unit_signals: self.unit_signals(),
            unit_tiers: self.unit_tiers()?,
            memory_bytes,
        };
        if memory_bytes == 0 {
            return Ok(None);
        }
        let plan = HistoryPlan::new(spec, &config).map_err(|misfit| {
            let hint = "name fewer signals with --history-units, shorter tiers with --history-unit-tiers, or give it more with --history-memory";
            BadInput(format!("{misfit}\nhint: {hint}"))
        })?;
        if let Some(warning) = plan.warning() {
            tracing::warn!("{warning}; --history-memory gives it more");
        }
        Ok(Some(plan))
    }

    fn memory_bytes(&self) -> Result<u64, BadInput> {
        let text = &self.history_memory;
        let bytes = bytes(text).filter(|bytes| *bytes == 0 || *bytes >= MEMORY_MIN_BYTES);
        bytes.ok_or_else(|| {
            BadInput(format!(
                "--history-memory must be 0 or a size from 1MB on, such as 256MB, 1GB or 512MiB, got {text}"
            ))
        })
    }

    fn unit_signals(&self) -> UnitSignals {
        match self.history_units.as_deref().map(str::trim) {
            None => UnitSignals::Fitting,
            Some("" | "none") => UnitSignals::Named(Vec::new()),
            Some(names) => {
                UnitSignals::Named(names.split(',').map(|name| name.trim().to_owned()).collect())
            }
        }
    }

    fn unit_tiers(&self) -> Result<Vec<TierSpec>, BadInput> {
        let tier = |text: &str| {
            let (step, span) = text.split_once(':').ok_or_else(|| {
                format!("a tier is written STEP:SPAN, such as 1s:1h, got {text:?}")
            })?;
            TierSpec::new(parse_duration_ns(step.trim())?, parse_duration_ns(span.trim())?)
        };
        let tiers = self.history_unit_tiers.split(',').map(|text| tier(text.trim()));
        let tiers: Result<_, String> = tiers.collect();
        tiers.map_err(|error| BadInput(format!("--history-unit-tiers: {error}")))
    }
}

/// Bytes of a size such as `256MB` or `1.5 GiB`.
fn bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, f64); 8] = [
        ("", 1.0),
        ("B", 1.0),
        ("kB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("KiB", 1024.0),
        ("MiB", 1_048_576.0),
        ("GiB", 1_073_741_824.0),
    ];
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.trim().parse().ok().filter(|number| *number >= 0.0)?;
    let (_, factor) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    let bytes = number * factor;
    (bytes <= 1e15).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_units_that_people_write() {
        for (text, size) in [
            ("0", Some(0)),
            ("256MB", Some(256_000_000)),
            ("256 mb", Some(256_000_000)),
            ("1.5GB", Some(1_500_000_000)),
            ("512MiB", Some(536_870_912)),
            ("1000000", Some(1_000_000)),
            ("-1MB", None),
            ("nan", None),
            ("1 TB", None),
            ("MB", None),
            ("", None),
        ] {
            assert_eq!(bytes(text), size, "{text}");
        }
    }
}
