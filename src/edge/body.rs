//! An answer's body on its way to the client: holds the seat, gives it back when the body ends or the reader stalls.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::activity::Order;
use super::connection::Connection;
use super::hygiene;
use super::local::StreamEnd;
use super::patrol::{Watch, Watched};
use super::trail::Trail;
use crate::clock::Nanos;
use crate::origin::OriginBody;
use crate::overload::Seat;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Time in which a reader need not have reached the least rate.
const RATE_GRACE: Duration = Duration::from_secs(10);

/// An answer that has been on its way for so long costs its origin little more: what it looked up is found, and what takes
/// time is its reader, or it is one that is meant to last.
const STREAMING: Duration = Duration::from_secs(1);

/// What an answer's body is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DownloadLimits {
    /// Longest time the client may leave bytes unread. The silence of the origin is bounded by [`OriginBody`].
    pub(crate) silence: Duration,
    /// Least average bytes a second the client must take; 0 is none.
    pub(crate) rate: u64,
}

/// What an answer from an origin holds until its body ends.
pub(crate) struct Held {
    /// The body itself.
    pub(crate) body: OriginBody,
    /// The seat, given back when the body has ended or is broken off.
    pub(crate) seat: Option<Seat>,
    /// Whether most of the seat is given back while the body is still on its way: where a seat stands for work at the
    /// origin, not for a connection to it.
    pub(crate) shrinks: bool,
}

/// The body of any answer.
pub(crate) struct ResponseBody {
    source: Source,
    trail: Option<Trail>,
}

enum Source {
    /// From memory.
    Full(Option<Bytes>),
    /// From the origin; most bodies are read to their end in this state.
    Direct(Box<Direct>),
    /// From the origin, in more than one frame: the patrol has an eye on its reader.
    Watched(Rc<Download>, #[expect(dead_code, reason = "held for its drop")] Watch),
    /// Over or broken off.
    Gone,
}

struct Direct {
    held: Held,
    limits: DownloadLimits,
    connection: Rc<Connection>,
}

/// A body shared with the patrol, which takes it away from a reader that stalls.
struct Download {
    held: RefCell<Option<Held>>,
    limits: DownloadLimits,
    connection: Rc<Connection>,
    /// How to end the stream; `None` on HTTP/1.
    stream: Option<Rc<StreamEnd>>,
    /// Whether the origin is waited for, rather than the client.
    on_origin: Cell<bool>,
    /// When its first part was handed on.
    began: Nanos,
    since: Cell<Nanos>,
    /// Time for which the client was waited for.
    on_client: Cell<Nanos>,
    taken: Cell<u64>,
    over: Cell<bool>,
}

/// The reader stalled, and its answer was taken away.
#[derive(Debug, thiserror::Error)]
#[error("the client did not read its answer")]
struct Stalled;

impl ResponseBody {
    /// A body from memory.
    pub(crate) fn full(bytes: Bytes) -> Self {
        Self { source: Source::Full((!bytes.is_empty()).then_some(bytes)), trail: None }
    }

    /// A body from an origin, for a client on `connection`.
    pub(crate) fn from_origin(held: Held, limits: DownloadLimits, connection: &Rc<Connection>) -> Self {
        let direct = Direct { held, limits, connection: Rc::clone(connection) };
        Self { source: Source::Direct(Box::new(direct)), trail: None }
    }

    /// Has `trail` written when this body ends or is dropped.
    pub(crate) fn with_trail(mut self, trail: Trail) -> Self {
        self.trail = Some(trail);
        self
    }

    /// Has the patrol look at it from now on; `on_origin` says whether the origin is waited for, rather than the reader.
    fn watch(&mut self, cx: &Context<'_>, on_origin: bool) {
        let Source::Direct(direct) = std::mem::replace(&mut self.source, Source::Gone) else {
            return;
        };
        let patrol = Rc::clone(direct.connection.worker.patrol());
        let download = Rc::new(direct.watched(cx, on_origin));
        let watch = patrol.watch(Rc::clone(&download) as Rc<dyn Watched>);
        self.source = Source::Watched(download, watch);
    }
}

impl Direct {
    fn watched(self, cx: &Context<'_>, on_origin: bool) -> Download {
        let now = self.connection.worker.patrol().clock().now();
        Download {
            stream: self.connection.h2.then(|| StreamEnd::tied(cx)),
            limits: self.limits,
            on_origin: Cell::new(on_origin),
            began: now,
            since: Cell::new(now),
            on_client: Cell::new(0),
            taken: Cell::new(0),
            over: Cell::new(false),
            connection: self.connection,
            held: RefCell::new(Some(self.held)),
        }
    }
}

impl Download {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let now = self.connection.worker.patrol().clock().now();
        if !self.on_origin.replace(true) {
            let waited = now.saturating_sub(self.since.get());
            self.on_client.set(self.on_client.get() + waited);
            self.since.set(now);
        }
        let mut held = self.held.borrow_mut();
        let Some(Held { body, .. }) = held.as_mut() else {
            let broken = (!self.over.replace(true)).then(|| Err(Stalled.into()));
            return Poll::Ready(broken);
        };
        let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
        self.on_origin.set(false);
        self.since.set(now);
        if let Some(Ok(frame)) = &frame {
            let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
            self.taken.set(self.taken.get() + bytes);
        }
        if body.is_end_stream() || frame.is_none() {
            self.over.set(true);
            held.take();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    /// Gives most of the seat back, once.
    fn shrink(&self, now: Nanos) {
        if Duration::from_nanos(now.saturating_sub(self.began)) < STREAMING {
            return;
        }
        if let Some(Held { seat: Some(seat), shrinks: true, .. }) = self.held.borrow_mut().as_mut() {
            seat.shrink();
        }
    }

    fn break_off(&self) {
        // Dropping closes the origin's connection and frees the seat at once, though nobody polls this body.
        drop(self.held.borrow_mut().take());
        // HTTP/2 can end one stream, HTTP/1 only the connection.
        match &self.stream {
            Some(stream) => stream.end(),
            None => self.connection.activity.order(Order::Abort),
        }
    }
}

impl Watched for Download {
    fn inspect(&self, now: Nanos) {
        self.shrink(now);
        if self.on_origin.get() || self.held.borrow().is_none() {
            return;
        }
        let silent = now.saturating_sub(self.since.get());
        let waited = Duration::from_nanos(self.on_client.get().saturating_add(silent));
        let least = self.limits.rate.saturating_mul(waited.as_secs());
        let slow = waited > RATE_GRACE && self.taken.get() < least;
        if slow || Duration::from_nanos(silent) > self.limits.silence {
            self.break_off();
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match &mut self.source {
            Source::Full(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Source::Gone => None,
            Source::Watched(download, _) => ready!(download.poll(cx)),
            Source::Direct(direct) => {
                let Poll::Ready(frame) = Pin::new(&mut direct.held.body).poll_frame(cx) else {
                    // It may be long until the first of it.
                    self.watch(cx, true);
                    return Poll::Pending;
                };
                if frame.is_none() || direct.held.body.is_end_stream() {
                    self.source = Source::Gone;
                } else {
                    // From here on it is the reader's turn.
                    self.watch(cx, false);
                }
                frame.map(|frame| frame.map_err(Into::into))
            }
        };
        if let Some(trail) = &mut self.trail {
            match &frame {
                Some(Ok(frame)) => trail.sent(frame.data_ref().map_or(0, Bytes::len)),
                Some(Err(_)) => trail.broke_off(),
                None => {}
            }
        }
        Poll::Ready(frame.map(|frame| frame.map(without_forbidden_trailers)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Full(bytes) => bytes.is_none(),
            Source::Direct(direct) => direct.held.body.is_end_stream(),
            // A hold emptied by the patrol is not an end: poll tells it as an error.
            Source::Watched(download, _) => download.over.get(),
            Source::Gone => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Source::Direct(direct) => direct.held.body.size_hint(),
            Source::Watched(download, _) => {
                download.held.borrow().as_ref().map_or_else(SizeHint::default, |held| held.body.size_hint())
            }
            Source::Gone => SizeHint::with_exact(0),
        }
    }
}

fn without_forbidden_trailers(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            hygiene::filter_trailers(&mut trailers);
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if !self.is_end_stream()
            && let Some(trail) = &mut self.trail
        {
            trail.broke_off();
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}
