//! What else the machine is doing.

use std::fs;
use std::thread;
use std::time::Duration;

/// Long enough to count many ticks of the kernel's clock.
const LOOKING: Duration = Duration::from_secs(1);

/// Share of the machine above which medians of five rounds begin to wander.
const QUIET: f64 = 0.05;

/// A warning if other programs keep the machine busy, before anything is measured.
pub(crate) fn warning() -> Option<String> {
    let before = Ticks::read()?;
    thread::sleep(LOOKING);
    let busy = Ticks::read()?.busy_since(&before);
    (busy > QUIET).then(|| {
        format!("other programs kept the machine {:.0} % busy: latencies say little, ratios something", busy * 100.0)
    })
}

/// Time of all processors since the machine started.
struct Ticks {
    idle: u64,
    all: u64,
}

impl Ticks {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line: user, nice, system, idle, iowait, irq, softirq, steal.
    fn parse(stat: &str) -> Option<Self> {
        let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
        let ticks = fields.map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        Some(Self { idle: ticks.get(3)? + ticks.get(4)?, all: ticks.iter().sum() })
    }

    fn busy_since(&self, before: &Self) -> f64 {
        let all = self.all.saturating_sub(before.all).max(1);
        1.0 - self.idle.saturating_sub(before.idle) as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_for_disks_are_not_busy() {
        let before = Ticks::parse("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 1 1 1\n").unwrap();
        let after = Ticks::parse("cpu  120 5 110 850 10 2 2 1 9 0\n").unwrap();
        assert!((after.busy_since(&before) - 0.4).abs() < 1e-9);
        assert!(Ticks::parse("intr 1").is_none());
    }
}
