//! The body of an origin's answer, which holds the connection it comes from.

use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::clock::{self, Nanos};
use crate::origin::alarm::Alarm;
use crate::origin::error::BodyError;
use crate::origin::h1::H1;
use crate::origin::h2::Stream;
use crate::origin::pool::{InFlight, ServerPool};

type Polled = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

/// An origin's answer. At its end the connection goes back to the pool; dropped earlier, the connection is closed
/// (HTTP/1) or the stream reset (HTTP/2). Fails after `body_timeout` of silence while it is being waited for.
#[derive(Debug)]
#[must_use = "dropping a body closes its connection"]
pub struct OriginBody {
    incoming: Incoming,
    link: Link,
    /// Whether its end will count as success: the status was no failure.
    good: bool,
}

#[derive(Debug)]
enum Link {
    /// All of the body is here; the connection serves others.
    Complete,
    /// The connection is driven by whoever polls the body.
    Driven(Box<H1>),
    /// The connection has a task of its own.
    Elsewhere(Elsewhere),
}

#[derive(Debug)]
struct Elsewhere {
    alarm: Alarm,
    silence: Nanos,
    pool: Rc<ServerPool>,
    /// Held until the body ends.
    _stream: Option<(Stream, InFlight)>,
}

impl OriginBody {
    /// The body of an answer on `h1`; `good` if its status is no failure.
    pub(in crate::origin) fn over_h1(incoming: Incoming, h1: Box<H1>, good: bool) -> Self {
        if h1.is_reusable() {
            h1.succeeded(good);
            h1.release();
            return Self::detached(incoming);
        }
        let link = if h1.uploads() {
            // The request is still being sent. Its progress must not hang on the client reading this answer.
            let link = h1.pool().map(|pool| Elsewhere::new(h1.silence(), pool, None));
            h1.run_on();
            link.map_or(Link::Complete, Link::Elsewhere)
        } else {
            Link::Driven(h1)
        };
        Self { incoming, link, good }
    }

    /// The body of an answer whose connection serves something else by now.
    pub(in crate::origin) const fn detached(incoming: Incoming) -> Self {
        Self { incoming, link: Link::Complete, good: false }
    }

    /// The body of an answer on an HTTP/2 stream.
    pub(in crate::origin) fn over_h2(
        incoming: Incoming,
        stream: Stream,
        in_flight: InFlight,
        silence: Duration,
        good: bool,
    ) -> Self {
        let pool = Rc::clone(in_flight.pool());
        let elsewhere = Elsewhere::new(silence.as_nanos() as Nanos, pool, Some((stream, in_flight)));
        Self { incoming, link: Link::Elsewhere(elsewhere), good }
    }

    fn poll_driven(&mut self, cx: &mut Context<'_>) -> Polled {
        let Link::Driven(h1) = &mut self.link else {
            return Poll::Ready(None);
        };
        let polled = h1.poll_body(&mut self.incoming, cx);
        if polled.is_ready() {
            self.settle(matches!(polled, Poll::Ready(None)));
        }
        polled
    }

    /// Lets go of the connection if nothing more of the body will come over it.
    fn settle(&mut self, ended: bool) {
        let reusable = matches!(&self.link, Link::Driven(h1) if h1.is_reusable());
        if !ended && !reusable {
            return;
        }
        match mem::replace(&mut self.link, Link::Complete) {
            Link::Complete => {}
            Link::Driven(h1) => {
                h1.succeeded(self.good);
                if reusable {
                    h1.release();
                }
            }
            Link::Elsewhere(elsewhere) => elsewhere.pool.succeeded(self.good),
        }
    }
}

impl Elsewhere {
    fn new(silence: Nanos, pool: Rc<ServerPool>, stream: Option<(Stream, InFlight)>) -> Self {
        Self { alarm: pool.alarms().alarm(), silence, pool, _stream: stream }
    }

    fn poll(&mut self, incoming: &mut Incoming, cx: &mut Context<'_>) -> Polled {
        let polled = Pin::new(incoming).poll_frame(cx).map_err(BodyError::Broken);
        if polled.is_ready() {
            self.alarm.disarm();
        } else if self.alarm.rang() {
            return Poll::Ready(Some(Err(BodyError::Timeout)));
        } else {
            self.alarm.wakes(cx.waker());
            if !self.alarm.is_armed() {
                self.alarm.arm_after(self.silence);
            }
        }
        if let Poll::Ready(Some(Err(_))) = &polled {
            self.pool.failed(clock::now());
        }
        polled
    }
}

impl Body for OriginBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        match &mut this.link {
            Link::Complete => Pin::new(&mut this.incoming).poll_frame(cx).map_err(BodyError::Broken),
            Link::Driven(_) => this.poll_driven(cx),
            Link::Elsewhere(elsewhere) => {
                let polled = elsewhere.poll(&mut this.incoming, cx);
                match polled {
                    Poll::Ready(None) => this.settle(true),
                    Poll::Ready(Some(Err(_))) => this.link = Link::Complete,
                    Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
                }
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for OriginBody {
    fn drop(&mut self) {
        self.settle(self.incoming.is_end_stream());
    }
}
