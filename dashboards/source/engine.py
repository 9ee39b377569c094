"""The tick loop: does it keep its time, and where does the time go?"""

import grafana as g
import words as w

PERIOD = "max(bess_tick_period_seconds)"


def build():
    numbers = [
        g.stat("Ticks per second", "10 at real time, more at higher speeds, 0 while paused.",
               [("", "sum(rate(bess_ticks_total[$__rate_interval]))")], "short", decimals=1, thresholds=g.steps(w.BLUE),
               spark=True, background=False, alerts=["BessTickStalled", "BessClockPaused", "BessSpeedNotReached"]),
        g.stat("Overruns", "Ticks in the time shown whose work took longer than their period.",
               [("", "sum(increase(bess_tick_overruns_total[$__range]))")], "short", decimals=0,
               thresholds=g.steps(w.GREEN, (1, w.YELLOW), (10, w.RED)), alerts=["BessTickDeadlineBurn1h"]),
        g.stat("Ticks skipped",
               "Ticks of the schedule that were given up in the time shown because the loop fell behind.",
               [("", "sum(increase(bess_ticks_skipped_total[$__range]))")], "short", decimals=0,
               thresholds=g.steps(w.GREEN, (1, w.RED))),
        g.stat("Behind schedule", "How late the loop is now, in wall time.", [("", "max(bess_simulation_lag_seconds)")],
               "s", decimals=1, thresholds=g.steps(w.GREEN, (0.1, w.YELLOW),
                                                   (1, w.RED)), alerts=["BessSimulationLags"]),
        g.stat(
            "Last beat",
            "Since the loop last showed life; it beats also while the clock is paused. Scrapes are seconds apart, so a few seconds are normal.",
            [("", "max(time() - bess_last_tick_timestamp_seconds)")], "s", decimals=1,
            thresholds=g.steps(w.GREEN, (20, w.YELLOW), (60, w.RED)), alerts=["BessTickStalled"]),
        w.time_scale(),
    ]
    duration = g.lines(
        "Tick duration",
        "Work of a tick, from gathering commands to replying. Dashed: the period at the speed in force, which is what a tick may take.",
        [("median", g.quantile(0.5, "bess_tick_duration_seconds")),
         ("99 %", g.quantile(0.99, "bess_tick_duration_seconds")),
         ("mean",
          "sum(rate(bess_tick_duration_seconds_sum[$__rate_interval])) / sum(rate(bess_tick_duration_seconds_count[$__rate_interval]))"
          ), ("period", PERIOD)], "s", low=0, log=False,
        overrides=[*g.colours({"median": w.GREEN, "99 %": w.ORANGE, "mean": w.BLUE}),
                   g.dashed("period", w.RED)], alerts=["BessTickBudgetNearlySpent"])
    late = g.lines(
        "Tick jitter",
        "From when a tick was due to when it started. The machine's scheduler shows here, and throttled CPUs do.",
        [("median", g.quantile(0.5, "bess_tick_jitter_seconds")),
         ("99 %", g.quantile(0.99, "bess_tick_jitter_seconds"))], "s", low=0,
        overrides=g.colours({"median": w.GREEN, "99 %": w.ORANGE}))
    spread = g.heatmap("Tick durations", "How many ticks took how long.",
                       "sum by (le) (increase(bess_tick_duration_seconds_bucket[$__rate_interval]))", "s")
    phases = g.lines(
        "Where the time of a tick goes", "Mean time of each phase of a tick, stacked.",
        [("{{phase}}",
          "sum by (phase) (rate(bess_tick_phase_duration_seconds_sum[$__rate_interval])) / on () group_left () "
          "sum(rate(bess_ticks_total[$__rate_interval]))")], "s", low=0, fill=60, stack=True, table=True,
        calcs=("mean", "max"))
    missed = g.lines("Overruns and skipped ticks", "Per second of wall time.",
                     [("overruns", "sum(rate(bess_tick_overruns_total[$__rate_interval]))"),
                      ("skipped", "sum(rate(bess_ticks_skipped_total[$__rate_interval]))")], "cps", low=0,
                     overrides=g.colours({"overruns": w.ORANGE, "skipped": w.RED}), alerts=["BessTickDeadlineBurn1h"])
    apply = g.lines("Commands: received to applied",
                    "99 % of the commands take effect within this time; half a tick is the mean where nothing waits.",
                    [("{{source}}", f'{g.quantile(0.99, "bess_command_apply_seconds", "source")} >= 0')], "s", low=0,
                    alerts=["BessCommandsSlow"])
    age = g.lines("Age of the snapshot when served",
                  "99 % of the answers of each protocol show a state not older than this. A tick period is normal.",
                  [("{{protocol}}", f'{g.quantile(0.99, "bess_snapshot_age_seconds", "protocol")} >= 0'),
                   ("period", PERIOD)], "s", low=0, overrides=[g.dashed("period", w.RED)], alerts=["BessSnapshotStale"])
    commands = g.lines(
        "Letters to the loop",
        "Commands applied and refused, and requests turned away because the inbox was full, per second.",
        [("{{result}}", "sum by (result) (rate(bess_setpoint_commands_total[$__rate_interval]))"),
         ("inbox full", "sum(rate(bess_commands_busy_total[$__rate_interval]))")], "cps", low=0,
        overrides=g.colours({"applied": w.BLUE, "refused": w.GREY,
                             "inbox full": w.RED}), alerts=["BessCommandsRefused", "BessCommandsTurnedAway"])
    return w.make("bess-engine", "Tick engine", "Whether the loop keeps its time, and where the time goes.",
                  [(4, numbers), (8, [duration, late, spread]), (8, [phases, missed]),
                   (8, [apply, age, commands])], tags=["engine"])
