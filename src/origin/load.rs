//! What an origin says of its own load: ORCA reports, in a header of its answers or in what health checks get.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use serde::Deserialize;

use crate::clock::Nanos;

/// The header of answers that carries one.
pub(super) const LOAD: &str = "endpoint-load-metrics";

/// Longest report that is looked at, in bytes.
pub(super) const LONGEST: usize = 4_096;

/// What was made of a report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Report {
    /// Utilisation, 1.0 being full: the highest of those it gives.
    Utilisation(f64),
    /// It says nothing of utilisation.
    Silent,
    /// One of its values cannot be, so none is believed.
    Absurd,
}

/// Reads a report: `TEXT cpu_utilization=0.8, named_metrics.db_pool=0.5`, with or without its first word, or `JSON {…}`,
/// likewise. Of the values that ORCA knows, utilisation of CPU and of the application count, and `db_pool`.
#[must_use]
pub fn read(report: &[u8]) -> Report {
    if report.len() > LONGEST {
        return Report::Absurd;
    }
    let Ok(report) = str::from_utf8(report) else { return Report::Absurd };
    let report = report.trim();
    let body = ["TEXT", "JSON"].iter().find_map(|format| report.strip_prefix(format)).unwrap_or(report).trim_start();
    if body.starts_with('{') { of_json(body) } else { of_text(body) }
}

/// Keys of utilisation.
const KEYS: [&str; 3] = ["cpu_utilization", "application_utilization", "named_metrics.db_pool"];

fn of_text(body: &str) -> Report {
    let pairs = body.split([',', '\n']).filter_map(|pair| pair.split_once(['=', ':']));
    let known = pairs.filter(|(key, _)| KEYS.contains(&key.trim()));
    highest(known.map(|(_, value)| value.trim().parse().ok()))
}

#[derive(Debug, Deserialize)]
struct Typed {
    #[serde(alias = "cpuUtilization")]
    cpu_utilization: Option<f64>,
    #[serde(alias = "applicationUtilization")]
    application_utilization: Option<f64>,
    #[serde(alias = "namedMetrics", default)]
    named_metrics: Named,
}

#[derive(Debug, Default, Deserialize)]
struct Named {
    db_pool: Option<f64>,
}

fn of_json(body: &str) -> Report {
    let Ok(Typed { cpu_utilization, application_utilization, named_metrics }) = serde_json::from_str(body) else {
        return Report::Absurd;
    };
    let given = [cpu_utilization, application_utilization, named_metrics.db_pool];
    highest(given.into_iter().filter(Option::is_some))
}

/// Of values that may be no numbers.
fn highest(values: impl Iterator<Item = Option<f64>>) -> Report {
    values.fold(Report::Silent, |highest, value| match (highest, value) {
        (Report::Silent, Some(value)) if is_possible(value) => Report::Utilisation(value),
        (Report::Utilisation(highest), Some(value)) if is_possible(value) => Report::Utilisation(highest.max(value)),
        _ => Report::Absurd,
    })
}

/// Some count every core or every connection beyond the pool, but nobody is ten times full.
fn is_possible(value: f64) -> bool {
    (0.0..=10.0).contains(&value)
}

/// A report counts half after this time: the next one may never come.
const HALF_LIFE: f64 = 3.0;
/// After this time it does not count at all, in seconds.
const FORGOTTEN: f64 = 30.0;

/// The last report of an origin, in one word: its time in units of [`UNIT`] (32 bits, 0 is none) and its value (32 bits).
/// Of the reports in one unit the highest stays, so that most of them write nothing.
#[derive(Debug, Default)]
pub(super) struct LastReport(AtomicU64);

/// About 17 ms; lasts for two years.
const UNIT: u32 = 24;

impl LastReport {
    pub(super) fn set(&self, utilisation: f64, now: Nanos) {
        let new = ((now >> UNIT) + 1) << 32 | u64::from((utilisation as f32).to_bits());
        // The bits of numbers that are not negative are in the numbers' order.
        if self.0.load(Relaxed) < new {
            self.0.fetch_max(new, Relaxed);
        }
    }

    /// `None` if there is none of late.
    pub(super) fn get(&self, now: Nanos) -> Option<f64> {
        let word = self.0.load(Relaxed);
        let at = (word >> 32).checked_sub(1)?;
        let age = (now >> UNIT).saturating_sub(at) as f64 * (1_u64 << UNIT) as f64 / 1e9;
        let value = f64::from(f32::from_bits(word as u32));
        (age <= FORGOTTEN).then(|| value * (-age / HALF_LIFE).exp2())
    }
}

/// Reports by what was made of them, counted where no worker has cells of its own.
#[derive(Debug, Default)]
pub(super) struct Reports {
    used: AtomicU64,
    ignored: AtomicU64,
}

impl Reports {
    pub(super) fn count(&self, used: bool) {
        let counter = if used { &self.used } else { &self.ignored };
        counter.fetch_add(1, Relaxed);
    }

    pub(super) fn get(&self, used: bool) -> u64 {
        let counter = if used { &self.used } else { &self.ignored };
        counter.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    #[test]
    fn the_highest_utilisation_counts() {
        for (report, expected) in [
            ("TEXT cpu_utilization=0.8", 0.8),
            ("cpu_utilization=0.8,application_utilization=0.9, named_metrics.db_pool=0.7", 0.9),
            ("TEXT mem_utilization=7000,named_metrics.db_pool=1.2", 1.2),
            ("cpu_utilization: 0.25\nrps_fractional: 1000\n", 0.25),
            (r#"JSON {"cpu_utilization": 0.1, "named_metrics": {"db_pool": 0.6, "other": 99}}"#, 0.6),
            (r#"{"cpuUtilization": 0, "applicationUtilization": 0.3, "eps": -1}"#, 0.3),
            ("TEXT cpu_utilization=0", 0.0),
            ("TEXT cpu_utilization=10", 10.0),
        ] {
            assert_eq!(read(report.as_bytes()), Report::Utilisation(expected), "{report}");
        }
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        for report in [
            "TEXT cpu_utilization=NaN",
            "TEXT cpu_utilization=nan,application_utilization=0.5",
            "TEXT cpu_utilization=-0.1",
            "TEXT cpu_utilization=inf",
            "TEXT cpu_utilization=10.01",
            "TEXT cpu_utilization=1e300",
            "TEXT cpu_utilization=",
            "TEXT cpu_utilization=80%",
            "TEXT application_utilization=0.5,cpu_utilization=-1",
            r#"JSON {"cpu_utilization": "0.8"}"#,
            r#"JSON {"cpu_utilization": -1}"#,
            r#"JSON {"cpu_utilization": 1e400}"#,
            r#"JSON {"cpu_utilization": 0.8"#,
            "JSON {]",
        ] {
            assert_eq!(read(report.as_bytes()), Report::Absurd, "{report}");
        }
        assert_eq!(read(b"TEXT cpu_utilization=0.5,\xff"), Report::Absurd);
        let long = format!("TEXT cpu_utilization=0.5,{}", "x".repeat(LONGEST));
        assert_eq!(read(long.as_bytes()), Report::Absurd);
    }

    #[test]
    fn what_says_nothing_of_utilisation_is_silent() {
        for report in ["", "ok", "TEXT", "TEXT mem_utilization=0.5", "{}", r#"{"status": "UP"}"#, "CPU_utilization=1"] {
            assert_eq!(read(report.as_bytes()), Report::Silent, "{report}");
        }
    }

    #[test]
    fn a_report_fades_and_is_forgotten() {
        let last = LastReport::default();
        assert_eq!(last.get(0), None);
        last.set(0.8, 100 * SECOND);
        let after = |seconds: u64| last.get((100 + seconds) * SECOND);
        assert!((after(0).unwrap() - 0.8).abs() < 1e-6);
        assert!((after(3).unwrap() - 0.4).abs() < 0.01);
        assert_eq!(after(31), None);
        last.set(0.1, 104 * SECOND);
        assert!((after(4).unwrap() - 0.1).abs() < 1e-6, "a new report replaces a higher one");
    }

    #[test]
    fn of_reports_at_the_same_time_the_highest_stays() {
        let last = LastReport::default();
        for value in [0.5, 0.9, 0.7] {
            last.set(value, SECOND);
        }
        assert!((last.get(SECOND).unwrap() - 0.9).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn whatever_is_reported_is_possible_or_not_used(report in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Report::Utilisation(value) = read(&report) {
                prop_assert!((0.0..=10.0).contains(&value));
            }
        }

        #[test]
        fn any_number_is_used_or_absurd(value in any::<f64>()) {
            let expected = if (0.0..=10.0).contains(&value) { Report::Utilisation(value) } else { Report::Absurd };
            prop_assert_eq!(read(format!("TEXT cpu_utilization={value}").as_bytes()), expected);
        }
    }
}
