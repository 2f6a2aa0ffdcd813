//! Seats by scenario, against a model, and in every interleaving that shuttle finds.

mod feed;
mod feed_interleavings;
mod interleavings;
mod model;
mod order;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::{ClassShare, QueueFull, Seat, Seats, Slot, Waiting};

/// Most important first: name, guaranteed share, how many may wait.
fn classes(shares: &[(&str, f64, usize)]) -> Vec<ClassShare> {
    let share = |&(name, guaranteed, max_waiting): &(&str, f64, usize)| ClassShare {
        name: name.to_owned(),
        guaranteed,
        max_waiting,
    };
    shares.iter().map(share).collect()
}

/// The seat, if it has been handed over.
fn served(waiting: &mut Waiting) -> Option<Seat> {
    match Pin::new(waiting).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(seat) => Some(seat),
        Poll::Pending => None,
    }
}

fn take(seats: &Seats, slot: Slot, count: usize) -> Vec<Seat> {
    (0..count).map_while(|_| seats.try_acquire(slot, 0)).collect()
}
