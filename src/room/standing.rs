//! What a shopper is told of a place in line or inside.

/// What becomes of a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Comes in at once.
    Inside(Slot),
    /// Is given this number.
    Waiting {
        /// The epoch the number belongs to.
        epoch: u32,
        /// The number.
        number: u32,
    },
    /// There is no number that could be defended after a restart; the shopper asks again in a moment.
    NoNumber,
    /// The room is closed.
    Closed,
}

/// A slot inside, and the number it was given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The epoch.
    pub epoch: u32,
    /// The slot, below `active_shoppers` when it was given.
    pub slot: u32,
    /// Whose it is.
    pub number: u32,
}

/// Where the holder of a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In the lobby, before the room opens.
    Lobby,
    /// In line.
    Waiting {
        /// How many are ahead; `None` where the next is drawn by lot.
        rank: Option<u32>,
    },
    /// In line, and nobody is let in.
    Paused {
        /// As in `Waiting`.
        rank: Option<u32>,
    },
    /// It is their turn.
    Called,
    /// They came in.
    Inside(Slot),
    /// The room is closed; the place is kept.
    Closed,
    /// The number was used and the stay it gave is over.
    Used,
    /// No such number was given in this epoch.
    Foreign,
}

/// What a shopper was promised at joining, in seconds of waiting; carried in the ticket, so that it can be held against
/// what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// When the number was given, seconds since the epoch.
    pub joined: u64,
    /// The likely wait.
    pub likely: Option<u32>,
    /// The late one.
    pub late: Option<u32>,
}

/// A turn that was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed {
    /// What the pass is for.
    pub slot: Slot,
    /// From joining to being called; `None` where it was claimed before.
    pub waited: Option<std::time::Duration>,
}
