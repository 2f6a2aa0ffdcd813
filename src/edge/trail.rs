//! What is noted of one request on its way, and written to metrics and access log when its answer has ended.
//!
//! Writing happens on drop, so that a request that is broken off anywhere still leaves its line and its count.

use std::rc::Rc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Version};

use super::answer::Asker;
use super::connection::Connection;
use super::hygiene::Target;
use super::upload::UploadState;
use super::worker::Pinned;
use crate::clock::{self, Nanos};
use crate::config::settings::{ClassIndex, LimitIndex, RouteIndex};
use crate::origin::AnsweredBy;
use crate::policy::verdict::{Decision, Mode, Outcome, Reason};
use crate::telemetry::access::AccessRecord;

/// Code noted for a client that left before its answer, as nginx does.
const CLIENT_LEFT: u16 = 499;

/// The notes.
#[derive(Debug)]
pub(crate) struct Trail {
    /// Where the request came in.
    pub(crate) connection: Rc<Connection>,
    /// The revision it is judged by.
    pub(crate) pinned: Rc<Pinned>,
    /// When its head was complete.
    pub(crate) began: Nanos,
    /// Its route, once matched.
    pub(crate) route: Option<RouteIndex>,
    /// Its class, once a route is matched.
    pub(crate) class: ClassIndex,
    status: Option<StatusCode>,
    outcome: Outcome,
    broken: bool,
    log: Option<Box<Log>>,
}

/// What only the access log needs.
#[derive(Debug)]
struct Log {
    asker: Asker,
    method: Method,
    host: String,
    path: String,
    version: Version,
    user_agent: Option<HeaderValue>,
    reason: Reason,
    limit: Option<LimitIndex>,
    server: Option<Box<str>>,
    upload: Option<Rc<UploadState>>,
    sent: u64,
    seat_wait: Option<Duration>,
    connect: Option<Duration>,
    first_byte: Option<Duration>,
}

impl Trail {
    /// Notes that a head is complete.
    pub(crate) fn begin(connection: &Rc<Connection>) -> Self {
        connection.activity.request_began();
        Self {
            connection: Rc::clone(connection),
            pinned: connection.worker.pin(),
            began: clock::now(),
            route: None,
            class: 0,
            status: None,
            outcome: Outcome::Failed,
            broken: false,
            log: None,
        }
    }

    /// Notes the request, if there is an access log.
    pub(crate) fn note_request(&mut self, parts: &Parts, asker: &Asker, target: Option<&Target>) {
        if !self.connection.worker.logs() {
            return;
        }
        let path = target.map_or(parts.uri.path(), |target| target.path(&parts.uri));
        self.log = Some(Box::new(Log {
            asker: asker.clone(),
            method: parts.method.clone(),
            host: target.map_or_else(String::new, |target| target.host().to_owned()),
            path: path.to_owned(),
            version: parts.version,
            user_agent: parts.headers.get(http::header::USER_AGENT).cloned(),
            reason: Reason::None,
            limit: None,
            server: None,
            upload: None,
            sent: 0,
            seat_wait: None,
            connect: None,
            first_byte: None,
        }));
    }

    /// Counts a decision.
    pub(crate) fn decided(&self, decision: Decision, reason: Reason, mode: Mode) {
        let worker = self.connection.worker.index();
        self.pinned.route_metrics(self.route, self.class).decision(worker, decision, reason, mode);
    }

    /// Notes the time waited for a seat.
    pub(crate) fn waited(&mut self, waited: Duration) {
        if let Some(metrics) = self.pinned.class_metrics(self.class) {
            metrics.seat_wait(self.connection.worker.index(), waited);
        }
        if let Some(log) = &mut self.log {
            log.seat_wait = Some(waited);
        }
    }

    /// Notes the limit that refused.
    pub(crate) fn limited_by(&mut self, limit: LimitIndex) {
        if let Some(log) = &mut self.log {
            log.limit = Some(limit);
        }
    }

    /// Notes the body that is on its way to the origin.
    pub(crate) fn uploads(&mut self, upload: &Rc<UploadState>) {
        if let Some(log) = &mut self.log {
            log.upload = Some(Rc::clone(upload));
        }
    }

    /// Notes how the origin was reached.
    pub(crate) fn reached(&mut self, server: &AnsweredBy, connect: Option<Duration>, first_byte: Option<Duration>) {
        if let Some(log) = &mut self.log {
            log.server = Some(server.name().into());
            log.connect = connect;
            log.first_byte = first_byte;
        }
    }

    /// Notes the answer.
    pub(crate) fn answered(&mut self, status: StatusCode, outcome: Outcome, reason: Reason) {
        self.status = Some(status);
        self.outcome = outcome;
        if let Some(log) = &mut self.log {
            log.reason = reason;
        }
    }

    /// Notes bytes of the answer handed on.
    pub(crate) fn sent(&mut self, bytes: usize) {
        if let Some(log) = &mut self.log {
            log.sent += bytes as u64;
        }
    }

    /// Notes that the answer did not reach its end.
    pub(crate) fn broke_off(&mut self) {
        self.broken = true;
    }

    fn log(&self, log: &Log, total: Duration) {
        let policy = &self.pinned.policy;
        let connection = &self.connection;
        let record = AccessRecord {
            received: self.began,
            request_id: log.asker.request_id.as_str(),
            client: log.asker.client.ip,
            method: log.method.as_str(),
            host: &log.host,
            path: &log.path,
            protocol: log.version,
            tls: connection.tls,
            status: self.status.map_or(CLIENT_LEFT, |status| status.as_u16()),
            complete: self.status.is_some() && !self.broken,
            route: self.route.map_or("", |route| policy.route_name(route)),
            class: self.route.map_or("", |_| policy.class_name(self.class)),
            outcome: self.outcome,
            reason: log.reason,
            limit: log.limit.and_then(|limit| Some(policy.settings.limits.get(limit)?.name.as_str())),
            server: log.server.as_deref(),
            bytes_in: log.upload.as_ref().map_or(0, |upload| upload.received()),
            bytes_out: log.sent,
            seat_wait: log.seat_wait,
            connect: log.connect,
            first_byte: log.first_byte,
            total,
            user_agent: log.user_agent.as_ref().map(HeaderValue::as_bytes),
        };
        connection.worker.log(|access| access.record(&record));
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        let connection = &self.connection;
        if self.status.is_none() && connection.h2 {
            connection.activity.reset_early();
        }
        let total = Duration::from_nanos(clock::now().saturating_sub(self.began));
        let code = self.status.map_or(CLIENT_LEFT, |status| status.as_u16());
        self.pinned.route_metrics(self.route, self.class).request(connection.worker.index(), self.outcome, code, total);
        if let Some(log) = &self.log {
            self.log(log, total);
        }
        connection.activity.request_ended();
    }
}
