//! From OpenMetrics 1.0 to the text format 0.0.4 of Prometheus.
//!
//! The samples are the same in both; the metadata is not. A family of counters or infos is called
//! after its samples (`_total`, `_info`), an info is a gauge, an unknown type is `untyped`, and there
//! is neither `# UNIT` nor `# EOF`. It reads what our encoder writes: HELP before TYPE, no
//! exemplars, no `_created`, and HELP texts with nothing to escape (a test of the rows sees to it).

use super::text::Text;

/// Appends the same metrics in the classic format.
pub(super) fn from_open_metrics(text: &str, out: &mut Text) {
    out.room(text.len());
    let mut help = None;
    // Not `lines`, which would eat a carriage return before the end of a line.
    for line in text.split_inclusive('\n') {
        if !line.starts_with('#') {
            out.push_str(line);
        } else if let Some(rest) = line.strip_prefix("# HELP ") {
            // Its name depends on the type, which comes next.
            help = rest.split_once(' ').map(|(_, help)| help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ")
            && let Some((name, kind)) = rest.trim_end().split_once(' ')
        {
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                _ => ("", kind),
            };
            if let Some(help) = help.take() {
                push_all(out, &["# HELP ", name, suffix, " ", help]);
            }
            push_all(out, &["# TYPE ", name, suffix, " ", kind, "\n"]);
        }
    }
}

fn push_all(out: &mut Text, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_renamed_and_samples_stay() {
        let open_metrics = "\
# HELP a_joules Energy of a.
# TYPE a_joules counter
# UNIT a_joules joules
a_joules_total{kind=\"x # TYPE y\\n\r\"} 1.5
# HELP b About b.
# TYPE b info
b_info{c=\"d\"} 1
# HELP e Not known.
# TYPE e unknown
e 2
# HELP f_seconds Time.
# TYPE f_seconds histogram
# UNIT f_seconds seconds
f_seconds_sum 0.0
f_seconds_count 0
f_seconds_bucket{le=\"+Inf\"} 0
# EOF
";
        let classic = "\
# HELP a_joules_total Energy of a.
# TYPE a_joules_total counter
a_joules_total{kind=\"x # TYPE y\\n\r\"} 1.5
# HELP b_info About b.
# TYPE b_info gauge
b_info{c=\"d\"} 1
# HELP e Not known.
# TYPE e untyped
e 2
# HELP f_seconds Time.
# TYPE f_seconds histogram
f_seconds_sum 0.0
f_seconds_count 0
f_seconds_bucket{le=\"+Inf\"} 0
";
        let mut out = Text::default();
        from_open_metrics(open_metrics, &mut out);
        assert_eq!(out.as_str(), classic);
    }
}
