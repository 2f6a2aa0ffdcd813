//! Whether a shopper has begun already.

/// On which side of a class's line a request waits.
///
/// A shopper who was served a page and is refused the next has cost the origin its work for nothing, so those who have
/// begun are served before those who have not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Its shopper was served something of late.
    Returning,
    /// Its shopper was not, and begins with it: it takes a begin token.
    Newcomer,
}

impl Lane {
    /// How many there are.
    pub(super) const COUNT: usize = 2;

    /// Both, in the order they are served in.
    pub(super) const ALL: [Self; Self::COUNT] = [Self::Returning, Self::Newcomer];

    /// Position in [`Lane::ALL`].
    pub(super) const fn index(self) -> usize {
        self as usize
    }
}
