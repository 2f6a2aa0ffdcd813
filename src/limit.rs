//! Token buckets: governor's GCRA over one bounded table per limit.
//!
//! [`Limiter`] answers whether a [`Key`] may take a token ([`Limiter::peek`]) and takes it ([`Limiter::commit`]).
//! Peeking first and committing with the admission keeps a refusal for another reason from burning a shopper's tokens.
//! A reconfiguration holds at once for every key and keeps every bucket's level; see [`terms`] for how.
//!
//! Knows nothing of modes, routes and requests, and never reads a clock: `now` is an argument.

mod gcra;
mod key;
mod table;
mod terms;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::clock::Nanos;
use crate::config::settings::{LimitKey, LimitSettings};

pub use self::key::{Key, KeyHasher};
use self::table::Table;
use self::terms::Terms;

/// What a bucket answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// There is a token.
    Allowed {
        /// Whole tokens left once this request has taken its own.
        remaining: u32,
    },
    /// The bucket is empty.
    Limited {
        /// Exact time until there is a token at the rate in force; never zero. `Retry-After` is this in whole
        /// seconds, rounded up.
        retry_after: Duration,
    },
}

impl Verdict {
    /// Whether there is a token.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// Whole tokens left afterwards, the `r` of a `RateLimit` header; 0 when limited.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        match *self {
            Self::Allowed { remaining } => remaining,
            Self::Limited { .. } => 0,
        }
    }
}

/// The buckets of one limit. Shared by all workers; judging takes no lock and allocates nothing.
#[derive(Debug)]
pub struct Limiter {
    state: ArcSwap<State>,
    reconfiguring: Mutex<()>,
}

#[derive(Debug, Clone)]
struct State {
    key: LimitKey,
    terms: Terms,
    table: Arc<Table>,
}

impl Limiter {
    /// Full buckets for everybody. Its memory, 16 bytes for each of `max_keys`, is taken now and never grows.
    ///
    /// A rate over [`Limiter::MAX_RATE`] counts as that.
    #[must_use]
    pub fn new(settings: &LimitSettings, now: Nanos) -> Self {
        let state = State {
            key: settings.key.clone(),
            terms: Terms::new(settings.rate, settings.burst, now),
            table: Arc::new(Table::new(slots(settings))),
        };
        Self { state: ArcSwap::from_pointee(state), reconfiguring: Mutex::new(()) }
    }

    /// Highest rate of one bucket, in tokens a second; virtual time lasts for two years of it.
    pub const MAX_RATE: u64 = terms::MAX_RATE;

    /// Takes over a new rate, burst or table size: at once, for all keys, each bucket keeping its tokens (never more
    /// than the new burst). A limit that now counts something else (`key`) begins anew.
    ///
    /// Requests judged meanwhile see either all of the old settings or all of the new.
    pub fn reconfigure(&self, settings: &LimitSettings, now: Nanos) {
        let _one_at_a_time = self.reconfiguring.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.state.load_full();
        let terms = old.terms.changed(settings.rate, settings.burst, now);
        let same_key = old.key == settings.key;
        let resized = old.table.slots() != Table::slots_for(slots(settings));
        let mut table = Arc::clone(&old.table);
        if !same_key || resized {
            table = Arc::new(Table::new(slots(settings)));
            table.count_evictions(old.table.evictions());
        }
        let carry = same_key && resized;
        let full_at = old.terms.at(now).min(terms.at(now));
        if carry {
            table.absorb(&old.table, full_at);
        }
        let key = settings.key.clone();
        self.state.store(Arc::new(State { key, terms, table: Arc::clone(&table) }));
        if carry {
            // What the old table was told while it was being copied.
            table.absorb(&old.table, full_at);
        }
    }

    /// Whether `key` has a token at `now`; takes nothing.
    pub fn peek(&self, key: Key, now: Nanos) -> Verdict {
        let State { terms, table, .. } = &**self.state.load();
        let at = terms.at(now);
        gcra::verdict(terms, now, gcra::peek(table, key, terms.burst(), at))
    }

    /// Takes a token of `key` at `now`, if there is one.
    pub fn commit(&self, key: Key, now: Nanos) -> Verdict {
        let State { terms, table, .. } = &**self.state.load();
        let at = terms.at(now);
        gcra::verdict(terms, now, gcra::take(table, key, terms.burst(), at))
    }

    /// Tokens in the bucket of `key` at `now`, 0.0 to the burst.
    #[must_use]
    pub fn tokens(&self, key: Key, now: Nanos) -> f64 {
        let State { terms, table, .. } = &**self.state.load();
        terms.tokens(table.find(key), terms.at(now))
    }

    /// Buckets that are not full at `now`. Reads the table, or extrapolates from an even sample of a very large one:
    /// about a millisecond at most, for a scrape.
    #[must_use]
    pub fn keys(&self, now: Nanos) -> usize {
        let State { terms, table, .. } = &**self.state.load();
        table.indebted(terms.at(now))
    }

    /// Buckets given up for another key before they were full again, ever.
    #[must_use]
    pub fn evictions(&self) -> u64 {
        self.state.load().table.evictions()
    }

    /// Tokens a second in force.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.state.load().terms.rate()
    }

    /// Size of a bucket in force.
    #[must_use]
    pub fn burst(&self) -> u32 {
        self.state.load().terms.burst().get()
    }

    /// Time in which an empty bucket becomes full: the `w` of a `RateLimit-Policy` header whose `q` is the burst.
    #[must_use]
    pub fn window(&self) -> Duration {
        self.state.load().terms.window()
    }
}

/// Buckets to hold: a global limit has one.
fn slots(settings: &LimitSettings) -> usize {
    match settings.key {
        LimitKey::Global => 1,
        LimitKey::ClientIp | LimitKey::Header(_) | LimitKey::Cookie(_) | LimitKey::Shopper => settings.max_keys,
    }
}
