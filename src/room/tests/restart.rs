//! The process is killed between what it said and what it wrote.

use super::*;

#[test]
fn whoever_came_in_directly_is_inside_after_two_kills() {
    let mut scene = Scene::of(settings(100));
    let slot = scene.walk_in();
    for _ in 0..2 {
        scene.kill();
        scene.tick();
    }
    assert!(scene.stay(slot));
}

#[test]
fn nobody_overtakes_whom_the_store_does_not_know_yet() {
    for mode in [RoomMode::Always, RoomMode::Auto] {
        let mut scene = Scene::of(RoomSettings { mode: RoomMode::Paused, ..settings(4) });
        let Entry::Waiting { epoch, number: first } = scene.enter() else { panic!("there is no line") };
        let second = scene.join();
        scene.tick();
        let _ = scene.room.standing(epoch, first, false, scene.now);
        scene.kill();
        scene.change(|settings| (settings.mode, settings.admit_rate) = (mode, per_second(1)));
        let third = scene.join();
        scene.wait(seconds(3), &[second, third]);
        for number in [second, third, first] {
            assert!(matches!(scene.ask(number), Standing::Waiting { .. }), "{number} of {mode:?}");
        }
        scene.wait(Duration::from_millis(2_200), &[first, second, third]);
        assert_eq!(scene.ask(first), Standing::Called, "{mode:?}");
        assert!(matches!(scene.ask(second), Standing::Waiting { .. }));
    }
}

#[test]
fn a_restart_that_was_asked_for_delays_nobody() {
    let mut scene = Scene::of(RoomSettings { mode: RoomMode::Always, ..settings(4) });
    let number = scene.join();
    let record = scene.room.close(0);
    scene.saved.apply(&record);
    scene.kill();
    scene.tick();
    assert_eq!(scene.ask(number), Standing::Called);
}
