//! The first stage: who asks, by which name the request goes, and whether it means one thing only.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::request::Parts;
use hyper::body::Incoming;
use tower::{Layer, Service};

use super::answer::{self, Asker};
use super::hygiene::{self, RequestId, Target};
use super::refuse::{Audience, Refusal};
use super::stack::{Answer, AnswerFuture, Visit};
use super::trail::Trail;
use super::waiting::Stays;
use crate::policy::Client;

/// A request that means one thing only.
pub(crate) struct Screened {
    pub(crate) parts: Parts,
    pub(crate) body: Incoming,
    pub(crate) target: Target,
    pub(crate) asker: Asker,
    pub(crate) trail: Trail,
}

/// Puts [`Screen`] before a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScreenLayer;

impl<S> Layer<S> for ScreenLayer {
    type Service = Screen<S>;

    fn layer(&self, inner: S) -> Screen<S> {
        Screen(inner)
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Screen<S>(S);

impl<S> Service<Visit> for Screen<S>
where
    S: Service<Screened, Response = Answer, Error = Infallible, Future = AnswerFuture>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = AnswerFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, visit: Visit) -> AnswerFuture {
        let Visit { request, mut trail } = visit;
        let (parts, body) = request.into_parts();
        let asker = asker(&parts, &trail);
        let policy = &trail.pinned.policy;
        let target = hygiene::inspect(&parts, &trail.connection.facts, policy.settings.client.max_uri);
        trail.note_request(&parts, &asker, target.as_ref().ok());
        match target {
            Ok(target) => self.0.call(Screened { parts, body, target, asker, trail }),
            Err(fault) => {
                let target = parts.uri.to_string();
                trail.connection.fault(fault.kind(), Some((parts.method.as_str(), &target)));
                AnswerFuture::ready(answer::refused(trail, &asker, &Audience::of(&parts), Refusal::Request(fault)))
            }
        }
    }
}

fn asker(parts: &Parts, trail: &Trail) -> Asker {
    let connection = &trail.connection;
    let client: Client = trail.pinned.policy.client(connection.facts.peer(), &parts.headers);
    let random = connection.worker.random();
    Asker {
        client,
        request_id: RequestId::new(&parts.headers, client.trusted_peer, random),
        random,
        journey: None,
        stays: Stays::default(),
        secure: client.https.unwrap_or(connection.facts.is_https()),
    }
}
