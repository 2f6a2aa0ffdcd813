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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn settings(max_ejected: f64) -> EjectionSettings {
        EjectionSettings { failures: 5, base: Duration::from_secs(30), max_ejected }
    }

    const MANY: Others = Others { count: 9, ejected: 0, usable: 9 };

    fn lengths(ejection: &mut Ejection, pauses: &[u64]) -> Vec<u64> {
        let mut now = 1000 * SECOND;
        let mut lengths = Vec::new();
        for &pause in pauses {
            let until = ejection.eject(&settings(0.5), MANY, now).unwrap();
            lengths.push((until - now) / SECOND);
            now = until + pause * SECOND;
        }
        lengths
    }

    #[test]
    fn each_ejection_is_twice_as_long_up_to_ten_minutes() {
        assert_eq!(lengths(&mut Ejection::default(), &[0; 7]), [30, 60, 120, 240, 480, 600, 600]);
    }

    #[test]
    fn good_service_is_rewarded() {
        assert_eq!(lengths(&mut Ejection::default(), &[0, 0, 30, 95, 0]), [30, 60, 120, 120, 30]);
    }

    #[test]
    fn a_small_share_is_still_one_server() {
        let allowed = [(1, 0.5), (1, 1.0), (2, 0.1), (3, 0.5), (10, 0.3), (10, 0.0), (4, 0.99)]
            .map(|(n, share)| allowed(n, share));
        assert_eq!(allowed, [0, 1, 1, 1, 3, 0, 3]);
    }

    proptest! {
        #[test]
        fn never_more_than_the_share_and_never_the_last(
            servers in 1_usize..20,
            share in 0.0..1.0,
            failures in prop::collection::vec((0_usize..20, 0_u64..40), 1..200),
        ) {
            let mut state = vec![(Ejection::default(), 0); servers];
            let mut now = 0;
            for (server, wait) in failures {
                let server = server % servers;
                now += wait * SECOND;
                let out = |until: Nanos| until > now;
                let others = state.iter().enumerate().filter(|&(index, _)| index != server);
                let ejected = others.filter(|(_, (_, until))| out(*until)).count();
                let count = servers - 1;
                if let Some(until) = state[server].0.eject(&settings(share), Others { count, ejected, usable: count - ejected }, now) {
                    prop_assert!(until > now && until - now <= LONGEST.as_nanos() as Nanos);
                    state[server].1 = until;
                }
                let ejected = state.iter().filter(|(_, until)| out(*until)).count();
                prop_assert!(ejected < servers);
                prop_assert!(ejected <= ((servers as f64 * share) as usize).max(1));
            }
        }
    }
}
