//! The book in which everything is written that shoppers were told, and what contradicts it.

use std::collections::{HashMap, HashSet};

use super::Micros;
use super::calls::Calls;

/// What a room must never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// A place that was given, and not given up, is not known any more.
    Lost,
    /// A number, or a slot, has two holders.
    Doubled,
    /// A number is not above all that were given before it was asked for, or somebody was called before somebody else who
    /// was ahead and there.
    Reordered,
    /// Whoever was called or inside is sent back to the line.
    SentBack,
    /// More are called and inside than may be.
    AboveTheCap,
}

/// All shoppers' knowledge.
#[derive(Debug)]
pub(crate) struct Book {
    cap: usize,
    highest: Option<u32>,
    numbers: HashSet<u32>,
    calls: Calls,
    /// Numbers that are called or inside for certain.
    admitted: HashSet<u32>,
    /// The holder of each slot.
    slots: HashMap<u32, u32>,
    most: usize,
    faults: Vec<(Fault, String)>,
}

/// What one shopper knows of the own place.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) number: u32,
    /// When it last was certain that nobody had called it.
    waited_at: Micros,
    /// Since when it counts without a break.
    there_since: Option<Micros>,
    /// After how long the next question is expected.
    told: Micros,
    slot: Option<u32>,
}

/// A wish for a number on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Joining {
    sent: Micros,
    above: Option<u32>,
}

/// A question on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking {
    sent: Micros,
    /// The highest number known to have been called while this place counted.
    overtaken_by: Option<u32>,
}

/// A pause of so many of the intervals that were told may have been taken for silence,
const SILENCE: f64 = 2.2;
/// unless it was as short as this.
const NO_SILENCE: Micros = 5_000_000;
/// Faults that are told in words.
const TOLD: usize = 8;

impl Book {
    /// An empty book of a room in which `cap` may be.
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            cap,
            highest: None,
            numbers: HashSet::new(),
            calls: Calls::default(),
            admitted: HashSet::new(),
            slots: HashMap::new(),
            most: 0,
            faults: Vec::new(),
        }
    }

    /// Somebody is about to ask for a number.
    pub(crate) fn joins(&self, now: Micros) -> Joining {
        Joining { sent: now, above: self.highest }
    }

    /// Somebody was given a number.
    pub(crate) fn joined(&mut self, joining: Joining, number: u32) -> Place {
        if Some(number) <= joining.above {
            self.fault(Fault::Reordered, || format!("{number} was given after {:?}", joining.above));
        }
        if !self.numbers.insert(number) {
            self.fault(Fault::Doubled, || format!("{number} was given twice"));
        }
        self.highest = self.highest.max(Some(number));
        Place { number, waited_at: joining.sent, there_since: None, told: 0, slot: None }
    }

    /// The holder of a place is about to ask for it.
    pub(crate) fn asks(&self, place: &Place, now: Micros) -> Asking {
        let overtaken_by = place.there_since.and_then(|since| self.calls.highest_after(since));
        Asking { sent: now, overtaken_by }
    }

    /// The answer was that the place waits; the next question is expected after `told`.
    pub(crate) fn waits(&mut self, place: &mut Place, asking: Asking, now: Micros, told: Micros) {
        let number = place.number;
        if self.admitted.contains(&number) {
            self.fault(Fault::SentBack, || format!("{number} was called and waits"));
            self.is_over(place);
            place.there_since = None;
        }
        let pause = asking.sent.saturating_sub(place.waited_at);
        if pause > NO_SILENCE.max((place.told as f64 * SILENCE) as Micros) {
            place.there_since = None;
        }
        match place.there_since {
            // It counts from this answer on.
            None => place.there_since = Some(now),
            Some(_) if asking.overtaken_by > Some(number) => {
                self.fault(Fault::Reordered, || format!("{:?} was called before {number}", asking.overtaken_by));
            }
            Some(_) => {}
        }
        place.waited_at = asking.sent;
        place.told = told;
    }

    /// The answer was that it is the place's turn.
    pub(crate) fn is_called(&mut self, place: &Place) {
        if !self.admitted.insert(place.number) {
            return;
        }
        self.calls.add(place.waited_at, place.number);
        let (admitted, cap) = (self.admitted.len(), self.cap);
        self.most = self.most.max(admitted);
        if admitted > cap {
            self.fault(Fault::AboveTheCap, || format!("{admitted} are in, {cap} may be"));
        }
    }

    /// The answer was a pass.
    pub(crate) fn is_inside(&mut self, place: &mut Place, number: u32, slot: u32) {
        self.is_called(place);
        if number != place.number {
            self.fault(Fault::Doubled, || format!("{} was given the pass of {number}", place.number));
        }
        place.slot = Some(slot);
        if let Some(other) = self.slots.insert(slot, number).filter(|other| *other != number) {
            self.fault(Fault::Doubled, || format!("slot {slot} was given to {number}, and is {other}'s"));
        }
    }

    /// From now on the room may give the place, or the slot, to somebody else.
    pub(crate) fn is_over(&mut self, place: &Place) {
        self.admitted.remove(&place.number);
        if let Some(slot) = place.slot.filter(|slot| self.slots.get(slot) == Some(&place.number)) {
            self.slots.remove(&slot);
        }
    }

    /// Something else was not as it should be.
    pub(crate) fn fault(&mut self, fault: Fault, words: impl FnOnce() -> String) {
        let words = if self.faults.len() < TOLD { words() } else { String::new() };
        self.faults.push((fault, words));
    }

    /// How many were called and inside for certain, at most.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// How often this happened.
    pub(crate) fn count(&self, fault: Fault) -> usize {
        self.faults.iter().filter(|(other, _)| *other == fault).count()
    }

    /// The first faults, in words.
    pub(crate) fn told(&self) -> impl Iterator<Item = String> {
        self.faults.iter().take(TOLD).map(|(fault, words)| format!("{fault:?}: {words}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Micros = 1_500_000;

    /// Two numbers whose holders were heard of, at 0 and 1.
    fn two(book: &mut Book) -> (Place, Place) {
        let [one, other] = [0, 1].map(|at| {
            let joining = book.joins(at);
            let mut place = book.joined(joining, at as u32 + 5);
            ask(book, &mut place, at);
            place
        });
        (one, other)
    }

    fn ask(book: &mut Book, place: &mut Place, at: Micros) {
        let asking = book.asks(place, at);
        book.waits(place, asking, at, SOON);
    }

    fn faults(book: &Book) -> Vec<Fault> {
        book.faults.iter().map(|(fault, _)| *fault).collect()
    }

    #[test]
    fn an_ordinary_day_has_no_faults() {
        let mut book = Book::new(1);
        let (mut first, mut second) = two(&mut book);
        ask(&mut book, &mut first, SOON);
        book.is_called(&first);
        book.is_inside(&mut first, 5, 0);
        ask(&mut book, &mut second, SOON);
        book.is_over(&first);
        book.is_inside(&mut second, 6, 0);
        assert_eq!((faults(&book), book.numbers.len(), book.most()), (vec![], 2, 1));
    }

    #[test]
    fn whoever_is_there_is_called_in_order() {
        let mut book = Book::new(9);
        let (mut first, mut second) = two(&mut book);
        ask(&mut book, &mut second, SOON);
        book.is_called(&second);
        ask(&mut book, &mut first, SOON + 1);
        assert_eq!(faults(&book), [Fault::Reordered]);
    }

    #[test]
    fn an_answer_that_was_on_its_way_is_no_fault() {
        let mut book = Book::new(9);
        let (mut first, second) = two(&mut book);
        let asking = book.asks(&first, SOON);
        book.is_called(&second);
        book.waits(&mut first, asking, SOON, SOON);
        assert_eq!(faults(&book), []);
    }

    #[test]
    fn the_silent_are_passed_over() {
        let mut book = Book::new(9);
        let (mut first, mut second) = two(&mut book);
        for at in 1..8 {
            ask(&mut book, &mut second, at * SOON);
        }
        book.is_called(&second);
        ask(&mut book, &mut first, 8 * SOON);
        assert_eq!(faults(&book), []);
        // Whoever was called before the other came back was not called before the other.
        ask(&mut book, &mut first, 9 * SOON);
        assert_eq!(faults(&book), []);
    }

    #[test]
    fn nothing_that_was_said_is_taken_back() {
        let mut book = Book::new(1);
        let (mut first, mut second) = two(&mut book);
        book.is_inside(&mut first, 5, 3);
        book.is_inside(&mut second, 6, 3);
        ask(&mut book, &mut first, SOON);
        let late = book.joins(9);
        book.joined(late, 6);
        assert_eq!(
            faults(&book),
            [Fault::AboveTheCap, Fault::Doubled, Fault::SentBack, Fault::Reordered, Fault::Doubled]
        );
        assert_eq!((book.count(Fault::Doubled), book.told().count()), (2, 5));
    }
}
