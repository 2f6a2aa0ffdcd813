use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::control::rooms::encoding::tests::{any_head, any_page};
use crate::control::rooms::memory_store::MemoryStore;
use crate::room::store::{Head, Page, SlotRecord};

fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rooms.redb");
    (dir, path)
}

/// A room with a line of two pages and two slots.
fn record(epoch: u32) -> Record {
    let page = Page { waiting: [u64::MAX; 64], finished: [3; 64] };
    Record {
        head: Head { epoch, leased: 10_000, issued: 8_100, ..Head::default() },
        slots: vec![(0, SlotRecord::Taken(17)), (4, SlotRecord::Open(18))],
        pages: vec![(0, page.clone()), (1, page)],
        ..Record::default()
    }
}

/// A file with a room in it.
fn written() -> (TempDir, PathBuf) {
    let (dir, path) = place();
    FileStore::open(&path).unwrap().write(&[("sale".into(), record(7))]).unwrap();
    (dir, path)
}

fn any_record() -> impl Strategy<Value = Record> {
    let slot = prop_oneof![
        Just(SlotRecord::Free),
        (0u32..1 << 30).prop_map(SlotRecord::Open),
        (0u32..1 << 30).prop_map(SlotRecord::Taken)
    ];
    let page = prop_oneof![1 => Just(Page::default()), 3 => any_page()];
    let slots = proptest::collection::btree_map(0u32..40, slot, 0..20);
    let pages = proptest::collection::btree_map(0u32..6, page, 0..4);
    (any_head(), prop::bool::weighted(0.1), slots, pages).prop_map(|(head, clear, slots, pages)| Record {
        head,
        clear,
        slots: slots.into_iter().collect(),
        pages: pages.into_iter().collect(),
    })
}

/// Rooms whose names are prefixes of each other, and one with letters that sort high.
fn any_room() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "ab", "sale", "特売"]).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn it_holds_what_a_map_would_hold_also_after_it_was_reopened(
        writes in vec((vec((any_room(), any_record()), 0..3), prop::bool::weighted(0.3)), 1..12)
    ) {
        let (_dir, path) = place();
        let (mut store, mut model) = (FileStore::open(&path).unwrap(), MemoryStore::default());
        for (records, reopen) in writes {
            store.write(&records).unwrap();
            model.write(&records).unwrap();
            if reopen {
                drop(store);
                store = FileStore::open(&path).unwrap();
            }
            for room in ["a", "ab", "sale", "特売"] {
                prop_assert_eq!(store.load(room).unwrap(), model.load(room).unwrap());
            }
        }
    }
}

#[test]
fn only_its_owner_may_read_it() {
    let (dir, path) = place();
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let _store = FileStore::open(&path).unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_file_that_another_has_open_is_not_called_damaged() {
    let (_dir, path) = written();
    let _store = FileStore::open(&path).unwrap();
    let error = FileStore::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Held(_)), "{error}");
}

#[test]
fn what_was_not_finished_when_the_process_was_killed_is_as_it_was_before() {
    let (dir, path) = written();
    let mut store = FileStore::open(&path).unwrap();
    store.write(&[("sale".into(), record(8))]).unwrap();
    // What the disk holds while the file is still open is what a killed process leaves.
    let left = dir.path().join("left.redb");
    fs::copy(&path, &left).unwrap();
    assert_eq!(FileStore::open(&left).unwrap().load("sale").unwrap().unwrap().head.epoch, 8);
}

#[test]
fn a_file_cut_short_anywhere_is_never_taken_for_a_room_that_is_empty() {
    let (dir, path) = written();
    let whole = fs::read(&path).unwrap();
    let expected = FileStore::open(&path).unwrap().load("sale").unwrap();
    let cut = dir.path().join("cut.redb");
    for part in 1..40 {
        fs::write(&cut, &whole[..whole.len() * part / 40]).unwrap();
        match FileStore::open(&cut) {
            Ok(mut store) => assert_eq!(store.load("sale").unwrap(), expected, "{part}"),
            Err(error) => assert!(matches!(error, OpenError::Damaged { .. }), "{part}: {error}"),
        }
    }
}

#[test]
fn a_file_with_foreign_bytes_in_it_is_whole_or_refused() {
    let (dir, path) = written();
    let whole = fs::read(&path).unwrap();
    let expected = FileStore::open(&path).unwrap().load("sale").unwrap();
    let spoilt = dir.path().join("spoilt.redb");
    let mut refused = 0;
    let used: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
    for at in used.iter().step_by(used.len() / 150 + 1) {
        let mut bytes = whole.clone();
        bytes[*at] ^= 0x55;
        fs::write(&spoilt, &bytes).unwrap();
        match FileStore::open(&spoilt) {
            Ok(mut store) => assert_eq!(store.load("sale").unwrap(), expected, "byte {at}"),
            Err(error) => {
                assert!(matches!(error, OpenError::Damaged { .. }), "byte {at}: {error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 10, "only {refused} changes were noticed");
}

#[test]
fn a_file_of_another_version_is_refused_and_left_as_it_is() {
    let (_dir, path) = written();
    let database = redb::Database::open(&path).unwrap();
    let writing = database.begin_write().unwrap();
    writing.open_table(FORMAT).unwrap().insert("layout", LAYOUT + 1).unwrap();
    writing.commit().unwrap();
    drop(database);
    let error = FileStore::open(&path).unwrap_err();
    assert!(!matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("layout"), "{error}");
}

#[test]
fn a_file_of_something_else_is_damaged_and_set_aside_under_a_telling_name() {
    let (dir, path) = place();
    fs::write(&path, "position,ticket\n1,2\n").unwrap();
    let error = FileStore::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    let aside = FileStore::set_aside(&path, 1_800_000_000).unwrap();
    assert_eq!(aside, dir.path().join("rooms.redb.damaged-1800000000"));
    assert!(fs::read_to_string(aside).unwrap().starts_with("position"));
    assert_eq!(FileStore::open(&path).unwrap().load("sale").unwrap(), None);
}

#[test]
fn another_layout_is_refused_by_name() {
    let (_dir, path) = place();
    let database = Database::create(&path).unwrap();
    let writing = database.begin_write().unwrap();
    writing.open_table(FORMAT).unwrap().insert("layout", LAYOUT + 1).unwrap();
    writing.commit().unwrap();
    drop(database);
    let error = FileStore::open(&path).unwrap_err().to_string();
    assert!(error.contains("layout 2"), "{error}");
}

#[test]
fn a_place_without_a_file_is_said_with_its_reason() {
    let (dir, path) = place();
    fs::create_dir(&path).unwrap();
    let error = FileStore::open(&path).unwrap_err();
    assert!(matches!(&error, OpenError::Unusable { .. }), "{error}");
    let error = FileStore::open(&dir.path().join("none/rooms.redb")).unwrap_err();
    assert!(matches!(&error, OpenError::Unusable { .. }), "{error}");
}

#[test]
fn a_file_that_was_removed_or_replaced_takes_nothing_more() {
    let (dir, path) = written();
    let mut store = FileStore::open(&path).unwrap();
    fs::rename(&path, dir.path().join("elsewhere")).unwrap();
    assert!(store.write(&[("sale".into(), record(8))]).unwrap_err().0.contains("cannot be found"));
    fs::write(&path, "").unwrap();
    assert!(store.write(&[("sale".into(), record(8))]).unwrap_err().0.contains("replaced"));
}
