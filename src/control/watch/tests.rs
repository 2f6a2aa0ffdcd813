use super::*;
use std::os::unix::fs::symlink;

const SOON: Duration = Duration::from_secs(10);

/// What is read each time a change is reported.
fn watching(path: &Path) -> (Watch, Receiver<String>) {
    let (seen, inbox) = mpsc::channel();
    let file = path.to_owned();
    let read = move || drop(seen.send(fs::read_to_string(&file).unwrap_or_default()));
    (Watch::start(path, read).unwrap(), inbox)
}

fn wait_for(inbox: &Receiver<String>, text: &str) {
    let deadline = Instant::now() + SOON;
    while inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())).expect(text) != text {}
}

#[test]
fn a_file_written_in_place_and_one_renamed_over_it_are_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.toml");
    fs::write(&path, "first").unwrap();
    let (_watch, inbox) = watching(&path);
    fs::write(&path, "second").unwrap();
    wait_for(&inbox, "second");
    fs::write(dir.path().join("shop.toml.tmp"), "third").unwrap();
    fs::rename(dir.path().join("shop.toml.tmp"), &path).unwrap();
    wait_for(&inbox, "third");
}

#[test]
fn a_file_removed_and_made_again_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.toml");
    fs::write(&path, "first").unwrap();
    let (_watch, inbox) = watching(&path);
    fs::remove_file(&path).unwrap();
    wait_for(&inbox, "");
    fs::write(&path, "again").unwrap();
    wait_for(&inbox, "again");
}

/// The layout of a mounted `ConfigMap`: shop.toml → ..data/shop.toml, ..data → a directory that is swapped.
#[test]
fn kubernetes_swapping_its_symbolic_link_is_noticed_every_time() {
    let dir = tempfile::tempdir().unwrap();
    let version = |name: &str, text: &str| {
        fs::create_dir(dir.path().join(name)).unwrap();
        fs::write(dir.path().join(name).join("shop.toml"), text).unwrap();
        symlink(name, dir.path().join("..data_tmp")).unwrap();
        fs::rename(dir.path().join("..data_tmp"), dir.path().join("..data")).unwrap();
    };
    version("..2026_01", "first");
    let path = dir.path().join("shop.toml");
    symlink("..data/shop.toml", &path).unwrap();
    let (_watch, inbox) = watching(&path);
    version("..2026_02", "second");
    fs::remove_dir_all(dir.path().join("..2026_01")).unwrap();
    wait_for(&inbox, "second");
    version("..2026_03", "third");
    wait_for(&inbox, "third");
}

#[test]
fn the_target_of_a_link_into_another_directory_is_watched() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = there.path().join("real.toml");
    fs::write(&target, "first").unwrap();
    let path = here.path().join("shop.toml");
    symlink(&target, &path).unwrap();
    let (_watch, inbox) = watching(&path);
    fs::write(&target, "second").unwrap();
    wait_for(&inbox, "second");
}

#[test]
fn other_files_in_the_directory_and_readers_of_the_file_are_not_its_changes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.toml");
    fs::write(&path, "text").unwrap();
    let (news, inbox) = mpsc::channel();
    let watched = Watched::new(path.clone(), news);
    fs::write(dir.path().join("access.log"), "a line").unwrap();
    fs::read(&path).unwrap();
    symlink("nowhere", dir.path().join("last")).unwrap();
    let mut heard = 0;
    loop {
        let Ok(News::Event(Ok(event))) = inbox.recv_timeout(SOON) else { panic!("no event") };
        assert!(!watched.concerns(&event), "{event:?}");
        heard += 1;
        if event.paths.iter().any(|path| path.ends_with("last")) {
            break;
        }
    }
    assert!(heard > 1);
}

#[test]
fn a_loop_of_links_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    symlink(&one, &two).unwrap();
    symlink(&two, &one).unwrap();
    let names = names_on_the_way(&fs::canonicalize(dir.path()).unwrap().join("one"));
    assert_eq!(names.len(), 2);
}
