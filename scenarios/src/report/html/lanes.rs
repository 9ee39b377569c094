//! Charts of what lasted or happened: one row each, bars and marks on the shared time axis.

use super::scale::{LEFT, RIGHT, TimeAxis, WIDTH};
use maud::{Markup, html};

/// Height of a row.
const ROW: f64 = 22.0;
/// Width of a letter, about.
const LETTER: f64 = 5.9;
/// Rows of a chart; more would be no chart any more.
pub(super) const ROWS_MAX: usize = 80;
/// Bars and marks of a row.
const PIECES_MAX: usize = 400;

/// Something that lasted.
pub(super) struct Bar {
    pub(super) from_s: f64,
    pub(super) to_s: f64,
    /// Names its colour.
    pub(super) class: &'static str,
    /// Written into or beside it, where there is room.
    pub(super) label: String,
    /// All about it.
    pub(super) title: String,
}

/// Something that happened.
pub(super) struct Mark {
    pub(super) at_s: f64,
    pub(super) class: &'static str,
    /// `✓`, `✗` or another sign; a stroke where empty.
    pub(super) sign: &'static str,
    pub(super) title: String,
}

/// One row.
#[derive(Default)]
pub(super) struct Row {
    pub(super) label: String,
    /// Whether it is the heading of those after it.
    pub(super) is_head: bool,
    pub(super) bars: Vec<Bar>,
    pub(super) marks: Vec<Mark>,
}

impl Row {
    pub(super) fn head(label: &str) -> Self {
        Self { label: label.to_owned(), is_head: true, ..Self::default() }
    }
}

/// A place with one decimal.
pub(super) fn at(place: f64) -> String {
    let text = format!("{place:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Text that fits into `width`, about.
pub(super) fn cut(text: &str, width: f64) -> String {
    let most = (width / LETTER) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The time axis below a plot from `top` to `bottom`, with the lines of its ticks.
pub(super) fn time_axis(axis: &TimeAxis, top: f64, bottom: f64) -> Markup {
    html! {
        @for (at_s, label) in axis.ticks() {
            @let x = axis.x(at_s);
            line.grid[at_s != 0.0].zero[at_s == 0.0] x1=(at(x)) x2=(at(x)) y1=(at(top)) y2=(at(bottom)) {}
            text.tick x=(at(x)) y=(at(bottom + 14.0)) text-anchor="middle" { (label) }
        }
    }
}

/// A chart of rows; `name` tells what it is to those who do not see it.
pub(super) fn lanes(name: &str, axis: &TimeAxis, rows: &[Row]) -> Markup {
    let shown = &rows[..rows.len().min(ROWS_MAX)];
    let bottom = 6.0 + ROW * shown.len() as f64;
    html! {
        div.scroll {
            svg.plot viewBox=(format!("0 0 {WIDTH} {}", at(bottom + 22.0))) role="img" aria-label=(name)
                data-from=(at(axis.from_s)) data-to=(at(axis.to_s)) {
                (time_axis(axis, 4.0, bottom))
                @for (n, row) in shown.iter().enumerate() { (one(axis, row, 6.0 + ROW * n as f64)) }
            }
        }
        @if rows.len() > shown.len() {
            p.note { (rows.len() - shown.len()) " more rows are in the JSON report." }
        }
    }
}

fn one(axis: &TimeAxis, row: &Row, top: f64) -> Markup {
    let base = top + ROW / 2.0 + 4.0;
    let indent = if row.is_head { 0.0 } else { 10.0 };
    html! {
        text.head[row.is_head].label[!row.is_head] x=(at(indent)) y=(at(base)) {
            (cut(&row.label, LEFT - 12.0 - indent)) title { (row.label) }
        }
        @if !row.is_head {
            line.row x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(top + ROW / 2.0)) y2=(at(top + ROW / 2.0)) {}
        }
        @for (n, bar) in row.bars.iter().take(PIECES_MAX).enumerate() {
            (one_bar(axis, bar, row.bars.get(n + 1).map(|next| next.from_s), top))
        }
        @for (mark, more) in thinned(axis, &row.marks) {
            @let x = axis.x(mark.at_s);
            g class={ "mark " (mark.class) } {
                @if mark.sign.is_empty() {
                    line x1=(at(x)) x2=(at(x)) y1=(at(top + 4.0)) y2=(at(top + ROW - 4.0)) {}
                } @else {
                    text x=(at(x)) y=(at(base)) text-anchor="middle" { (mark.sign) }
                }
                title { (mark.title) @if more > 0 { " and " (more) " more" } }
            }
        }
    }
}

/// Marks that would stand on each other become one, with the number of the others.
fn thinned<'a>(axis: &TimeAxis, marks: &'a [Mark]) -> Vec<(&'a Mark, usize)> {
    let mut shown: Vec<(&Mark, usize)> = Vec::new();
    for mark in marks {
        let twin = shown.iter_mut().rev().take(8).find(|(other, _)| {
            let is_near = (axis.x(other.at_s) - axis.x(mark.at_s)).abs() < 1.5;
            is_near && other.class == mark.class && other.sign == mark.sign
        });
        match twin {
            Some((_, more)) => *more += 1,
            None => shown.push((mark, 0)),
        }
    }
    shown
}

fn one_bar(axis: &TimeAxis, bar: &Bar, next_s: Option<f64>, top: f64) -> Markup {
    let (x, end) = (axis.x(bar.from_s), axis.x(bar.to_s));
    let width = (end - x).max(2.0);
    let needs = bar.label.chars().count() as f64 * LETTER + 8.0;
    let free = next_s.map_or(RIGHT, |next_s| axis.x(next_s)) - (x + width);
    // In it, else right of it, else left of it where nothing else is.
    let place = if needs <= width {
        Some((x + 4.0, "start"))
    } else if needs <= free {
        Some((x + width + 4.0, "start"))
    } else if next_s.is_none() && x - LEFT >= needs && bar.to_s > axis.to_s - 1.0 {
        Some((x - 4.0, "end"))
    } else {
        None
    };
    html! {
        g class={ "bar " (bar.class) } {
            rect x=(at(x)) y=(at(top + 3.0)) width=(at(width)) height=(at(ROW - 6.0)) rx="2" {}
            @if let Some((x, anchor)) = place {
                @if !bar.label.is_empty() {
                    text x=(at(x)) y=(at(top + ROW / 2.0 + 4.0)) text-anchor=(anchor) { (bar.label) }
                }
            }
            title { (bar.title) }
        }
    }
}
