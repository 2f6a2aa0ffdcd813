//! HTTP/2 connections to a server, each shared by many requests.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::alarm::{Alarm, Alarms};
use super::body::{RequestBody, Upload};
use super::copy::may_repeat;
use super::error::OriginError;
use super::h1::Unanswered;
use super::stream::Stream as ByteStream;
use crate::clock::Nanos;

/// Requests at once on one connection, unless the server allows fewer; past this a further connection is opened.
const MAX_STREAMS: usize = 100;
/// Receive windows: a page of a store arrives without waiting for a window update.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Request bytes buffered for one stream.
const SEND_BUFFER: usize = 64 * 1024;
const MAX_HEAD: u32 = 64 * 1024;
/// A connection with requests that is silent for this long is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// One connection.
pub(super) struct H2 {
    sender: SendRequest<RequestBody>,
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    streams: Cell<usize>,
    max_streams: Cell<usize>,
    idle_since: Cell<Nanos>,
    answered: Cell<bool>,
    /// It gave a request back: it takes no more.
    dead: Cell<bool>,
    alarms: Rc<Alarms>,
}

/// One request's place on a connection.
pub(super) struct Stream {
    sender: SendRequest<RequestBody>,
    shared: Rc<Shared>,
}

impl H2 {
    /// Speaks HTTP/2 over `stream`; the connection runs in tasks of this worker until it ends or all its users are gone.
    pub(super) async fn over(stream: ByteStream, alarms: &Rc<Alarms>) -> io::Result<Self> {
        let (sender, mut connection) = builder().handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let shared = Rc::new(Shared {
            streams: Cell::new(0),
            max_streams: Cell::new(MAX_STREAMS),
            idle_since: Cell::new(alarms.now()),
            answered: Cell::new(false),
            dead: Cell::new(false),
            alarms: Rc::clone(alarms),
        });
        let watched = Rc::clone(&shared);
        tokio::task::spawn_local(poll_fn(move |cx| {
            let polled = Pin::new(&mut connection).poll(cx);
            watched.max_streams.set(connection.current_max_send_streams().clamp(1, MAX_STREAMS));
            polled.map(drop)
        }));
        Ok(Self { sender, shared })
    }

    /// A place for one request, if there is one.
    pub(super) fn stream(&self) -> Option<Stream> {
        let streams = self.shared.streams.get();
        if self.is_closed() || streams >= self.shared.max_streams.get() {
            return None;
        }
        self.shared.streams.set(streams + 1);
        Some(Stream { sender: self.sender.clone(), shared: Rc::clone(&self.shared) })
    }

    /// Whether it has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.shared.dead.get() || self.sender.is_closed()
    }

    /// Since when no request uses it.
    pub(super) fn idle_since(&self) -> Option<Nanos> {
        (self.shared.streams.get() == 0).then(|| self.shared.idle_since.get())
    }
}

impl Stream {
    /// Sends a request; `now` is when `timeout` begins.
    pub(super) async fn send(
        mut self,
        mut request: Request<RequestBody>,
        https: bool,
        now: Nanos,
        timeout: Duration,
    ) -> Result<(Response<Incoming>, Self), Unanswered> {
        let copy = copy(&request);
        let upload = Upload::new(&self.shared.alarms);
        request.body_mut().track(&upload);
        to_absolute_form(&mut request, https);
        let timeout = timeout.as_nanos() as Nanos;
        let limit =
            Limit { alarm: self.shared.alarms.alarm(), upload: &upload, timeout, due: now.saturating_add(timeout) };
        let mut sent = pin!(self.sender.try_send_request(request));
        let answer = poll_fn(|cx| match sent.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => limit.poll(cx).map(|()| None),
        });
        match answer.await {
            Some(Ok(response)) => {
                self.shared.answered.set(true);
                Ok((response, self))
            }
            Some(Err(mut error)) => Err(match error.take_message() {
                Some(request) => {
                    let kept = self.shared.answered.get();
                    self.shared.dead.set(true);
                    Unanswered::Unsent { request: Box::new(request), kept }
                }
                None if upload.failed() => Unanswered::failed(OriginError::RequestBody(error.into_error())),
                None => Unanswered::Failed {
                    error: OriginError::Broken(error.into_error()),
                    kept: false,
                    again: copy.map(|copy| Box::new(copy.map(|()| RequestBody::empty()))),
                },
            }),
            None => Err(Unanswered::failed(OriginError::Timeout)),
        }
    }
}

/// The response timeout of one request.
struct Limit<'a> {
    alarm: Alarm,
    upload: &'a Upload,
    timeout: Nanos,
    due: Nanos,
}

impl Limit<'_> {
    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        self.alarm.wakes(cx.waker());
        if !self.alarm.is_armed() {
            self.alarm.arm(self.due);
        } else if self.alarm.rang() {
            let next = self.upload.next_deadline(self.due, self.timeout, self.alarm.now());
            if next <= self.alarm.now() {
                return Poll::Ready(());
            }
            self.alarm.arm(next);
        }
        Poll::Pending
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let streams = self.shared.streams.get().saturating_sub(1);
        self.shared.streams.set(streams);
        if streams == 0 {
            self.shared.idle_since.set(self.shared.alarms.now());
        }
    }
}

fn builder() -> http2::Builder<LocalExecutor> {
    let mut builder = http2::Builder::new(LocalExecutor);
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEAD)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// A copy of a request that may be sent twice.
fn copy(request: &Request<RequestBody>) -> Option<Request<()>> {
    may_repeat(request).then(|| {
        let mut copy = Request::new(());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        copy
    })
}

/// HTTP/2 names the host in the URI; `Host` would say it twice.
fn to_absolute_form(request: &mut Request<RequestBody>, https: bool) {
    *request.version_mut() = Version::HTTP_2;
    let host = request.headers_mut().remove(HOST);
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    if let Some(authority) = host.and_then(|host| Authority::try_from(host.as_bytes()).ok()) {
        parts.authority = Some(authority);
    }
    if parts.authority.is_some() {
        parts.scheme = Some(if https { Scheme::HTTPS } else { Scheme::HTTP });
        parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    }
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
}

/// Runs hyper's tasks on this worker.
#[derive(Debug, Clone, Copy)]
struct LocalExecutor;

impl<F: Future + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

impl fmt::Debug for H2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("H2").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("shared", &self.shared).finish_non_exhaustive()
    }
}
