//! A request body on its way to the origin: bounded in size, in silence and in slowness.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::activity::Order;
use super::connection::Connection;
use super::hygiene;
use super::patrol::{Watch, Watched};
use crate::clock::Nanos;

/// Time in which a body need not have reached the least rate: slow start and a phone waking up.
const RATE_GRACE: Duration = Duration::from_secs(10);

/// What a body is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UploadLimits {
    /// Most bytes; 0 is unlimited.
    pub(crate) size: u64,
    /// Longest silence.
    pub(crate) silence: Duration,
    /// Least average bytes a second; 0 is none.
    pub(crate) rate: u64,
}

/// Why a body was not taken to its end. It is the client's doing in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UploadFault {
    /// More bytes than the route takes.
    #[error("the request body is larger than the route allows")]
    TooLarge,
    /// Silence, or bytes that trickle.
    #[error("the request body came too slowly")]
    TooSlow,
    /// The client went away or broke the framing.
    #[error("the request body ended early")]
    Broken,
}

/// Shared with the stage that must tell a client's fault from an origin's.
#[derive(Debug)]
pub(crate) struct UploadState {
    limits: UploadLimits,
    received: Cell<u64>,
    began: Cell<Nanos>,
    last: Cell<Nanos>,
    waiting: Cell<bool>,
    fault: Cell<Option<UploadFault>>,
    waker: RefCell<Option<Waker>>,
}

impl UploadState {
    /// Bytes taken from the client so far.
    pub(crate) fn received(&self) -> u64 {
        self.received.get()
    }

    /// When the last of it so far was taken from the client.
    pub(crate) fn last(&self) -> Nanos {
        self.last.get()
    }

    /// Why the body was broken off, if it was.
    pub(crate) fn fault(&self) -> Option<UploadFault> {
        self.fault.get()
    }
}

impl Watched for UploadState {
    fn inspect(&self, now: Nanos) {
        if !self.waiting.get() {
            return;
        }
        let since = |then: Nanos| Duration::from_nanos(now.saturating_sub(then));
        let whole = since(self.began.get());
        let least = self.limits.rate.saturating_mul(whole.as_secs());
        let slow = whole > RATE_GRACE && self.received.get() < least;
        if slow || since(self.last.get()) > self.limits.silence {
            self.fault.set(Some(UploadFault::TooSlow));
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }
}

/// The body itself.
#[derive(Debug)]
pub(crate) struct Upload {
    incoming: Incoming,
    state: Rc<UploadState>,
    connection: Rc<Connection>,
    watch: Option<Watch>,
}

impl Upload {
    /// Wraps the body of a request that came in on `connection`.
    pub(crate) fn new(incoming: Incoming, limits: UploadLimits, connection: &Rc<Connection>) -> Self {
        let now = connection.worker.patrol().clock().now();
        Self {
            incoming,
            state: Rc::new(UploadState {
                limits,
                received: Cell::new(0),
                began: Cell::new(now),
                last: Cell::new(now),
                waiting: Cell::new(false),
                fault: Cell::new(None),
                waker: RefCell::new(None),
            }),
            connection: Rc::clone(connection),
            watch: None,
        }
    }

    /// What others may ask about it.
    pub(crate) fn state(&self) -> Rc<UploadState> {
        Rc::clone(&self.state)
    }

    fn fail(&self, fault: UploadFault) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        self.state.fault.set(Some(fault));
        Poll::Ready(Some(Err(fault)))
    }

    fn wait(&mut self, cx: &Context<'_>) {
        self.state.waiting.set(true);
        *self.state.waker.borrow_mut() = Some(cx.waker().clone());
        if self.watch.is_none() {
            let state: Rc<UploadState> = Rc::clone(&self.state);
            self.watch = Some(self.connection.worker.patrol().watch(state));
        }
    }

    fn frame(&mut self, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        match frame.into_data() {
            Ok(data) => {
                let received = self.state.received.get() + data.len() as u64;
                self.state.received.set(received);
                self.state.last.set(self.connection.worker.patrol().clock().now());
                if self.state.limits.size != 0 && received > self.state.limits.size {
                    return self.fail(UploadFault::TooLarge);
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Err(frame) => {
                match frame.into_trailers() {
                    Ok(mut trailers) if self.connection.h2 => {
                        hygiene::filter_trailers(&mut trailers);
                        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
                    }
                    _ => {
                        // What an HTTP/1 client sends after the last chunk may be a request meant to be smuggled past.
                        self.connection.activity.order(Order::Close);
                        Poll::Ready(None)
                    }
                }
            }
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadFault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        if let Some(fault) = self.state.fault.get() {
            return Poll::Ready(Some(Err(fault)));
        }
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        if polled.is_pending() {
            self.wait(cx);
            return Poll::Pending;
        }
        self.state.waiting.set(false);
        match ready!(polled) {
            None => Poll::Ready(None),
            Some(Ok(frame)) => self.frame(frame),
            Some(Err(_)) => self.fail(UploadFault::Broken),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
