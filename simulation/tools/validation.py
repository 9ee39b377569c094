"""Runs the validations, collects their figures, draws the curves and writes VALIDATION.md.

`make validate` calls it. Every validation test prints lines `figure <name> = <value> <unit> (bar <bar>)`
on stderr; they are grouped by test file. Exit code 1 when a bar is missed, a figure cannot be read, a
command fails, or a curve has no data; the report is written all the same.
"""

import argparse
import dataclasses
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

CARGO_TEST = ("cargo", "test", "--release", "--locked", "--no-fail-fast")
TEST_FLAGS = ("--", "--nocapture", "--include-ignored", "--test-threads=1")
COMMANDS = (
    (*CARGO_TEST, "-p", "bess-simulation", "--test", "val_*", *TEST_FLAGS),
    (*CARGO_TEST, "-p", "bess-benches", "--test", "val_*", *TEST_FLAGS),
)
"""What is run; a further command is a line. Figures outside a test file go under the command's name."""

FIGURE = re.compile(r"^figure (?P<name>.+?) = (?P<value>\S+)(?: (?P<unit>\S+))? \(bar (?P<bar>.+)\)$")
RUNNING = re.compile(r"^\s*Running (?:tests/)?(?P<file>\w+)(?:\.rs)? \(")
NUMBER = r"\s*([-+]?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)\s*"


class Unreadable(Exception):
    """A line that is meant to be a figure and is none."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure with its bar, as the test printed them."""

    name: str
    value: str
    unit: str
    bar: str

    def is_met(self):
        """Whether the value meets the bar; None where there is no bar."""
        value = float(self.value)
        if self.bar == "none":
            return None
        least, most = bounds(self.bar, self.unit)
        return least <= value <= most


def bounds(bar, unit):
    """The range that a bar `<= x unit`, `>= x unit` or `a..b unit` allows."""
    text = bar.strip()
    if not text.endswith(unit):
        raise Unreadable(f"the bar `{bar}` is not in {unit}")
    text = text[: len(text) - len(unit)]
    for pattern, ends in (
        (rf"<={NUMBER}", lambda m: (-float("inf"), float(m[1]))),
        (rf">={NUMBER}", lambda m: (float(m[1]), float("inf"))),
        (rf"{NUMBER}\.\.{NUMBER}", lambda m: (float(m[1]), float(m[2]))),
    ):
        match = re.fullmatch(pattern, text)
        if match:
            return ends(match)
    raise Unreadable(f"the bar `{bar}` is not one of `<= x`, `>= x`, `a..b`, `none`")


def read_figure(line):
    """The figure in a line; None when the line is none."""
    if not line.startswith("figure "):
        return None
    match = FIGURE.match(line.rstrip())
    if match is None:
        raise Unreadable(f"not `figure <name> = <value> <unit> (bar <bar>)`: {line.rstrip()}")
    figure = Figure(match["name"], match["value"], match["unit"] or "", match["bar"])
    try:
        value = float(figure.value)
        figure.is_met()
    except ValueError as error:
        raise Unreadable(f"no number: {line.rstrip()}") from error
    if value != value or abs(value) == float("inf"):
        raise Unreadable(f"not finite: {line.rstrip()}")
    return figure


def collect(lines, otherwise):
    """The figures of a command's stderr by topic, and what could not be read.

    Args:
        lines: The lines, in order.
        otherwise: The topic of figures before the first test file.
    """
    topics, problems, topic = {}, [], otherwise
    for line in lines:
        running = RUNNING.match(line)
        if running:
            topic = running["file"]
            continue
        try:
            figure = read_figure(line)
        except Unreadable as error:
            problems.append(str(error))
            continue
        if figure is None:
            continue
        figures = topics.setdefault(topic, [])
        if any(other.name == figure.name for other in figures):
            problems.append(f"{topic} prints `{figure.name}` twice")
        figures.append(figure)
    return topics, problems


def run_and_collect(command, environment):
    """Runs a command, passing its output through, and collects its figures."""
    print("+", " ".join(command), flush=True)
    lines = []
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        for line in process.stderr:
            sys.stderr.write(line)
            lines.append(line)
    topics, problems = collect(lines, command[0])
    if process.returncode != 0:
        problems.append(f"`{' '.join(command)}` failed with code {process.returncode}")
    if not topics:
        problems.append(f"`{' '.join(command)}` printed no figure")
    return topics, problems


def source_of(topic, root=ROOT):
    """The test file of a topic, if it is one."""
    return next(iter(sorted(root.glob(f"*/tests/{topic}.rs"))), None)


def module_doc(source):
    """(title, text) from the documentation at the top of a test file: up to its first colon or stop, and
    the rest."""
    doc = []
    for line in source.read_text().splitlines():
        if not line.startswith("//!"):
            break
        doc.append(line[3:].strip())
    paragraphs = " ".join(part or "\n" for part in doc).split("\n")
    texts = [" ".join(text.split()) for text in paragraphs if text.strip()] or [source.stem]
    title, *more = re.split(r"[:.] ", texts[0], maxsplit=1)
    rest = [text[0].upper() + text[1:] for text in more] + texts[1:]
    return title.rstrip("."), "\n\n".join(wrap(text) for text in rest)


def wrap(text, width=110):
    """A paragraph of Markdown in lines of at most `width`."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])


def table(figures):
    """A table of figures, with a mark for the bar."""
    marks = {True: "yes", False: "**NO**", None: ""}
    lines = ["| figure | measured | bar | met |", "|---|---|---|---|"]
    for figure in figures:
        bar = "" if figure.bar == "none" else figure.bar
        value = f"{figure.value} {figure.unit}".strip()
        lines.append(f"| {figure.name} | {value} | {bar} | {marks[figure.is_met()]} |".replace("  ", " "))
    return "\n".join(lines)


def pictures(plots, topic):
    """The Markdown of the pictures of a topic."""
    return [
        f"![{plot.caption}](docs/validation/{plot.name}.svg)\n\n{wrap(plot.caption)}"
        for plot in plots
        if plot.topic == topic
    ]


def report(topics, plots, root=ROOT):
    """The text of VALIDATION.md."""
    figures = [figure for group in topics.values() for figure in group]
    with_bar = [figure for figure in figures if figure.is_met() is not None]
    met = sum(figure.is_met() for figure in with_bar)
    parts = [
        "# Validation",
        wrap(
            f"{len(figures)} figures, {len(with_bar)} of them with a bar that they must meet: {met} do. "
            "`make validate` measures all of them, draws the curves and writes this file; apart from "
            "measured speed it comes out the same every time. Where a figure has no bar it is there to "
            "be known."
        ),
    ]
    for topic in sorted(topics):
        source = source_of(topic, root)
        title, text = module_doc(source) if source else (topic, "")
        parts.append(f"## {title}")
        if text:
            parts.append(text)
        parts.append(table(topics[topic]))
        parts.extend(pictures(plots, topic))
        if source:
            package = f"bess-{source.parents[1].name}"
            flags = "-- --nocapture --include-ignored"
            parts.append(f"Reproduce: `cargo test --release -p {package} --test {topic} {flags}`")
    rest = sorted({plot.topic for plot in plots} - set(topics))
    if rest:
        parts.append("## Further curves")
        for topic in rest:
            parts.extend(pictures(plots, topic))
    return "\n\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bess", type=pathlib.Path, default=ROOT / "target/release/bess", help="the binary")
    work = ROOT / "target/validation"
    parser.add_argument("--work", type=pathlib.Path, default=work, help="for the data of curves")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT, help="gets VALIDATION.md, docs/validation/")
    args = parser.parse_args()
    import validation_plots  # matplotlib is not needed to read figures

    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    for stale in work.glob("*.csv"):
        stale.unlink()
    environment = {**os.environ, "BESS_VALIDATION_DIR": str(work), "CARGO_TERM_COLOR": "never"}
    topics, problems = {}, []
    for command in COMMANDS:
        found, faults = run_and_collect(command, environment)
        for topic, figures in found.items():
            topics.setdefault(topic, []).extend(figures)
        problems.extend(faults)
    charts = args.out / "docs/validation"
    plots, faults = validation_plots.draw_all(args.bess.resolve(), work, charts)
    problems.extend(faults)
    for topic in sorted(topics):
        for figure in topics[topic]:
            if figure.is_met() is False:
                problems.append(f"{topic}: {figure.name} = {figure.value} {figure.unit} misses {figure.bar}")
    (args.out / "VALIDATION.md").write_text(report(topics, plots))
    for problem in problems:
        print("error:", problem, file=sys.stderr)
    count = sum(len(group) for group in topics.values())
    print(f"{count} figures, {len(plots)} curves, {len(problems)} problems: VALIDATION.md")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
