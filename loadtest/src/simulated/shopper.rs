//! One simulated shopper: which page comes next, and what a failure leads to.

use spillway::clock::Nanos;
use spillway::demo::page::Page;

/// One millisecond.
pub(crate) const MILLISECOND: Nanos = 1_000_000;

/// How shoppers behave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Habits {
    /// Mean time on a page.
    pub(crate) thinking: Nanos,
    /// An answer that takes longer is not waited for.
    pub(crate) patience: Nanos,
    /// Further tries of a page.
    pub(crate) retries: u32,
    /// Mean time before one.
    pub(crate) pause: Nanos,
    /// Whether `Retry-After` is honoured.
    pub(crate) honours_retry_after: bool,
    /// Share of shoppers who only look around.
    pub(crate) lookers: f64,
    /// Share of shoppers who want the one product that everybody wants.
    pub(crate) hot: f64,
}

impl Habits {
    pub(crate) const USUAL: Self = Self {
        thinking: 1500 * MILLISECOND,
        patience: 3000 * MILLISECOND,
        retries: 3,
        pause: 1000 * MILLISECOND,
        honours_retry_after: true,
        lookers: 0.0,
        hot: 0.0,
    };

    /// Programs that take no for an answer ten times, and try again at once.
    pub(crate) const STORMING: Self =
        Self { retries: 10, pause: 50 * MILLISECOND, honours_retry_after: false, ..Self::USUAL };

    pub(crate) const fn with_lookers(self, lookers: f64) -> Self {
        Self { lookers, ..self }
    }

    pub(crate) const fn with_hot(self, hot: f64) -> Self {
        Self { hot, ..self }
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
    /// What a proxy knows it by.
    pub(crate) key: u64,
    pages: &'static [Page],
    at: usize,
    tries: u32,
    hot: bool,
    /// When the first page was served.
    pub(crate) begun: Option<Nanos>,
}

impl Shopper {
    pub(crate) fn arrive(habits: &Habits, dice: &mut fastrand::Rng) -> Self {
        let looks = dice.f64() < habits.lookers;
        let pages: &'static [Page] = if looks { &LOOKING } else { &BUYING };
        Self { key: dice.u64(..), pages, at: 0, tries: 0, hot: dice.f64() < habits.hot, begun: None }
    }

    /// The page that is asked for now; `None` at the end.
    pub(crate) fn page(&self) -> Option<Page> {
        self.pages.get(self.at).copied()
    }

    /// All pages of the visit, with the time after arriving at which each is asked for if all goes well.
    pub(crate) fn visit(&self, habits: &Habits) -> impl Iterator<Item = (Nanos, Page)> {
        let thinking = habits.thinking;
        self.pages.iter().scan(0, move |at, page| {
            let asked = *at;
            let thinks = if is_redirection(*page) { 0 } else { thinking };
            *at += page.work().as_nanos() as Nanos + thinks;
            Some((asked, *page))
        })
    }

    /// Whether this page is for the product that everybody wants.
    pub(crate) fn is_hot(&self, page: Page) -> bool {
        self.hot && page == Page::Product
    }

    pub(crate) fn is_new(&self) -> bool {
        self.begun.is_none()
    }

    /// Goes on; true when the visit is complete.
    pub(crate) fn served(&mut self, now: Nanos) -> bool {
        self.begun.get_or_insert(now);
        self.at += 1;
        self.tries = 0;
        self.page().is_none()
    }

    /// Time until the next page is asked for.
    pub(crate) fn thinks(&self, habits: &Habits, dice: &mut fastrand::Rng) -> Nanos {
        let before = self.at.checked_sub(1).and_then(|before| self.pages.get(before));
        if before.is_some_and(|page| is_redirection(*page)) { 0 } else { about(habits.thinking, dice) }
    }

    /// Time until the next try; `None` when all hope is lost.
    pub(crate) fn fails(
        &mut self,
        habits: &Habits,
        retry_after: Option<Nanos>,
        dice: &mut fastrand::Rng,
    ) -> Option<Nanos> {
        self.tries += 1;
        let pause = about(habits.pause, dice);
        let told = retry_after.filter(|_| habits.honours_retry_after).unwrap_or_default();
        (self.tries <= habits.retries).then(|| pause.max(told))
    }
}

/// Pages that are not looked at: they lead to the next.
fn is_redirection(page: Page) -> bool {
    matches!(page, Page::ChangeCart | Page::Deliver | Page::Pay)
}

/// Half of `mean` at least, the rest by chance.
fn about(mean: Nanos, dice: &mut fastrand::Rng) -> Nanos {
    (mean as f64 * (0.5 + 0.5 * exponential(dice))) as Nanos
}

/// A number with a mean of 1.0 that has no memory.
pub(crate) fn exponential(dice: &mut fastrand::Rng) -> f64 {
    -(1.0 - dice.f64()).ln()
}
