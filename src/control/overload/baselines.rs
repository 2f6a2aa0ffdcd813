//! What routes take at rest, kept over a restart: without it a process that begins under load would take that for normal.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::control::state_dir::StateDir;

/// The file.
pub(super) const FILE: &str = "baselines.json";

/// Time to the head of the answer in seconds, by route, by origin.
pub(super) type Baselines = BTreeMap<String, BTreeMap<String, f64>>;

/// Nothing that takes longer has a baseline.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Reads the file. What is not there or makes no sense is learnt anew.
pub(super) fn load(state: &StateDir) -> Baselines {
    let read = state.read(FILE).and_then(|text| text.map(|text| parse(&text)).transpose());
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, file = FILE, "what was learnt of the origins cannot be read and is learnt anew");
        None
    })
    .unwrap_or_default()
}

fn parse(text: &str) -> io::Result<Baselines> {
    let mut baselines: Baselines = serde_json::from_str(text)?;
    for routes in baselines.values_mut() {
        routes.retain(|_, seconds| duration(*seconds).is_some());
    }
    Ok(baselines)
}

/// A baseline that can be believed.
pub(super) fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().filter(|latency| (Duration::from_nanos(1)..=LONGEST).contains(latency))
}

/// The thread that writes the file: a disk may take its time, and the limits of origins must not wait for it.
#[derive(Debug)]
pub(super) struct Scribe {
    notes: SyncSender<Note>,
}

#[derive(Debug)]
struct Note {
    baselines: Baselines,
    written: Option<oneshot::Sender<()>>,
}

impl Scribe {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives none.
    pub(super) fn start(state: StateDir) -> io::Result<Self> {
        let (notes, inbox) = mpsc::sync_channel(1);
        thread::Builder::new().name("spillway-baselines".into()).spawn(move || write_all(&state, &inbox))?;
        Ok(Self { notes })
    }

    /// Has them written, unless what was to be written before is not yet. `written` is told when the file has them, and
    /// dropped when it will not.
    pub(super) fn write(&self, baselines: Baselines, written: Option<oneshot::Sender<()>>) {
        if self.notes.try_send(Note { baselines, written }).is_err() {
            tracing::warn!(file = FILE, "what was learnt of the origins is not written: the disk is behind");
        }
    }
}

fn write_all(state: &StateDir, inbox: &Receiver<Note>) {
    let mut last = None;
    for Note { baselines, written } in inbox {
        if last.as_ref() != Some(&baselines) {
            let text = serde_json::to_vec_pretty(&baselines).map_err(io::Error::from);
            if let Err(error) = text.and_then(|text| state.write(FILE, &text)) {
                tracing::warn!(%error, file = FILE, "what was learnt of the origins cannot be kept over a restart");
                continue;
            }
            last = Some(baselines);
        }
        // An error means that nobody waits any more.
        let _ = written.map(|written| written.send(()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let text = r#"{"shop": {"pay": 0.08, "none": 0, "odd": -1, "long": 1e9, "huge": 1e300}, "empty": {}}"#;
        let shop = BTreeMap::from([("pay".to_owned(), 0.08)]);
        assert_eq!(
            parse(text).unwrap(),
            BTreeMap::from([("shop".to_owned(), shop), ("empty".to_owned(), BTreeMap::new())])
        );
    }

    #[test]
    fn a_file_that_is_none_is_learnt_anew() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        assert_eq!(load(&state), Baselines::new());
        for text in ["", "[]", r#"{"shop": {"pay": "80ms"}}"#, "\u{0}"] {
            state.write(FILE, text.as_bytes()).unwrap();
            assert_eq!(load(&state), Baselines::new(), "{text:?}");
        }
    }
}
