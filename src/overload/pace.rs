//! How many shoppers may begin: tokens that time brings.

use super::tally::TOKEN;
use crate::clock::Nanos;

/// How long tokens are saved up, and how long what was taken beforehand is owed. Short, so that a change of the rate is
/// felt at once; longer than a few ticks, so that none is lost to their jitter.
const BURST_SECONDS: f64 = 0.5;

/// How newcomers are let in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Shoppers a second that may begin; infinite is as many as come.
    pub begin_rate: f64,
    /// Whether they are held to it. If not, it is only counted what they take.
    pub enforce: bool,
}

impl Pace {
    /// As many as come.
    pub const FREE: Self = Self { begin_rate: f64::INFINITY, enforce: false };
}

/// Makes tokens of time.
#[derive(Debug)]
pub(super) struct Mint {
    /// Tokens a second; infinite is none, as none is needed.
    rate: f64,
    at: Nanos,
    /// What of a token has yet to be handed out, in its unit of counting: 0.0 – 1.0.
    rest: f64,
}

impl Default for Mint {
    fn default() -> Self {
        Self { rate: f64::INFINITY, at: 0, rest: 0.0 }
    }
}

impl Mint {
    /// Whether tokens are needed.
    pub(super) fn is_paced(&self) -> bool {
        self.rate.is_finite()
    }

    /// A new rate from now on. What is no number is no bound.
    pub(super) fn set_rate(&mut self, rate: f64) {
        self.rate = if rate.is_nan() { f64::INFINITY } else { rate.max(0.0) };
    }

    /// The tokens of the time since the last call.
    pub(super) fn due(&mut self, now: Nanos) -> i64 {
        let seconds = now.saturating_sub(self.at) as f64 / 1e9;
        self.at = self.at.max(now);
        if !self.is_paced() {
            return 0;
        }
        let due = self.rate * seconds * TOKEN as f64 + self.rest;
        self.rest = due.fract();
        due as i64
    }

    /// Most tokens that are saved up or owed: at least a whole one, or a slow rate would never have one.
    pub(super) fn burst(&self) -> i64 {
        if self.rate <= 0.0 || !self.is_paced() {
            return 0;
        }
        ((self.rate * BURST_SECONDS * TOKEN as f64) as i64).max(TOKEN)
    }
}
