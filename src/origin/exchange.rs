//! One request to an origin, with its retries.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use http::header::UPGRADE;
use http::{Request, StatusCode};

use super::balance::{Candidate, pick};
use super::body::{OriginBody, RequestBody};
use super::client::{Exchange, Local, Timings, View};
use super::error::OriginError;
use super::h1::Unanswered;
use super::pool::{Place, ServerPool};
use super::replay::Replay;
use super::retry::RetryReason;
use crate::clock::{self, Nanos};

/// Tries after the first one: by then the client has waited long enough.
const MAX_RETRIES: u32 = 2;

/// What a request carries from one attempt to the next.
struct Course {
    local: Rc<Local>,
    view: Rc<View>,
    copy: Option<Replay>,
    timeout: Duration,
    h2: bool,
    /// Kept connections are not tried again after one of them was stale.
    fresh: bool,
    avoid: Option<usize>,
    connect: Nanos,
    retries: u32,
}

/// One attempt that brought no answer.
enum Failure {
    /// Nothing was written; the request is as it was.
    Unsent(Box<Request<RequestBody>>),
    /// No connection; the request is as it was.
    Connect(OriginError, Box<Request<RequestBody>>),
    /// The request may have been seen.
    Sent { error: OriginError, kept: bool },
}

/// Sends `request` until it is answered or may not be sent again.
pub(super) async fn run(
    local: Rc<Local>,
    mut request: Request<RequestBody>,
    mut now: Nanos,
    timeout: Option<Duration>,
) -> Result<Exchange, OriginError> {
    let mut course = Course::new(local, &request, timeout);
    let answer = loop {
        let Some(server) = pick(&course.view.pools, course.avoid, now, fastrand::u64(..)) else {
            break Err(OriginError::NoHealthyServer);
        };
        let Some(pool) = course.view.pools.get(server).cloned() else {
            break Err(OriginError::NoHealthyServer);
        };
        match course.attempt(&pool, request, now).await {
            Ok(exchange) => break Ok(exchange),
            Err(failure) => {
                now = clock::now();
                match course.again(&pool, server, failure, now) {
                    Ok(again) => request = *again,
                    Err(error) => break Err(error),
                }
            }
        }
    };
    course.finish();
    answer
}

impl Course {
    fn new(local: Rc<Local>, request: &Request<RequestBody>, timeout: Option<Duration>) -> Self {
        let view = local.view();
        let copy = match Replay::of(request, local.buffers.take()) {
            Ok(copy) => Some(copy),
            Err(buffer) => {
                local.buffers.give(buffer);
                None
            }
        };
        let timeout = timeout.unwrap_or(view.table.settings.response_timeout);
        let h2 = view.table.settings.h2 && !request.headers().contains_key(UPGRADE);
        Self { local, view, copy, timeout, h2, fresh: false, avoid: None, connect: 0, retries: 0 }
    }

    fn finish(self) {
        if let Some(copy) = self.copy {
            self.local.buffers.give(copy.into_buffer());
        }
    }

    async fn attempt(
        &mut self,
        pool: &Rc<ServerPool>,
        request: Request<RequestBody>,
        now: Nanos,
    ) -> Result<Exchange, Failure> {
        let in_flight = pool.begin();
        let kept = if self.fresh { None } else { pool.existing(self.h2) };
        let (place, sent_at) = match kept {
            Some(place) => (place, now),
            // Boxed: connecting is rare, and its state would make every request's future larger.
            None => match Box::pin(pool.connect(&self.view.table, self.h2)).await {
                Ok(place) => {
                    let connected = clock::now();
                    self.connect += connected.saturating_sub(now);
                    (place, connected)
                }
                Err(error) => return Err(Failure::Connect(error, Box::new(request))),
            },
        };
        let silence = self.view.table.settings.body_timeout;
        let response = match place {
            Place::H1(mut h1) => {
                h1.lease(in_flight, self.timeout, silence);
                let (response, h1) = h1.send(request, sent_at).await?;
                let status = response.status();
                response.map(|incoming| {
                    if status == StatusCode::SWITCHING_PROTOCOLS {
                        h1.run_on();
                        return OriginBody::detached(incoming);
                    }
                    OriginBody::over_h1(incoming, h1, !is_failure(status))
                })
            }
            Place::H2(stream) => {
                let https = pool.server().url().tls;
                let (response, stream) = stream.send(request, https, sent_at, self.timeout).await?;
                let good = !is_failure(response.status());
                response.map(|incoming| OriginBody::over_h2(incoming, stream, in_flight, silence, good))
            }
        };
        let first_byte = clock::now();
        self.answered(pool, response.status(), first_byte.saturating_sub(sent_at), first_byte);
        Ok(Exchange { response, timings: Timings { connect: self.connect, first_byte, retries: self.retries } })
    }

    /// Learns from a response head. That it was no failure counts when its body has come too.
    fn answered(&self, pool: &ServerPool, status: StatusCode, latency: Nanos, now: Nanos) {
        if is_failure(status) {
            pool.failed(now);
        }
        // With one server there is nothing to choose.
        if self.view.pools.len() > 1 {
            let known = pool.server().latency();
            if is_failure(status) { known.failed(latency, now) } else { known.answered(latency, now) }
        }
    }

    /// Learns from a failure, and gives the request back if it is to be sent again.
    fn again(
        &mut self,
        pool: &ServerPool,
        server: usize,
        failure: Failure,
        now: Nanos,
    ) -> Result<Box<Request<RequestBody>>, OriginError> {
        let (error, reason, request) = match failure {
            // Each such attempt used up a connection that was closed; the last of them leaves a new one to be made.
            Failure::Unsent(request) => return Ok(request),
            Failure::Connect(error, request) => (error, RetryReason::Connect, Some(request)),
            Failure::Sent { error, kept } => {
                let reason = if kept { RetryReason::Stale } else { RetryReason::Broken };
                (error, reason, self.copy.as_ref().map(|copy| Box::new(copy.request())))
            }
        };
        if reason != RetryReason::Stale {
            self.blame(pool, &error, now);
        }
        let again = request.filter(|_| self.may_retry(server, &error, reason, now)).ok_or(error)?;
        self.retries += 1;
        self.local.origin.count_retry(reason);
        Ok(again)
    }

    /// Counts a failure against the server that caused it.
    fn blame(&self, pool: &ServerPool, error: &OriginError, now: Nanos) {
        if matches!(error, OriginError::RequestBody(_) | OriginError::TooManyConnections) {
            return;
        }
        if self.view.pools.len() > 1 {
            pool.server().latency().failed(0, now);
        }
        pool.failed(now);
    }

    fn may_retry(&mut self, server: usize, error: &OriginError, reason: RetryReason, now: Nanos) -> bool {
        if self.retries >= MAX_RETRIES {
            return false;
        }
        match (reason, error) {
            // Its idle timeout met our request: not a failure of the server, and a new connection will do.
            (RetryReason::Stale, OriginError::Broken(_)) if !self.fresh => {
                self.fresh = true;
                return true;
            }
            (RetryReason::Connect, _) if !self.has_other(server, now) => return false,
            (RetryReason::Connect, OriginError::Connect(_) | OriginError::ConnectTimeout)
            | (RetryReason::Broken | RetryReason::Stale, OriginError::Broken(_)) => {}
            _ => return false,
        }
        self.avoid = Some(server);
        self.fresh = false;
        self.local.report(now);
        self.local.origin.budget.take(self.view.table.settings.retry_budget, now)
    }

    fn has_other(&self, server: usize, now: Nanos) -> bool {
        let mut others = self.view.pools.iter().enumerate().filter(|&(index, _)| index != server);
        others.any(|(_, pool)| pool.server().usable(now))
    }
}

/// Whether the server, or what stands before it, says that it cannot serve.
fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 502..=504)
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Unsent { request, kept: true } => Self::Unsent(request),
            Unanswered::Unsent { request, kept: false } => {
                let closed = io::Error::new(io::ErrorKind::ConnectionAborted, "closed as soon as it was open");
                Self::Connect(OriginError::Connect(closed), request)
            }
            Unanswered::Failed { error, kept } => Self::Sent { error, kept },
        }
    }
}
