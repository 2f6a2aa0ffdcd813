//! CPU per status poll, against nginx that serves a file of the same size.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::venue::{Terms, Venue};
use super::witness::status::Status;
use super::witness::talk::{Answer, STATUS, Talk, What};
use crate::origin::Origin;
use crate::peer::{Job, Peer, Proxy};
use crate::proxied::cost_of;
use crate::report::{Figure, Goal};
use crate::stage::{Stage, runtime};
use crate::wrk::Tickets;

/// Shoppers who ask in turn.
const SHOPPERS: u32 = 1000;
/// Until the line has stood still for some ticks.
const SETTLE: Duration = Duration::from_millis(500);
/// What nginx serves, below its directory.
const FILE: &str = "status.json";

/// CPU per poll that is answered with the status, and per poll that is answered with 304.
pub(crate) fn polls(stage: &Stage) -> Result<Vec<Figure>, String> {
    let origin = Origin::start()?;
    let peers: Vec<Peer> = stage.peers().into_iter().filter(|peer| *peer != Peer::Haproxy).collect();
    let figure = |known: bool, name: &str| {
        let measure = |peer: &Peer| Ok([Poll::prepare(stage, *peer, &origin, known)?.cost(stage)?]);
        let [rows] = stage.rounds(&peers, |peer| peer.name().to_owned(), measure);
        let notes =
            vec![format!("{SHOPPERS} tickets; nginx serves a file of the same size, asked for with the same cookies")];
        Figure { name: name.to_owned(), unit: "µs", rows, goal: Goal::TimesNginx(1.0), notes }
    };
    Ok(vec![
        figure(false, "CPU per status poll, h1"),
        figure(true, "CPU per status poll that is answered with 304, h1"),
    ])
}

/// A server, and what it is asked.
struct Poll {
    proxy: Proxy,
    tickets: Tickets,
}

impl Poll {
    fn prepare(stage: &Stage, peer: Peer, origin: &Origin, known: bool) -> Result<Self, String> {
        let line = Line::form(stage, origin, known)?;
        let list = stage.directory().join("tickets");
        let expected = if known { 304 } else { 200 };
        if peer == Peer::Spillway {
            line.write(&list, None)?;
            return Ok(Self { proxy: line.proxy, tickets: Tickets { list, expected } });
        }
        let proxy = stage.start(peer, &Job::generous(origin.address, stage.options.proxy_core))?;
        fs::write(proxy.config.with_file_name(FILE), &line.body).map_err(|error| format!("{FILE}: {error}"))?;
        let answer = runtime()?.block_on(Talk::default().ask(proxy.address, What::Status, 0, None));
        let tag = answer.map_err(|error| error.to_string())?.etag.ok_or("nginx gives no entity tag")?;
        line.write(&list, known.then_some(&tag))?;
        Ok(Self { proxy, tickets: Tickets { list, expected } })
    }

    fn cost(&self, stage: &Stage) -> Result<f64, String> {
        let ask = |lasting| self.tickets.ask(self.proxy.address, STATUS, lasting);
        cost_of(&self.proxy, stage.measured_for(), ask, |heard| heard.refusals == 0)
    }
}

/// Shoppers in line before Spillway's room.
struct Line {
    proxy: Proxy,
    /// Cookie and entity tag of each.
    tickets: Vec<(String, String)>,
    known: bool,
    /// What the last of them was answered.
    body: Vec<u8>,
}

impl Line {
    /// Places that move a little, or not at all where answers should stay the same.
    fn form(stage: &Stage, origin: &Origin, known: bool) -> Result<Self, String> {
        let terms = Terms {
            mode: if known { "paused" } else { "always" },
            cap: 1,
            rate: "1/min".to_owned(),
            claim: "10s",
            workers: 1,
            cores: vec![stage.options.proxy_core],
        };
        let venue = Venue::build(stage, "polls", &terms, origin.address)?;
        let proxy = venue.open()?;
        let mut line = Self { proxy, tickets: Vec::new(), known, body: Vec::new() };
        runtime()?.block_on(line.fill())?;
        Ok(line)
    }

    async fn fill(&mut self) -> Result<(), String> {
        let mut talk = Talk::default();
        for client in 0..SHOPPERS {
            let answer = self.ask(&mut talk, What::Page("/"), client, None).await?;
            let cookie = answer.cookie.ok_or("no ticket is given")?;
            self.ask(&mut talk, What::Status, client, Some(&cookie)).await?;
            self.tickets.push((cookie, String::new()));
        }
        tokio::time::sleep(SETTLE).await;
        let mut tickets = std::mem::take(&mut self.tickets);
        for (client, (cookie, tag)) in (0..).zip(&mut tickets) {
            let answer = self.ask(&mut talk, What::Status, client, Some(cookie)).await?;
            Status::read(&answer.body).ok_or("a status that cannot be read")?;
            *tag = answer.etag.ok_or("no entity tag is given")?;
            self.body = answer.body;
        }
        self.tickets = tickets;
        Ok(())
    }

    async fn ask(&self, talk: &mut Talk, what: What, client: u32, cookie: Option<&str>) -> Result<Answer, String> {
        let answer = talk.ask(self.proxy.address, what, client, cookie).await.map_err(|error| error.to_string())?;
        if answer.status == 200 { Ok(answer) } else { Err(format!("{what:?}: {} {}", answer.status, answer.words())) }
    }

    /// One line for each shopper: the cookie, and what an answer is known by, which is the same for all files.
    fn write(&self, list: &Path, tag: Option<&str>) -> Result<(), String> {
        let mut text = String::new();
        for (cookie, own) in &self.tickets {
            let tag = tag.unwrap_or(own);
            let _ = if self.known { writeln!(text, "{cookie} {tag}") } else { writeln!(text, "{cookie}") };
        }
        fs::write(list, text).map_err(|error| format!("{}: {error}", list.display()))
    }
}
