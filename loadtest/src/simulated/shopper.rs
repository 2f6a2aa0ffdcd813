//! One simulated shopper: which page comes next, and what a failure leads to.

use std::time::Duration;

use spillway::demo::page::Page;

/// How shoppers behave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Habits {
    /// Mean time on a page.
    pub(crate) thinking: Duration,
    /// An answer that takes longer is not waited for.
    pub(crate) patience: Duration,
    /// Further tries of a page.
    pub(crate) retries: u32,
    /// Mean time before one.
    pub(crate) pause: Duration,
    /// Whether `Retry-After` is honoured.
    pub(crate) honours_retry_after: bool,
    /// Share of shoppers who only look around.
    pub(crate) lookers: f64,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            thinking: Duration::from_millis(1500),
            patience: Duration::from_secs(3),
            retries: 3,
            pause: Duration::from_secs(1),
            honours_retry_after: true,
            lookers: 0.0,
        }
    }
}

/// The pages of a buyer, in their order; the recommendations are loaded beside the product.
const BUYING: [Page; 10] = [
    Page::Home,
    Page::Product,
    Page::Search,
    Page::ChangeCart,
    Page::Cart,
    Page::Checkout,
    Page::Deliver,
    Page::Payment,
    Page::Pay,
    Page::Order,
];

/// The pages of somebody who only looks.
const LOOKING: [Page; 4] = [Page::Home, Page::Product, Page::Search, Page::Product];

/// One shopper.
#[derive(Debug)]
pub(crate) struct Shopper {
    pages: &'static [Page],
    at: usize,
    pub(crate) tries: u32,
    /// Chosen once: the cohort follows from it.
    pub(crate) key: u64,
    pub(crate) hot: bool,
}

impl Shopper {
    pub(crate) fn arrive(habits: &Habits, hot: f64, dice: &mut fastrand::Rng) -> Self {
        let looks = dice.f64() < habits.lookers;
        let pages: &'static [Page] = if looks { &LOOKING } else { &BUYING };
        Self { pages, at: 0, tries: 0, key: dice.u64(..), hot: dice.f64() < hot }
    }

    /// The page that is asked for now; `None` at the end.
    pub(crate) fn page(&self) -> Option<Page> {
        self.pages.get(self.at).copied()
    }

    pub(crate) fn is_new(&self) -> bool {
        self.at == 0
    }

    pub(crate) fn buys(&self) -> bool {
        self.pages.len() == BUYING.len()
    }

    /// Goes on; true when the visit is complete.
    pub(crate) fn served(&mut self) -> bool {
        self.at += 1;
        self.tries = 0;
        self.page().is_none()
    }

    /// Time until the next page is asked for; redirections are not looked at.
    pub(crate) fn thinks(&self, habits: &Habits, dice: &mut fastrand::Rng) -> Duration {
        let posted = self.at.checked_sub(1).and_then(|before| self.pages.get(before));
        match posted {
            Some(Page::ChangeCart | Page::Deliver | Page::Pay) => Duration::ZERO,
            _ => about(habits.thinking, dice),
        }
    }

    /// Time until the next try; `None` when all hope is lost.
    pub(crate) fn fails(
        &mut self,
        habits: &Habits,
        retry_after: Option<Duration>,
        dice: &mut fastrand::Rng,
    ) -> Option<Duration> {
        self.tries += 1;
        let pause = about(habits.pause, dice);
        let asked = retry_after.filter(|_| habits.honours_retry_after).unwrap_or_default();
        (self.tries <= habits.retries).then(|| pause.max(asked))
    }
}

/// Half of `mean` at least, the rest by chance.
fn about(mean: Duration, dice: &mut fastrand::Rng) -> Duration {
    mean.mul_f64(0.5 - 0.5 * (1.0 - dice.f64()).ln())
}
