//! The last malformed requests, redacted, for the operator who asks what keeps being refused.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

/// How many are kept: a screen or two.
const KEPT: usize = 100;
/// Longest request line shown, in characters.
const LONGEST: usize = 200;

/// One request that was refused for its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// When, in milliseconds since the Unix epoch.
    pub unix_millis: u64,
    /// What was wrong: the `kind` label of `spillway_protocol_errors_total`.
    pub kind: &'static str,
    /// Whose it was.
    pub client: IpAddr,
    /// The listener it came to.
    pub listener: SocketAddr,
    /// Its method and target as [`request_line`] shows them, where it got that far.
    pub request: Option<String>,
}

/// The last faults of all workers.
#[derive(Debug, Default)]
pub struct Faults {
    kept: Mutex<VecDeque<Fault>>,
    missed: AtomicU64,
}

impl Faults {
    /// Keeps `fault` in place of the oldest. Never waits: when another thread is at it, the fault is only counted.
    pub fn record(&self, fault: Fault) {
        let mut kept = match self.kept.try_lock() {
            Ok(kept) => kept,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                self.missed.fetch_add(1, Ordering::Relaxed);
                return;
            }
        };
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(fault);
    }

    /// Those kept, newest first.
    #[must_use]
    pub fn recent(&self) -> Vec<Fault> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().cloned().collect()
    }

    /// How many could not be kept.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

/// Method and target for people to read: without query and credentials, escaped, and cut where it gets long.
#[must_use]
pub fn request_line(method: &str, target: &str) -> String {
    let (path, query) = match target.split_once('?') {
        Some((path, _)) => (path, "?…"),
        None => (target, ""),
    };
    let line = format!("{method} {}", without_credentials(path));
    let mut shown: String = line.escape_debug().take(LONGEST).collect();
    shown.push_str(if line.escape_debug().nth(LONGEST).is_some() { "…" } else { query });
    shown
}

/// `http://user:secret@host/` without what stands before the `@`.
fn without_credentials(target: &str) -> String {
    let Some((scheme, rest)) = target.split_once("://") else { return target.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}{path}"),
        None => target.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(unix_millis: u64) -> Fault {
        Fault {
            unix_millis,
            kind: "bad_host",
            client: IpAddr::from([192, 0, 2, 1]),
            listener: SocketAddr::from(([127, 0, 0, 1], 80)),
            request: None,
        }
    }

    #[test]
    fn the_newest_are_kept() {
        let faults = Faults::default();
        (0..250).for_each(|millis| faults.record(fault(millis)));
        let kept: Vec<u64> = faults.recent().iter().map(|fault| fault.unix_millis).collect();
        assert_eq!(kept, (150..250).rev().collect::<Vec<_>>());
    }

    #[test]
    fn a_worker_never_waits_for_a_reader() {
        let faults = Faults::default();
        let reading = faults.kept.lock().unwrap();
        faults.record(fault(1));
        drop(reading);
        assert_eq!((faults.recent().len(), faults.missed()), (0, 1));
    }

    #[test]
    fn nothing_secret_and_nothing_that_moves_a_terminal_is_shown() {
        let cases = [
            ("/login?token=hunter2", "GET /login?…"),
            ("http://me:hunter2@shop.example/a?b", "GET http://…@shop.example/a?…"),
            ("/a\u{1b}[31m\r\nX: y", "GET /a\\u{1b}[31m\\r\\nX: y"),
        ];
        for (target, expected) in cases {
            assert_eq!(request_line("GET", target), expected);
        }
        let long = request_line("GET", &"/x".repeat(5_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
