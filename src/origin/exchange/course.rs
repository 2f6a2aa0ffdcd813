//! What a request carries from one attempt to the next, and whether there is a next.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use http::header::UPGRADE;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::clock::{self, Nanos};
use crate::origin::balance::{Candidate, pick};
use crate::origin::body::{OriginBody, RequestBody};
use crate::origin::client::{AnsweredBy, Exchange, Local, Timings, View};
use crate::origin::error::OriginError;
use crate::origin::h1::{H1, Unanswered};
use crate::origin::pool::{InFlight, Place, ServerPool};
use crate::origin::retry::RetryReason;

/// Tries after the first one: by then the client has waited long enough.
const MAX_RETRIES: u32 = 2;

/// A request's way through its attempts.
pub(super) struct Course {
    local: Rc<Local>,
    view: Rc<View>,
    timeout: Duration,
    h2: bool,
    /// Kept connections are not tried again after one of them was stale.
    fresh: bool,
    avoid: Option<usize>,
    connect: Nanos,
    retries: u32,
}

/// One attempt that brought no answer.
pub(super) enum Failure {
    /// Nothing was written; the request is as it was.
    Unsent(Box<Request<RequestBody>>),
    /// No connection; the request is as it was.
    Connect(OriginError, Box<Request<RequestBody>>),
    /// The request may have been seen.
    Sent { error: OriginError, kept: bool, again: Option<Box<Request<RequestBody>>> },
}

impl Course {
    pub(super) fn new(local: Rc<Local>, request: &Request<RequestBody>, timeout: Option<Duration>) -> Self {
        let view = local.view();
        let timeout = timeout.unwrap_or(view.table.settings.response_timeout);
        let h2 = view.table.settings.h2 && !request.headers().contains_key(UPGRADE);
        Self { local, view, timeout, h2, fresh: false, avoid: None, connect: 0, retries: 0 }
    }

    /// A server and a kept HTTP/1.1 connection to it, if that is how the request goes.
    pub(super) fn ready(&self, now: Nanos) -> Option<(usize, Rc<ServerPool>, Box<H1>)> {
        if self.h2 {
            return None;
        }
        let (server, pool) = self.pick(now)?;
        let h1 = pool.kept()?;
        Some((server, pool, h1))
    }

    fn pick(&self, now: Nanos) -> Option<(usize, Rc<ServerPool>)> {
        let pools = &self.view.pools;
        let random = if pools.len() > 1 { fastrand::u64(..) } else { 0 };
        let server = pick(pools, self.avoid, now, random)?;
        Some((server, Rc::clone(pools.get(server)?)))
    }

    /// Gives a connection to this request.
    pub(super) fn lease(&self, in_flight: InFlight, mut h1: Box<H1>) -> Box<H1> {
        h1.lease(in_flight, self.timeout, self.view.table.settings.body_timeout);
        h1
    }

    /// Sends `request` until it is answered or may not be sent again.
    pub(super) async fn run(
        mut self,
        mut request: Request<RequestBody>,
        mut now: Nanos,
    ) -> Result<Exchange, OriginError> {
        loop {
            let (server, pool) = self.pick(now).ok_or(OriginError::NoHealthyServer)?;
            let failure = match self.attempt(&pool, request, now).await {
                Ok(exchange) => return Ok(exchange),
                Err(failure) => failure,
            };
            now = clock::now();
            request = *self.again(&pool, server, failure, now)?;
        }
    }

    /// Goes on after a first attempt at `server` failed.
    pub(super) async fn go_on(
        mut self,
        pool: Rc<ServerPool>,
        server: usize,
        failure: Failure,
        now: Nanos,
    ) -> Result<Exchange, OriginError> {
        let request = self.again(&pool, server, failure, now)?;
        self.run(*request, now).await
    }

    async fn attempt(
        &mut self,
        pool: &Rc<ServerPool>,
        request: Request<RequestBody>,
        now: Nanos,
    ) -> Result<Exchange, Failure> {
        // Counted while it connects, too: who picks meanwhile must see it.
        let in_flight = pool.begin();
        let kept = if self.fresh { None } else { pool.existing(self.h2) };
        let (place, sent_at) = match kept {
            Some(place) => (place, now),
            None => match pool.connect(&self.view.table, self.h2).await {
                Ok(place) => {
                    let connected = clock::now();
                    self.connect += connected.saturating_sub(now);
                    (place, connected)
                }
                Err(error) => return Err(Failure::Connect(error, Box::new(request))),
            },
        };
        match place {
            Place::H1(h1) => {
                let mut h1 = self.lease(in_flight, h1);
                let mut sent = pin!(h1.start(request, sent_at));
                let response = poll_fn(|cx| h1.poll_answer(sent.as_mut(), cx)).await?;
                Ok(self.answered_over_h1(pool, h1, response, sent_at))
            }
            Place::H2(stream) => {
                let https = pool.server().url().tls;
                let (response, stream) = stream.send(request, https, sent_at, self.timeout).await?;
                let silence = self.view.table.settings.body_timeout;
                let good = !is_failure(response.status());
                let response = response.map(|incoming| OriginBody::over_h2(incoming, stream, in_flight, silence, good));
                Ok(self.answered(pool, response, sent_at))
            }
        }
    }

    /// Takes an answer that came over `h1`.
    pub(super) fn answered_over_h1(
        &self,
        pool: &Rc<ServerPool>,
        mut h1: Box<H1>,
        response: Response<Incoming>,
        sent_at: Nanos,
    ) -> Exchange {
        h1.has_answered();
        let status = response.status();
        let response = response.map(|incoming| {
            if status == StatusCode::SWITCHING_PROTOCOLS {
                h1.run_on();
                return OriginBody::detached(incoming);
            }
            OriginBody::over_h1(incoming, h1, !is_failure(status))
        });
        self.answered(pool, response, sent_at)
    }

    /// Learns from a response head. That it was no failure counts when its body has come too.
    fn answered(&self, pool: &Rc<ServerPool>, response: Response<OriginBody>, sent_at: Nanos) -> Exchange {
        let first_byte = clock::now();
        let failed = is_failure(response.status());
        if failed {
            pool.failed(first_byte);
        }
        // With one server there is nothing to choose.
        if self.view.pools.len() > 1 {
            let (known, latency) = (pool.server().latency(), first_byte.saturating_sub(sent_at));
            if failed { known.failed(latency, first_byte) } else { known.answered(latency, first_byte) }
        }
        let timings = Timings { connect: self.connect, first_byte, retries: self.retries };
        Exchange { response, timings, by: AnsweredBy(Rc::clone(pool)) }
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
            Failure::Sent { error, kept: true, again } => (error, RetryReason::Stale, again),
            Failure::Sent { error, kept: false, again } => (error, RetryReason::Broken, again),
        };
        if reason != RetryReason::Stale {
            self.blame(pool, &error, now);
        }
        let request = request.filter(|_| self.may_retry(server, &error, reason, now)).ok_or(error)?;
        self.retries += 1;
        self.local.origin.count_retry(reason);
        Ok(request)
    }

    /// Counts a failure against the server that caused it.
    fn blame(&self, pool: &ServerPool, error: &OriginError, now: Nanos) {
        use OriginError::{Exhausted, RequestBody, TooManyConnections};
        if matches!(error, RequestBody(_) | TooManyConnections | Exhausted(_)) {
            return;
        }
        if self.view.pools.len() > 1 {
            pool.server().latency().failed(0, now);
        }
        pool.failed(now);
    }

    fn may_retry(&mut self, server: usize, error: &OriginError, reason: RetryReason, now: Nanos) -> bool {
        // Where requests are refused, a second try would take the place of somebody's first.
        if self.retries >= MAX_RETRIES || self.local.origin.is_shedding() {
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
            Unanswered::Failed { error, kept, again } => Self::Sent { error, kept, again },
        }
    }
}
