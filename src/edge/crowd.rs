//! What a worker does when there are as many connections as may be, or nearly: closes idle ones, then refuses new ones,
//! then stops to accept for a moment.

use std::cell::Cell;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::gate::{Closed, Entered};
use super::refuse;
use super::snapshot::Snapshot;
use super::worker::Worker;

/// From this share of the connections on, idle ones are closed…
const CROWDED: f64 = 0.85;
/// …until this share is left…
const ROOMY: f64 = 0.80;
/// …but not those used a moment ago, unless somebody stands at the door.
const JUST_USED: Duration = Duration::from_secs(1);
/// How long somebody stands there while an idle connection is closed, which takes a turn of its task.
const AT_THE_DOOR: Duration = Duration::from_millis(250);
/// Most connections closed at once for those at the door: one search for many, as the list may be long.
const BATCH: usize = 32;
/// Refusals after which accepting rests, so that those inside get their share of the worker.
const TIRING: u32 = 64;
/// How long a refused client may take to send what it had to say and to go. Closed before, it would be sent a reset, and
/// might never read why.
const PARTING: Duration = Duration::from_millis(500);

/// The crowd at one worker's door.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// Connections on their way out that nobody has been promised the place of.
    coming_free: Cell<usize>,
    /// Whether the list has been searched in vain since the last round.
    none_idle: Cell<bool>,
    /// Refusals since the last rest.
    refused: Cell<u32>,
}

impl Crowd {
    /// Called ten times a second: closes idle connections while there are too many.
    pub(super) fn thin_out(&self, worker: &Worker) {
        self.coming_free.set(0);
        self.none_idle.set(false);
        let (open, most) = (worker.shared().connections(), worker.most_connections(&worker.pin()));
        if (open as f64) < CROWDED * most as f64 {
            return;
        }
        let excess = open as f64 - ROOMY * most as f64;
        // Each worker closes its share.
        let roster = worker.roster();
        let own = (excess * roster.len() as f64 / open.max(1) as f64).ceil() as usize;
        roster.make_room(own, JUST_USED, worker.patrol().clock().now());
    }

    /// Whether accepting is to rest.
    pub(super) fn is_tiring(&self) -> bool {
        self.refused.get() >= TIRING
    }

    /// It has rested.
    pub(super) fn rested(&self) {
        self.refused.set(0);
    }

    /// Finds an idle connection that makes room, and has it closed.
    fn finds_room(&self, worker: &Worker) -> bool {
        if self.coming_free.get() == 0 && !self.none_idle.get() {
            let roster = worker.roster();
            let batch = (roster.len() / 64).clamp(1, BATCH);
            let leaving = roster.make_room(batch, Duration::ZERO, worker.patrol().clock().now());
            self.coming_free.set(leaving);
            self.none_idle.set(leaving == 0);
        }
        let left = self.coming_free.get().checked_sub(1);
        self.coming_free.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// Counts a connection in, in the place of an idle one if it has to be.
///
/// # Errors
/// When a bound is met.
pub(super) async fn enter(worker: &Worker, pinned: &Snapshot, client: IpAddr) -> Result<Entered, Closed> {
    match worker.enter(pinned, client) {
        Err(Closed::Full) if worker.crowd().finds_room(worker) => {}
        answer => return answer,
    }
    let let_in = async {
        loop {
            worker.shared().gate().freed().await;
            match worker.enter(pinned, client) {
                Err(Closed::Full) => {}
                answer => return answer,
            }
        }
    };
    match timeout(AT_THE_DOOR, let_in).await {
        Ok(answer) => answer,
        Err(_) => worker.enter(pinned, client),
    }
}

/// Refuses a connection as cheaply as can be: with an answer where one can be read without a handshake, else by closing it.
pub(super) async fn refuse(worker: &Worker, stream: TcpStream, tls: bool) {
    let crowd = worker.crowd();
    crowd.refused.set(crowd.refused.get().saturating_add(1));
    if tls {
        return;
    }
    let answer = refuse::raw_full(worker.random());
    match worker.pressure().linger() {
        Some(_place) => drop(timeout(PARTING, part(stream, &answer)).await),
        // Whoever has not sent its request yet still gets to read it.
        None => drop(stream.try_write(&answer)),
    }
}

/// Hears what the client has to say, answers, and waits for it to go.
async fn part(mut stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    let mut unheard = [0; 1024];
    if stream.read(&mut unheard).await? == 0 {
        return Ok(());
    }
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    while stream.read(&mut unheard).await? > 0 {}
    Ok(())
}
