//! Who is let in, and when.

use super::*;

/// A room that is full, and those inside.
fn full(cap: u32) -> (Scene, Vec<Slot>) {
    let mut scene = Scene::of(settings(cap));
    let mut inside = Vec::new();
    while inside.len() < cap as usize {
        if let Entry::Inside(slot) = scene.enter() {
            assert!(scene.stay(slot));
            inside.push(slot);
        } else {
            scene.tick();
        }
    }
    scene.tick();
    (scene, inside)
}

#[test]
fn newcomers_walk_in_until_the_room_is_full_and_then_wait_in_order() {
    let (mut scene, inside) = full(20);
    let slots: std::collections::HashSet<u32> = inside.iter().map(|slot| slot.slot).collect();
    assert_eq!((slots.len(), slots.iter().max()), (20, Some(&19)), "every slot below the cap, once");
    let line: Vec<u32> = (0..5).map(|_| scene.join()).collect();
    scene.tick();
    let ranks: Vec<Standing> = line.iter().map(|number| scene.ask(*number)).collect();
    assert_eq!(ranks, (0..5).map(waiting).collect::<Vec<_>>());
    assert!(scene.room.finish(inside[3], scene.now));
    scene.tick();
    assert_eq!(scene.ask(line[0]), Standing::Called);
    assert_eq!(scene.ask(line[1]), waiting(0));
    assert_eq!(scene.used(), 20);
}

#[test]
fn a_turn_is_claimed_once_however_often_it_is_asked_for() {
    let (mut scene, inside) = full(4);
    let number = scene.join();
    scene.room.finish(inside[0], scene.now);
    scene.tick();
    let admitted = scene.room.tally().admitted;
    let first = scene.claim(number).unwrap();
    assert_eq!(scene.claim(number), Some(first));
    assert_eq!(scene.ask(number), Standing::Inside(first));
    assert_eq!(scene.room.tally().admitted, admitted + 1);
    assert!(scene.stay(first));
    assert!(scene.room.finish(first, scene.now));
    assert_eq!(scene.ask(number), Standing::Used);
    assert_eq!(scene.claim(number), None, "a used ticket is no way back in");
    assert!(!scene.stay(first));
}

#[test]
fn who_does_not_claim_loses_the_turn_and_is_next_on_coming_back() {
    let (mut scene, inside) = full(4);
    let [late, next, last] = [scene.join(), scene.join(), scene.join()];
    scene.room.finish(inside[0], scene.now);
    scene.tick();
    assert_eq!(scene.ask(late), Standing::Called);
    for _ in 0..125 {
        inside.iter().skip(1).for_each(|slot| assert!(scene.stay(*slot)));
        scene.wait(seconds(1), &[next, last]);
    }
    assert_eq!(scene.ask(next), Standing::Called, "the turn went to the next");
    assert_eq!(scene.ask(late), waiting(0), "and who missed it is ahead of the rest");
    assert_eq!(scene.ask(last), waiting(1));
}

#[test]
fn the_silent_are_passed_over_and_keep_their_number() {
    let (mut scene, inside) = full(4);
    let [silent, patient] = [scene.join(), scene.join()];
    scene.wait(seconds(8), &[patient]);
    scene.room.finish(inside[0], scene.now);
    scene.tick();
    assert_eq!(scene.ask(patient), Standing::Called);
    scene.wait(seconds(30), &[]);
    assert_eq!(scene.room.view().waiting, 0, "nobody is in line any more");
    let newcomer = scene.join();
    scene.tick();
    assert_eq!((scene.ask(silent), scene.ask(newcomer)), (waiting(0), waiting(1)));
}

#[test]
fn who_leaves_frees_the_place_at_once() {
    let (mut scene, _) = full(4);
    let [first, second] = [scene.join(), scene.join()];
    scene.tick();
    scene.room.leave(scene.epoch(), first, scene.now);
    scene.tick();
    assert_eq!(scene.ask(second), waiting(0));
    assert_eq!(scene.ask(first), Standing::Used);
}

#[test]
fn a_number_counts_only_once_its_ticket_came_back() {
    let (mut scene, inside) = full(4);
    for _ in 0..100 {
        assert!(matches!(scene.enter(), Entry::Waiting { .. }));
    }
    let number = scene.join();
    scene.tick();
    assert_eq!(scene.ask(number), waiting(0), "a hundred reloads without a cookie stand before nobody");
    scene.room.finish(inside[0], scene.now);
    scene.tick();
    assert_eq!(scene.ask(number), Standing::Called);
}

#[test]
fn idle_places_come_free_and_those_on_a_journey_stay_longer() {
    let (mut scene, inside) = full(3);
    assert!(scene.room.stay(inside[0], true, scene.now));
    scene.pass(seconds(599));
    assert!(scene.stay(inside[1]));
    scene.wait(seconds(5), &[]);
    assert!(!scene.stay(inside[2]), "idle for ten minutes");
    assert!(scene.stay(inside[1]));
    assert!(scene.room.stay(inside[0], false, scene.now));
    for _ in 0..3 {
        scene.pass(seconds(290));
        assert!(scene.stay(inside[1]));
        scene.wait(seconds(2), &[]);
    }
    assert!(scene.stay(inside[0]), "paying takes a while");
}

#[test]
fn while_others_wait_a_visitor_without_cookies_does_not_hold_a_place_for_a_whole_session() {
    let mut scene = Scene::of(settings(1));
    let slot = scene.walk_in();
    let number = scene.join();
    scene.wait(seconds(61), &[number]);
    scene.wait(seconds(2), &[number]);
    assert!(!scene.stay(slot));
    assert_eq!(scene.ask(number), Standing::Called);
}

#[test]
fn the_rate_is_kept_by_those_called_and_those_who_walk_in() {
    let mut scene = Scene::of(RoomSettings { admit_rate: per_second(10), ..settings(10_000) });
    let mut came_in = 0;
    let mut line = Vec::new();
    for _ in 0..600 {
        for _ in 0..3 {
            match scene.enter() {
                Entry::Inside(_) => came_in += 1,
                Entry::Waiting { number, .. } => line.push(number),
                other => panic!("{other:?}"),
            }
        }
        line.retain(|number| scene.claim(*number).map(|_| came_in += 1).is_none());
        line.iter().for_each(|number| scene.keep(*number));
        scene.tick();
    }
    assert!((590..=625).contains(&came_in), "{came_in} in a minute at ten a second");
}

#[test]
fn the_rate_is_kept_though_most_of_those_ahead_are_gone() {
    let mut scene = Scene::of(RoomSettings { admit_rate: per_second(10), mode: RoomMode::Paused, ..settings(100_000) });
    let all: Vec<u32> = (0..4_000).map(|_| scene.join()).collect();
    let mut patient: Vec<u32> = all.into_iter().filter(|number| number % 10 < 3).collect();
    scene.wait(seconds(3), &patient);
    scene.change(|settings| settings.mode = RoomMode::Always);
    let before = scene.room.tally().admitted;
    for _ in 0..600 {
        patient.retain(|number| scene.claim(*number).is_none());
        patient.iter().for_each(|number| scene.keep(*number));
        scene.tick();
    }
    let came_in = scene.room.tally().admitted - before;
    assert!(came_in >= 570, "{came_in} of 600, with seven of ten gone");
}

#[test]
fn one_thousand_may_be_let_in_at_once_but_never_more_than_the_cap() {
    let (mut scene, inside) = full(4);
    let line: Vec<u32> = (0..50).map(|_| scene.join()).collect();
    scene.change(|settings| settings.mode = RoomMode::Paused);
    scene.room.admit(3);
    scene.tick();
    assert_eq!(scene.room.view().called, 0, "the room is full");
    inside.iter().for_each(|slot| assert!(scene.room.finish(*slot, scene.now)));
    scene.wait(seconds(1), &line);
    assert_eq!(scene.room.view().called, 3, "though it is paused");
    scene.room.admit(1_000);
    scene.wait(seconds(1), &line);
    assert_eq!(scene.used(), 4);
}

#[test]
fn nobody_walks_in_past_somebody_who_was_just_given_a_number() {
    let (mut scene, inside) = full(8);
    let Entry::Waiting { epoch, number } = scene.enter() else { panic!("there is room") };
    scene.room.finish(inside[0], scene.now);
    scene.tick();
    let second = scene.join();
    assert!(second > number);
    let _ = scene.room.standing(epoch, number, false, scene.now);
    scene.tick();
    assert_eq!((scene.ask(number), scene.ask(second)), (Standing::Called, waiting(0)));
}

#[test]
fn a_reader_stays_for_a_session_while_nobody_waits() {
    let mut scene = Scene::of(settings(100));
    let slot = scene.walk_in();
    scene.pass(seconds(500));
    scene.wait(seconds(2), &[]);
    assert!(scene.stay(slot));
}

#[test]
fn those_called_at_once_are_those_who_wait_now() {
    let (mut scene, inside) = full(4);
    let number = scene.join();
    scene.tick();
    scene.room.admit(10);
    scene.change(|settings| settings.mode = RoomMode::Paused);
    scene.room.leave(scene.epoch(), number, scene.now);
    scene.tick();
    inside.iter().for_each(|slot| assert!(scene.room.finish(*slot, scene.now)));
    let late = scene.join();
    scene.tick();
    assert!(matches!(scene.ask(late), Standing::Paused { .. }));
}
