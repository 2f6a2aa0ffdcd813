//! The end of every path through the stack: an answer with the notes that are written when it is over.

use http::header::{CONNECTION, SET_COOKIE};
use http::{HeaderValue, Response};

use super::activity::Order;
use super::body::ResponseBody;
use super::hygiene::RequestId;
use super::refuse::{self, Audience, Occasion, Refusal};
use super::stack::Answer;
use super::trail::Trail;
use crate::policy::Client;
use crate::policy::journey::{Journey, set_cookie};
use crate::policy::verdict::{Outcome, Reason};

/// Who asks, and the name the request goes by.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// The client behind the connection.
    pub(crate) client: Client,
    /// In `X-Request-Id`, log and refusals.
    pub(crate) request_id: RequestId,
    /// Random bits of this request, for identifiers and jitter.
    pub(crate) random: u128,
    /// The journey this shopper is on.
    pub(crate) journey: Option<Journey>,
    /// Whether the client spoke https, perhaps to a trusted proxy.
    pub(crate) secure: bool,
}

/// An answer of the origin.
pub(crate) fn forwarded(mut trail: Trail, asker: &Asker, mut answer: Answer) -> Answer {
    trail.answered(answer.status(), Outcome::Forwarded, Reason::None);
    if let Some(cookie) = journey_cookie(&trail, asker, &answer) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    finish(trail, answer)
}

/// An answer in place of the origin's.
pub(crate) fn refused(mut trail: Trail, asker: &Asker, audience: &Audience, refusal: Refusal) -> Answer {
    let occasion = Occasion {
        policy: &trail.pinned.policy,
        request_id: &asker.request_id,
        route: trail.route,
        class: trail.class,
        random: asker.random as u64,
    };
    let mut answer: Answer = refuse::respond(refusal, audience, &occasion).map(ResponseBody::full);
    let reason = refusal.reason();
    trail.answered(answer.status(), reason.outcome(), reason);
    if let Refusal::Limit { limit, .. } = refusal {
        trail.limited_by(limit);
    }
    if refusal.closes() && !trail.connection.h2 {
        close(&mut answer);
    }
    finish(trail, answer)
}

fn finish(trail: Trail, mut answer: Answer) -> Answer {
    // An HTTP/1 connection that is to finish says so with whatever it answers next.
    if !trail.connection.h2 && trail.connection.activity.ordered() >= Order::Finish {
        close(&mut answer);
    }
    answer.map(|body| body.with_trail(trail))
}

fn close(answer: &mut Response<ResponseBody>) {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// A journey begins, or goes on for longer, with a good answer on a route that begins one.
fn journey_cookie(trail: &Trail, asker: &Asker, answer: &Answer) -> Option<HeaderValue> {
    let policy = &trail.pinned.policy;
    if !policy.has_journeys() || !(answer.status().is_success() || answer.status().is_redirection()) {
        return None;
    }
    let now = trail.connection.worker.unix_seconds();
    let begun = policy.journey_class(trail.route?);
    let going_on = asker.journey.as_ref().filter(|journey| journey.is_due(now)).map(Journey::class);
    let class = begun.or(going_on)?;
    let random = asker.journey.as_ref().map_or(asker.random as u64, Journey::random);
    set_cookie(&trail.pinned.journeys.sign(class, now, random), asker.secure)
}
