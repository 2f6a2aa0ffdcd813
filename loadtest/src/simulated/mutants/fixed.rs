//! A limit that stays.

use spillway::overload::{Bounds, Directive, Governor, Window};

use super::just;

/// A limit that never moves, whatever happens.
#[derive(Debug)]
pub(crate) struct Fixed(u32);

impl Fixed {
    /// What a governor that has learned nothing yet begins with.
    const FIRST: u32 = 10;

    /// What it was at the beginning.
    pub(crate) fn frozen(bounds: Bounds) -> Self {
        Self(Self::FIRST.clamp(bounds.min, bounds.max))
    }

    pub(crate) fn always_max(bounds: Bounds) -> Self {
        Self(bounds.max)
    }

    pub(crate) fn always_min(bounds: Bounds) -> Self {
        Self(bounds.min)
    }
}

impl Governor for Fixed {
    fn tick(&mut self, _window: &Window<'_>) -> Directive {
        just(self.0)
    }

    fn set_bounds(&mut self, _bounds: Bounds) {}
}
