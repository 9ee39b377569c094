//! What the process tells a service manager (systemd's `Type=notify`): that it is ready, how it stands,
//! that its loop is alive, that it stops. Where nobody listens (`NOTIFY_SOCKET` is not set) it does nothing.

use bess_core::snapshot::Snapshot;
use bess_core::stats::Stats;
use sd_notify::NotifyState;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::watch;

/// Time between two lines of status where no watchdog asks for more.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// Whether somebody listens.
fn is_listened_to() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

fn tell(states: &[NotifyState<'_>]) {
    if is_listened_to()
        && let Err(error) = sd_notify::notify(states)
    {
        tracing::debug!(%error, "the service manager does not listen");
    }
}

/// Everything is bound and the farm runs.
pub(crate) fn ready(snapshot: &Snapshot) {
    tell(&[NotifyState::Ready, NotifyState::Status(&status(snapshot))]);
}

/// The process is on its way down.
pub(crate) fn stopping(reason: &str) {
    tell(&[NotifyState::Stopping, NotifyState::Status(reason)]);
}

fn status(snapshot: &Snapshot) -> String {
    let (clock, farm) = (&snapshot.clock, &snapshot.farm);
    format!(
        "tick {}, {} at speed {}; {:.2} MW at the POI, SoC {:.1} %",
        snapshot.tick,
        clock.mode.name(),
        clock.speed,
        farm.active_power.0 / 1e6,
        farm.soc * 100.0
    )
}

/// Feeds the watchdog for as long as the loop's heart beats, which it does while the clock stands too, and
/// says how the farm stands; until it is dropped.
pub(crate) async fn keep_telling(stats: Arc<Stats>, snapshots: watch::Receiver<Arc<Snapshot>>) {
    if !is_listened_to() {
        return;
    }
    let watchdog = sd_notify::watchdog_enabled();
    // Three tries until it bites.
    let every = watchdog.map_or(STATUS_EVERY, |watchdog| watchdog / 3);
    let mut looks = tokio::time::interval(every.max(Duration::from_millis(50)));
    let mut beat_before = 0;
    loop {
        looks.tick().await;
        let beat = stats.ticks.last_beat_unix_ns.load(Relaxed);
        let status = status(&snapshots.borrow());
        let mut states = vec![NotifyState::Status(&status)];
        if watchdog.is_some() && beat != beat_before {
            states.push(NotifyState::Watchdog);
        }
        beat_before = beat;
        tell(&states);
    }
}
