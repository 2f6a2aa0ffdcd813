//! What operators change.

use super::*;

#[test]
fn always_makes_everybody_wait_and_calls_them_at_once() {
    let mut scene = Scene::of(RoomSettings { mode: RoomMode::Always, ..settings(100) });
    let number = scene.join();
    scene.tick();
    assert_eq!(scene.ask(number), Standing::Called);
}

#[test]
fn a_pause_keeps_the_places() {
    let mut scene = Scene::of(RoomSettings { mode: RoomMode::Paused, ..settings(100) });
    let line: Vec<u32> = (0..3).map(|_| scene.join()).collect();
    scene.wait(seconds(60), &line);
    let paused = |rank| Standing::Paused { rank: Some(rank) };
    assert_eq!(
        line.iter().map(|number| scene.ask(*number)).collect::<Vec<_>>(),
        (0..3).map(paused).collect::<Vec<_>>()
    );
    scene.change(|settings| settings.mode = RoomMode::Auto);
    scene.tick();
    assert!(line.iter().all(|number| scene.ask(*number) == Standing::Called));
}

#[test]
fn a_closed_room_takes_nobody_and_those_inside_go_on() {
    let mut scene = Scene::of(settings(100));
    let inside = scene.walk_in();
    scene.change(|settings| settings.mode = RoomMode::Closed);
    assert_eq!(scene.enter(), Entry::Closed);
    assert!(scene.stay(inside));
    scene.change(|settings| settings.mode = RoomMode::Auto);
    scene.tick();
    scene.walk_in();
}

#[test]
fn an_origin_that_is_sold_out_closes_the_room_until_an_operator_opens_it() {
    let mut scene = Scene::of(settings(100));
    scene.room.sold_out();
    scene.tick();
    assert_eq!(scene.enter(), Entry::Closed);
    scene.kill();
    scene.tick();
    assert_eq!(scene.enter(), Entry::Closed, "a restart does not sell what there is not");
    scene.room.reopen();
    scene.wait(Duration::from_secs(6), &[]);
    scene.walk_in();
}

#[test]
fn a_smaller_cap_sends_nobody_out_and_lets_nobody_in() {
    let mut scene = Scene::of(settings(40));
    let mut inside = Vec::new();
    while inside.len() < 30 {
        match scene.enter() {
            Entry::Inside(slot) => inside.push(slot),
            _ => scene.tick(),
        }
    }
    scene.change(|settings| settings.active_shoppers = 10);
    scene.tick();
    let number = scene.join();
    assert!(inside.iter().all(|slot| scene.stay(*slot)));
    for slot in &inside[..20] {
        scene.room.finish(*slot, scene.now);
        scene.wait(Duration::from_millis(200), &[number]);
        assert!(matches!(scene.ask(number), Standing::Waiting { .. }));
    }
    let left = scene.used();
    scene.room.finish(inside[20], scene.now);
    scene.wait(Duration::from_millis(200), &[number]);
    assert_eq!((left, scene.used(), scene.ask(number)), (10, 10, Standing::Called));
}

#[test]
fn a_room_that_begins_anew_knows_nobody() {
    let mut scene = Scene::of(RoomSettings { mode: RoomMode::Paused, ..settings(100) });
    let (epoch, number) = (scene.epoch(), scene.join());
    scene.room.reset();
    scene.tick();
    scene.tick();
    assert_eq!(scene.room.standing(epoch, number, false, scene.now), Standing::Foreign);
    assert_eq!((scene.join(), scene.room.view().waiting), (0, 0));
    scene.kill();
    assert_eq!(scene.room.standing(epoch, number, false, scene.now), Standing::Foreign, "after a restart too");
}

#[test]
fn a_room_that_is_off_counts_whom_it_would_have_kept_waiting() {
    let scene = Scene::of(RoomSettings { mode: RoomMode::Off, ..settings(10) });
    let asks = |visitor: u64| scene.room.would_wait(visitor.wrapping_mul(0x9e37_79b9_7f4a_7c15), scene.now);
    assert_eq!((1..=25).filter(|visitor| asks(*visitor)).count(), 15);
}

#[test]
fn those_in_line_may_go_on_when_the_room_is_turned_off() {
    let mut scene = Scene::of(RoomSettings { mode: RoomMode::Paused, ..settings(10) });
    let number = scene.join();
    scene.change(|settings| settings.mode = RoomMode::Off);
    assert_eq!(scene.ask(number), Standing::Called);
}

#[test]
fn work_is_asked_for_while_a_crowd_comes() {
    let quiet = RoomSettings { admit_rate: per_second(1), proof_of_work: ProofOfWork::Auto, ..settings(10) };
    let mut scene = Scene::of(quiet);
    scene.wait(seconds(2), &[]);
    assert_eq!(scene.room.view().work, None);
    for _ in 0..50 {
        assert_eq!((0..10).filter(|_| scene.enter() == Entry::Closed).count(), 0);
        scene.tick();
    }
    assert!(scene.room.view().work.is_some());
    scene.wait(seconds(30), &[]);
    assert_eq!(scene.room.view().work, None);
}

#[test]
fn another_rate_is_foreseen_before_it_is_set() {
    let scene = Scene::of(RoomSettings { admit_rate: per_second(10), mode: RoomMode::Paused, ..settings(1_000_000) });
    let line: Vec<u32> = (0..1_000).map(|_| scene.join()).collect();
    assert_eq!(line.len(), 1_000);
    let then = |rate| {
        let settings = RoomSettings { admit_rate: per_second(rate), ..settings(1_000_000) };
        scene.room.predict(&settings).estimate(Some(999)).likely
    };
    assert_eq!((then(10), then(100)), (Some(101), Some(11)));
    assert_eq!(scene.room.predict(&scene.settings).estimate(Some(999)).likely, None, "paused");
}
