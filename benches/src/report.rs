//! Figures with their bars, as a table and as JSON.

use std::fmt::Write as _;

/// What a figure is held to.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    /// It or more.
    AtLeast(f64),
    /// It or less.
    AtMost(f64),
    /// Less than it.
    Below(f64),
}

impl Bar {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bar) => value >= bar,
            Self::AtMost(bar) => value <= bar,
            Self::Below(bar) => value < bar,
        }
    }
    fn text(self) -> String {
        match self {
            Self::AtLeast(bar) => format!(">= {bar}"),
            Self::AtMost(bar) => format!("<= {bar}"),
            Self::Below(bar) => format!("< {bar}"),
        }
    }
}

#[derive(Debug)]
struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    bar: Option<Bar>,
}

/// What was measured.
#[derive(Debug)]
pub struct Report {
    workers: usize,
    rows: Vec<Row>,
    load_before: String,
    /// Load of the machine when it was done.
    pub load_after: String,
}

/// Work that the machine had over the last minute, ours and others'.
pub fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} x {}, Linux {}", cores, model.unwrap_or("unknown"), kernel.trim())
}

impl Report {
    /// An empty one, of servers with a runtime of `workers` threads.
    pub fn new(workers: usize) -> Self {
        let load_before = load_average();
        Self { workers, rows: Vec::new(), load_before, load_after: String::new() }
    }

    /// A figure, with or without a bar.
    pub fn add(&mut self, name: String, value: f64, unit: &'static str, bar: Option<Bar>) {
        self.rows.push(Row { name, value, unit, bar });
    }

    /// A figure without a bar.
    pub fn note(&mut self, name: String, value: f64, unit: &'static str) {
        self.add(name, value, unit, None);
    }

    /// A figure with a bar.
    pub fn row(&mut self, name: String, value: f64, unit: &'static str, bar: Bar) {
        self.add(name, value, unit, Some(bar));
    }

    /// As people read it.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for Row { name, value, unit, bar } in &self.rows {
            let verdict = bar.map_or(String::new(), |bar| {
                let met = if bar.is_met(*value) { "met" } else { "MISSED" };
                format!("{:<8}{met}", bar.text())
            });
            let figure =
                if *value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.3}") };
            let _ = writeln!(text, "{name:<72}{figure:>10} {unit:<4}{verdict}");
        }
        let Self { workers, load_before, load_after, .. } = self;
        let _ = write!(
            text,
            "{}; {workers} threads serve, one is the clients; load {load_before} before, {load_after} after",
            machine()
        );
        text
    }

    /// As programs read it.
    pub fn json(&self) -> String {
        let rows = self.rows.iter().map(|Row { name, value, unit, bar }| {
            serde_json::json!({
                "name": name, "value": value, "unit": unit, "bar": bar.map(Bar::text),
                "is_met": bar.map(|bar| bar.is_met(*value)),
            })
        });
        serde_json::json!({
            "machine": machine(), "workers": self.workers, "load_before": self.load_before,
            "load_after": self.load_after, "figures": rows.collect::<Vec<_>>(),
        })
        .to_string()
    }
}
