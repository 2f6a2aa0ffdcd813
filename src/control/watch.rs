//! Noticing that a file may have changed: the configuration, or one it names.
//!
//! Files are replaced, renamed over, and reached through symbolic links that are swapped (Kubernetes mounts a
//! `ConfigMap` that way), so the directories are watched, not the file: every directory in which a name on the way to the
//! file could change. What was noticed is a hint; whether the text differs is for the reader to see.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// A change is reported when nothing more has happened for this long: editors write in several steps.
const QUIET: Duration = Duration::from_millis(100);
/// …but no later than this after the first of them.
const LATEST: Duration = Duration::from_secs(1);
/// How often the file is looked at all the same: network file systems send no events.
const LOOK: Duration = Duration::from_secs(5);
/// Symbolic links followed before it is taken for a loop, as the kernel does.
const MAX_LINKS: usize = 40;

/// Watches a file until it is dropped.
#[derive(Debug)]
pub struct Watch {
    news: Sender<News>,
}

#[derive(Debug)]
enum News {
    Event(notify::Result<Event>),
    Stop,
}

impl Watch {
    /// Calls `changed` on a thread of its own whenever the content of `path` may have changed. The directories are
    /// watched when this returns.
    ///
    /// # Errors
    /// The thread cannot be started. Where the kernel has no watches left, the file is only looked at now and then.
    pub fn start(path: &Path, changed: impl FnMut() + Send + 'static) -> io::Result<Self> {
        let (news, inbox) = mpsc::channel();
        let path = std::path::absolute(path)?;
        let watched = Watched::new(path, news.clone());
        thread::Builder::new().name("spillway-watch".into()).spawn(move || run(watched, &inbox, changed))?;
        Ok(Self { news })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // An error means that the thread has ended already.
        let _ = self.news.send(News::Stop);
    }
}

/// The file, the names on the way to it, and the directories they are in.
struct Watched {
    path: PathBuf,
    names: HashSet<(PathBuf, OsString)>,
    dirs: HashSet<PathBuf>,
    watcher: Option<RecommendedWatcher>,
    identity: Option<Identity>,
}

/// What changes in a file's metadata when its content does.
type Identity = (u64, u64, u64, i64, i64);

impl Watched {
    fn new(path: PathBuf, news: Sender<News>) -> Self {
        let tell = move |event| {
            // An error means that nobody watches any more.
            let _ = news.send(News::Event(event));
        };
        let watcher = notify::recommended_watcher(tell)
            .inspect_err(|error| tracing::warn!(%error, "cannot watch a file; it is looked at every few seconds"))
            .ok();
        let mut watched = Self { path, names: HashSet::new(), dirs: HashSet::new(), watcher, identity: None };
        watched.follow();
        watched
    }

    /// Watches where the file is now.
    fn follow(&mut self) {
        self.identity = identity(&self.path);
        self.names = names_on_the_way(&self.path);
        let dirs: HashSet<PathBuf> = self.names.iter().map(|(dir, _)| dir.clone()).collect();
        let Some(watcher) = &mut self.watcher else { return };
        for gone in self.dirs.difference(&dirs) {
            // A directory that was removed is no longer watched anyway.
            let _ = watcher.unwatch(gone);
        }
        // Watching again what is watched already follows a directory that was replaced by another of its name.
        self.dirs = dirs;
        self.dirs.retain(|dir| {
            let watched = watcher.watch(dir, RecursiveMode::NonRecursive);
            watched.inspect_err(|error| tracing::debug!(%error, dir = %dir.display(), "cannot watch")).is_ok()
        });
    }

    fn concerns(&self, event: &Event) -> bool {
        let read_only = matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write));
        !read_only && (event.need_rescan() || event.paths.iter().any(|path| self.is_on_the_way(path)))
    }

    fn is_on_the_way(&self, path: &Path) -> bool {
        let named = path.parent().zip(path.file_name());
        let known = named.is_some_and(|(dir, name)| self.names.contains(&(dir.to_owned(), name.to_owned())));
        known || self.dirs.contains(path)
    }
}

fn run(mut watched: Watched, inbox: &Receiver<News>, mut changed: impl FnMut()) {
    loop {
        match inbox.recv_timeout(LOOK) {
            Ok(News::Event(Ok(event))) if !watched.concerns(&event) => {}
            Ok(News::Event(_)) => {
                if !settle(inbox) {
                    return;
                }
                watched.follow();
                changed();
            }
            Err(RecvTimeoutError::Timeout) => {
                if identity(&watched.path) != watched.identity {
                    watched.follow();
                    changed();
                }
            }
            Ok(News::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Waits until nothing more happens; false when the watch has ended.
fn settle(inbox: &Receiver<News>) -> bool {
    let latest = Instant::now() + LATEST;
    loop {
        let patience = QUIET.min(latest.saturating_duration_since(Instant::now()));
        match inbox.recv_timeout(patience) {
            Ok(News::Event(_)) if Instant::now() < latest => {}
            Ok(News::Event(_)) | Err(RecvTimeoutError::Timeout) => return true,
            Ok(News::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
}

/// Each directory entry that decides what `path`, which is absolute, leads to: the file itself and every symbolic link.
fn names_on_the_way(path: &Path) -> HashSet<(PathBuf, OsString)> {
    let mut names = HashSet::new();
    let mut rest: Vec<OsString> = reversed(path);
    let mut at = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = rest.pop() {
        if name == ".." {
            at.pop();
            continue;
        }
        let here = at.join(&name);
        let target = fs::read_link(&here).ok();
        if target.is_some() || rest.is_empty() {
            names.insert((at.clone(), name));
        }
        match target {
            Some(_) if links == MAX_LINKS => break,
            Some(target) => {
                links += 1;
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                rest.extend(reversed(&target));
            }
            None => at = here,
        }
    }
    names
}

fn reversed(path: &Path) -> Vec<OsString> {
    let kept = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    let mut names: Vec<_> = kept.collect();
    names.reverse();
    names
}
