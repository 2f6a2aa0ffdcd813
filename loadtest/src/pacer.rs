//! An open-loop client: requests leave at a constant rate whatever becomes of the earlier ones, and a latency is counted
//! from when its request should have left. A slow answer thus cannot hide the wait of those behind it.
//!
//! One thread that sleeps in `poll` to the nanosecond: the timers of a runtime tick in milliseconds, which is more than
//! what is to be measured.

mod line;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use line::{Line, News};

/// A steady flow of requests.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    pub(crate) target: SocketAddr,
    /// Requests a second.
    pub(crate) rate: f64,
    /// Kept-alive connections.
    pub(crate) connections: usize,
    /// Answers after which a connection is replaced by a new one; 0 is never.
    pub(crate) renew_after: u32,
    pub(crate) lasting: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Nanoseconds from when a request should have left to the last byte of its answer.
    pub(crate) latency: Histogram<u64>,
    /// Good answers.
    pub(crate) good: u64,
    /// Answers with another status, broken ones, and requests without any.
    pub(crate) failed: u64,
    /// The first failure, in words.
    pub(crate) first_failure: Option<String>,
}

/// How long answers are waited for after the last request.
const PATIENCE: Duration = Duration::from_secs(5);

const REQUEST: &[u8] = b"GET /1k HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 10.1.0.1\r\n\r\n";

impl Pace {
    /// Keeps the pace for as long as it should.
    pub(crate) fn keep(&self) -> io::Result<Heard> {
        let lines = (0..self.connections).map(|_| Line::connect(self.target)).collect::<io::Result<Vec<_>>>()?;
        // Otherwise the kernel may wake a sleeper 50 µs late.
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
        let latency = Histogram::new_with_bounds(1, 60_000_000_000, 3).map_err(io::Error::other)?;
        let heard = Heard { latency, good: 0, failed: 0, first_failure: None };
        Flow { pace: self, idle: (0..lines.len()).collect(), lines, due: VecDeque::new(), heard }.run()
    }
}

impl Heard {
    /// The latency at `quantile` (0.0 – 1.0) in microseconds.
    pub(crate) fn micros(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1e3
    }

    fn fail(&mut self, why: impl FnOnce() -> String) {
        self.failed += 1;
        self.first_failure.get_or_insert_with(why);
    }
}

struct Flow<'a> {
    pace: &'a Pace,
    lines: Vec<Line>,
    /// The longest idle first, so that all take their turns.
    idle: VecDeque<usize>,
    /// When requests should have left that have not.
    due: VecDeque<Instant>,
    heard: Heard,
}

impl Flow<'_> {
    fn run(mut self) -> io::Result<Heard> {
        let gap = Duration::from_secs_f64(1.0 / self.pace.rate);
        let mut next = Instant::now() + gap;
        let end = next + self.pace.lasting;
        loop {
            let now = Instant::now();
            while next <= now && next < end {
                self.due.push_back(next);
                next += gap;
            }
            self.send_due()?;
            let over = next >= end && self.due.is_empty() && self.idle.len() == self.lines.len();
            if over || now > end + PATIENCE {
                break;
            }
            let wake = if next < end { next } else { end + PATIENCE };
            let ready = self.wait(wake.saturating_duration_since(Instant::now()))?;
            for number in ready {
                self.listen(number)?;
            }
        }
        let unanswered = self.due.len() + self.lines.len() - self.idle.len();
        (0..unanswered).for_each(|_| self.heard.fail(|| "no answer".to_owned()));
        Ok(self.heard)
    }

    fn send_due(&mut self) -> io::Result<()> {
        while let (Some(number), Some(intended)) = (self.idle.front().copied(), self.due.front().copied()) {
            self.idle.pop_front();
            self.due.pop_front();
            let Some(line) = self.lines.get_mut(number) else { continue };
            if let Err(error) = line.ask(REQUEST, intended) {
                self.heard.fail(|| format!("sending: {error}"));
                self.replace(number)?;
            }
        }
        Ok(())
    }

    fn wait(&self, at_most: Duration) -> io::Result<Vec<usize>> {
        let mut descriptors: Vec<PollFd<'_>> =
            self.lines.iter().map(|line| PollFd::new(line.stream(), PollFlags::IN)).collect();
        let timeout = Timespec { tv_sec: at_most.as_secs().cast_signed(), tv_nsec: at_most.subsec_nanos().into() };
        match poll(&mut descriptors, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = descriptors.iter().enumerate().filter(|(_, descriptor)| !descriptor.revents().is_empty());
        Ok(ready.map(|(number, _)| number).collect())
    }

    fn listen(&mut self, number: usize) -> io::Result<()> {
        let Some(line) = self.lines.get_mut(number) else { return Ok(()) };
        match line.listen() {
            News::Nothing => Ok(()),
            News::Answer { status, intended, last } => {
                let taken = intended.elapsed();
                self.heard.latency.saturating_record(u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX));
                match status {
                    200 => self.heard.good += 1,
                    other => self.heard.fail(|| format!("status {other}")),
                }
                let worn = self.pace.renew_after > 0 && line.answers() >= self.pace.renew_after;
                if last || worn {
                    return self.replace(number);
                }
                self.idle.push_back(number);
                Ok(())
            }
            // Nobody was asking: the other side may close, and the next request finds a new connection.
            News::Closed { asked: false, .. } => {
                self.idle.retain(|idle| *idle != number);
                self.replace(number)
            }
            News::Closed { asked: true, why } => {
                self.heard.fail(|| why);
                self.replace(number)
            }
        }
    }

    fn replace(&mut self, number: usize) -> io::Result<()> {
        if let Some(line) = self.lines.get_mut(number) {
            *line = Line::connect(self.pace.target)?;
            self.idle.push_back(number);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Origin;

    #[test]
    fn every_request_of_the_pace_is_answered() {
        let origin = Origin::start().unwrap();
        let pace = Pace {
            target: origin.address,
            rate: 1000.0,
            connections: 4,
            renew_after: 10,
            lasting: Duration::from_millis(200),
        };
        let heard = pace.keep().unwrap();
        assert_eq!((heard.good, heard.failed), (200, 0));
        assert_eq!(heard.latency.len(), 200);
    }

    #[test]
    fn a_silent_server_fails_every_request() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let target = listener.local_addr().unwrap();
        let closer = std::thread::spawn(move || {
            // The one connection and what replaces it are closed at once.
            for _ in 0..6 {
                drop(listener.accept());
            }
        });
        let lasting = Duration::from_millis(5);
        let heard = Pace { target, rate: 1000.0, connections: 1, renew_after: 0, lasting }.keep();
        closer.join().unwrap();
        assert!(heard.is_err() || heard.unwrap().good == 0);
    }
}
