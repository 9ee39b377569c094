"""python -m unittest discover -s simulation/tools"""

import pathlib
import tempfile
import unittest

import validation
from validation import Figure, Unreadable


class FiguresAreRead(unittest.TestCase):
    def test_a_line_gives_name_value_unit_and_bar(self):
        line = "figure 1C, predicted: voltage, rms = 8.723 mV (bar <= 20 mV)\n"
        figure = validation.read_figure(line)
        self.assertEqual(figure, Figure("1C, predicted: voltage, rms", "8.723", "mV", "<= 20 mV"))
        self.assertTrue(figure.is_met())

    def test_a_unit_may_be_absent_and_a_bar_none(self):
        figure = validation.read_figure("figure ratio = 3.1e-7 (bar none)")
        self.assertEqual((figure.unit, figure.is_met()), ("", None))
        self.assertTrue(validation.read_figure("figure ratio = 4 (bar >= 3)").is_met())

    def test_other_lines_are_no_figures(self):
        self.assertIsNone(validation.read_figure("test a_cell ... ok"))

    def test_a_figure_that_cannot_be_read_is_an_error(self):
        for line in (
            "figure voltage = 3 mV",
            "figure voltage = many mV (bar <= 3 mV)",
            "figure voltage = NaN mV (bar <= 3 mV)",
            "figure voltage = 3 mV (bar <= 3 uV)",
            "figure voltage = 3 mV (bar about 3 mV)",
        ):
            with self.subTest(line), self.assertRaises(Unreadable):
                validation.read_figure(line)


class BarsAreJudged(unittest.TestCase):
    def test_a_bar_holds_up_to_its_ends_and_no_further(self):
        for value, bar, met in (
            ("1", "<= 1 uV", True), ("1.01", "<= 1 uV", False),
            ("2e-9", "<= 1e-8 uV", True), ("-3", ">= -2.5 uV", False),
            ("80", "80..90 uV", True), ("90", "80..90 uV", True), ("90.1", "80..90 uV", False),
            ("-0.09", "-0.5..0.5 uV", True), ("0.6", "-0.5..0.5 uV", False),
        ):
            with self.subTest(value=value, bar=bar):
                self.assertIs(Figure("x", value, "uV", bar).is_met(), met)


class OutputIsGroupedByTestFile(unittest.TestCase):
    LINES = [
        "     Running tests/val_a.rs (target/release/deps/val_a-12ab)",
        "figure one = 1 V (bar <= 2 V)",
        "noise",
        "     Running tests/val_b.rs (target/release/deps/val_b-12ab)",
        "figure one = 3 V (bar <= 2 V)",
        "figure broken",
        "figure one = 3 V (bar <= 2 V)",
    ]

    def test_figures_go_to_the_file_that_runs_and_faults_are_told(self):
        topics, problems = validation.collect(self.LINES, "cargo")
        self.assertEqual({topic: len(found) for topic, found in topics.items()}, {"val_a": 1, "val_b": 2})
        self.assertEqual(len(problems), 2, problems)

    def test_the_report_shows_what_is_met_and_what_is_not(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "simulation/tests").mkdir(parents=True)
            doc = "//! A thing: what it shows.\n//!\n//! How it does.\n\nmod support;\n"
            (root / "simulation/tests/val_a.rs").write_text(doc)
            topics, _ = validation.collect(self.LINES, "cargo")
            text = validation.report(topics, [], root)
        self.assertIn("3 figures, 3 of them with a bar that they must meet: 1 do.", text)
        self.assertIn("## A thing\n\nWhat it shows.\n\nHow it does.\n\n| figure", text)
        self.assertIn("| one | 1 V | <= 2 V | yes |", text)
        self.assertIn("| one | 3 V | <= 2 V | **NO** |", text)


if __name__ == "__main__":
    unittest.main()
