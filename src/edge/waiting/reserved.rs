//! The stage before admission: paths under `/.spillway/` are the proxy's own, on every host, and never reach an origin.

mod desk;
mod endpoint;
mod query;

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::HeaderValue;
use http::header::ALLOW;
use tower::{Layer, Service};

use self::desk::Desk;
use self::endpoint::Endpoint;
use self::query::Query;
use super::approach::{self, Approach};
use super::door::Door;
use super::notice::Caller;
use crate::edge::answer;
use crate::edge::refuse::{Audience, Refusal};
use crate::edge::screen::Screened;
use crate::edge::stack::{Answer, AnswerFuture};

/// Puts [`Reserved`] before a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReservedLayer;

impl<S> Layer<S> for ReservedLayer {
    type Service = Reserved<S>;

    fn layer(&self, inner: S) -> Reserved<S> {
        Reserved(inner)
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Reserved<S>(S);

impl<S> Service<Screened> for Reserved<S>
where
    S: Service<Screened, Response = Answer, Error = Infallible, Future = AnswerFuture>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = AnswerFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, screened: Screened) -> AnswerFuture {
        if endpoint::is_reserved(screened.target.path(&screened.parts.uri)) {
            return AnswerFuture::ready(serve(screened));
        }
        self.0.call(screened)
    }
}

fn serve(screened: Screened) -> Answer {
    let Screened { parts, body, target, asker, trail } = screened;
    answer::leave_unread(&trail, &parts, &body);
    let rooms = &trail.pinned.policy.settings.rooms;
    let found = Endpoint::find(target.path(&parts.uri), rooms);
    if let Some((endpoint, _)) = found.filter(|(endpoint, _)| !endpoint.takes(&parts.method)) {
        let mut answer = answer::refused(trail, &asker, &Audience::of(&parts), Refusal::BadMethod);
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(endpoint.methods()));
        return answer;
    }
    if found.is_some_and(|(endpoint, _)| endpoint.acts()) && approach::is_foreign(&parts.headers, target.host()) {
        return answer::refused(trail, &asker, &Audience::of(&parts), Refusal::CrossSite);
    }
    let turned = found.and_then(|(endpoint, room)| {
        let door = Door::of(&trail, &asker, room)?;
        let query = Query(parts.uri.query().unwrap_or_default());
        let to = query.destination();
        let caller = Caller {
            approach: &Approach::of(&parts),
            asker: &asker,
            trail: &trail,
            language: query.language(),
            to: to.as_deref().unwrap_or("/"),
            // What is sent here is meant for the room.
            is_safe: true,
        };
        let desk = Desk { headers: &parts.headers, query, to: to.as_deref(), door: &door, caller: &caller };
        Some(desk.answer(endpoint, &parts.method))
    });
    match turned {
        Some(turned) => answer::turned(trail, turned),
        None => answer::refused(trail, &asker, &Audience::of(&parts), Refusal::NotFound),
    }
}
