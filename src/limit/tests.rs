//! Buckets by table, against a model, over threads and under a flood.

mod flood;
mod levels;
mod model;
mod threads;

use super::{Key, KeyHasher, Limiter, Verdict};
use crate::config::settings::{LimitKey, LimitMode, LimitSettings, Rate};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

/// A limit of `count` per `per` and so many tokens at once, by client address.
fn limit(count: u64, per: Duration, burst: u32) -> LimitSettings {
    LimitSettings {
        name: "test".into(),
        key: LimitKey::ClientIp,
        rate: Rate { count, per },
        burst,
        mode: LimitMode::Enforce,
        max_keys: 1_000,
    }
}

fn per_second(count: u64, burst: u32) -> LimitSettings {
    limit(count, Duration::from_secs(1), burst)
}

fn client(hasher: &KeyHasher, number: u64) -> Key {
    hasher.bytes(0, &number.to_le_bytes())
}

/// How many of `tries` commits at one time are allowed.
fn take(limiter: &Limiter, key: Key, tries: u32, now: u64) -> u32 {
    (0..tries).map(|_| u32::from(limiter.commit(key, now).is_allowed())).sum()
}

fn retry_after(verdict: Verdict) -> Duration {
    match verdict {
        Verdict::Limited { retry_after } => retry_after,
        Verdict::Allowed { .. } => panic!("allowed"),
    }
}
