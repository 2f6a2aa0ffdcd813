//! `[room.NAME]`: what a waiting room is told.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::Rate;

/// Index into [`super::Settings::rooms`].
pub type RoomIndex = usize;

/// `[room.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomSettings {
    /// Its name.
    pub name: String,
    /// Whether a line forms.
    pub mode: RoomMode,
    /// Hard cap of shoppers inside at once; at least 1.
    pub active_shoppers: u32,
    /// How fast shoppers are let in, within the cap.
    pub admit_rate: AdmitRate,
    /// Idle time after which an admitted shopper's place is free again.
    pub session: Duration,
    /// How long a called turn is held.
    pub claim: Duration,
    /// Who is called first.
    pub order: RoomOrder,
    /// Before it the room is a lobby whose shoppers are shuffled when it opens.
    pub opens: Option<Timestamp>,
    /// What the page is headed with.
    pub title: Texts,
    /// The operator's words to those who wait.
    pub message: Texts,
    /// The operator's page instead of the built-in one, a minijinja template.
    pub template: Option<PathBuf>,
    /// Places given to one client address (IPv6: its /64), sustained; `None` is no limit.
    pub joins_per_client: Option<Rate>,
    /// Places given to one client address at once, after a pause.
    pub joins_burst: u32,
    /// Whether newcomers are asked for a proof of work.
    pub proof_of_work: ProofOfWork,
    /// Whether a ticket is good only in the network it was given to (IPv4: /24, IPv6: /48).
    pub bind_network: bool,
}

/// Whether a line forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomMode {
    /// Nobody waits; what would have waited is counted.
    Off,
    /// A line forms only when the room is full.
    Auto,
    /// Everybody goes through the line.
    Always,
    /// Nobody is let in; places are kept and new ones given.
    Paused,
    /// Nobody is let in and no place is given; those inside go on.
    Closed,
}

/// How fast shoppers are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdmitRate {
    /// As fast as the origins have headroom.
    Auto,
    /// At this rate.
    Fixed(Rate),
}

/// Who is called first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomOrder {
    /// Who came first.
    Arrival,
    /// Drawn by lot among those who wait.
    Lottery,
}

/// Whether newcomers are asked for a proof of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofOfWork {
    /// Never.
    Off,
    /// While places are asked for much faster than people are let in.
    Auto,
    /// Always.
    Always,
}

/// A text in several languages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(pub Vec<(String, String)>);

impl Texts {
    /// The text in the language with this tag (`en`, `ja`, `zh-Hant`, `zh-Hans`, `ko`, …; case does not matter); where there
    /// is none, the one for every language, the English one, or the first.
    #[must_use]
    pub fn get(&self, tag: &str) -> Option<&str> {
        let by = |wanted: &str| self.0.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(wanted));
        by(tag).or_else(|| by("")).or_else(|| by("en")).or_else(|| self.0.first()).map(|(_, text)| text.as_str())
    }
}
