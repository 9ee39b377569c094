//! `bess profile`: seeded input series as CSV, for when no record is at hand.
//!
//! The series goes to stdout, a header line and the rows and nothing else, so that every reader can
//! read it; what it shows and what its kind states goes to stderr. The generators are those of
//! [`bess_scenarios::profile`].

use crate::duration::parse_duration;
use anyhow::Context as _;
use bess_core::series::Series;
use bess_scenarios::profile::agc::Agc;
use bess_scenarios::profile::ambient::Ambient;
use bess_scenarios::profile::frequency::Frequency;
use bess_scenarios::profile::load::{Load, Site};
use bess_scenarios::profile::statistics::{Figure, Stated};
use bess_scenarios::profile::{Profile, ProfileSpec};
use clap::{Args, Subcommand, ValueEnum};
use std::io::{self, BufWriter, ErrorKind, Write};

/// Make a seeded input series as CSV on stdout, with its statistics on stderr
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  bess profile frequency --for 24h --nominal-hz 50 > frequency.csv
  bess profile agc --for 4h --seed 7 > dispatch.csv
  bess profile load --site commercial --mean-kw 800 --for 7d > load.csv
  bess profile ambient --mean-degc 12 --start-day 200 --for 7d > ambient.csv")]
pub(crate) struct ProfileArgs {
    #[command(subcommand)]
    kind: KindArgs,
}

/// What every kind takes.
#[derive(Clone, Debug, Args)]
struct CommonArgs {
    /// Length of the series, such as 90s, 15m, 24h or 7d
    #[arg(long = "for", value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    duration_s: f64,
    /// Seed; the same seed and arguments give the same bytes
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Time between rows [default: frequency 1s, agc 4s, load 15m, ambient 10m]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    step: Option<f64>,
}

#[derive(Clone, Debug, Subcommand)]
enum KindArgs {
    /// Grid frequency in normal operation, in hertz
    Frequency {
        #[command(flatten)]
        common: CommonArgs,
        /// Nominal frequency of the system: 50 or 60
        #[arg(long, value_name = "HZ", default_value_t = Frequency::default().nominal_hz, value_parser = parse_nominal)]
        nominal_hz: f64,
        /// Standard deviation in millihertz
        #[arg(long, value_name = "MHZ", default_value_t = Frequency::default().sigma_hz * 1e3)]
        sigma_mhz: f64,
    },
    /// Regulation signal of a system operator, in percent of rated power, positive is discharge
    Agc {
        #[command(flatten)]
        common: CommonArgs,
        /// Mean of the need in percent; positive drains the battery
        #[arg(long, value_name = "PCT", default_value_t = Agc::default().mean_pct, allow_negative_numbers = true)]
        mean_pct: f64,
        /// Limit of the signal in percent
        #[arg(long, value_name = "PCT", default_value_t = Agc::default().limit_pct)]
        limit_pct: f64,
    },
    /// Load of a site, in kilowatts; it begins on a Monday at 00:00
    Load {
        #[command(flatten)]
        common: CommonArgs,
        /// Whose load it is
        #[arg(long, value_enum, default_value_t = SiteArg::Household)]
        site: SiteArg,
        /// Mean of a day (household) or a week (commercial) in kilowatts
        #[arg(long, value_name = "KW", default_value_t = Load::default().mean_kw)]
        mean_kw: f64,
    },
    /// Ambient temperature, in degrees Celsius; it begins at 00:00 local time
    Ambient {
        #[command(flatten)]
        common: CommonArgs,
        /// Mean of the year in degrees Celsius
        #[arg(long, value_name = "DEGC", default_value_t = Ambient::default().mean_degc, allow_negative_numbers = true)]
        mean_degc: f64,
        /// Amplitude of the day's curve in kelvin
        #[arg(long, value_name = "K", default_value_t = Ambient::default().day_amplitude_k)]
        day_amplitude_k: f64,
        /// Amplitude of the year's curve in kelvin
        #[arg(long, value_name = "K", default_value_t = Ambient::default().year_amplitude_k)]
        year_amplitude_k: f64,
        /// Standard deviation of the weather in kelvin
        #[arg(long, value_name = "K", default_value_t = Ambient::default().weather_sigma_k)]
        weather_sigma_k: f64,
        /// Day of the year on which the series begins, 1 to 366
        #[arg(long, value_name = "DAY", default_value_t = Ambient::default().start_day)]
        start_day: f64,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SiteArg {
    /// Some hundred households
    Household,
    /// An office or a workshop with a five-day week
    Commercial,
}

fn parse_nominal(text: &str) -> Result<f64, String> {
    match text {
        "50" => Ok(50.0),
        "60" => Ok(60.0),
        _ => Err("expected 50 or 60".to_owned()),
    }
}

impl ProfileArgs {
    fn spec(&self) -> ProfileSpec {
        let (common, profile): (&CommonArgs, Box<dyn Profile>) = match &self.kind {
            KindArgs::Frequency { common, nominal_hz, sigma_mhz } => {
                let (nominal_hz, sigma_hz) = (*nominal_hz, sigma_mhz / 1e3);
                let frequency = Frequency { nominal_hz, sigma_hz };
                (common, Box::new(frequency))
            }
            KindArgs::Agc { common, mean_pct, limit_pct } => {
                let (mean_pct, limit_pct) = (*mean_pct, *limit_pct);
                let agc = Agc { mean_pct, limit_pct };
                (common, Box::new(agc))
            }
            KindArgs::Load { common, site, mean_kw } => {
                let site = match site {
                    SiteArg::Household => Site::Household,
                    SiteArg::Commercial => Site::Commercial,
                };
                let mean_kw = *mean_kw;
                (common, Box::new(Load { site, mean_kw }))
            }
            KindArgs::Ambient {
                common,
                mean_degc,
                day_amplitude_k,
                year_amplitude_k,
                weather_sigma_k,
                start_day,
            } => {
                let ambient = Ambient {
                    mean_degc: *mean_degc,
                    day_amplitude_k: *day_amplitude_k,
                    year_amplitude_k: *year_amplitude_k,
                    weather_sigma_k: *weather_sigma_k,
                    start_day: *start_day,
                };
                (common, Box::new(ambient))
            }
        };
        let mut spec = ProfileSpec::new(profile, common.duration_s, common.seed);
        spec.step_s = common.step.unwrap_or(spec.step_s);
        spec
    }
}

/// Makes the series: CSV to `out`, a summary to `err`. A reader that closes the pipe early ends it
/// without an error.
///
/// # Errors
/// When a parameter is out of its range or a stream cannot be written.
pub(crate) fn run(
    args: &ProfileArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<()> {
    let spec = args.spec();
    let series = spec.generate().context("this profile cannot be made")?;
    match write_csv(&series, spec.profile.kind().column, out) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
        written => written.context("cannot write the series")?,
    }
    match write_summary(&spec, &series, err) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the summary"),
    }
}

fn write_csv(series: &Series, column: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    writeln!(out, "t_s,{column}")?;
    for (time_s, value) in series.times_s().iter().zip(series.values()) {
        // The shortest text that reads back to the same bits.
        writeln!(out, "{time_s},{value}")?;
    }
    out.flush()
}

fn write_summary(spec: &ProfileSpec, series: &Series, err: &mut dyn Write) -> io::Result<()> {
    let kind = spec.profile.kind();
    let stated = spec.profile.stated();
    let mut figures = vec![Figure::Mean, Figure::Sigma, Figure::Min, Figure::Max];
    for row in &stated {
        if !figures.contains(&row.figure) {
            figures.push(row.figure);
        }
    }
    writeln!(
        err,
        "{}: {}, {} rows of {} s, seed {}, in {}",
        kind.name,
        kind.about,
        series.values().len(),
        spec.step_s,
        spec.seed,
        kind.unit
    )?;
    writeln!(err, "  {:<38} {:>10} {:>10}", "", "this", "stated")?;
    for figure in figures {
        let of_stated = |row: &&Stated| row.figure == figure;
        let measured = number(figure.of(series.values(), spec.step_s));
        let stated = number(stated.iter().find(of_stated).map(|row| row.value));
        writeln!(err, "  {:<38} {measured:>10} {stated:>10}", figure.to_string())?;
    }
    writeln!(err, "stated figures are those of a long series; source: {}", kind.source)
}

/// Five significant digits or so, without trailing zeros.
fn number(value: Option<f64>) -> String {
    let Some(value) = value else {
        return "-".to_owned();
    };
    let decimals = match value.abs() {
        large if large >= 1000.0 => 1,
        middle if middle >= 1.0 => 4,
        _ => 5,
    };
    let text = format!("{value:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{ColumnOptions, Quantity, read_series};
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: ProfileArgs,
    }

    fn args(line: &str) -> ProfileArgs {
        let words = std::iter::once("profile").chain(line.split_whitespace());
        Cli::try_parse_from(words).unwrap().args
    }
    fn made(line: &str) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        run(&args(line), &mut out, &mut err).unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn every_kind_makes_a_file_that_reads_back_to_the_same_bits() {
        let power = Quantity::FarmPower { rated_w: 100.0 };
        for (line, quantity, factor) in [
            ("frequency --for 1h --nominal-hz 50", Quantity::Frequency, 1.0),
            ("frequency --for 30s --step 100ms", Quantity::Frequency, 1.0),
            ("agc --for 1h", power, 1.0),
            ("load --for 7d --site commercial", power, 1000.0),
            ("ambient --for 2d --mean-degc -10", Quantity::Ambient, 1.0),
        ] {
            let (csv, _) = made(line);
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), csv).unwrap();
            let read = read_series(file.path(), quantity, &ColumnOptions::default()).unwrap();
            let made = args(line).spec().generate().unwrap();
            assert_eq!(read.times_s(), made.times_s(), "{line}");
            for (read, made) in read.values().iter().zip(made.values()) {
                // Percent of 100 W passes through 0.01 * 100: equal up to the last bit.
                assert!((read - made * factor).abs() <= 1e-12 * read.abs(), "{line}");
            }
        }
    }

    #[test]
    fn the_file_has_a_header_line_and_rows_and_nothing_else() {
        let (csv, summary) = made("agc --for 10s --seed 3");
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], "t_s,power_pct");
        assert!(lines[1].starts_with("0,") && lines[3].starts_with("8,"));
        assert!(summary.starts_with("agc: ") && summary.contains("3 rows of 4 s, seed 3"));
        assert!(summary.contains("SynAS"));
    }

    #[test]
    fn the_summary_puts_what_was_made_beside_what_is_stated() {
        let (_, summary) = made("frequency --for 24h");
        let sigma = summary.lines().find(|line| line.contains("standard deviation")).unwrap();
        assert!(sigma.trim().ends_with("0.01584"), "{summary}");
        assert!(summary.contains("autocorrelation after 60 s"), "{summary}");
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_seed_1_is_the_usual_one() {
        assert_eq!(made("load"), made("load --seed 1 --for 24h --step 15m"));
        assert_ne!(made("load").0, made("load --seed 2").0);
    }

    #[test]
    fn a_parameter_out_of_its_range_is_refused_with_the_range() {
        let refused = |line: &str| {
            let error = run(&args(line), &mut Vec::new(), &mut Vec::new()).unwrap_err();
            format!("{error:#}")
        };
        let message = refused("ambient --mean-degc 400");
        assert!(message.contains("from -40 to 45 degC, got 400"), "{message}");
        assert!(refused("frequency --for 9999d").contains("longer step"));
        assert!(refused("agc --for 0").contains("duration"));
        for line in ["frequency --nominal-hz 55", "agc --for 24", "load --site moon"] {
            let words = std::iter::once("profile").chain(line.split_whitespace());
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }

    #[test]
    fn a_pipe_that_closes_early_is_not_an_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        run(&args("frequency"), &mut Closed, &mut Vec::new()).unwrap();
        run(&args("load"), &mut Vec::new(), &mut Closed).unwrap();
    }
}
