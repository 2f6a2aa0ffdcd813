//! What a waiting page shows, as plain data: a page can be rendered, previewed and tested without a request or a room.

use std::time::Duration;

use jiff::Timestamp;

use crate::config::settings::Language;
use crate::room::store::DrawRecord;
use crate::room::view::Estimate;

/// One page for one shopper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scene<'a> {
    /// The room's name, as it stands in the reserved paths (`/.spillway/room/NAME`).
    pub room: &'a str,
    /// The language to write in.
    pub language: Language,
    /// What the page is headed with, in that language.
    pub title: Option<&'a str>,
    /// The operator's words, in that language.
    pub message: Option<&'a str>,
    /// Where the shopper stands.
    pub situation: Situation<'a>,
    /// How many are ahead; `None` where nobody can tell (by lot, before the opening, without a place). The status calls
    /// the first in line 1: its `position` is this and one more.
    pub rank: Option<u32>,
    /// How many wait in all.
    pub waiting: u32,
    /// How long it will take.
    pub estimate: Estimate,
    /// When to ask for the status, or where there is no place, for the page again.
    pub poll_after: Duration,
    /// When the room opens, while it is a lobby.
    pub opens: Option<Timestamp>,
    /// Whether the next is drawn by lot.
    pub by_lot: bool,
    /// SHA-256 of the seed the lobby's order is, or was, drawn with.
    pub commitment: Option<[u8; 32]>,
    /// The shopper's number in the order of arrival.
    pub number: Option<u32>,
    /// The lobby that number was drawn in, once its order is known.
    pub draw: Option<&'a DrawRecord>,
    /// Where the shopper was going: path and query, on this host. It begins with exactly one slash, and is not otherwise to
    /// be trusted.
    pub to: &'a str,
    /// Whether the page was asked for with `GET` or `HEAD`; else something was sent, which the shop has not received, and
    /// which the page must not send again by itself.
    pub is_safe: bool,
    /// What the request goes by.
    pub request_id: &'a str,
}

/// Where a shopper stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation<'a> {
    /// In the lobby, before the room opens.
    Lobby,
    /// In line.
    Waiting,
    /// In line, and nobody is let in for now.
    Paused,
    /// It is their turn: a navigation to [`Scene::to`] goes in.
    Called,
    /// They are inside.
    Inside,
    /// The room is closed.
    Closed {
        /// Because all is sold, as an origin says.
        sold_out: bool,
        /// Whether the shopper holds a place that is kept.
        has_place: bool,
    },
    /// This request gets no place, because it is not the `GET` of a whole page (a form was sent, or it is a page within a
    /// page): a link to [`Scene::to`] gets one.
    NotNumbered,
    /// No place can be given at the moment: the page asks for itself again after [`Scene::poll_after`].
    NoNumber,
    /// A proof of work is asked for before a place is given.
    Challenged(Challenge<'a>),
    /// The browser sent no ticket back, though it was given one: nothing goes on without cookies.
    CookiesMissing,
    /// The shopper gave the place up.
    Left,
    /// Too many places were asked for from this address: after [`Scene::poll_after`] there may be another.
    TooMany,
}

/// A proof of work: a number such that SHA-256 of `TEXT:NUMBER`, the number in decimal, begins with `difficulty` zero bits.
///
/// It is handed in with `POST /.spillway/room/NAME/join?challenge=TEXT&nonce=NUMBER`, or without a number once the challenge
/// is [`Challenge::without_proof_after`] old, for those who cannot compute. The answer is the status; with `&to=PATH` it sends the
/// browser there (303), so that a form needs no script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// Its text: letters, digits, `-` and `_`.
    pub text: &'a str,
    /// Zero bits asked for.
    pub difficulty: u32,
    /// Age at which it is taken without a proof.
    pub without_proof_after: Duration,
}

/// A page, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// HTML in UTF-8.
    pub body: bytes::Bytes,
    /// `Content-Security-Policy`.
    pub policy: http::HeaderValue,
}

/// Renders pages; one for each room.
pub trait Painter: std::fmt::Debug + Send + Sync {
    /// The page of a scene. It cannot fail: what does not render is found when a template is loaded, and what fails
    /// all the same is replaced by the built-in page.
    fn paint(&self, scene: &Scene<'_>) -> Page;
}
