//! One shopper on the way through the shop.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode, request};
use http_body_util::Full;
use tokio::time::{Instant, sleep_until, timeout};

use super::connections::{Connections, Reply};
use super::journey::{Step, alongside, confirmation, journey};
use super::tally::{Fate, Recorder};
use super::timeline::{Errand, exponential};
use super::{Habits, STORMING_RETRIES};

/// Between the tries of a program that does not know when to stop.
const STORMING_PAUSE: Duration = Duration::from_millis(20);

/// Added to a time that the shop names, so that not all are back in the same moment.
const A_LITTLE: Duration = Duration::from_millis(500);

/// What all shoppers share.
pub(super) struct Street {
    pub(super) habits: Habits,
    pub(super) recorder: Recorder,
    pub(super) connections: Connections,
}

/// Walks the whole journey of shopper `number`, or gives up on the way.
pub(super) async fn walk(street: Rc<Street>, number: u32, errand: Errand, mut dice: fastrand::Rng) {
    street.recorder.arrived();
    let Habits { hot, storming, .. } = street.habits;
    let steps = journey(errand, dice.f64() < hot, &mut dice);
    let storms = dice.f64() < storming;
    let mut shopper = Shopper { street, address: address(number), storms, cookies: Vec::new(), dice };
    for (n, step) in steps.iter().enumerate() {
        let Some(headers) = shopper.insist_again_and_again(step).await else {
            return shopper.street.recorder.gave_up(n > 0);
        };
        if n == 0 {
            shopper.street.recorder.entered();
        }
        if let Some(extra) = alongside(step) {
            shopper.load_alongside(extra);
        }
        match headers.get(LOCATION).and_then(|target| confirmation(target.to_str().ok()?)) {
            Some(order) => {
                shopper.street.recorder.finished();
                shopper.insist(&order).await;
            }
            None => shopper.think(step).await,
        }
    }
    if errand == Errand::Look {
        shopper.street.recorder.looked_around();
    }
}

pub(super) struct Shopper {
    pub(super) street: Rc<Street>,
    address: Ipv4Addr,
    storms: bool,
    pub(super) cookies: Vec<(String, String)>,
    pub(super) dice: fastrand::Rng,
}

/// What came of asking for a page.
enum Answer {
    Page(HeaderMap),
    /// A place in line.
    Line(HeaderMap),
    /// Perhaps with a time after which to ask again.
    Nothing(Option<Duration>),
}

impl Shopper {
    /// Asks for a page, comes back later to ask for it once more, and so on, as far as habits go.
    async fn insist_again_and_again(&mut self, step: &Step) -> Option<HeaderMap> {
        loop {
            if let Some(headers) = self.insist(step).await {
                return Some(headers);
            }
            let back_after = self.street.habits.back_after?;
            if self.dice.f64() < self.street.habits.leaving {
                return None;
            }
            let away = back_after.mul_f64(exponential(&mut self.dice));
            self.rest(away).await;
            self.street.recorder.came_back();
        }
    }

    /// Asks for a page until it comes or hope is lost. Standing in line is no try.
    async fn insist(&mut self, step: &Step) -> Option<HeaderMap> {
        let mut tries = 0;
        loop {
            match self.ask(step).await {
                Answer::Page(headers) => {
                    self.remember(&headers);
                    return Some(headers);
                }
                Answer::Line(headers) => {
                    self.remember(&headers);
                    self.street.recorder.queued();
                    if !self.wait_in_line().await {
                        self.street.recorder.left_line();
                        return None;
                    }
                }
                Answer::Nothing(named) => {
                    tries += 1;
                    if tries > self.retries() {
                        return None;
                    }
                    let pause = self.pause(named);
                    self.rest(pause).await;
                }
            }
        }
    }

    fn retries(&self) -> u32 {
        if self.storms { STORMING_RETRIES } else { self.street.habits.retries }
    }

    /// Until the next try, the shop having `named` a time or not.
    fn pause(&mut self, named: Option<Duration>) -> Duration {
        let Habits { pause, heeds_retry_after, .. } = self.street.habits;
        match named {
            _ if self.storms => STORMING_PAUSE,
            Some(named) if heeds_retry_after => named + self.about(A_LITTLE),
            _ => self.about(pause),
        }
    }

    /// Does nothing for a while, and notes how much longer than that it was.
    pub(super) async fn rest(&self, time: Duration) {
        let due = Instant::now() + time;
        sleep_until(due).await;
        self.street.recorder.late(due.elapsed());
    }

    async fn ask(&self, step: &Step) -> Answer {
        let Street { habits, recorder, connections } = &*self.street;
        let Some(request) = self.request(step) else { return Answer::Nothing(None) };
        let began = Instant::now();
        let reply = timeout(habits.patience, connections.send(request)).await;
        let fate = match &reply {
            Err(_) => Fate::Left,
            Ok(Err(_)) => Fate::Broken,
            Ok(Ok(reply)) => fate(reply, began.elapsed()),
        };
        recorder.count(step.page, fate);
        match (fate, reply) {
            (Fate::Served(_), Ok(Ok(reply))) => Answer::Page(reply.headers),
            (_, Ok(Ok(reply))) if reply.headers.contains_key("x-spillway-waiting") => Answer::Line(reply.headers),
            (_, Ok(Ok(reply))) => Answer::Nothing(retry_after(&reply.headers)),
            _ => Answer::Nothing(None),
        }
    }

    /// Loads what the page can do without: once, while the shopper goes on.
    fn load_alongside(&mut self, step: Step) {
        let companion = Self {
            street: Rc::clone(&self.street),
            address: self.address,
            storms: self.storms,
            cookies: self.cookies.clone(),
            dice: self.dice.fork(),
        };
        // Whether it comes changes nothing.
        tokio::task::spawn_local(async move { drop(companion.ask(&step).await) });
    }

    /// Nobody looks at a redirection.
    async fn think(&mut self, step: &Step) {
        if step.method == Method::GET {
            let time = self.about(self.street.habits.thinking);
            self.rest(time).await;
        }
    }

    /// A time around `mean`: half of it at least, the rest by chance.
    fn about(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(0.5 + 0.5 * exponential(&mut self.dice))
    }

    fn request(&self, step: &Step) -> Option<Request<Full<Bytes>>> {
        let mut request = self.head(Request::builder().method(step.method.clone()).uri(&*step.target));
        if step.method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        request.body(Full::new(Bytes::from(step.form.clone()))).ok()
    }

    /// What every request of this shopper carries.
    pub(super) fn head(&self, request: request::Builder) -> request::Builder {
        let request = request
            .header(HOST, "shop.example")
            .header(ACCEPT, "text/html")
            .header("x-forwarded-for", self.address.to_string());
        if self.cookies.is_empty() {
            return request;
        }
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.header(COOKIE, pairs.join("; "))
    }

    pub(super) fn remember(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE) {
            let Some((name, value)) = cookie.to_str().ok().and_then(|text| text.split(';').next()?.split_once('='))
            else {
                continue;
            };
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

/// Reasons that are told apart; a proxy that gives none is judged by its status.
const REASONS: &[&str] = &[
    "limit",
    "capacity",
    "wait",
    "waiting-room",
    "origin-down",
    "origin-error",
    "origin-timeout",
    "request",
    "draining",
];

fn fate(reply: &Reply, latency: Duration) -> Fate {
    if let Some(reason) = reply.headers.get("x-spillway-reason") {
        return Fate::Refused(REASONS.iter().find(|known| reason == **known).copied().unwrap_or("other"));
    }
    match reply.status {
        status if status.is_success() || status.is_redirection() => Fate::Served(latency),
        StatusCode::TOO_MANY_REQUESTS => Fate::Refused("429"),
        StatusCode::BAD_GATEWAY => Fate::Refused("502"),
        StatusCode::SERVICE_UNAVAILABLE => Fate::Refused("503"),
        StatusCode::GATEWAY_TIMEOUT => Fate::Refused("504"),
        _ => Fate::Broken,
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// An address of its own for each shopper.
fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits((10 << 24) | (number & 0x00ff_ffff))
}
