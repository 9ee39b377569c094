//! What the kernel gives the process: limits of its cgroup, versions 2 and 1, and how it was held back.
//!
//! The default period of a CPU limit is as long as a tick, so that throttling shows as late ticks. Where
//! there is no limit, or no cgroup, a value is NaN and its series is absent.

use std::fs;
use std::path::{Path, PathBuf};

/// What the kernel said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cgroup {
    /// The limit of memory, or what the machine has.
    pub(super) memory_limit_bytes: f64,
    /// Periods in which the cgroup wanted to run.
    pub(super) cpu_periods: f64,
    /// Periods in which it was held back.
    pub(super) cpu_throttled_periods: f64,
    /// For how long it was held back.
    pub(super) cpu_throttled_s: f64,
}

impl Cgroup {
    /// Reads everything now.
    pub(super) fn read() -> Self {
        Self::read_in(Path::new("/"))
    }

    /// Reads the files of a system whose root is `root`.
    fn read_in(root: &Path) -> Self {
        let own = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
        let memory = groups(root, &own, "memory");
        let names = ["memory.max", "memory.limit_in_bytes"];
        // The narrowest limit on the way up is the one that counts.
        let limits = memory.iter().flat_map(|group| names.map(|name| number(&group.join(name))));
        let machine = fs::read_to_string(root.join("proc/meminfo")).ok();
        let machine = machine.and_then(|text| field(&text, "MemTotal:")).map(|kib| kib * 1024.0);
        let memory_limit_bytes = limits.flatten().chain(machine).fold(f64::NAN, f64::min);
        // The nearest group with periods is the one with a limit.
        let stat = groups(root, &own, "cpu").into_iter().find_map(|group| {
            let text = fs::read_to_string(group.join("cpu.stat")).ok()?;
            let periods = field(&text, "nr_periods ").filter(|periods| *periods > 0.0)?;
            Some((text, periods))
        });
        let (text, cpu_periods) = stat.unwrap_or((String::new(), f64::NAN));
        let throttled_s = field(&text, "throttled_usec ").map(|us| us / 1e6);
        let throttled_s =
            throttled_s.or_else(|| field(&text, "throttled_time ").map(|ns| ns / 1e9));
        Self {
            memory_limit_bytes,
            cpu_periods,
            cpu_throttled_periods: field(&text, "nr_throttled ").unwrap_or(f64::NAN),
            cpu_throttled_s: throttled_s.unwrap_or(f64::NAN),
        }
    }
}

/// The folders of the process's group of `controller` and of those above it, from the nearest on.
fn groups(root: &Path, own: &str, controller: &str) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for line in own.lines() {
        // Number of the hierarchy, controllers (none in version 2), path within the hierarchy.
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let mount = if controllers.is_empty() {
            root.join("sys/fs/cgroup")
        } else if controllers.split(',').any(|name| name == controller) {
            root.join("sys/fs/cgroup").join(controllers)
        } else {
            continue;
        };
        // In a container the path is often one of the host, and the group is what is mounted.
        let own = mount.join(path.trim_start_matches('/'));
        let ancestors = own.ancestors().take_while(|folder| folder.starts_with(&mount));
        folders.extend(ancestors.filter(|folder| folder.is_dir()).map(Path::to_owned));
    }
    folders
}

/// The number that a file holds; `max` and what is not there is none.
fn number(path: &Path) -> Option<f64> {
    /// Version 1 says so where there is no limit: the largest number of whole pages.
    const UNLIMITED: u64 = 0x7FFF_FFFF_FFFF_0000;
    let number: u64 = fs::read_to_string(path).ok()?.trim().parse().ok()?;
    (number < UNLIMITED).then_some(number as f64)
}

/// The number after `key`, with which a line begins.
fn field(text: &str, key: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    let number: u64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(number as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system with these files.
    fn system(files: &[(&str, &str)]) -> (tempfile::TempDir, Cgroup) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let read = Cgroup::read_in(root.path());
        (root, read)
    }

    #[test]
    fn version_2_is_read_from_the_group_or_from_one_above_it_that_is_limited() {
        let (_root, read) = system(&[
            ("proc/self/cgroup", "0::/pods/one\n"),
            ("proc/meminfo", "MemTotal:       16000 kB\n"),
            ("sys/fs/cgroup/pods/one/memory.max", "max\n"),
            ("sys/fs/cgroup/pods/memory.max", "4096000\n"),
            ("sys/fs/cgroup/pods/one/cpu.stat", "usage_usec 5\nnr_periods 0\nnr_throttled 0\n"),
            (
                "sys/fs/cgroup/pods/cpu.stat",
                "usage_usec 5\nnr_periods 70\nnr_throttled 7\nthrottled_usec 2500000\n",
            ),
        ]);
        assert_eq!(read.memory_limit_bytes, 4_096_000.0);
        let cpu = (read.cpu_periods, read.cpu_throttled_periods, read.cpu_throttled_s);
        assert_eq!(cpu, (70.0, 7.0, 2.5));
    }

    #[test]
    fn version_1_is_read_from_the_hierarchy_of_each_controller() {
        let (_root, read) = system(&[
            ("proc/self/cgroup", "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n"),
            ("proc/meminfo", "MemTotal:       16000 kB\n"),
            ("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n"),
            // Only the container's own group is mounted.
            (
                "sys/fs/cgroup/cpu,cpuacct/cpu.stat",
                "nr_periods 5\nnr_throttled 1\nthrottled_time 1500000000\n",
            ),
        ]);
        assert_eq!(read.memory_limit_bytes, 16_384_000.0, "what the machine has");
        let cpu = (read.cpu_periods, read.cpu_throttled_periods, read.cpu_throttled_s);
        assert_eq!(cpu, (5.0, 1.0, 1.5));
    }

    #[test]
    fn without_a_cgroup_there_is_only_what_the_machine_has() {
        let (_root, read) = system(&[("proc/meminfo", "MemTotal:       16000 kB\n")]);
        assert_eq!(read.memory_limit_bytes, 16_384_000.0);
        assert!(read.cpu_periods.is_nan() && read.cpu_throttled_s.is_nan());
        let (_root, nothing) = system(&[]);
        assert!(nothing.memory_limit_bytes.is_nan());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_memory() {
        assert!(Cgroup::read().memory_limit_bytes > 1e7);
    }
}
