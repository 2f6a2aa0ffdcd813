//! The kinds of pages of the shop.

use std::time::Duration;

/// How much a page matters to the store; the names are those of the demo's classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Address, payment, confirmation.
    Checkout,
    /// The cart.
    Cart,
    /// Looking around.
    Browse,
    /// What the page can do without.
    Background,
}

impl Class {
    /// Every class, most important first.
    pub const ALL: [Self; 4] = [Self::Checkout, Self::Cart, Self::Browse, Self::Background];

    /// Its name in configuration, metrics and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Cart => "cart",
            Self::Browse => "browse",
            Self::Background => "background",
        }
    }
}

/// A kind of page: what is asked for, not which product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Page {
    /// `GET /`
    Home,
    /// `GET /products/SLUG`
    Product,
    /// `GET /recommendations?for=SLUG`, a fragment that the product page loads by itself.
    Recommendations,
    /// `GET /search?q=WORDS`
    Search,
    /// `POST /cart`
    ChangeCart,
    /// `GET /cart`
    Cart,
    /// `GET /checkout`
    Checkout,
    /// `POST /checkout`
    Deliver,
    /// `GET /pay`
    Payment,
    /// `POST /pay`
    Pay,
    /// `GET /orders/NUMBER`
    Order,
}

impl Page {
    /// Every kind, in the order of a journey, which asks for each once.
    pub const ALL: [Self; 11] = [
        Self::Home,
        Self::Product,
        Self::Recommendations,
        Self::Search,
        Self::ChangeCart,
        Self::Cart,
        Self::Checkout,
        Self::Deliver,
        Self::Payment,
        Self::Pay,
        Self::Order,
    ];

    /// Its class.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Home | Self::Product | Self::Search => Class::Browse,
            Self::Recommendations => Class::Background,
            Self::ChangeCart | Self::Cart => Class::Cart,
            Self::Checkout | Self::Deliver | Self::Payment | Self::Pay | Self::Order => Class::Checkout,
        }
    }

    /// Time the database needs for it when it is not overfilled. A journey through all of them takes 800 ms.
    #[must_use]
    pub const fn work(self) -> Duration {
        Duration::from_millis(match self {
            Self::ChangeCart => 30,
            Self::Deliver | Self::Payment => 40,
            Self::Order => 50,
            Self::Product | Self::Recommendations | Self::Cart => 60,
            Self::Home | Self::Checkout => 80,
            Self::Search => 140,
            Self::Pay => 160,
        })
    }
}
