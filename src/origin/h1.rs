//! One HTTP/1.1 connection to a server, driven by the task that waits for its answer.
//!
//! hyper expects a task of its own for every connection. Polling the connection from the request's task instead saves
//! the switches between the two, for every request.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri, Version};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use super::alarm::{Alarm, Alarms};
use super::body::{RequestBody, Upload, UploadState};
use super::error::{BodyError, OriginError};
use super::pool::{InFlight, ServerPool};
use super::relay::Relay;
use super::stream::Stream;
use crate::clock::{self, Nanos};

/// A response head past this, or past hyper's own 100 fields, is refused as not meant for a store. Telling hyper that
/// number makes it parse into a slower store.
const MAX_HEAD: usize = 64 * 1024;
/// Bytes read, and request bytes buffered, at most: twice a large page, so that most bodies are few reads.
const MAX_BUFFER: usize = 128 * 1024;

type Connection = Pin<Box<dyn Future<Output = hyper::Result<()>>>>;
type Sent = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>;

/// A connection, idle or with one request.
pub(super) struct H1 {
    sender: SendRequest<RequestBody>,
    /// `None` once it has ended.
    connection: Option<Connection>,
    relay: Arc<Relay>,
    waker: Waker,
    alarm: Alarm,
    upload: Rc<Upload>,
    timeout: Nanos,
    silence: Nanos,
    idle_since: Nanos,
    answered: bool,
    lease: Option<InFlight>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The connection was closed before anything was written: here is the request again.
    Unsent {
        /// As it was.
        request: Box<Request<RequestBody>>,
        /// Whether the connection had served before.
        kept: bool,
    },
    /// It failed after the request was, at least partly, written.
    Failed {
        /// What the caller is told.
        error: OriginError,
        /// Whether the connection had served before: then this is probably its idle timeout.
        kept: bool,
    },
}

impl H1 {
    /// Speaks HTTP/1.1 over `stream`.
    pub(super) async fn over(stream: Stream, alarms: &Rc<Alarms>) -> io::Result<Box<Self>> {
        let mut builder = http1::Builder::new();
        builder.max_header_size(MAX_HEAD).max_buf_size(MAX_BUFFER);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let relay = Arc::new(Relay::default());
        let waker = Waker::from(Arc::clone(&relay));
        let alarm = alarms.alarm();
        alarm.wakes(&waker);
        Ok(Box::new(Self {
            sender,
            connection: Some(Box::pin(connection.with_upgrades())),
            relay,
            waker,
            alarm,
            upload: Upload::new(alarms),
            timeout: 0,
            silence: 0,
            idle_since: 0,
            answered: false,
            lease: None,
        }))
    }

    /// Gives the connection to one request: `timeout` until its head, `silence` within its body.
    pub(super) fn lease(&mut self, lease: InFlight, timeout: Duration, silence: Duration) {
        self.lease = Some(lease);
        self.timeout = timeout.as_nanos() as Nanos;
        self.silence = silence.as_nanos() as Nanos;
    }

    /// Sends a request; `now` is when its timeout begins.
    pub(super) async fn send(
        mut self: Box<Self>,
        mut request: Request<RequestBody>,
        now: Nanos,
    ) -> Result<(Response<Incoming>, Box<Self>), Unanswered> {
        request.body_mut().track(&self.upload);
        *request.version_mut() = Version::HTTP_11;
        to_origin_form(request.uri_mut());
        let mut sent = pin!(self.sender.try_send_request(request));
        let due = now.saturating_add(self.timeout);
        match poll_fn(|cx| self.poll_answer(sent.as_mut(), due, cx)).await {
            Some(Ok(response)) => {
                self.answered = true;
                Ok((response, self))
            }
            Some(Err(mut error)) => Err(match error.take_message() {
                Some(request) => Unanswered::Unsent { request: Box::new(request), kept: self.answered },
                None => self.failed(error.into_error()),
            }),
            None => Err(Unanswered::Failed { error: OriginError::Timeout, kept: false }),
        }
    }

    fn failed(&self, error: hyper::Error) -> Unanswered {
        if self.upload.failed() {
            return Unanswered::Failed { error: OriginError::RequestBody(error), kept: false };
        }
        Unanswered::Failed { error: OriginError::Broken(error), kept: self.answered }
    }

    /// The answer, or `None` when it is late.
    fn poll_answer(
        &mut self,
        sent: Pin<&mut impl Future<Output = Sent>>,
        due: Nanos,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Sent>> {
        self.relay.enter(cx.waker());
        self.step();
        if let Poll::Ready(answer) = sent.poll(&mut Context::from_waker(&self.waker)) {
            self.alarm.disarm();
            self.relay.leave_done();
            return Poll::Ready(Some(answer));
        }
        if !self.alarm.is_armed() {
            self.alarm.arm(due);
        } else if self.alarm.rang() && self.is_late(due) {
            self.alarm.disarm();
            self.relay.leave_done();
            return Poll::Ready(None);
        }
        self.relay.leave_asleep();
        Poll::Pending
    }

    /// Whether the silence is the origin's; if it is the client's, or the body took its time, waits on.
    fn is_late(&self, due: Nanos) -> bool {
        let now = self.alarm.now();
        let next = self.upload.next_deadline(due, self.timeout, now);
        if next > now {
            self.alarm.arm(next);
        }
        next <= now
    }

    /// The next frame of the answer to the request sent.
    pub(super) fn poll_body(
        &mut self,
        incoming: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.relay.enter(cx.waker());
        let mut polled = Pin::new(&mut *incoming).poll_frame(&mut Context::from_waker(&self.waker));
        if polled.is_pending() {
            self.step();
            polled = Pin::new(incoming).poll_frame(&mut Context::from_waker(&self.waker));
        }
        if polled.is_ready() {
            self.alarm.disarm();
            self.relay.leave_done();
        } else if self.alarm.rang() {
            self.relay.leave_done();
            return Poll::Ready(Some(Err(BodyError::Timeout)));
        } else {
            if !self.alarm.is_armed() {
                self.alarm.arm_after(self.silence);
            }
            self.relay.leave_asleep();
        }
        if let (Poll::Ready(Some(Err(_))), Some(lease)) = (&polled, &self.lease) {
            lease.pool().failed(clock::now());
        }
        polled.map_err(BodyError::Broken)
    }

    /// Moves the connection as far as it goes without waiting.
    fn step(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        self.relay.clear();
        if connection.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready() {
            // Dropping it gives a request that was never written back to its sender.
            self.connection = None;
        }
    }

    /// Whether it can take another request.
    pub(super) fn is_reusable(&self) -> bool {
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Whether the body of the request is still being sent.
    pub(super) fn uploads(&self) -> bool {
        self.upload.state() != UploadState::Done
    }

    /// Longest silence within the body, in nanoseconds.
    pub(super) const fn silence(&self) -> Nanos {
        self.silence
    }

    /// The pool it was leased from.
    pub(super) fn pool(&self) -> Option<Rc<ServerPool>> {
        self.lease.as_ref().map(|lease| Rc::clone(lease.pool()))
    }

    /// The whole answer is here; `good` if its status is no failure.
    pub(super) fn succeeded(&self, good: bool) {
        if let Some(lease) = &self.lease {
            lease.pool().succeeded(good);
        }
    }

    /// Gives a reusable connection back to its pool.
    pub(super) fn release(mut self: Box<Self>) {
        self.relay.forget();
        self.alarm.disarm();
        self.idle_since = self.alarm.now();
        if let Some(lease) = self.lease.take() {
            let pool = Rc::clone(lease.pool());
            drop(lease);
            pool.park(self);
        }
    }

    /// Gives the connection a task of its own until it is reusable, has ended, or has become something else.
    pub(super) fn run_on(mut self: Box<Self>) {
        tokio::task::spawn_local(async move {
            poll_fn(|cx| self.poll_settled(cx)).await;
            if self.is_reusable() {
                self.release();
            }
        });
    }

    fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.relay.enter(cx.waker());
        self.step();
        if self.connection.is_none() || self.sender.is_ready() || self.is_stuck() {
            self.alarm.disarm();
            self.relay.leave_done();
            return Poll::Ready(());
        }
        self.relay.leave_asleep();
        Poll::Pending
    }

    /// Whether the origin, having answered, takes no more of the request and does not end the connection either.
    fn is_stuck(&self) -> bool {
        if self.upload.state() == UploadState::Done {
            self.alarm.disarm();
            return false;
        }
        let stuck = self.alarm.rang() && self.upload.is_stuck();
        if !self.alarm.is_armed() || (self.alarm.rang() && !stuck) {
            self.alarm.arm_after(self.timeout);
        }
        stuck
    }

    /// Looks whether an idle connection is still open.
    pub(super) fn is_open(&mut self) -> bool {
        self.relay.hold();
        self.step();
        self.relay.leave_done();
        self.is_reusable()
    }

    /// Since when it is idle.
    pub(super) const fn idle_since(&self) -> Nanos {
        self.idle_since
    }
}

/// `http://host/path?query` becomes `/path?query`.
fn to_origin_form(uri: &mut Uri) {
    if uri.authority().is_some() {
        let path = uri.path_and_query().cloned();
        *uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    }
}

impl fmt::Debug for H1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H1").field("open", &self.connection.is_some()).field("leased", &self.lease.is_some()).finish()
    }
}
