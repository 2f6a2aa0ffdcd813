//! What the machine allows the process, and what it uses of that (Linux procfs and cgroups). What cannot be read is
//! `None`.

use std::fs;
use std::path::{Path, PathBuf};

/// Where control groups are mounted.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Descriptors open now.
#[must_use]
pub fn open_descriptors() -> Option<u64> {
    let directory = Path::new("/proc/self/fd");
    // Since Linux 6.2 the directory's size is the count; before, it is 0.
    match fs::metadata(directory).ok()?.len() {
        0 => Some(fs::read_dir(directory).ok()?.count() as u64),
        count => Some(count),
    }
}

/// Descriptors that may be open at once; `None` too when there is no limit.
#[must_use]
pub fn descriptor_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Bytes of memory that are resident.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Bytes of memory the process may have: the least its control groups allow, or all of the machine's.
#[must_use]
pub fn memory_limit() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok();
    let machine = meminfo.as_deref().and_then(machine_memory);
    let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let groups = cgroup_files(&membership).filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    groups.chain(machine).min()
}

fn machine_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// The files that may hold a limit, on the way from the process's own group to the root: any of them ends it. Without a
/// limit they say `max` (version 2) or a number larger than any machine (version 1).
fn cgroup_files(membership: &str) -> impl Iterator<Item = PathBuf> {
    membership.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':');
        let mut field = || fields.next().unwrap_or_default();
        let (hierarchy, controllers, group) = (field(), field(), field());
        let own = match controllers {
            "" if hierarchy == "0" => Some((PathBuf::from(CGROUPS), "memory.max")),
            named if named.split(',').any(|one| one == "memory") => {
                Some((Path::new(CGROUPS).join("memory"), "memory.limit_in_bytes"))
            }
            _ => None,
        };
        own.into_iter().flat_map(move |(root, file)| {
            let own = root.join(group.trim_start_matches('/'));
            let groups: Vec<_> =
                own.ancestors().take_while(|path| path.starts_with(&root)).map(Path::to_owned).collect();
            groups.into_iter().map(move |path| path.join(file))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(membership: &str) -> Vec<String> {
        cgroup_files(membership).map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn memory_is_given_in_kibibytes() {
        assert_eq!(machine_memory("MemTotal:       2048 kB\nMemFree: 1 kB\n"), Some(2_097_152));
    }

    #[test]
    fn every_group_on_the_way_to_the_root_may_hold_a_limit() {
        assert_eq!(
            files("0::/shop.slice/spillway.service\n"),
            [
                "/sys/fs/cgroup/shop.slice/spillway.service/memory.max",
                "/sys/fs/cgroup/shop.slice/memory.max",
                "/sys/fs/cgroup/memory.max",
            ]
        );
        assert_eq!(files("0::/"), ["/sys/fs/cgroup/memory.max"]);
    }

    #[test]
    fn the_first_version_has_a_hierarchy_for_memory() {
        assert_eq!(
            files("12:cpu,cpuacct:/a\n9:memory:/docker/7f\n1:name=systemd:/b\n"),
            [
                "/sys/fs/cgroup/memory/docker/7f/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            ]
        );
        assert_eq!(files("garbage\n\n:\n"), [""; 0]);
    }

    #[test]
    fn this_process_is_within_its_limits() {
        assert!(resident_bytes().unwrap() > 0 && resident_bytes() < memory_limit());
        assert!(open_descriptors().unwrap() > 2 && open_descriptors() < descriptor_limit());
    }
}
