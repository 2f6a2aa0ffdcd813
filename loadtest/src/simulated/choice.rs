//! Who decides.

use spillway::overload::{AdaptiveGovernor, Bounds, Governor};

use super::mutants::{Aimd, Fixed, Gradient2};

/// The governor of the product, or one that takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Choice {
    /// The product's
    Adaptive,
    /// The limit stays at what it was at first
    Frozen,
    /// The limit is the highest there may be
    AlwaysMax,
    /// The limit is the lowest there may be
    AlwaysMin,
    /// Netflix's Gradient2
    Gradient2,
    /// Additive increase, multiplicative decrease
    Aimd,
}

impl Choice {
    pub(crate) fn build(self, bounds: Bounds) -> Box<dyn Governor> {
        match self {
            Self::Adaptive => Box::new(AdaptiveGovernor::new(bounds, 0)),
            Self::Frozen => Box::new(Fixed::frozen(bounds)),
            Self::AlwaysMax => Box::new(Fixed::always_max(bounds)),
            Self::AlwaysMin => Box::new(Fixed::always_min(bounds)),
            Self::Gradient2 => Box::new(Gradient2::new(bounds)),
            Self::Aimd => Box::new(Aimd::new(bounds)),
        }
    }
}
