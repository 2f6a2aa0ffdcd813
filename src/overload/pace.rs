//! How many shoppers may begin.

use super::tally::TOKEN;

/// How newcomers are let in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Shoppers that may begin until the next pace is set; infinite is as many as come.
    pub may_begin: f64,
    /// Whether they are held to it. If not, it is only counted what they take.
    pub enforce: bool,
}

impl Pace {
    /// As many as come.
    pub const FREE: Self = Self { may_begin: f64::INFINITY, enforce: false };

    /// Whether tokens are counted at all. What is no number is no bound.
    pub(super) fn is_paced(&self) -> bool {
        self.may_begin.is_finite()
    }

    /// Tokens, in their unit of counting; a whole one is needed to begin.
    pub(super) fn tokens(&self) -> i64 {
        (self.may_begin.max(0.0).floor() * TOKEN as f64) as i64
    }
}
