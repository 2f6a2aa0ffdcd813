//! governor, told what time it is.

use std::cell::Cell;
use std::num::NonZeroU32;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos as Virtual;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};

use super::Verdict;
use super::key::Key;
use super::table::Table;
use super::terms::{TOKEN, Terms};
use crate::clock::Nanos;

/// governor's pace in virtual time, whatever the limit's rate.
const PACE: Quota = {
    let pace = Quota::per_second(NonZeroU32::MIN.saturating_add((1_000_000_000 / TOKEN) as u32 - 1));
    assert!(pace.replenish_interval().as_nanos() == TOKEN as u128);
    pace
};

/// What governor decided in virtual time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decision {
    /// Allowed; the bucket's new arrival time, and when it was decided.
    Taken { tat: u64, at: u64 },
    /// Refused until then.
    Until(u64),
}

/// Decides without writing.
pub(super) fn peek(table: &Table, key: Key, burst: NonZeroU32, at: u64) -> Decision {
    decide(Peek { table, next: Cell::new(0) }, key, burst, at)
}

/// Decides and, when allowed, takes the token.
pub(super) fn take(table: &Table, key: Key, burst: NonZeroU32, at: u64) -> Decision {
    decide(Take { table, at, next: Cell::new(0) }, key, burst, at)
}

/// A decision in real time.
pub(super) fn verdict(terms: &Terms, now: Nanos, decision: Decision) -> Verdict {
    match decision {
        Decision::Taken { tat, at } => Verdict::Allowed { remaining: terms.whole_tokens(tat, at) },
        Decision::Until(earliest) => Verdict::Limited { retry_after: terms.until(earliest, now) },
    }
}

/// A limiter costs a few instructions to assemble, which is what lets time be an argument: it lives for one decision.
fn decide<S: Store>(store: S, key: Key, burst: NonZeroU32, at: u64) -> Decision {
    // governor counts from the time at which a limiter is made: that must be 0.
    let clock = Reading(Cell::new(0));
    let limiter: RateLimiter<Key, S, Reading, NoOpMiddleware<Virtual>> =
        RateLimiter::new(PACE.allow_burst(burst), store, clock);
    limiter.clock().0.set(at);
    match limiter.check_key(&key) {
        Ok(()) => Decision::Taken { tat: limiter.into_state_store().next(), at },
        Err(refused) => Decision::Until(refused.earliest_possible().as_u64()),
    }
}

/// A clock that shows what it was set to.
#[derive(Debug)]
struct Reading(Cell<u64>);

impl Clock for Reading {
    type Instant = Virtual;

    fn now(&self) -> Virtual {
        Virtual::new(self.0.get())
    }
}

/// A store that remembers the arrival time it was given last; governor's answer does not carry it.
trait Store: StateStore<Key = Key> {
    fn next(&self) -> u64;
}

struct Peek<'a> {
    table: &'a Table,
    next: Cell<u64>,
}

impl Store for Peek<'_> {
    fn next(&self) -> u64 {
        self.next.get()
    }
}

impl StateStore for Peek<'_> {
    type Key = Key;

    fn measure_and_replace<T, F, E>(&self, key: &Key, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Virtual>) -> Result<(T, Virtual), E>,
    {
        let (allowed, next) = decide(self.table.find(*key).map(Virtual::new))?;
        self.next.set(next.as_u64());
        Ok(allowed)
    }
}

struct Take<'a> {
    table: &'a Table,
    at: u64,
    next: Cell<u64>,
}

impl Store for Take<'_> {
    fn next(&self) -> u64 {
        self.next.get()
    }
}

impl StateStore for Take<'_> {
    type Key = Key;

    fn measure_and_replace<T, F, E>(&self, key: &Key, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Virtual>) -> Result<(T, Virtual), E>,
    {
        let (allowed, next) = self.table.replace(*key, self.at, |tat| {
            let (allowed, next) = decide(tat.map(Virtual::new))?;
            Ok(((allowed, next.as_u64()), next.as_u64()))
        })?;
        self.next.set(next);
        Ok(allowed)
    }
}
