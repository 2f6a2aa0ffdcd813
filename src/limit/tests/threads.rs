//! Many threads at one bucket take exactly what one would.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use super::*;

const THREADS: u64 = 4;
const TRIES: u64 = 50_000;
const STEP: u64 = 1_000;

/// Every thread commits as often as it can while time passes; how many were allowed, and the time at the end.
fn hammer(limiter: &Limiter, key: Key, meanwhile: impl Fn(u64) + Sync) -> (u64, u64) {
    let time = AtomicU64::new(0);
    let worker = || {
        let tries = (0..TRIES).map(|_| limiter.commit(key, time.fetch_add(STEP, Relaxed)));
        tries.filter(Verdict::is_allowed).count() as u64
    };
    let allowed = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(worker)).collect();
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            meanwhile(time.load(Relaxed));
        }
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    (allowed, time.load(Relaxed))
}

/// Tokens of `rate` a second in so much time.
fn earned(rate: u64, nanos: u64) -> u64 {
    (u128::from(rate) * u128::from(nanos) / u128::from(SECOND)) as u64
}

#[test]
fn a_global_bucket_gives_out_exactly_its_rate() {
    let settings = LimitSettings { key: LimitKey::Global, ..per_second(10_000, 50) };
    let limiter = Limiter::new(&settings, 0);
    let (allowed, end) = hammer(&limiter, Key::GLOBAL, |_| thread::yield_now());
    let rest = u64::from(take(&limiter, Key::GLOBAL, 1_000, end));
    assert_eq!(allowed + rest, 50 + earned(10_000, end));
}

#[test]
fn one_key_of_many_gives_out_exactly_its_rate() {
    let limiter = Limiter::new(&per_second(10_000, 50), 0);
    let key = client(&KeyHasher::random(), 1);
    assert!(limiter.commit(key, 0).is_allowed(), "its slot is taken before the race");
    let (allowed, end) = hammer(&limiter, key, |_| thread::yield_now());
    let rest = u64::from(take(&limiter, key, 1_000, end));
    assert_eq!(1 + allowed + rest, 50 + earned(10_000, end));
}

#[test]
fn threads_that_bring_a_key_at_once_gain_at_most_a_token_each() {
    let hasher = KeyHasher::random();
    for number in 0..200 {
        let limiter = Limiter::new(&per_second(1, 10), 0);
        let key = client(&hasher, number);
        let allowed: u32 = thread::scope(|scope| {
            let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| take(&limiter, key, 20, 0))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert!((10..10 + THREADS as u32).contains(&allowed), "{allowed}");
    }
}

#[test]
fn reloads_under_traffic_give_nobody_a_fresh_burst() {
    let smaller = per_second(1_000, 20);
    let larger = LimitSettings { max_keys: 3_000, ..per_second(2_000, 40) };
    let limiter = Limiter::new(&smaller, 0);
    let key = client(&KeyHasher::random(), 1);
    assert!(limiter.commit(key, 0).is_allowed());
    let rounds = AtomicU64::new(0);
    let (allowed, end) = hammer(&limiter, key, |now| {
        let round = rounds.fetch_add(1, Relaxed);
        limiter.reconfigure(if round.is_multiple_of(2) { &larger } else { &smaller }, now);
        thread::yield_now();
    });
    // While a table is exchanged, what the old one is told between two copies may be forgotten.
    let forgotten = rounds.load(Relaxed) * THREADS;
    assert!(allowed < 40 + earned(2_000, end) + forgotten, "{allowed} in {end} ns");
    assert!(1 + allowed + 40 >= 20 + earned(1_000, end), "{allowed} in {end} ns");
}
