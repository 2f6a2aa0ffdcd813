//! Seats by scenario, against a model, and in every interleaving that shuttle finds.

mod cursor;
mod feed;
mod feed_interleavings;
mod interleavings;
mod lanes;
mod lines;
mod model;
mod order;
mod pace;
mod saturation;
mod sessions;
mod shadow;
mod standing;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{ClassShare, Lane, Pace, QueueCounts, QueueFull, Seat, Seats, Shed, Slot, Waiting};
use crate::clock::Nanos;

const R: Lane = Lane::Returning;
const N: Lane = Lane::Newcomer;
const MS: Nanos = 1_000_000;

/// So that a line stands past 50 ms, and who waited for 100 ms is shed from it.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// Most important first: name, guaranteed share, how many may wait.
fn classes(shares: &[(&str, f64, usize)]) -> Vec<ClassShare> {
    let share = |&(name, guaranteed, max_waiting): &(&str, f64, usize)| ClassShare {
        name: name.to_owned(),
        guaranteed,
        max_waiting,
        max_wait: MAX_WAIT,
    };
    shares.iter().map(share).collect()
}

/// No newcomer may begin.
const NOBODY: Pace = Pace { may_begin: 0.0, enforce: true };

/// A shop of three classes; the last has no guarantee, and room for three in line.
fn shop(limit: u32) -> (Seats, [Slot; 3]) {
    let seats = Seats::new(2);
    let shares = classes(&[("checkout", 0.3, 10), ("cart", 0.2, 10), ("browse", 0.0, 3)]);
    let slots = seats.reconfigure(Some(limit), &shares);
    (seats, slots.try_into().unwrap())
}

/// Those of a line who have been served, by their place in `line`; their seats are kept in `held`.
fn served_of(line: &mut [Waiting], held: &mut Vec<Seat>) -> Vec<usize> {
    let seats = line.iter_mut().enumerate().filter_map(|(place, waiting)| Some((place, served(waiting)?)));
    let (places, seats): (Vec<_>, Vec<_>) = seats.unzip();
    held.extend(seats);
    places
}

/// The seat, if it has been handed over.
fn served(waiting: &mut Waiting) -> Option<Seat> {
    outcome(waiting)?.ok()
}

/// What became of it, if that is known.
fn outcome(waiting: &mut Waiting) -> Option<Result<Seat, Shed>> {
    match Pin::new(waiting).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

fn take(seats: &Seats, slot: Slot, count: usize) -> Vec<Seat> {
    (0..count).map_while(|_| seats.try_acquire(slot, 0, R)).collect()
}
