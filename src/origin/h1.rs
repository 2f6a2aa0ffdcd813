//! One HTTP/1.1 connection to a server, driven by the task that waits for its answer.
//!
//! hyper expects a task of its own for every connection. Polling the connection from the request's task instead saves
//! the switches between the two, for every request.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
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
use super::copy::{HeadCopy, may_repeat};
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
/// What hyper makes of a request.
pub(super) type Sent = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>;

/// A connection, idle or with one request.
pub(super) struct H1 {
    sender: SendRequest<RequestBody>,
    /// `None` once it has ended.
    connection: Option<Connection>,
    relay: Arc<Relay>,
    waker: Waker,
    alarm: Alarm,
    upload: Rc<Upload>,
    copy: Arc<HeadCopy>,
    due: Nanos,
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
        /// The request again, if it may be sent twice.
        again: Option<Box<Request<RequestBody>>>,
    },
}

impl Unanswered {
    /// A failure after which the request is not sent again.
    pub(super) const fn failed(error: OriginError) -> Self {
        Self::Failed { error, kept: false, again: None }
    }
}

impl H1 {
    /// Speaks HTTP/1.1 over `stream`.
    pub(super) async fn over(stream: Stream, alarms: &Rc<Alarms>) -> io::Result<Box<Self>> {
        let mut builder = http1::Builder::new();
        builder.max_header_size(MAX_HEAD).max_buf_size(MAX_BUFFER);
        let copy = stream.copy();
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
            copy,
            due: 0,
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

    /// Begins to send a request; `now` is when its timeout begins. [`H1::poll_answer`] goes on.
    pub(super) fn start(
        &mut self,
        mut request: Request<RequestBody>,
        now: Nanos,
    ) -> impl Future<Output = Sent> + use<> {
        request.body_mut().track(&self.upload);
        *request.version_mut() = Version::HTTP_11;
        to_origin_form(request.uri_mut());
        self.copy.begin(may_repeat(&request));
        self.due = now.saturating_add(self.timeout);
        self.sender.try_send_request(request)
    }

    /// The answer to the request that was begun with `sent`.
    pub(super) fn poll_answer(
        &mut self,
        sent: Pin<&mut impl Future<Output = Sent>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<Incoming>, Unanswered>> {
        self.relay.enter(cx.waker());
        self.step();
        if let Poll::Ready(answer) = sent.poll(&mut Context::from_waker(&self.waker)) {
            self.alarm.disarm();
            self.relay.leave_done();
            return Poll::Ready(answer.map_err(|error| self.unanswered(error)));
        }
        if !self.alarm.is_armed() {
            self.alarm.arm(self.due);
        } else if self.alarm.rang() && self.is_late() {
            self.alarm.disarm();
            self.relay.leave_done();
            return Poll::Ready(Err(Unanswered::failed(OriginError::Timeout)));
        }
        self.relay.leave_asleep();
        Poll::Pending
    }

    #[cold]
    fn unanswered(&self, mut error: TrySendError<Request<RequestBody>>) -> Unanswered {
        if let Some(request) = error.take_message() {
            return Unanswered::Unsent { request: Box::new(request), kept: self.answered };
        }
        let error = error.into_error();
        if self.upload.failed() {
            return Unanswered::failed(OriginError::RequestBody(error));
        }
        let again = self.copy.request().map(Box::new);
        Unanswered::Failed { error: OriginError::Broken(error), kept: self.answered, again }
    }

    /// Whether the silence is the origin's; if it is the client's, or the body took its time, waits on.
    fn is_late(&self) -> bool {
        let now = self.alarm.now();
        let next = self.upload.next_deadline(self.due, self.timeout, now);
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

    /// Its head was read: a failure from now on may be its idle timeout.
    pub(super) const fn has_answered(&mut self) {
        self.answered = true;
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
