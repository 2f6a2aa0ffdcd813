//! Before a room opens, and drawing by lot.

use std::collections::HashSet;

use super::*;
use crate::room::draw::{Draw, commitment};

fn lobby(cap: u32) -> Scene {
    let opens = jiff::Timestamp::from_second(UNIX as i64 + 60).unwrap();
    Scene::of(RoomSettings { opens: Some(opens), admit_rate: per_second(10), ..settings(cap) })
}

#[test]
fn everybody_in_the_lobby_is_shuffled_when_it_opens() {
    let mut scene = lobby(1_000);
    let numbers: Vec<u32> = (0..500).map(|_| scene.join()).collect();
    scene.tick();
    assert!(numbers.iter().all(|number| scene.ask(*number) == Standing::Lobby));
    let promised = scene.room.view().commitment.unwrap();
    assert_eq!(scene.room.view().draw, None, "the seed stays secret");
    while scene.room.view().is_lobby() {
        scene.wait(seconds(1), &numbers);
    }
    let record = scene.room.view().draw.unwrap();
    assert_eq!((commitment(&record.seed), record.start, record.size), (promised, 0, 500));
    let draw = Draw::from(record);
    let called: Vec<u32> = numbers.iter().copied().filter(|number| scene.ask(*number) == Standing::Called).collect();
    assert!((1..=20).contains(&called.len()), "the rate holds: {}", called.len());
    assert!(called.iter().all(|number| draw.place(*number) < called.len() as u32), "the first drawn are first");
    let ranks: HashSet<u32> = numbers
        .iter()
        .filter_map(|number| match scene.ask(*number) {
            Standing::Waiting { rank } => rank,
            _ => None,
        })
        .collect();
    assert_eq!(ranks.len(), 500 - called.len(), "everybody has a rank of their own");
    let late = scene.join();
    scene.tick();
    assert!(matches!(scene.ask(late), Standing::Waiting { rank: Some(rank) } if rank as usize >= ranks.len() - 2));
}

#[test]
fn the_order_drawn_outlives_the_process() {
    let mut scene = lobby(1_000);
    let numbers: Vec<u32> = (0..100).map(|_| scene.join()).collect();
    scene.tick();
    let promised = scene.room.view().commitment;
    scene.kill();
    scene.tick();
    assert_eq!(scene.room.view().commitment, promised);
    while scene.room.view().is_lobby() {
        scene.wait(seconds(1), &numbers);
    }
    let order: Vec<u32> = numbers.iter().map(|number| scene.room.era.load().place(*number)).collect();
    scene.kill();
    let again: Vec<u32> = numbers.iter().map(|number| scene.room.era.load().place(*number)).collect();
    assert_eq!(order, again);
}

#[test]
fn a_lot_gives_everybody_the_same_chance() {
    let mut scene = Scene::of(RoomSettings {
        order: RoomOrder::Lottery,
        mode: RoomMode::Paused,
        admit_rate: per_second(10),
        ..settings(100_000)
    });
    let numbers: Vec<u32> = (0..1_000).map(|_| scene.join()).collect();
    scene.change(|settings| settings.mode = RoomMode::Always);
    assert!(matches!(scene.ask(numbers[999]), Standing::Waiting { rank: None } | Standing::Called));
    scene.wait(seconds(20), &numbers);
    let called: Vec<u32> = numbers.into_iter().filter(|number| scene.ask(*number) == Standing::Called).collect();
    assert!((195..=215).contains(&called.len()), "{}", called.len());
    let early = called.iter().filter(|number| **number < 500).count();
    // Of 200 draws from two equal halves, four standard deviations to either side.
    assert!((72..=135).contains(&early), "{early} of the first half");
}

#[test]
fn who_gives_up_in_the_lobby_takes_nobodys_place_along() {
    let mut scene = lobby(4);
    let numbers: Vec<u32> = (0..20).map(|_| scene.join()).collect();
    scene.room.leave(scene.epoch(), numbers[7], scene.now);
    let others: Vec<u32> = numbers.iter().copied().filter(|number| *number != numbers[7]).collect();
    while scene.room.view().is_lobby() {
        scene.wait(seconds(1), &others);
    }
    // All fall silent for longer than anybody is waited for, and come back.
    scene.wait(seconds(40), &[]);
    for number in others {
        assert_ne!(scene.ask(number), Standing::Used, "{number} has not been inside");
    }
    assert_eq!(scene.ask(numbers[7]), Standing::Used);
}
