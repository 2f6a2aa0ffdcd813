//! The keys that tickets and passes are signed with, in a file of the state directory.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::control::state_dir::StateDir;
use crate::room::keyring::Keyring;

/// The file.
pub const FILE: &str = "room.keys";

/// The keys in force, and where they are kept; cheap to clone.
#[derive(Debug, Clone)]
pub struct Keys {
    ring: Arc<ArcSwap<Keyring>>,
    state: StateDir,
    /// Held while the keys change; true while another process may read the file.
    frozen: Arc<Mutex<bool>>,
}

/// Why the keys stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum NotRotated {
    /// A new process is taking over, with the keys as they are.
    #[error("a new process is taking over; ask it in a moment")]
    HandingOver,
    /// There is no new key, or it cannot be kept.
    #[error("{FILE} in the state directory cannot be replaced: {0}")]
    Io(#[from] io::Error),
}

impl Keys {
    /// Reads the keys, or makes them at the first start (mode 0600).
    ///
    /// # Errors
    /// The file cannot be read or made, or says something else.
    pub fn load(state: &StateDir) -> io::Result<Self> {
        let ring = match state.read(FILE)? {
            Some(text) => {
                // A copy from elsewhere may have come with wider rights than it should have.
                fs::set_permissions(state.file(FILE), Permissions::from_mode(0o600))?;
                Keyring::parse(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?
            }
            None => {
                let ring = Keyring::generate(random()?);
                state.write(FILE, ring.to_text().as_bytes())?;
                ring
            }
        };
        Ok(Self { ring: Arc::new(ArcSwap::from_pointee(ring)), state: state.clone(), frozen: Arc::default() })
    }

    /// What signs and verifies, to be read at every use.
    #[must_use]
    pub fn ring(&self) -> Arc<ArcSwap<Keyring>> {
        Arc::clone(&self.ring)
    }

    /// Signs with a new key from now on. What was signed with the key before is believed until the next rotation. Blocks.
    ///
    /// # Errors
    /// The keys are as they were.
    pub fn rotate(&self) -> Result<(), NotRotated> {
        let frozen = self.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        if *frozen {
            return Err(NotRotated::HandingOver);
        }
        let next = self.ring.load().rotate(random()?);
        // A key that is not kept would make every ticket void at the next start.
        self.state.write(FILE, next.to_text().as_bytes())?;
        self.ring.store(Arc::new(next));
        Ok(())
    }

    /// Keeps the keys as they are, or lets them change again.
    pub fn freeze(&self, frozen: bool) {
        *self.frozen.lock().unwrap_or_else(PoisonError::into_inner) = frozen;
    }
}

fn random() -> io::Result<[u8; 32]> {
    let mut random = [0; 32];
    aws_lc_rs::rand::fill(&mut random).map_err(io::Error::other)?;
    Ok(random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn state() -> (TempDir, StateDir) {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        (dir, state)
    }

    fn text(state: &StateDir) -> String {
        state.read(FILE).unwrap().unwrap()
    }

    #[test]
    fn keys_are_made_once_and_only_their_owner_may_read_them() {
        let (_dir, state) = state();
        let first = Keys::load(&state).unwrap().ring().load().to_text();
        fs::set_permissions(state.file(FILE), Permissions::from_mode(0o644)).unwrap();
        assert_eq!(Keys::load(&state).unwrap().ring().load().to_text(), first);
        assert_eq!(fs::metadata(state.file(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_key_before_stays_for_one_rotation() {
        let (_dir, state) = state();
        let keys = Keys::load(&state).unwrap();
        let key = |text: &str, name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name).map(str::trim).map(str::to_owned))
        };
        let first = key(&text(&state), "current");
        keys.rotate().unwrap();
        let second = text(&state);
        assert_eq!(key(&second, "previous"), first);
        keys.rotate().unwrap();
        assert_eq!(key(&text(&state), "previous"), key(&second, "current"));
        assert_eq!(keys.ring().load().to_text(), text(&state));
    }

    #[test]
    fn nothing_changes_while_a_new_process_takes_over_or_where_it_cannot_be_kept() {
        let (dir, state) = state();
        let keys = Keys::load(&state).unwrap();
        let before = text(&state);
        keys.freeze(true);
        assert!(matches!(keys.rotate(), Err(NotRotated::HandingOver)));
        keys.freeze(false);
        drop(dir);
        assert!(matches!(keys.rotate(), Err(NotRotated::Io(_))));
        assert_eq!(keys.ring().load().to_text(), before);
    }

    #[test]
    fn a_file_that_is_something_else_is_refused() {
        let (_dir, state) = state();
        state.write(FILE, b"current 0123\n").unwrap();
        assert!(Keys::load(&state).unwrap_err().to_string().contains("line 1"));
    }
}
