//! The two formats of the text.

use super::*;

#[test]
fn the_text_ends_with_eof_in_open_metrics_and_knows_neither_eof_nor_unit_in_classic() {
    let (snapshot, stats) = (farm(), Stats::default());
    let scrape = scrape(&snapshot, &stats);
    let open_metrics = encode(&scrape, Format::OpenMetrics);
    assert!(open_metrics.ends_with("\n# EOF\n"));
    assert_eq!(open_metrics.matches("# EOF").count(), 1);
    let classic = encode(&scrape, Format::Classic);
    assert!(!classic.contains("# EOF") && !classic.contains("# UNIT"));
    assert!(classic.ends_with('\n'));
}

#[test]
fn classic_text_has_the_same_series_under_metadata_of_their_own_name() {
    let (snapshot, stats) = (farm(), Stats::default());
    let scrape = scrape(&snapshot, &stats);
    let open_metrics = encode(&scrape, Format::OpenMetrics);
    let classic = encode(&scrape, Format::Classic);
    let names = |text| series(text).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&open_metrics), names(&classic));
    let (help, kind) = (metadata(&classic, "HELP"), metadata(&classic, "TYPE"));
    assert_eq!(kind.len(), n_rows());
    for row in rows::all() {
        let expected = match row.kind {
            Kind::Counter => "counter",
            Kind::Gauge | Kind::Info => "gauge",
            Kind::Histogram => "histogram",
        };
        assert_eq!(kind.get(row.name), Some(&expected), "{}", row.name);
        assert_eq!(help.get(row.name), Some(&row.help().as_str()));
    }
}

#[test]
fn label_values_are_escaped_in_both_formats() {
    let text =
        BUILT_IN_FARM.replace(r#"manufacturer = "bess""#, r#"manufacturer = "a\\b \"c\" é""#);
    let (snapshot, stats) = (farm_of(&text), Stats::default());
    let mut scrape = scrape(&snapshot, &stats);
    scrape.build.revision = "line one\nline \"two\" \\".to_owned();
    scrape.build.rustc.clear();
    for format in [Format::OpenMetrics, Format::Classic] {
        let text = encode(&scrape, format);
        let build =
            r#"bess_build_info{version="1.2.3",revision="line one\nline \"two\" \\",rustc="""#;
        assert!(text.lines().any(|line| line.starts_with(build)), "{text}");
        assert!(text.contains(r#"vendor="a\\b \"c\" é""#), "{text}");
    }
}

#[test]
fn each_format_says_what_it_is() {
    assert!(Format::OpenMetrics.content_type().contains("version=1.0.0"));
    assert!(Format::Classic.content_type().contains("version=0.0.4"));
}
