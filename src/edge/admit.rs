//! The second stage: which route, which class, do the limits allow it, is there a seat.
//!
//! Gathers facts and asks the pure judges; the only waiting here is for a seat.

use std::convert::Infallible;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::request::Parts;
use smallvec::SmallVec;
use tower::{Layer, Service};

use super::answer::{self, Asker};
use super::begin::Beginning;
use super::refuse::{Audience, Refusal};
use super::screen::Screened;
use super::stack::{Answer, AnswerFuture};
use super::trail::Trail;
use super::waiting::{self, Turned};
use crate::clock::{self, Nanos};
use crate::config::settings::{LimitIndex, LimitMode, RouteIndex};
use crate::limit::{Key, Verdict};
use crate::overload::Seat;
use crate::policy::journey::Journey;
use crate::policy::verdict::{Decision, Mode, Reason};

/// A request that may go to its origin.
pub(crate) struct Admitted {
    pub(crate) screened: Screened,
    pub(crate) route: RouteIndex,
    pub(crate) seat: Seat,
    /// The last reading of the clock.
    pub(crate) now: Nanos,
}

/// Puts [`Admit`] before a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdmitLayer;

impl<S> Layer<S> for AdmitLayer {
    type Service = Admit<S>;

    fn layer(&self, inner: S) -> Admit<S> {
        Admit(inner)
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Admit<S>(S);

impl<S> Service<Screened> for Admit<S>
where
    S: Service<Admitted, Response = Answer, Error = Infallible, Future = AnswerFuture> + Clone + 'static,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = AnswerFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut screened: Screened) -> AnswerFuture {
        match judge(&mut screened) {
            Ok(Judgement { route, seat: Some(seat), .. }) => {
                let now = screened.trail.began;
                self.0.call(Admitted { screened, route, seat, now })
            }
            Ok(judgement) => {
                let mut next = self.0.clone();
                AnswerFuture::waiting(async move {
                    match wait(&mut screened, judgement).await {
                        Ok((route, seat, now)) => {
                            let Ok(answer) = next.call(Admitted { screened, route, seat, now }).await;
                            answer
                        }
                        Err(refusal) => stop(screened, refusal.into()),
                    }
                })
            }
            Err(why) => AnswerFuture::ready(stop(screened, why)),
        }
    }
}

fn stop(screened: Screened, stop: Stop) -> Answer {
    let Screened { parts, body, asker, trail, .. } = screened;
    answer::leave_unread(&trail, &parts, &body);
    match stop {
        Stop::Refused(refusal) => {
            trail.decided(Decision::Refuse, refusal.reason(), Mode::Enforce);
            answer::refused(trail, &asker, &Audience::of(&parts), refusal)
        }
        Stop::Turned(turned) => {
            trail.decided(Decision::Refuse, turned.reason, Mode::Enforce);
            answer::turned(trail, turned)
        }
    }
}

/// Why a request does not go on.
enum Stop {
    /// It is refused.
    Refused(Refusal),
    /// It waits in a room.
    Turned(Turned),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A request that nothing stands against, but perhaps the want of a seat.
struct Judgement {
    route: RouteIndex,
    keys: Keys,
    beginning: Beginning,
    seat: Option<Seat>,
}

/// The limits of a request with what each counts it under.
type Keys = SmallVec<[(LimitIndex, Key); 4]>;

/// Judges as far as it goes without waiting.
#[expect(clippy::result_large_err, reason = "an answer is moved once on either way")]
fn judge(screened: &mut Screened) -> Result<Judgement, Stop> {
    let route = classify(screened)?;
    if screened.trail.connection.worker.sheds(&screened.trail.pinned, screened.trail.class) {
        return Err(Refusal::Capacity.into());
    }
    let Screened { parts, target, asker, trail, .. } = screened;
    let pinned = &*trail.pinned;
    let Some(settings) = pinned.policy.settings.routes.get(route) else {
        return Err(Refusal::NotFound.into());
    };
    if settings.max_body != 0 && target.content_length().is_some_and(|length| length > settings.max_body) {
        return Err(Refusal::BodyTooLarge { forwarded: false }.into());
    }
    let key = |&limit| (limit, pinned.policy.limit_key(limit, asker.client.ip, &parts.headers, &pinned.hasher));
    let keys: Keys = settings.limits.iter().map(key).collect();
    check(trail, &keys, trail.began, Ask::Look)?;
    asker.stays = waiting::judge(parts, target, asker, trail, settings).map_err(Stop::Turned)?;
    let (Some(origin), worker) = (pinned.origins.get(settings.origin), trail.connection.worker.index()) else {
        return Err(Refusal::Capacity.into());
    };
    let slot = origin.slot(trail.class).ok_or(Refusal::Capacity)?;
    let beginning = Beginning::of(parts, asker, trail, origin);
    if !beginning.may && !origin.seats.is_shadow() {
        origin.seats.turned_away(worker);
        return Err(Refusal::Capacity.into());
    }
    let seat = origin.seats.try_acquire(slot, worker, beginning.lane);
    if let Some(seat) = &seat {
        check(trail, &keys, trail.began, Ask::Take)?;
        trail.decided(Decision::Admit, Reason::None, Mode::Enforce);
        if seat.over_limit() || !beginning.may {
            trail.decided(Decision::Refuse, Reason::Capacity, Mode::Shadow);
        }
        beginning.served(origin, worker, trail.began);
    }
    Ok(Judgement { route, keys, beginning, seat })
}

/// Finds route and class, and notes them.
fn classify(screened: &mut Screened) -> Result<RouteIndex, Refusal> {
    let Screened { parts, target, asker, trail, .. } = screened;
    let policy = &trail.pinned.policy;
    let route = policy.route(target.host(), target.path(&parts.uri), &parts.method).ok_or(Refusal::NotFound)?;
    let journey = policy.has_journeys().then(|| journey(trail, parts, asker)).flatten();
    let class = policy.class(route, journey.as_ref(), &parts.method, &parts.headers);
    let (class, _) = class.ok_or(Refusal::NotFound)?;
    trail.route = Some(route);
    trail.class = class;
    asker.journey = journey;
    Ok(route)
}

fn journey(trail: &Trail, parts: &Parts, asker: &Asker) -> Option<Journey> {
    trail.pinned.journeys.find(&parts.headers, asker.secure, trail.connection.worker.unix_seconds())
}

/// What is asked of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// Whether there is a token.
    Look,
    /// The token.
    Take,
}

/// Asks every limit that is not off. One in shadow refuses nothing, so it is only asked when tokens are taken, and what
/// it would refuse is counted once.
fn check(trail: &Trail, keys: &Keys, now: Nanos, ask: Ask) -> Result<(), Refusal> {
    let pinned = &*trail.pinned;
    for &(limit, key) in keys {
        let (Some(limiter), Some(settings)) = (pinned.limits.get(limit), pinned.policy.settings.limits.get(limit))
        else {
            continue;
        };
        let verdict = match (settings.mode, ask) {
            (LimitMode::Off, _) | (LimitMode::Shadow, Ask::Look) => continue,
            (LimitMode::Enforce, Ask::Look) => limiter.peek(key, now),
            (LimitMode::Enforce | LimitMode::Shadow, Ask::Take) => limiter.commit(key, now),
        };
        let Verdict::Limited { retry_after } = verdict else {
            continue;
        };
        let mode = if settings.mode == LimitMode::Shadow { Mode::Shadow } else { Mode::Enforce };
        pinned.limit_refused(limit, trail.connection.worker.index(), mode);
        if mode == Mode::Enforce {
            return Err(Refusal::Limit { limit, retry_after });
        }
        trail.decided(Decision::Refuse, Reason::Limit, Mode::Shadow);
    }
    Ok(())
}

/// Waits for a seat as long as the class may; dropping the future gives the place in line up.
async fn wait(screened: &mut Screened, judgement: Judgement) -> Result<(RouteIndex, Seat, Nanos), Refusal> {
    let trail = &mut screened.trail;
    let worker = trail.connection.worker.index();
    let pinned = Rc::clone(&trail.pinned);
    let class = pinned.policy.settings.classes.get(trail.class).ok_or(Refusal::Capacity)?;
    let origin = pinned.origin_of(judgement.route).ok_or(Refusal::Capacity)?;
    let slot = origin.slot(trail.class).ok_or(Refusal::Capacity)?;
    // One that may not wait finds its line full.
    let waiting = origin.seats.wait(slot, worker, judgement.beginning.lane, trail.began);
    let waiting = waiting.map_err(|_full| Refusal::Capacity)?;
    let seat = tokio::time::timeout(class.max_wait, waiting).await;
    let now = clock::now();
    trail.waited(Duration::from_nanos(now.saturating_sub(trail.began)));
    let seat = seat.map_err(|_late| Refusal::WaitedOut)?.map_err(|_shed| Refusal::Capacity)?;
    // Others of the same client may have emptied a bucket meanwhile: look again before anything is taken.
    check(trail, &judgement.keys, now, Ask::Look)?;
    check(trail, &judgement.keys, now, Ask::Take)?;
    trail.decided(Decision::Admit, Reason::Wait, Mode::Enforce);
    judgement.beginning.served(origin, worker, now);
    Ok((judgement.route, seat, now))
}
