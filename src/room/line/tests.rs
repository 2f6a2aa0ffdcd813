mod histories;
mod threads;

use super::*;

/// A line in which these places wait, seen at 0, with its index renewed.
fn line_of(places: impl IntoIterator<Item = u32>) -> Line {
    let line = Line::new();
    for place in places {
        assert!(line.occupy(place, 0));
    }
    line.reindex();
    line
}

#[test]
fn places_are_waiting_from_when_they_are_occupied_until_they_are_vacated() {
    let line = Line::new();
    assert!(line.occupy(70_000, 5));
    assert!(!line.occupy(70_000, 6), "it waits already");
    assert!(line.is_waiting(70_000) && !line.is_waiting(69_999));
    assert_eq!((line.waiting(), line.seen(70_000)), (1, 6));
    line.touch(70_000, 9);
    assert_eq!(line.seen(70_000), 9);
    assert!(line.vacate(70_000));
    assert!(!line.vacate(70_000) && !line.vacate(12), "nobody waits there");
    assert_eq!(line.waiting(), 0);
}

#[test]
fn leavers_are_not_counted_among_those_ahead() {
    let line = line_of(0..200_000);
    assert_eq!(line.rank(150_000), 150_000);
    for place in (0..100_000).step_by(2) {
        line.vacate(place);
    }
    line.reindex();
    assert_eq!((line.rank(150_000), line.rank(100_000), line.rank(3)), (100_000, 50_000, 1));
}

#[test]
fn newcomers_are_counted_before_the_index_knows_of_them() {
    let line = line_of(0..1_000);
    for (place, ahead) in (1_000..70_000).chain(131_000..132_000).zip(1_000..) {
        line.occupy(place, 0);
        assert_eq!(line.rank(place), ahead);
    }
    let empty = Line::new();
    empty.occupy(5_000_000, 0);
    assert_eq!((empty.rank(5_000_000), empty.rank(5_000_001)), (0, 1));
}

#[test]
fn the_next_is_found_behind_millions_of_places_that_are_over() {
    let line = line_of([9_000_000, 9_000_001, 9_999_999]);
    assert_eq!(line.next_waiting(0), Some(9_000_000));
    assert_eq!(line.next_waiting(9_000_001), Some(9_000_001));
    assert_eq!(line.next_waiting(9_000_002), Some(9_999_999));
    assert_eq!(line.next_waiting(10_000_000), None);
    assert_eq!([0, 1, 2, 3].map(|rank| line.select(rank)), [Some(9_000_000), Some(9_000_001), Some(9_999_999), None]);
}

#[test]
fn a_sweep_asks_of_everybody_once_in_all_its_parts() {
    let line = line_of((0..50_000).chain(200_000..210_000));
    let (mut asked, mut swept) = (Vec::new(), 0);
    for part in 0..7 {
        swept += line.sweep(part, 7, |place, _, rank| {
            asked.push((place, rank));
            place % 3 == 0
        });
    }
    asked.sort_unstable();
    let all = (0..50_000).chain(200_000..210_000).zip(0..);
    assert!(asked.into_iter().eq(all), "everybody, each with its rank");
    assert_eq!((swept, line.waiting()), (16_667 + 3_333, 40_000));
    assert!(!line.is_waiting(200_001) && line.is_waiting(200_000));
}

#[test]
fn who_is_seen_while_being_swept_stays() {
    let line = line_of([1, 2]);
    let swept = line.sweep(0, 1, |place, seen, _| {
        assert_eq!(seen, 0);
        if place == 1 {
            line.occupy(place, 100);
        }
        true
    });
    assert_eq!((swept, line.waiting()), (1, 1));
    assert!(line.is_waiting(1) && !line.is_waiting(2));
}

#[test]
fn only_pages_that_changed_are_taken_for_the_store() {
    let pages = |line: &Line| {
        let mut taken = Vec::new();
        line.take_dirty(|number, page| taken.push((number, page.clone())));
        taken
    };
    let line = line_of([5, 4_096, 100_000]);
    assert_eq!(pages(&line).iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1, 24]);
    line.occupy(5, 9);
    line.touch(100_000, 9);
    line.reindex();
    assert_eq!(pages(&line), [], "a poll changes nothing that is kept");
    line.finish(6);
    line.vacate(5);
    let mut expected = Page::default();
    expected.finished[0] = 1 << 6;
    assert_eq!(pages(&line), [(0, expected)]);
}

#[test]
fn a_line_ends_where_its_numbers_do() {
    let line = Line::new();
    assert!(line.occupy(Line::PLACES - 1, 0));
    assert!(!line.occupy(Line::PLACES, 0) && !line.occupy(u32::MAX, 0));
    line.finish(u32::MAX);
    line.restore(u32::MAX, &Page::default(), 0);
    line.reindex();
    assert_eq!((line.waiting(), line.rank(u32::MAX), line.rank(Line::PLACES - 1)), (1, 1, 0));
    assert_eq!(line.next_waiting(0), Some(Line::PLACES - 1));
    assert_eq!(line.next_waiting(u32::MAX), None);
}

#[test]
fn a_place_takes_little_more_than_two_bytes() {
    let line = Line::new();
    let base = line.bytes();
    assert!(base <= 512 * 1024 + 256, "{base}");
    line.occupy(3 * CHUNK - 1, 0);
    assert_eq!(line.bytes() - base, 16 * size_of::<Leaf>());
    let place = 16.0 * size_of::<Leaf>() as f64 / f64::from(CHUNK);
    assert!(place <= 2.4, "{place}");
}
