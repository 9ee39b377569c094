//! What ends a farm, and what is told of its speed until then.

use crate::scenario::serve::FirstRun;
use bess_core::time::Tick;
use bess_simulation::FarmHandle;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

pub(super) const FARM_ENDED: &str = "the tick loop ended";

/// Waits until something ends the farm and says what.
pub(super) async fn wait_for_end(
    last_tick: Tick,
    farm: &FarmHandle,
    [mut interrupt, mut terminate]: [Signal; 2],
    edges: &mut JoinSet<&'static str>,
    first_run: &mut FirstRun,
) -> anyhow::Result<&'static str> {
    let mut snapshots = farm.snapshots();
    let mut alive = tokio::time::interval(Duration::from_millis(200));
    let mut pace = Pace::default();
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok("interrupted"),
            _ = terminate.recv() => return Ok("terminated"),
            Some(edge) = edges.join_next() => {
                anyhow::bail!("the {} server ended by itself", edge.unwrap_or("unknown"));
            }
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return Ok(FARM_ENDED);
                }
                let seen = Arc::clone(&snapshots.borrow_and_update());
                if first_run.look(&seen) {
                    return Ok("the scenario is over");
                }
                if seen.tick >= last_tick {
                    return Ok("the time is over");
                }
            }
            _ = alive.tick() => {
                if farm.is_finished() {
                    return Ok(FARM_ENDED);
                }
                let skipped = farm.stats().ticks.skipped.load(std::sync::atomic::Ordering::Relaxed);
                pace.look(skipped, snapshots.borrow().clock.speed);
            }
        }
    }
}

/// Tells once when the loop begins to give ticks up, and once when it holds its speed again.
#[derive(Debug, Default)]
struct Pace {
    skipped: u64,
    quiet_looks: u32,
    is_behind: bool,
}

/// Looks without a skipped tick after which the speed counts as held: five seconds.
const QUIET_LOOKS: u32 = 25;

impl Pace {
    fn look(&mut self, skipped: u64, speed: f64) {
        let fresh = skipped - self.skipped;
        self.skipped = skipped;
        self.quiet_looks = if fresh > 0 { 0 } else { self.quiet_looks.saturating_add(1) };
        if fresh > 0 && !self.is_behind {
            self.is_behind = true;
            tracing::warn!(speed, "this machine does not hold the speed; ticks are given up");
        } else if self.is_behind && self.quiet_looks >= QUIET_LOOKS {
            self.is_behind = false;
            tracing::info!(speed, skipped, "the speed is held again");
        }
    }
}

/// Whoever interrupts a second time does not want to wait.
#[expect(clippy::exit, reason = "the second Ctrl-C ends the process at once, by contract")]
pub(crate) async fn exit_on_second_signal() {
    if let Ok(mut interrupt) = signal(SignalKind::interrupt()) {
        interrupt.recv().await;
        std::process::exit(130);
    }
}
