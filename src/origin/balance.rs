//! Which server: power of two choices on peak EWMA latency and requests in flight.
//!
//! Pure: time and randomness are arguments. Peak EWMA as in Finagle (a slower sample counts at once, a faster one
//! gradually); two choices as in Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing".

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::clock::Nanos;

/// Over this time an observation loses 63 % of its weight; Finagle's and linkerd's value.
const DECAY: Duration = Duration::from_secs(10);
/// What a failure counts as at least: a server that refuses at once must not look fast.
const FAILURE: Duration = Duration::from_secs(1);
/// Cost of each request in flight at a server that has not answered yet: it gets one request, then waits for the answer.
const UNKNOWN: f64 = 1e9;
/// Random draws before all servers are looked at; misses every usable one of a half-usable set once in 256 picks.
const DRAWS: u32 = 8;

/// Measured latency of one server. Racing updates may lose an observation, never corrupt one.
#[derive(Debug, Default)]
pub(super) struct Latency {
    /// Nanoseconds as `f64` bits; 0 before the first answer.
    ewma: AtomicU64,
    at: AtomicU64,
}

/// A server as the balancer sees it.
pub(super) trait Candidate {
    /// Whether it may be given a request.
    fn usable(&self, now: Nanos) -> bool;
    /// Its share during slow start, 0.0 – 1.0; 1.0 after it.
    fn share(&self, now: Nanos) -> f64;
    /// What a further request there is expected to cost; only its order counts.
    fn cost(&self, now: Nanos) -> f64;
}

/// Picks a server, another one than `avoid` if there is one; `None` when none is usable.
pub(super) fn pick<C: Candidate>(servers: &[C], avoid: Option<usize>, now: Nanos, random: u64) -> Option<usize> {
    if let [only] = servers {
        return only.usable(now).then_some(0);
    }
    let mut random = Random(random);
    let excluded = [avoid, None];
    let Some(first) = draw(servers, excluded, now, &mut random) else {
        return avoid.filter(|&index| servers.get(index).is_some_and(|server| server.usable(now)));
    };
    let Some(second) = draw(servers, [avoid, Some(first)], now, &mut random) else {
        return Some(first);
    };
    let cost = |index: usize| servers.get(index).map_or(f64::INFINITY, |server| server.cost(now));
    Some(if cost(second) < cost(first) { second } else { first })
}

fn draw<C: Candidate>(servers: &[C], excluded: [Option<usize>; 2], now: Nanos, random: &mut Random) -> Option<usize> {
    for _ in 0..DRAWS {
        let index = random.below(servers.len());
        let Some(server) = servers.get(index) else {
            break;
        };
        if !excluded.contains(&Some(index)) && server.usable(now) && random.unit() < server.share(now) {
            return Some(index);
        }
    }
    let start = random.below(servers.len());
    (start..servers.len())
        .chain(0..start)
        .find(|&index| !excluded.contains(&Some(index)) && servers.get(index).is_some_and(|server| server.usable(now)))
}

/// Share of a server `since` its return: from a tenth, so that it is measured at all, growing evenly over `slow_start`.
#[must_use]
pub(super) fn share(since: Duration, slow_start: Duration) -> f64 {
    if since >= slow_start { 1.0 } else { (since.as_secs_f64() / slow_start.as_secs_f64()).max(0.1) }
}

impl Latency {
    /// An answer came after `latency`.
    pub(super) fn answered(&self, latency: Nanos, now: Nanos) {
        let sample = latency as f64;
        let known = f64::from_bits(self.ewma.load(Relaxed));
        let weight = remaining(now.saturating_sub(self.at.load(Relaxed)));
        let ewma = if sample > known { sample } else { known * weight + sample * (1.0 - weight) };
        self.ewma.store(ewma.to_bits(), Relaxed);
        self.at.store(now, Relaxed);
    }

    /// The request failed after `elapsed`.
    pub(super) fn failed(&self, elapsed: Nanos, now: Nanos) {
        self.answered(elapsed.max(FAILURE.as_nanos() as Nanos), now);
    }

    /// Expected cost of one more request beside `in_flight` others. Fades while nothing is observed, so that a server
    /// that was slow once is tried again.
    #[must_use]
    pub(super) fn cost(&self, in_flight: u32, now: Nanos) -> f64 {
        let known = self.nanos();
        if known == 0.0 {
            return UNKNOWN * f64::from(in_flight);
        }
        let faded = known * remaining(now.saturating_sub(self.at.load(Relaxed)));
        faded * (f64::from(in_flight) + 1.0)
    }

    /// The moving average as last observed, in nanoseconds; 0 before the first answer.
    #[must_use]
    pub(super) fn nanos(&self) -> f64 {
        f64::from_bits(self.ewma.load(Relaxed))
    }
}

/// Weight an observation keeps after `elapsed`.
fn remaining(elapsed: Nanos) -> f64 {
    (-(elapsed as f64) / DECAY.as_nanos() as f64).exp()
}

/// SplitMix64 (Steele, Lea, Flood 2014): a few independent draws from one random number.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `bound`; 0 when that is 0.
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// 0.0 ≤ x < 1.0.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    #[derive(Debug, Clone)]
    struct Fake {
        usable: bool,
        share: f64,
        cost: f64,
    }

    impl Candidate for Fake {
        fn usable(&self, _: Nanos) -> bool {
            self.usable
        }

        fn share(&self, _: Nanos) -> f64 {
            self.share
        }

        fn cost(&self, _: Nanos) -> f64 {
            self.cost
        }
    }

    fn fakes() -> impl Strategy<Value = Vec<Fake>> {
        let fake = (any::<bool>(), 0.0..=1.0, 0.0..1e9).prop_map(|(usable, share, cost)| Fake { usable, share, cost });
        prop::collection::vec(fake, 0..12)
    }

    proptest! {
        #[test]
        fn a_usable_server_is_picked_whenever_there_is_one(
            servers in fakes(), avoid in prop::option::of(0_usize..14), random: u64,
        ) {
            let picked = pick(&servers, avoid, 0, random);
            prop_assert_eq!(picked.is_some(), servers.iter().any(|server| server.usable));
            if let Some(picked) = picked {
                prop_assert!(servers[picked].usable);
                let others = servers.iter().enumerate().any(|(index, server)| server.usable && Some(index) != avoid);
                prop_assert!(Some(picked) != avoid || !others);
            }
        }

        #[test]
        fn of_two_the_cheaper_is_picked(costs in (0.0..1e9, 0.0..1e9), random: u64) {
            let fake = |cost| Fake { usable: true, share: 1.0, cost };
            let servers = [fake(costs.0), fake(costs.1)];
            let picked = pick(&servers, None, 0, random).unwrap();
            prop_assert!(servers[picked].cost <= servers[1 - picked].cost);
        }

        #[test]
        fn latency_stays_within_what_was_observed(samples in prop::collection::vec((1_u64..SECOND, 0_u64..SECOND), 1..50)) {
            let latency = Latency::default();
            let mut now = SECOND;
            for &(sample, wait) in &samples {
                now += wait;
                latency.answered(sample, now);
                prop_assert!(latency.nanos() >= sample as f64 * 0.999_999, "a slower sample counts at once");
            }
            let slowest = samples.iter().map(|&(sample, _)| sample).max().unwrap();
            prop_assert!(latency.nanos() <= slowest as f64);
        }
    }

    /// How often each server is picked in many draws.
    fn picks(servers: &[Fake]) -> Vec<f64> {
        const TIMES: u64 = 20_000;
        let mut counts = vec![0_u32; servers.len()];
        for random in 0..TIMES {
            counts[pick(servers, None, 0, random.wrapping_mul(0x2545_f491_4f6c_dd1d)).unwrap()] += 1;
        }
        counts.into_iter().map(|count| f64::from(count) / TIMES as f64).collect()
    }

    #[test]
    fn equals_are_picked_equally_and_the_dearest_never() {
        let fake = |cost| Fake { usable: true, share: 1.0, cost };
        let shares = picks(&[fake(1.0), fake(1.0), fake(1.0), fake(9.0)]);
        assert!(shares[..3].iter().all(|share| (share - 1.0 / 3.0).abs() < 0.02), "{shares:?}");
        assert!(shares[3] < 1e-9, "{shares:?}");
    }

    #[test]
    fn a_returning_server_gets_its_share_and_no_more() {
        let fake = |share| Fake { usable: true, share, cost: 1.0 };
        let shares = picks(&[fake(0.1), fake(1.0), fake(1.0), fake(1.0)]);
        assert!((0.015..0.045).contains(&shares[0]), "{shares:?}");
    }

    #[test]
    fn the_share_grows_evenly() {
        let ten = Duration::from_secs(10);
        let shares = [0, 1, 5, 10, 11].map(|seconds| share(Duration::from_secs(seconds), ten));
        assert_eq!(shares.map(|share| (share * 10.0).round()), [1.0, 1.0, 5.0, 10.0, 10.0]);
        assert!((share(Duration::ZERO, Duration::ZERO) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn an_unknown_server_gets_one_request_until_it_answers() {
        let (known, unknown) = (Latency::default(), Latency::default());
        known.answered(20_000_000, SECOND);
        assert!(unknown.cost(0, SECOND) < known.cost(0, SECOND));
        assert!(unknown.cost(1, SECOND) > known.cost(5, SECOND));
    }

    #[test]
    fn a_failure_is_slow_and_is_forgotten() {
        let (good, failed) = (Latency::default(), Latency::default());
        good.answered(20_000_000, SECOND);
        failed.failed(10, SECOND);
        assert!(failed.cost(0, SECOND) > good.cost(10, SECOND));
        good.answered(20_000_000, 61 * SECOND);
        assert!(failed.cost(0, 61 * SECOND) < good.cost(0, 61 * SECOND));
    }
}
