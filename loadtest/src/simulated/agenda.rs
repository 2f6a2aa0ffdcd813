//! What will happen, in the order of time.
//!
//! Most of it happens after one of a few fixed times: what is put off by the same time comes in the order it was put off,
//! so that a line each does for these, and only the rest needs a heap.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use spillway::clock::Nanos;

/// See the module. What is due at the same time happens in any order, but always in the same.
#[derive(Debug)]
pub(crate) struct Agenda<W> {
    heap: BinaryHeap<Reverse<Entry<W>>>,
    lines: Vec<Line<W>>,
    entered: u64,
}

/// What is put off by the same time.
#[derive(Debug)]
struct Line<W> {
    delay: Nanos,
    entries: VecDeque<(Nanos, W)>,
}

#[derive(Debug)]
struct Entry<W> {
    at: Nanos,
    order: u64,
    what: W,
}

impl<W> Default for Agenda<W> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), lines: Vec::new(), entered: 0 }
    }
}

impl<W> Agenda<W> {
    /// `what` happens at a time that is like no other's.
    pub(crate) fn at(&mut self, at: Nanos, what: W) {
        self.entered += 1;
        self.heap.push(Reverse(Entry { at, order: self.entered, what }));
    }

    /// `what` happens after one of the few delays that occur again and again.
    pub(crate) fn after(&mut self, delay: Nanos, now: Nanos, what: W) {
        let entry = (now + delay, what);
        if let Some(line) = self.lines.iter_mut().find(|line| line.delay == delay) {
            return line.entries.push_back(entry);
        }
        self.lines.push(Line { delay, entries: VecDeque::from([entry]) });
    }

    /// When something happens next.
    pub(crate) fn next(&self) -> Option<Nanos> {
        let first = self.heap.peek().map(|Reverse(entry)| entry.at);
        self.first_line().map(|(at, _)| at).into_iter().chain(first).min()
    }

    /// What happens next.
    pub(crate) fn take(&mut self) -> Option<W> {
        let first = self.heap.peek().map_or(Nanos::MAX, |Reverse(entry)| entry.at);
        match self.first_line() {
            Some((at, line)) if at <= first => Some(self.lines.get_mut(line)?.entries.pop_front()?.1),
            _ => Some(self.heap.pop()?.0.what),
        }
    }

    fn first_line(&self) -> Option<(Nanos, usize)> {
        let mut first = None;
        for (number, line) in self.lines.iter().enumerate() {
            if let Some((at, _)) = line.entries.front()
                && first.is_none_or(|(earliest, _)| *at < earliest)
            {
                first = Some((*at, number));
            }
        }
        first
    }
}

impl<W> Ord for Entry<W> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl<W> PartialOrd for Entry<W> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<W> PartialEq for Entry<W> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<W> Eq for Entry<W> {}
