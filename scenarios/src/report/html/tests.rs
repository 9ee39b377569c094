use super::html;
use crate::report::{json, junit, sample};

/// Elements without an end tag.
const VOID: [&str; 3] = ["br", "link", "meta"];

/// Every tag in its order; panics where one is not closed, or closed twice.
fn tags(page: &str) -> Vec<String> {
    let (mut open, mut all) = (Vec::new(), Vec::new());
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        let name: String = tag.chars().take_while(|c| !c.is_whitespace()).collect();
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed in order");
            continue;
        }
        all.push(tag.to_owned());
        if name == "script" || name == "style" {
            rest = &rest[rest.find(&format!("</{name}>")).expect("it ends")..];
        }
        if !name.starts_with('!') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    all
}

#[test]
fn it_is_one_page_that_asks_nobody_for_anything() {
    for report in [sample::report(), sample::passed(), sample::empty()] {
        let page = html(&report);
        for tag in tags(&page) {
            for way in ["src=", "href=\"http", "@import", "xlink", "srcset", "action="] {
                assert!(!tag.contains(way), "{tag}");
            }
        }
        for way in ["url(", "@import", "fetch(", "XMLHttpRequest", "innerHTML"] {
            assert!(!page.contains(way), "{way}");
        }
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn no_text_of_a_scenario_becomes_markup() {
    let plain = tags(&html(&sample::report())).len();
    let mut report = sample::report();
    let nasty = "</title></style></script><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload=\"x";
    report.scenario.title = nasty.to_owned();
    report.scenario.id = nasty.to_owned();
    report.reason = nasty.to_owned();
    for check in &mut report.checks {
        for text in [&mut check.id, &mut check.message, &mut check.asks, &mut check.seen] {
            *text = nasty.to_owned();
        }
    }
    for action in &mut report.actions {
        (action.id, action.proof) = (nasty.to_owned(), nasty.to_owned());
    }
    for signal in &mut report.signals {
        signal.name = format!("{nasty}{}", signal.name);
    }
    for command in &mut report.commands {
        (command.what, command.peer) = (nasty.to_owned(), nasty.to_owned());
    }
    for event in &mut report.events {
        event.text = nasty.to_owned();
    }
    let tags = tags(&html(&report));
    assert!(tags.iter().all(|tag| !tag.starts_with("img")), "no element comes from a text");
    assert_eq!(tags.iter().filter(|tag| tag.starts_with("script")).count(), 1);
    // As a value of an attribute it stays between its quotes.
    let attributes = tags.iter().filter(|tag| tag.contains("onload"));
    assert!(attributes.clone().all(|tag| tag.contains("&quot;' onload=&quot;")));
    assert!(attributes.count() > 0 && tags.len() > plain / 2);
}

#[test]
fn it_tells_the_whole_story() {
    let page = html(&sample::report());
    for text in [
        "A cell shorts while the farm gives power",
        "failed",
        "power-stays",
        "the farm gives what it is asked for",
        "insulation-seen",
        "device.cell.internal_short",
        "unit-003/rack-2/cell-118",
        "resistance_mohm",
        "no_effect",
        "cell_over_temperature",
        "locked_out",
        "setpoint 40.0 MW",
        "it is not remote",
        "within_capability",
        "2:01.5",
        "bess scenario run 'scenarios/my short.yaml' --seed 42",
        "stale_data",
        "truth.cell_temperature_max_degc",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf"), "every number is one");
}

#[test]
fn three_quarters_of_an_hour_of_many_signals_stay_below_a_megabyte() {
    for n_signals in [40, 400] {
        let page = html(&sample::long(n_signals));
        assert!(page.len() < 1_000_000, "{n_signals}: {}", page.len());
        assert!(page.matches("<path class=\"line").count() >= n_signals);
    }
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    assert_eq!(html(&sample::report()), html(&sample::report()));
}

/// `SHOW=DIR cargo test -p bess-scenarios pages_can_be_shown_in_a_browser` writes every form, to look at.
#[test]
fn pages_can_be_shown_in_a_browser() {
    let pages = [
        ("failed", sample::report()),
        ("passed", sample::passed()),
        ("empty", sample::empty()),
        ("long", sample::long(40)),
    ];
    for (name, report) in pages {
        let page = html(&report);
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
        if let Some(folder) = std::env::var_os("SHOW") {
            let folder = std::path::Path::new(&folder);
            let forms = [("html", page), ("json", json(&report)), ("xml", junit(&report))];
            for (end, text) in forms {
                let path = folder.join(format!("{name}.{end}"));
                std::fs::write(path, text).expect("it can be written");
            }
        }
    }
}

#[test]
fn a_bound_that_moves_is_drawn_and_told_as_it_moves() {
    let mut report = sample::report();
    let check = report.checks.iter_mut().find(|check| check.id == "power-stays").expect("there");
    let band = check.band.as_mut().expect("it has one");
    (band.low, band.high) = (1e6, 2e6);
    band.path = vec![(60.0, 1e6, 2e6), (61.0, 9e6, 10e6), (1800.0, 30e6, 32e6)];
    let page = html(&report);
    assert!(page.contains("<polygon points="), "its area");
    assert!(page.contains("power-stays: 1 MW to 2 MW at first, it moves to 30 MW to 32 MW"));
}

#[test]
fn alarms_of_two_levels_have_a_lane_each() {
    let mut report = sample::report();
    let mut other = report.alarms[0].clone();
    other.level = if other.level == "warning" { "derate" } else { "warning" };
    let labels = [&report.alarms[0], &other].map(|alarm| format!("{} {}", alarm.code, alarm.level));
    report.alarms.insert(1, other);
    let page = html(&report);
    for label in labels {
        assert!(page.contains(&format!("<title>{label}</title>")), "{label}");
    }
}
