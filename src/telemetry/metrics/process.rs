//! The process as the kernel sees it (Linux procfs). What cannot be read is left off the page.

use std::fs;

use super::family;
use super::page::Page;
use crate::telemetry::machine;

/// What does not change while the process runs.
#[derive(Debug)]
pub(super) struct Process {
    ticks_per_second: f64,
    page_size: f64,
    start_time: Option<f64>,
    memory_limit: Option<u64>,
}

/// How full the process is, 0.0 – 1.0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fullness {
    /// Open file descriptors of those allowed.
    pub(super) fds: Option<f64>,
    /// Resident memory of what the process may have.
    pub(super) memory: Option<f64>,
}

impl Process {
    pub(super) fn new() -> Self {
        let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
        Self {
            ticks_per_second,
            page_size: rustix::param::page_size() as f64,
            start_time: start_time(ticks_per_second),
            memory_limit: machine::memory_limit(),
        }
    }

    /// `memory_limit` is what the process may have, if somebody says so.
    pub(super) fn collect(&self, page: &mut Page, memory_limit: Option<u64>) -> Fullness {
        let open = machine::open_descriptors().map(|open| open as f64);
        let most = machine::descriptor_limit().map(|most| most as f64);
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
        Fullness {
            fds: ratio(open, most),
            memory: ratio(resident, memory_limit.or(self.memory_limit).map(|limit| limit as f64)),
        }
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
    fn this_process_has_descriptors_memory_and_a_past() {
        let mut page = Page::default();
        let fullness = Process::new().collect(&mut page, None);
        assert_eq!(page.into_families().len(), 7);
        assert!(fullness.fds.is_some_and(|fds| fds > 0.0 && fds < 1.0));
        assert!(fullness.memory.is_some_and(|memory| memory > 0.0 && memory < 1.0));
        let told = Process::new().collect(&mut Page::default(), Some(1024));
        assert!(told.memory.is_some_and(|memory| memory > 1.0));
    }
}
