//! The process as the kernel accounts for it, under the names that every Prometheus client uses.
//!
//! Read from `/proc/self` at each scrape. Where there is none, or where it holds something else, a
//! value is NaN and its series is absent.

use std::fs;
use std::sync::OnceLock;

/// What `/proc/self` said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    /// User and system time together.
    pub(super) cpu_s: f64,
    /// Memory that is in RAM.
    pub(super) resident_memory_bytes: f64,
    /// Open file descriptors.
    pub(super) open_fds: f64,
    /// How many may be open (the soft limit).
    pub(super) max_fds: f64,
    /// Threads.
    pub(super) threads: f64,
    /// Start, in Unix seconds.
    pub(super) start_time_unix_s: f64,
}

impl Process {
    /// Reads everything now.
    pub(super) fn read() -> Self {
        let stat = read("self/stat").and_then(|text| Stat::parse(&text));
        let status = read("self/status").unwrap_or_default();
        let limits = read("self/limits").unwrap_or_default();
        Self {
            cpu_s: or_nan(stat.as_ref().map(|stat| stat.cpu_s)),
            resident_memory_bytes: or_nan(first_number(&status, "VmRSS:").map(|kib| kib * 1024.0)),
            open_fds: or_nan(open_fds()),
            max_fds: or_nan(first_number(&limits, "Max open files")),
            threads: or_nan(first_number(&status, "Threads:")),
            start_time_unix_s: or_nan(stat.and_then(|stat| start_time_unix_s(&stat))),
        }
    }
}

/// What the runtime says that serves the edges, by what of it is stable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runtime {
    /// Worker threads.
    pub(super) workers: f64,
    /// Tasks that are alive.
    pub(super) alive_tasks: f64,
    /// Tasks that wait in the queue of all workers.
    pub(super) global_queue_depth: f64,
    /// Time for which workers were busy.
    pub(super) worker_busy_s: f64,
    /// Times that a worker slept.
    pub(super) worker_parks: f64,
}

impl Runtime {
    /// Asks the runtime that this thread belongs to, if it belongs to one.
    pub(crate) fn read() -> Option<Self> {
        let metrics = tokio::runtime::Handle::try_current().ok()?.metrics();
        let workers = metrics.num_workers();
        let of_all = |of: &dyn Fn(usize) -> f64| (0..workers).map(of).sum();
        Some(Self {
            workers: workers as f64,
            alive_tasks: metrics.num_alive_tasks() as f64,
            global_queue_depth: metrics.global_queue_depth() as f64,
            worker_busy_s: of_all(&|w| metrics.worker_total_busy_duration(w).as_secs_f64()),
            worker_parks: of_all(&|w| metrics.worker_park_count(w) as f64),
        })
    }
}

/// Ticks per second of the times in `/proc`: USER_HZ, which Linux fixed for user space.
const USER_HZ: f64 = 100.0;

/// The fields of `/proc/self/stat` that matter here (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stat {
    cpu_s: f64,
    started_after_boot_s: f64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // Field 2 is the name in parentheses and may hold spaces and parentheses itself; what
        // follows its last parenthesis begins with field 3.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let ticks = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let (utime, stime, starttime) = (ticks(14)?, ticks(15)?, ticks(22)?);
        Some(Self {
            cpu_s: (utime + stime) as f64 / USER_HZ,
            started_after_boot_s: starttime as f64 / USER_HZ,
        })
    }
}

/// The start never changes, and `/proc/stat` is long on a large machine: read once.
fn start_time_unix_s(stat: &Stat) -> Option<f64> {
    static BOOT_UNIX_S: OnceLock<Option<f64>> = OnceLock::new();
    let boot_unix_s = BOOT_UNIX_S.get_or_init(|| first_number(&read("stat")?, "btime"));
    boot_unix_s.map(|boot| boot + stat.started_after_boot_s)
}

/// Since Linux 6.2 the folder's size is the number; before, it is 0 and its entries are counted, of
/// which one is the folder itself.
fn open_fds() -> Option<f64> {
    const FOLDER: &str = "/proc/self/fd";
    let size = fs::metadata(FOLDER).ok()?.len();
    if size > 0 {
        return Some(size as f64);
    }
    let entries = fs::read_dir(FOLDER).ok()?.count();
    Some(entries.saturating_sub(1) as f64)
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{path}")).ok()
}

/// The first number of the line that begins with `key`.
fn first_number(text: &str, key: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    let number: u64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(number as f64)
}

fn or_nan(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let text = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 3 0 12345 1 1 1";
        let stat = Stat::parse(text);
        let expected = Stat { cpu_s: 3.0, started_after_boot_s: 123.45 };
        assert_eq!(stat, Some(expected));
        assert_eq!(Stat::parse("7 (a) S 1"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn an_unlimited_number_of_files_is_no_number() {
        let limits = "Limit            Soft Limit   Hard Limit   Units\n\
                      Max open files   1024         4096         files\n";
        assert_eq!(first_number(limits, "Max open files"), Some(1024.0));
        let unlimited = limits.replace("1024", "unlimited");
        assert_eq!(first_number(&unlimited, "Max open files"), None);
    }

    #[test]
    fn a_runtime_tells_of_its_workers_and_there_is_nothing_to_tell_without_one() {
        assert!(Runtime::read().is_none());
        let build = tokio::runtime::Builder::new_multi_thread().worker_threads(3).build();
        let runtime = build.expect("a runtime");
        let read = runtime.block_on(async { Runtime::read() }).expect("there is one");
        assert_eq!(read.workers, 3.0);
        assert!(read.worker_busy_s >= 0.0 && read.worker_parks >= 0.0, "{read:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_threads_and_a_past() {
        let process = Process::read();
        assert!(process.resident_memory_bytes > 1e5, "{process:?}");
        assert!(process.threads >= 1.0 && process.cpu_s >= 0.0, "{process:?}");
        assert!(process.open_fds >= 1.0 && process.open_fds <= process.max_fds, "{process:?}");
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("now is after 1970")
            .as_secs_f64();
        // The boot time is in whole seconds, and the test began a moment ago.
        let age_s = now - process.start_time_unix_s;
        assert!((-2.0..3600.0).contains(&age_s), "{age_s}");
    }
}
