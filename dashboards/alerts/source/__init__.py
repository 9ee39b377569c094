"""What alerts and recording rules are made of. One module of this package for each component."""

import dataclasses
import re

# Every series of one process has these labels; namespace and pod are empty outside of Kubernetes.
T = "job, namespace, instance, pod"
# Which scrape jobs are ours, for series that Prometheus itself makes.
OURS = 'job=~".*bess.*"'

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86400

# What a rule is about decides what it means at a speed other than 1. Value: how docs/alerts.md says it, and
# the condition that the rule gets so that it never lies.
TIMES = {
    "wall": ("The process, its clients and its machine. The speed does not matter.", None),
    "state": ("What is so in the farm now. True at every speed; `for` counts wall time, so at 10 times the speed "
              "ten times as much simulated time passes before it fires.", None),
    "scaled": ("A rate or a duration of the simulated farm, computed in simulated seconds: the same at every speed, "
               "silent while the clock stands.", None),
    "forward": ("How fast the farm follows. Slower than real time, or paused, it would lie, so it is silent below a "
                "speed of 1; above, the farm has more simulated time to follow.", "bess_time_scale_ratio >= 1"),
    "running": ("What the process does while the farm's clock runs. What clients are served grows old on purpose while it "
                "is paused, so it is silent then, and for five minutes after.",
                "min_over_time(bess_time_scale_ratio[5m]) > 0"),
    "real": ("Whether the machine keeps the schedule of real time. Above a speed of 1 somebody asked for more than "
             "that, so it is silent; BessSpeedNotReached tells instead.", "bess_time_scale_ratio <= 1"),
}


@dataclasses.dataclass(frozen=True)
class Record:
    """A recording rule, named level:metric:operations."""

    name: str
    expr: str


@dataclasses.dataclass(frozen=True)
class Case:
    """How to test an alert. Series go from `quiet` (just below the threshold) to `loud` and back.

    A number is a gauge that holds it; "+n" a counter that grows by n a sample from where it stands; "a+b" is
    a + b times the number of the sample in the test; a list is repeated; None is no sample at all. The alert must
    stay silent at the end of the quiet time and as long as its `for` is not over, fire when its whole look-back,
    `window_s`, and its `for` have been loud, and be gone at the end.
    """

    quiet: dict
    loud: dict
    # Series that stay as they are.
    same: dict = dataclasses.field(default_factory=dict)
    # What stands in the texts in place of the value.
    shows: str = ""
    # Labels of the alert beside those of the process and the rule's own; None: it has no such label.
    labels: dict = dataclasses.field(default_factory=dict)
    window_s: int = 0
    interval_s: int = 5


@dataclasses.dataclass(frozen=True)
class Alert:
    """An alert with its texts and tests."""

    name: str
    severity: str
    time: str
    for_s: int
    expr: str
    summary: str
    description: str
    dashboard: str
    case: Case
    # At another speed, where it is scaled: the same shape of test, with the speed among its series.
    fast: Case = None
    keep_s: int = 0
    labels: dict = dataclasses.field(default_factory=dict)
    # Alerts over the same thing share a page.
    runbook: str = ""

    def gated(self):
        """The expression with the condition on the speed."""
        gate = TIMES[self.time][1]
        if gate is None:
            return self.expr
        # A rule over a whole job has no single speed.
        whole = f"({self.expr})" if re.search(r"\b(or|unless)\b", self.expr) else self.expr
        return f"{whole} and on ({T}) {gate}"


def total(selector):
    """Sum over the series of one process."""
    return f"sum by ({T}) ({selector})"


def alarm(codes, level=""):
    """Number of units on which one of these alarms stands."""
    levels = f',level=~"{level}"' if level else ""
    return total(f'bess_units_alarm{{code=~"{codes}"{levels}}}')


def alarms(code, value, level="trip"):
    """The series of `alarm` for a test."""
    return {f'bess_units_alarm{{code="{code}",level="{level}"}}': value}


def mean(histogram, window, by=""):
    """Mean of a histogram over a window."""
    labels = f"{T}, {by}" if by else T
    return (f"sum by ({labels}) (rate({histogram}_sum[{window}])) / "
            f"sum by ({labels}) (rate({histogram}_count[{window}]))")


def p99(histogram, window, by=""):
    """99th percentile of a histogram over a window."""
    labels = f"{T}, {by}, le" if by else f"{T}, le"
    return f"histogram_quantile(0.99, sum by ({labels}) (rate({histogram}_bucket[{window}])))"


def span(seconds):
    """A duration as Prometheus writes it."""
    for unit, size in (("d", DAY), ("h", HOUR), ("m", MINUTE)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
