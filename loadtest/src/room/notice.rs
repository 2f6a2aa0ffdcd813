//! How soon the front of the line sees what an operator did.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;
use tokio::time::sleep;

use super::venue::{Terms, Venue};
use super::witness::status::{State, Status};
use super::witness::talk::{Talk, What};
use crate::admin::Admin;
use crate::origin::Origin;
use crate::peer::Peer;
use crate::report::{Figure, Goal};
use crate::stage::{Stage, runtime};

/// Shoppers at the front.
const FRONT: u32 = 50;
/// Until all of them have asked a few times.
const SETTLE: Duration = Duration::from_secs(4);
/// A notice that was not seen for this long will not be.
const PATIENCE: Duration = Duration::from_secs(30);
const WORDS: &str = "Back at noon";

/// Seconds until the last of those at the front knows of a pause, and of a message.
pub(crate) fn notice(stage: &Stage) -> Result<Vec<Figure>, String> {
    let origin = Origin::start()?;
    let [pause, message] = stage.rounds(&[Peer::Spillway], |peer| peer.name().to_owned(), |_| announce(stage, &origin));
    let figure = |name: &str, rows| Figure {
        name: format!("until the last of {FRONT} at the front of the line sees {name}"),
        unit: "s",
        rows,
        goal: Goal::AtMost(2.0),
        notes: Vec::new(),
    };
    Ok(vec![figure("a pause", pause), figure("a message", message)])
}

fn announce(stage: &Stage, origin: &Origin) -> Result<[f64; 2], String> {
    let terms = Terms {
        mode: "always",
        cap: 2,
        rate: "5/s".to_owned(),
        claim: "60s",
        workers: 1,
        cores: vec![stage.options.proxy_core],
    };
    // Each round begins with a directory of its own: what an operator has set outlives the process.
    let venue = Venue::build(stage, &format!("notice-{:08x}", fastrand::u32(..)), &terms, origin.address)?;
    let _proxy = venue.open()?;
    let address = venue.address;
    let admin = Admin::new(venue.admin)?;
    // The shoppers have a thread of their own: the operator's client waits for its answers.
    let line = thread::spawn(move || {
        LocalSet::new().block_on(&runtime()?, async {
            let shoppers: Vec<_> = (0..FRONT).map(|client| tokio::task::spawn_local(wait(address, client))).collect();
            let mut seen = Vec::new();
            for shopper in shoppers {
                seen.extend(shopper.await.map_err(|error| error.to_string())??);
            }
            Ok::<_, String>(seen)
        })
    });
    thread::sleep(SETTLE);
    let paused = Instant::now();
    admin.patch("/v1/rooms/sale", "{\"mode\": \"paused\"}")?;
    thread::sleep(SETTLE);
    let said = Instant::now();
    admin.patch("/v1/rooms/sale", &format!("{{\"message\": \"{WORDS}\"}}"))?;
    let seen = line.join().map_err(|_| "a shopper broke".to_owned())??;
    if seen.len() + terms.cap < FRONT as usize {
        return Err(format!("only {} of {FRONT} were in line", seen.len()));
    }
    let last = |of: fn(&Seen) -> Instant, since: Instant| {
        seen.iter().map(|seen| of(seen).saturating_duration_since(since).as_secs_f64()).fold(0.0, f64::max)
    };
    let (pause, message) = (last(|seen| seen.pause, paused), last(|seen| seen.message, said));
    if pause <= 0.0 || message <= 0.0 {
        return Err("the line knew before it was told".to_owned());
    }
    eprintln!("    {pause:.2} s for the pause, {message:.2} s for the message");
    Ok([pause, message])
}

/// When a shopper saw what.
#[derive(Debug, Clone, Copy)]
struct Seen {
    pause: Instant,
    message: Instant,
}

/// Waits as a page does until the message is there; nothing for somebody who is called.
async fn wait(address: SocketAddr, client: u32) -> Result<Option<Seen>, String> {
    let mut talk = Talk::default();
    let answer = talk.ask(address, What::Page("/"), client, None).await.map_err(|error| error.to_string())?;
    let cookie = answer.cookie.ok_or("no ticket is given")?;
    let (mut pause, deadline) = (None, Instant::now() + PATIENCE);
    while Instant::now() < deadline {
        let answer = talk.ask(address, What::Status, client, Some(&cookie)).await.map_err(|error| error.to_string())?;
        let now = Instant::now();
        let status = Status::read(&answer.body).ok_or("a status that cannot be read")?;
        match status.state {
            State::Called | State::Inside => return Ok(None),
            State::Paused => pause = pause.or(Some(now)),
            State::Waiting | State::Lobby | State::Closed => {}
        }
        if let Some(pause) = pause.filter(|_| status.message.as_deref() == Some(WORDS)) {
            return Ok(Some(Seen { pause, message: now }));
        }
        sleep(Duration::from_millis(status.poll_after_ms)).await;
    }
    Err("a shopper sees neither pause nor message".to_owned())
}
