//! Passive ejection: a server that fails real traffic is left out for a while. Pure.

use std::time::Duration;

use crate::clock::Nanos;
use crate::config::settings::EjectionSettings;

/// The longest ejection: a server is asked again at least this often.
pub(super) const LONGEST: Duration = Duration::from_mins(10);

/// What one server has been ejected for so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ejection {
    times: u32,
    until: Nanos,
}

/// The other servers at the moment of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Others {
    /// All other servers of the origin.
    pub count: usize,
    /// Those ejected now.
    pub ejected: usize,
    /// Those that take requests now.
    pub usable: usize,
}

impl Ejection {
    /// Ejects the server unless too many are out already; answers when it returns.
    pub(super) fn eject(&mut self, settings: &EjectionSettings, others: Others, now: Nanos) -> Option<Nanos> {
        if others.ejected >= allowed(others.count + 1, settings.max_ejected) {
            return None;
        }
        if others.usable == 0 && settings.max_ejected < 1.0 {
            return None;
        }
        self.forgive(settings.base, now);
        let length = settings.base.saturating_mul(1u32.checked_shl(self.times).unwrap_or(u32::MAX)).min(LONGEST);
        self.times = self.times.saturating_add(1);
        self.until = now.saturating_add(length.as_nanos() as Nanos);
        Some(self.until)
    }

    /// One earlier ejection is forgotten for every `base` served well since the last one.
    fn forgive(&mut self, base: Duration, now: Nanos) {
        let served = Duration::from_nanos(now.saturating_sub(self.until));
        let steps = served.as_nanos().checked_div(base.as_nanos()).unwrap_or(0);
        self.times = self.times.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
    }
}

/// How many of `servers` may be out at once: the share rounded down, at least one if the share is not 0, and all of
/// them only if the share is 1.
#[must_use]
pub(super) fn allowed(servers: usize, share: f64) -> usize {
    if share <= 0.0 {
        0
    } else if share >= 1.0 {
        servers
    } else {
        ((servers as f64 * share) as usize).max(1).min(servers.saturating_sub(1))
    }
}
