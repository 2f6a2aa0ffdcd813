//! One shopper on the way through the shop.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode, request};
use http_body_util::Full;
use tokio::time::{Instant, sleep, timeout};

use super::Habits;
use super::connections::{Connections, Reply};
use super::journey::{Step, alongside, confirmation, journey};
use super::tally::{Fate, Recorder};
use super::timeline::exponential;

/// What all shoppers share.
pub(super) struct Street {
    pub(super) habits: Habits,
    pub(super) recorder: Recorder,
    pub(super) connections: Connections,
}

/// Walks the whole journey of shopper `number`, or gives up on the way.
pub(super) async fn walk(street: Rc<Street>, number: u32, mut dice: fastrand::Rng) {
    street.recorder.arrived();
    let steps = journey(&mut dice);
    let mut shopper = Shopper { street, address: address(number), cookies: Vec::new(), dice };
    for (n, step) in steps.iter().enumerate() {
        let Some(headers) = shopper.insist(step).await else {
            return shopper.street.recorder.gave_up();
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
}

pub(super) struct Shopper {
    pub(super) street: Rc<Street>,
    address: Ipv4Addr,
    pub(super) cookies: Vec<(String, String)>,
    pub(super) dice: fastrand::Rng,
}

/// What came of asking for a page.
enum Answer {
    Page(HeaderMap),
    /// A place in line.
    Line(HeaderMap),
    Nothing,
}

impl Shopper {
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
                Answer::Nothing => {
                    tries += 1;
                    if tries > self.street.habits.retries {
                        return None;
                    }
                    sleep(self.about(self.street.habits.pause)).await;
                }
            }
        }
    }

    async fn ask(&self, step: &Step) -> Answer {
        let Street { habits, recorder, connections } = &*self.street;
        let Some(request) = self.request(step) else { return Answer::Nothing };
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
            _ => Answer::Nothing,
        }
    }

    /// Loads what the page can do without: once, while the shopper goes on.
    fn load_alongside(&mut self, step: Step) {
        let companion = Self {
            street: Rc::clone(&self.street),
            address: self.address,
            cookies: self.cookies.clone(),
            dice: self.dice.fork(),
        };
        // Whether it comes changes nothing.
        tokio::task::spawn_local(async move { drop(companion.ask(&step).await) });
    }

    /// Nobody looks at a redirection.
    async fn think(&mut self, step: &Step) {
        if step.method == Method::GET {
            sleep(self.about(self.street.habits.thinking)).await;
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

/// An address of its own for each shopper.
fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits((10 << 24) | (number & 0x00ff_ffff))
}
