//! The parts of the simulation that are not the product's.

use crate::simulated::agenda::Agenda;
use crate::simulated::store::{Key, Store};

#[test]
fn an_agenda_keeps_the_order_of_time() {
    let mut agenda = Agenda::default();
    agenda.at(50, "e");
    agenda.after(10, 20, "b");
    agenda.after(10, 30, "d");
    agenda.after(5, 30, "c");
    agenda.at(20, "a");
    assert_eq!(agenda.next(), Some(20));
    let all: Vec<_> = std::iter::from_fn(|| agenda.take()).collect();
    assert_eq!(all, ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_key_finds_nothing_that_came_later() {
    let mut store = Store::default();
    let first = store.insert("first");
    assert_eq!(store.remove(first), Some("first"));
    let second = store.insert("second");
    assert_eq!((second.place(), store.get(first)), (first.place(), None));
    assert_eq!(store.remove(first), None);
    assert_eq!(store.get(Key::of(second.number())), Some(&"second"));
}
