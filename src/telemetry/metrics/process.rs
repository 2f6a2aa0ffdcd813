//! The process as the kernel sees it (Linux procfs and cgroups). What cannot be read is left off the page.

use std::fs;
use std::path::Path;

use super::family;
use super::page::Page;

/// What does not change while the process runs.
#[derive(Debug)]
pub(super) struct Process {
    ticks_per_second: f64,
    page_size: f64,
    start_time: Option<f64>,
    memory_limit: Option<f64>,
}

/// How full the process is, 0.0 – 1.0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fullness {
    /// Open file descriptors of those allowed.
    pub(super) fds: Option<f64>,
    /// Resident memory of the cgroup's limit, or of the machine's memory.
    pub(super) memory: Option<f64>,
}

impl Process {
    pub(super) fn new() -> Self {
        let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
        Self {
            ticks_per_second,
            page_size: rustix::param::page_size() as f64,
            start_time: start_time(ticks_per_second),
            memory_limit: memory_limit(),
        }
    }

    pub(super) fn collect(&self, page: &mut Page) -> Fullness {
        let open = open_fds();
        let most = max_fds();
        let stat = Stat::read();
        let resident = stat.as_ref().map(|stat| stat.resident_pages * self.page_size);
        let cpu = stat.as_ref().map(|stat| stat.cpu_ticks / self.ticks_per_second);
        let samples = [
            (&family::PROCESS_CPU, cpu),
            (&family::PROCESS_RESIDENT, resident),
            (&family::PROCESS_VIRTUAL, stat.as_ref().map(|stat| stat.virtual_bytes)),
            (&family::PROCESS_THREADS, stat.as_ref().map(|stat| stat.threads)),
            (&family::PROCESS_OPEN_FDS, open),
            (&family::PROCESS_MAX_FDS, most),
            (&family::PROCESS_START, self.start_time),
        ];
        for (family, value) in samples {
            if let Some(value) = value {
                page.value(family, &[], value);
            }
        }
        Fullness { fds: ratio(open, most), memory: ratio(resident, self.memory_limit) }
    }
}

fn ratio(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    whole.filter(|whole| *whole > 0.0).and_then(|whole| Some(part? / whole))
}

/// From `/proc/self/stat`, see proc_pid_stat(5).
#[derive(Debug)]
struct Stat {
    cpu_ticks: f64,
    threads: f64,
    start_ticks: f64,
    virtual_bytes: f64,
    resident_pages: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The second field, the name in parentheses, may itself contain spaces and parentheses.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // Numbered from 1 in the manual; `fields` begins with the third.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

fn start_time(ticks_per_second: f64) -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot + Stat::read()?.start_ticks / ticks_per_second)
}

fn open_fds() -> Option<f64> {
    let directory = Path::new("/proc/self/fd");
    // Since Linux 6.2 the directory's size is the count; before, it is 0.
    match fs::metadata(directory).ok()?.len() {
        0 => Some(fs::read_dir(directory).ok()?.count() as f64),
        count => Some(count as f64),
    }
}

fn max_fds() -> Option<f64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.map(|limit| limit as f64)
}

fn memory_limit() -> Option<f64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok();
    let machine = meminfo.as_deref().and_then(machine_memory);
    [cgroup_limit(), machine].into_iter().flatten().reduce(f64::min)
}

fn machine_memory(meminfo: &str) -> Option<f64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// The least limit on the way from the process's own group (cgroup v2) to the root; any of them ends it.
fn cgroup_limit() -> Option<f64> {
    let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = membership.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = Path::new("/sys/fs/cgroup");
    let own = root.join(own);
    let groups = own.ancestors().take_while(|group| group.starts_with(root));
    let limit = |group: &Path| fs::read_to_string(group.join("memory.max")).ok()?.trim().parse::<f64>().ok();
    groups.filter_map(limit).reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_may_contain_anything() {
        let text =
            "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 12345 1048576 256 18446744073709551615";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat.cpu_ticks, 300.0);
        assert_eq!((stat.threads, stat.start_ticks), (9.0, 12345.0));
        assert_eq!((stat.virtual_bytes, stat.resident_pages), (1_048_576.0, 256.0));
    }

    #[test]
    fn a_short_line_is_no_answer() {
        assert!(Stat::parse("7 (spillway) S 1").is_none());
    }

    #[test]
    fn memory_is_given_in_kibibytes() {
        assert_eq!(machine_memory("MemTotal:       2048 kB\nMemFree: 1 kB\n"), Some(2_097_152.0));
    }

    #[test]
    fn this_process_has_descriptors_memory_and_a_past() {
        let mut page = Page::default();
        let fullness = Process::new().collect(&mut page);
        assert_eq!(page.into_families().len(), 7);
        assert!(fullness.fds.is_some_and(|fds| fds > 0.0 && fds < 1.0));
        assert!(fullness.memory.is_some_and(|memory| memory > 0.0 && memory < 1.0));
    }
}
