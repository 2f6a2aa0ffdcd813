//! The last stage: to the origin and back.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tower::Service;

use super::admit::Admitted;
use super::answer::{self, Asker};
use super::body::{DownloadLimits, Held, ResponseBody};
use super::hygiene::{self, Forwarding};
use super::refuse::{Audience, Refusal};
use super::screen::Screened;
use super::snapshot::{OriginHandle, Snapshot};
use super::stack::{Answer, AnswerFuture};
use super::trail::Trail;
use super::tunnel;
use super::upload::{Upload, UploadFault, UploadLimits, UploadState};
use super::worker::Worker;
use crate::clock::{self, Nanos};
use crate::config::settings::{RouteIndex, RouteSettings};
use crate::origin::{Exchange, Fault, OriginError, RequestBody, Sending, read_report};
use crate::overload::{Finish, Flight, Seat};
use crate::policy::Policy;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forward;

impl Service<Admitted> for Forward {
    type Response = Answer;
    type Error = Infallible;
    type Future = AnswerFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, admitted: Admitted) -> AnswerFuture {
        let sent = send(admitted);
        AnswerFuture::waiting(async move {
            match sent {
                Ok((sent, exchanging)) => {
                    let (exchange, seat) = exchanging.await;
                    receive(sent, exchange, seat)
                }
                Err(answer) => answer,
            }
        })
    }
}

/// What is needed of a request after it has gone to the origin.
struct Sent {
    trail: Trail,
    asker: Asker,
    audience: Audience,
    upload: Option<Rc<UploadState>>,
    client_side: Option<OnUpgrade>,
    at: Nanos,
}

#[expect(clippy::result_large_err, reason = "an answer is moved once on either way")]
fn send(admitted: Admitted) -> Result<(Sent, Exchanging), Answer> {
    let Admitted { screened, route, seat, now } = admitted;
    let Screened { mut parts, body, target, asker, mut trail } = screened;
    let audience = Audience::of(&parts);
    let pinned = Rc::clone(&trail.pinned);
    let connection = Rc::clone(&trail.connection);
    let policy = &pinned.policy;
    let (Some(settings), Some(origin)) = (policy.settings.routes.get(route), pinned.origin_of(route)) else {
        return Err(answer::refused(trail, &asker, &audience, Refusal::NotFound));
    };
    let about = Forwarding {
        client: asker.client,
        request_id: &asker.request_id,
        route: &settings.name,
        class: policy.class_name(trail.class),
        timeout: response_timeout(policy, settings),
        random: asker.random,
    };
    hygiene::prepare(&mut parts, &target, &connection.facts, &about);
    let (body, upload) = request_body(body, settings, &trail);
    if let Some(upload) = &upload {
        trail.uploads(upload);
    }
    let mut request = Request::from_parts(parts, body);
    let client_side = target.is_websocket().then(|| hyper::upgrade::on(&mut request));
    let worker = &connection.worker;
    let flight = flight(&pinned, origin, route, &trail, now);
    let sending = worker.origins().send(&origin.origin, request, now, settings.response_timeout);
    let pending = upload.clone();
    let exchanging =
        Exchanging { sending: Some(sending), flight, upload: pending, seat: Some(seat), worker: Rc::clone(worker) };
    Ok((Sent { trail, asker, audience, upload, client_side, at: now }, exchanging))
}

/// How long the answer to a request of a route is waited for.
fn response_timeout(policy: &Policy, route: &RouteSettings) -> Duration {
    let of_origin = || policy.settings.origins.get(route.origin).map(|origin| origin.response_timeout);
    route.response_timeout.or_else(of_origin).unwrap_or_default()
}

/// Notes that a request is sent to an origin of adaptive capacity.
fn flight(pinned: &Snapshot, origin: &OriginHandle, route: RouteIndex, trail: &Trail, now: Nanos) -> Option<Flight> {
    let (tag, class) = (pinned.route_tag(route)?, origin.slot(trail.class)?);
    origin.adaptive.as_ref()?.feed.begin(trail.connection.worker.index(), tag, class, now)
}

fn request_body(body: Incoming, settings: &RouteSettings, trail: &Trail) -> (RequestBody, Option<Rc<UploadState>>) {
    if body.is_end_stream() {
        return (RequestBody::empty(), None);
    }
    let client = &trail.pinned.policy.settings.client;
    let limits = UploadLimits { size: settings.max_body, silence: client.body_timeout, rate: client.least_body_rate };
    let upload = Upload::new(body, limits, &trail.connection);
    let state = upload.state();
    (RequestBody::stream(upload), Some(state))
}

/// A request that a client left goes on at the origin: its seat is held until the origin answers, or for this long.
const ABANDONED: Duration = Duration::from_secs(30);

/// A request at the origin, with the seat it holds there.
struct Exchanging {
    sending: Option<Sending>,
    flight: Option<Flight>,
    upload: Option<Rc<UploadState>>,
    seat: Option<Seat>,
    worker: Rc<Worker>,
}

impl Future for Exchanging {
    type Output = (Result<Exchange, OriginError>, Option<Seat>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(sending) = &mut self.sending else {
            return Poll::Pending;
        };
        let Poll::Ready(exchange) = sending.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        self.sending = None;
        let flight = self.flight.take();
        land(flight, self.upload.as_deref(), &exchange);
        Poll::Ready((exchange, self.seat.take()))
    }
}

impl Drop for Exchanging {
    fn drop(&mut self) {
        // The client left, but the origin is still working on it: to give the seat away now would overfill it.
        if let Some(sending) = self.sending.take()
            && !self.worker.is_stopped()
        {
            let (flight, upload, seat) = (self.flight.take(), self.upload.take(), self.seat.take());
            tokio::task::spawn_local(async move {
                if let Ok(exchange) = tokio::time::timeout(ABANDONED, sending).await {
                    land(flight, upload.as_deref(), &exchange);
                }
                drop(seat);
            });
        }
    }
}

/// Notes how a request has ended for its origin.
fn land(flight: Option<Flight>, upload: Option<&UploadState>, exchange: &Result<Exchange, OriginError>) {
    let Some(mut flight) = flight else { return };
    if let Some(upload) = upload {
        flight.uploaded(upload.last());
    }
    match exchange {
        Ok(Exchange { response, timings, .. }) => {
            flight.connected(Duration::from_nanos(timings.connect));
            let finish = match response.status() {
                // A tunnel, or too cheap to tell how the origin does.
                StatusCode::SWITCHING_PROTOCOLS | StatusCode::NOT_MODIFIED => Finish::Gone,
                // That it has too much is what some say with this.
                StatusCode::TOO_MANY_REQUESTS => Finish::Failed,
                status if status.is_client_error() => Finish::Gone,
                status if status.is_server_error() => Finish::Failed,
                _ => Finish::Good,
            };
            flight.end(finish, timings.first_byte);
        }
        Err(error) => {
            let finish = match error.fault() {
                Fault::Error => Finish::Failed,
                Fault::Timeout => Finish::TimedOut,
                // It has seen nothing of such a request, or only a part.
                Fault::Down | Fault::Capacity | Fault::Client => Finish::Gone,
            };
            flight.end(finish, clock::now());
        }
    }
}

fn receive(sent: Sent, exchange: Result<Exchange, OriginError>, seat: Option<Seat>) -> Answer {
    match exchange {
        Ok(exchange) => accept(sent, exchange, seat),
        Err(error) => {
            let Sent { trail, asker, audience, upload, .. } = sent;
            drop(seat);
            let refusal = refusal(&error, upload.and_then(|upload| upload.fault()));
            tracing::debug!(%error, request_id = asker.request_id.as_str(), "no answer from the origin");
            answer::refused(trail, &asker, &audience, refusal)
        }
    }
}

fn refusal(error: &OriginError, upload: Option<UploadFault>) -> Refusal {
    let forwarded = error.forwarded();
    match (upload, error.fault()) {
        (Some(UploadFault::TooLarge), _) => Refusal::BodyTooLarge { forwarded },
        (Some(UploadFault::Broken), _) => Refusal::BodyMalformed { forwarded },
        (Some(UploadFault::TooSlow), _) | (None, Fault::Client) => Refusal::RequestTimeout { forwarded },
        (None, Fault::Down) => Refusal::OriginDown,
        (None, Fault::Error) => Refusal::OriginFailed { forwarded },
        (None, Fault::Timeout) => Refusal::OriginTimeout { forwarded },
        (None, Fault::Capacity) => Refusal::Capacity,
    }
}

fn accept(sent: Sent, exchange: Exchange, seat: Option<Seat>) -> Answer {
    let Sent { mut trail, asker, audience, client_side, at, .. } = sent;
    let Exchange { mut response, timings, by } = exchange;
    let connect = Duration::from_nanos(timings.connect);
    let first_byte = Duration::from_nanos(timings.first_byte.saturating_sub(at)).saturating_sub(connect);
    let pinned = Rc::clone(&trail.pinned);
    let (origin, worker) = (trail.route.and_then(|route| pinned.origin_of(route)), trail.connection.worker.index());
    if let Some(origin) = origin {
        origin.metrics.answered(worker, first_byte);
    }
    trail.reached(&by, (!connect.is_zero()).then_some(connect), Some(first_byte));
    let switching = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let notes = hygiene::strip_response(response.headers_mut(), switching);
    if let (Some(load), Some(origin)) = (&notes.load, origin) {
        let used = origin.origin.report(read_report(load.as_bytes()), timings.first_byte);
        origin.metrics.reported(worker, used);
    }
    if switching {
        let Some(client_side) = client_side else {
            // It was not asked to switch.
            return answer::refused(trail, &asker, &audience, Refusal::OriginFailed { forwarded: true });
        };
        tunnel::join(&trail.connection, client_side, hyper::upgrade::on(&mut response));
        let answer = response.map(|_| ResponseBody::full(Bytes::new()));
        return answer::forwarded(trail, &asker, answer, &notes);
    }
    let client = &trail.pinned.policy.settings.client;
    let limits = DownloadLimits { silence: client.body_timeout, rate: client.least_body_rate };
    let shrinks = trail.route.and_then(|route| trail.pinned.origin_of(route)).is_some_and(|it| it.adaptive.is_some());
    let held = |body| Held { body, seat, shrinks };
    let answer = response.map(|body| ResponseBody::from_origin(held(body), limits, &trail.connection));
    answer::forwarded(trail, &asker, answer, &notes)
}
