use super::*;
use crate::duration::parse_duration;
use std::io::Write as _;

const RATED_W: f64 = 2e6;
const POWER: Quantity = Quantity::FarmPower { rated_w: RATED_W };

fn file(text: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_ref()).unwrap();
    file
}
fn read_with(text: &str, quantity: Quantity, options: &ColumnOptions) -> Result<Series, Problems> {
    read_series(file(text).path(), quantity, options)
}
fn read(text: &str, quantity: Quantity) -> Result<Series, Problems> {
    read_with(text, quantity, &ColumnOptions::default())
}
fn samples(series: &Series) -> Vec<(f64, f64)> {
    let times = series.times_s().iter().copied();
    times.zip(series.values().iter().copied()).collect()
}
fn values(text: &str, quantity: Quantity) -> Vec<f64> {
    read(text, quantity).unwrap().values().to_vec()
}
fn problems(text: &str, quantity: Quantity) -> Vec<Problem> {
    read(text, quantity).unwrap_err().0
}
fn column(name: &str) -> ColumnOptions {
    ColumnOptions { column: Some(name.to_owned()), ..ColumnOptions::default() }
}
fn scaled(name: &str, scale: f64) -> ColumnOptions {
    ColumnOptions { scale: Some(scale), ..column(name) }
}
fn cell(text: &str) -> Result<CellProfile, Problems> {
    read_cell_profile(file(text).path(), &ColumnOptions::default(), None)
}

#[test]
fn a_power_column_leaves_in_watts_whatever_its_unit() {
    for (name, watts) in [
        ("power_w", 5.0),
        ("power_kw", 5e3),
        ("power_mw", 5e6),
        ("power_pct", 1e5),
        ("P_kW", 5e3),
        ("Power (MW)", 5e6),
        ("setpoint-percent", 1e5),
        ("p_pu", 1e7),
    ] {
        assert_eq!(values(&format!("t_s,{name}\n0,5\n"), POWER), [watts], "{name}");
    }
}

#[test]
fn frequency_and_temperature_columns_are_found_by_their_unit() {
    assert_eq!(values("t_s,f_Hz\n1,59.98\n", Quantity::Frequency), [59.98]);
    assert_eq!(values("t_s,T_degC\n1,-5\n", Quantity::Ambient), [-5.0]);
    assert_eq!(values("t_s,T (°C)\n1,-5\n", Quantity::Ambient), [-5.0]);
    let hourly =
        read_with("t_hours,T_degC\n0,19.4\n1,18.9\n", Quantity::Ambient, &ColumnOptions::default());
    assert_eq!(hourly.unwrap().times_s(), [0.0, 3_600.0]);
    let kelvin = values("t_s,outside_K\n1,273.15\n", Quantity::Ambient);
    assert_eq!(kelvin, [0.0]);
    let fahrenheit = values("t_s,t_degF\n1,50\n", Quantity::Ambient);
    assert!((fahrenheit[0] - 10.0).abs() < 1e-9);
}

#[test]
fn the_name_of_the_contract_wins_over_other_columns_with_a_fitting_unit() {
    let text = "t_s,aux_w,power_w,soc_pct\n0,1,2,3\n";
    assert_eq!(values(text, POWER), [2.0]);
}

#[test]
fn times_may_be_seconds_hours_seconds_of_the_day_or_calendar_times() {
    let times = |text: &str| read(text, POWER).unwrap().times_s().to_vec();
    assert_eq!(times("t_s,p_w\n1,0\n2.5,0\n"), [1.0, 2.5]);
    assert_eq!(times("t_hours,p_w\n0,0\n1,0\n"), [0.0, 3600.0]);
    assert_eq!(times("second_of_day,p_w\n64800,0\n64804,0\n"), [0.0, 4.0]);
    let calendar = "time,p_w\n2026-01-01T00:00:00Z,0\n2026-01-01T01:00:00.5+01:00,0\n";
    assert_eq!(times(calendar), [0.0, 0.5]);
}

#[test]
fn calendar_times_count_from_the_start_of_the_run_when_it_is_given() {
    let options = ColumnOptions {
        start: Some(SimTime { unix_ns: 10_000_000_000 }),
        ..ColumnOptions::default()
    };
    let text = "time,p_w\n1970-01-01T00:00:04Z,1\n1970-01-01T00:00:14Z,2\n";
    let series = read_with(text, POWER, &options).unwrap();
    assert_eq!(samples(&series), [(-6.0, 1.0), (4.0, 2.0)]);
    assert_eq!(series.at(0.0), 1.0);
}

#[test]
fn column_scale_invert_and_loop_adapt_other_peoples_files() {
    let text = "second_of_day,pct_a,pct_b,raw\n10,1,-50,3\n14,2,25,4\n";
    let of = |options: &ColumnOptions| read_with(text, POWER, options).unwrap();
    assert_eq!(of(&column("pct_b")).values(), [-1e6, 5e5]);
    assert_eq!(of(&column("PCT_B")).values(), [-1e6, 5e5]);
    assert_eq!(of(&scaled("raw", 1000.0)).values(), [3000.0, 4000.0]);
    let turned = ColumnOptions { invert: true, looped: true, ..scaled("pct_b", 0.5) };
    assert_eq!(of(&turned).values(), [5e5, -2.5e5]);
    assert_eq!(of(&turned).at(8.0), 5e5);
    let per_unit = read_with("t_s,f_pu\n0,1.001\n", Quantity::Frequency, &scaled("f_pu", 60.0));
    assert_eq!(per_unit.unwrap().values(), [1.001 * 60.0]);
}

#[test]
fn marks_comments_semicolons_blanks_and_other_columns_do_not_matter() {
    let text =
        "\u{feff}# made by hand\r\n\r\n t_s ; power_kw ;note\r\n0; 1 ;\"a;b\"\r\n\r\n4;2;\r\n";
    assert_eq!(samples(&read(text, POWER).unwrap()), [(0.0, 1e3), (4.0, 2e3)]);
    assert_eq!(values("t_s,p_w\n0,1,\n1,2,\n", POWER), [1.0, 2.0]);
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let error = read_series(Path::new("/no/such.csv"), POWER, &ColumnOptions::default());
    let text = error.unwrap_err().to_string();
    assert!(text.contains("cannot read the file: No such file"), "{text}");
    assert!(text.contains("--> /no/such.csv") && text.contains("hint:"), "{text}");
    let utf16 = file([b'a', b'\n', 0xff, 0xfe]);
    let error = read_series(utf16.path(), POWER, &ColumnOptions::default()).unwrap_err();
    assert!(error.0[0].message.contains("UTF-8 text: see line 2"), "{error}");
}

#[test]
fn empty_files_and_files_without_header_or_rows_are_told_apart() {
    let first = |text: &str| problems(text, POWER)[0].message.clone();
    assert_eq!(first(""), "the file is empty");
    assert_eq!(first("\n\n"), "the file is empty");
    assert!(first("0,1\n1,2\n").starts_with("expected a header line"));
    assert!(first("2026-01-01T00:00:00Z,1\n").starts_with("expected a header line"));
    assert!(first("t_s,power_w\n").starts_with("the file has no rows"));
}

#[test]
fn a_missing_time_column_lists_the_columns_found() {
    let found = problems("when,power_w\n0,1\n", POWER);
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("`when`, `power_w`"), "{}", found[0]);
    assert_eq!((found[0].line, found[0].column, found[0].width), (1, 1, 12));
}

#[test]
fn several_value_columns_are_listed_with_the_option_that_picks_one() {
    let found = problems("second_of_day,pct_2016-04-14,pct_2016-05-03\n0,1,2\n", POWER);
    assert!(found[0].message.contains("`pct_2016-04-14`, `pct_2016-05-03`"));
    assert_eq!(found[0].hint.as_deref(), Some("pick one, such as --column pct_2016-04-14"));
    assert_eq!((found[0].column, found[0].width), (15, 14));
}

#[test]
fn a_unit_that_is_unknown_or_of_another_quantity_is_refused() {
    let message = |text: &str, quantity| problems(text, quantity)[0].to_string();
    let other = message("t_s,f_Hz\n0,50\n", POWER);
    assert!(other.contains("`f_Hz` is a frequency") && other.contains("--frequency"), "{other}");
    let other = message("t_s,power_kw\n0,50\n", Quantity::Frequency);
    assert!(other.contains("`power_kw` is a power") && other.contains("--dispatch"), "{other}");
    let unknown = message("t_s,power_hp\n0,50\n", POWER);
    assert!(unknown.contains("no unit among") && unknown.contains("--scale"), "{unknown}");

    let named = |text: &str, name: &str| {
        let error = read_with(text, POWER, &column(name)).unwrap_err();
        error.to_string()
    };
    let text = "t_s,power_hp,f_hz\n0,1,50\n";
    assert!(named(text, "power_hp").contains("has no unit"));
    assert!(named(text, "f_hz").contains("is a frequency, expected power"));
    assert!(named(text, "t_s").contains("is the time column"));
    assert!(named(text, "p").contains("no column `p` among `t_s`, `power_hp`, `f_hz`"));
}

#[test]
fn every_wrong_row_is_reported_at_its_place() {
    let text = "t_s,power_kw\n0,1\n1,abc\n2,NaN\n2,5\nx,6\n3\n4,1,9\n5,2,5 kW\n6,\n";
    let places: Vec<(usize, usize, usize)> =
        problems(text, POWER).iter().map(|p| (p.line, p.column, p.width)).collect();
    assert_eq!(
        places,
        [(3, 3, 3), (4, 3, 3), (5, 1, 1), (6, 1, 1), (7, 1, 1), (8, 5, 1), (9, 5, 4), (10, 3, 1)]
    );
}

#[test]
fn a_wrong_row_is_shown_as_people_need_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.csv");
    std::fs::write(&path, "t_s,power_kw\n0,1\n10,2\n8,3 kW\n").unwrap();
    let shown = read_series(&path, POWER, &ColumnOptions::default()).unwrap_err();
    let shown = shown.to_string().replace(&path.display().to_string(), "day.csv");
    assert_eq!(
        shown,
        "error: time must increase from row to row, but 8 s follows 10 s
 --> day.csv:4:1
  |
4 | 8,3 kW
  | ^
hint: sort the rows, or split a file that starts over

error: the power must be a number, got `3 kW`
 --> day.csv:4:3
  |
4 | 8,3 kW
  |   ^^^^
hint: write the number alone; its unit belongs into the header
"
    );
}

#[test]
fn a_series_that_starts_over_is_one_problem_and_not_one_a_row() {
    let found = problems("t_s,p_w\n0,1\n1,1\n2,1\n0,1\n1,1\n2,1\n", POWER);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].line, 5);
}

#[test]
fn ten_problems_are_enough_and_the_last_one_says_so() {
    let text = format!("t_s,p_w\n{}", "x,y\n".repeat(50));
    let found = problems(&text, POWER);
    assert_eq!(found.len(), PROBLEMS_MAX);
    assert!(found[9].hint.as_deref().unwrap().contains("reading stopped here"));
}

#[test]
fn frequencies_and_temperatures_outside_of_what_exists_are_refused() {
    let found = problems("t_s,f_hz\n0,50\n1,1.0002\n2,400\n", Quantity::Frequency);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].hint.as_deref(), Some("per unit? give --scale 60 or --scale 50"));
    assert_eq!(found[1].message, "the frequency must be from 40 to 70 Hz, got 400");
    let found = problems("t_s,ambient_degc\n0,-61\n1,80\n", Quantity::Ambient);
    assert_eq!((found.len(), found[0].line), (1, 2));
}

#[test]
fn calendar_times_need_their_offset_and_quoted_fields_their_place() {
    let text = "time,p_w\n\"2026-01-01T00:00:00\",1\n12,1\n";
    let found = problems(text, POWER);
    assert!(found[0].hint.as_deref().unwrap().contains("offset"));
    assert!(found[1].hint.as_deref().unwrap().contains("t_s"));
    assert_eq!((found[0].line, found[0].width), (2, 21));
}

#[test]
fn a_scale_that_is_no_factor_is_refused() {
    for scale in [0.0, f64::NAN] {
        let error = read_with("t_s,p_w\n0,1\n", POWER, &scaled("p_w", scale));
        assert!(error.unwrap_err().0[0].message.contains("--scale"));
    }
}

#[test]
fn a_cell_profile_tells_what_drives_the_cell() {
    for (name, input, factor) in [
        ("current_a", CellInput::CurrentA, 1.0),
        ("I_mA", CellInput::CurrentA, 1e-3),
        ("c_rate", CellInput::CRate, 1.0),
        ("C-rate", CellInput::CRate, 1.0),
        ("power_w", CellInput::PowerW, 1.0),
    ] {
        let profile = cell(&format!("t_s,{name}\n0,2\n10,0\n")).unwrap();
        assert_eq!(profile.input, input, "{name}");
        assert_eq!(profile.series.values()[0], 2.0 * factor, "{name}");
        assert!(!profile.row_is_end_of_interval);
        assert_eq!(profile.end_s, 20.0);
    }
    assert!(cell("t_s,temperature_degc\n0,25\n").is_err());
}

#[test]
fn the_rows_of_a_trajectory_carry_the_input_of_the_time_that_ended() {
    let text = "t_s,I_A,P_W,V_V\n0,0,0,4.1\n1,280,1138,4.0\n2,280,1138,4.0\n5,-10,-41,4.1\n";
    let profile = cell(text).unwrap();
    assert!(profile.row_is_end_of_interval);
    assert_eq!(profile.input, CellInput::CurrentA);
    assert_eq!(samples(&profile.series), [(0.0, 280.0), (1.0, 280.0), (2.0, -10.0)]);
    assert_eq!(profile.end_s, 5.0);

    let path = file(text);
    let power = read_cell_profile(path.path(), &column("P_W"), None).unwrap();
    assert_eq!((power.input, power.series.values()[0]), (CellInput::PowerW, 1138.0));
    let held = read_cell_profile(path.path(), &ColumnOptions::default(), Some(false)).unwrap();
    assert_eq!(held.series.values(), [0.0, 280.0, 280.0, -10.0]);
    assert!(cell("t_s,I_A,V_V\n0,0,4.1\n").unwrap_err().0[0].message.contains("two rows"));
}

#[test]
fn any_text_is_read_or_refused_with_places_inside_of_it() {
    use bess_core::rng::{Domain, Streams};
    const PIECES: [&str; 20] = [
        "t_s",
        "power_w",
        "time",
        ",",
        ",",
        ",",
        "\n",
        "\n",
        "\r\n",
        "\"",
        "#",
        ";",
        "1",
        "2.5",
        "nan",
        "°",
        "\r",
        " ",
        "2026-01-01T00:00:00Z",
        "\t",
    ];
    let mut stream = Streams::new(1).stream(Domain::Profile, 77);
    for round in 0..3000 {
        let mut text = if round % 2 == 0 { String::new() } else { "t_s,power_w\n".into() };
        for _ in 0..40 {
            text += PIECES[(stream.uniform() * 20.0) as usize];
        }
        let Err(found) = read(&text, POWER) else {
            continue;
        };
        assert!((1..=PROBLEMS_MAX).contains(&found.0.len()), "{text:?}");
        let lines = text.matches('\n').count() + 1;
        assert!(found.0.iter().all(|p| p.line <= lines), "{text:?} {found}");
    }
}

#[test]
fn durations_are_numbers_with_units() {
    for (text, seconds) in [
        ("90s", 90.0),
        ("15m", 900.0),
        ("24h", 86_400.0),
        ("7d", 604_800.0),
        ("100ms", 0.1),
        ("1.5h", 5400.0),
        ("1h30m", 5400.0),
        (" 2 h ", 7200.0),
        ("0", 0.0),
    ] {
        assert_eq!(parse_duration(text), Ok(seconds), "{text}");
    }
    for text in ["", "24", "h", "-1h", "1y", "1h30", "inf s", "1e400s", "1 2h"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
    assert!(parse_duration("24").unwrap_err().contains("24h"));
}

/// Reads a record of the shared folder where it is at hand.
#[allow(clippy::print_stderr)] // A skipped test has to say so.
fn shared(name: &str) -> Option<std::path::PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let folder = std::env::var("BESS_SHARED").unwrap_or_else(|_| beside.to_owned());
    let path = Path::new(&folder).join("reference").join(name);
    if !path.exists() {
        eprintln!("skipped: no record at {}", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn the_records_at_hand_can_be_read() {
    let default = ColumnOptions::default();
    if let Some(path) = shared("data/frequency/gmlc_us60_24h_1s.csv") {
        let day = read_series(&path, Quantity::Frequency, &default).unwrap();
        assert_eq!((day.values().len(), day.at(0.0)), (86_400, 59.982));
    }
    if let Some(path) = shared("data/dispatch/lbnl_caiso_agc_4s_5days.csv") {
        assert!(read_series(&path, POWER, &default).is_err());
        let day = read_series(&path, POWER, &column("pct_2016-04-14")).unwrap();
        assert_eq!((day.values().len(), day.at(0.0)), (3600, -0.56 * RATED_W));
    }
    if let Some(path) = shared("data/climate/miami_hourly_temperature.csv") {
        let year = read_series(&path, Quantity::Ambient, &default).unwrap();
        assert_eq!(year.at(3600.0), 18.9);
    }
    if let Some(path) = shared("ecm/a7_1rc_lfp_dynamic_power_1h.csv") {
        let hour = read_cell_profile(&path, &column("P_W"), None).unwrap();
        assert_eq!((hour.input, hour.end_s), (CellInput::PowerW, 3600.0));
    }
}
