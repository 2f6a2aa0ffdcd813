//! Which policy a process begins with.

use std::io;
use std::path::{Path, PathBuf};

use super::overrides::Overrides;
use super::revision::{Revision, Revisions, Source, fingerprint};
use super::state_dir::{StateDir, StateDirError};
use crate::config::settings::Settings;
use crate::config::{self, ConfigError};

/// The file overrides are kept in.
pub(super) const OVERRIDES: &str = "overrides.json";

/// What a process begins with, before anything is built or bound.
///
/// The last change wins, whoever made it: a policy that came by the API or was restored is in force again after a restart
/// unless the configuration file has changed since. Only `server.state_dir` is always the file's.
#[derive(Debug)]
pub struct Boot {
    /// The configuration file.
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// What the text means.
    pub(super) settings: Settings,
    pub(super) file_hash: String,
    /// The revision this text already is, if it is the newest.
    pub(super) revision: Option<Revision>,
    pub(super) revisions: Revisions,
    pub(super) overrides: Overrides,
    pub(super) state: StateDir,
    /// What the operator should know and is told as soon as there is a log.
    pub(super) notices: Vec<String>,
}

/// Why a process cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The configuration file is wrong or cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The state directory cannot be used.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// What is kept in it cannot be read.
    #[error("cannot read the revisions in the state directory: {0}")]
    Revisions(#[from] io::Error),
}

impl Boot {
    /// Reads the configuration file at `path` and what the state directory says of the time before.
    ///
    /// # Errors
    /// The file is wrong, or the state directory cannot be used.
    pub fn load(path: &Path) -> Result<Self, BootError> {
        let path = std::path::absolute(path)?;
        let (text, settings) = config::read(&path)?;
        let state = StateDir::open(&settings.server.state_dir)?;
        let revisions = Revisions::open(&state)?;
        let file_hash = fingerprint(&text);
        let (overrides, notices) = load_overrides(&state);
        let boot = Self { path, text, settings, file_hash, revision: None, revisions, overrides, state, notices };
        Ok(boot.with_newest())
    }

    /// What the policy means, without overrides: what to bind and how many workers to start.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The state directory.
    #[must_use]
    pub fn state(&self) -> &StateDir {
        &self.state
    }

    /// Takes the newest revision where it is the same text, or where the file has not changed since it came.
    fn with_newest(mut self) -> Self {
        self.notices
            .extend(self.revisions.damaged().iter().map(|name| format!("the revision kept in {name} is damaged")));
        let Some(newest) = self.revisions.newest().cloned() else { return self };
        if newest.hash == self.file_hash {
            self.revision = Some(newest);
        } else if newest.file_hash == self.file_hash && matches!(newest.source, Source::Api | Source::Restore) {
            match self.meaning_of(&newest) {
                Ok((text, mut settings)) => {
                    settings.server.state_dir.clone_from(&self.settings.server.state_dir);
                    self.notices.push(format!(
                        "revision {} is in force, which {} gave by the API at {}; the configuration file has not changed since",
                        newest.number, newest.actor, newest.at
                    ));
                    (self.text, self.settings, self.revision) = (text, settings, Some(newest));
                }
                Err(why) => self.notices.push(format!(
                    "the configuration file is in force, for revision {}, which came by the API, cannot be used any more: {why}",
                    newest.number
                )),
            }
        }
        self
    }

    fn meaning_of(&self, revision: &Revision) -> Result<(String, Settings), String> {
        let text = self.revisions.text(revision).map_err(|error| error.to_string())?;
        let first = |problems: Vec<config::Problem>| problems.first().map(ToString::to_string).unwrap_or_default();
        let settings = config::load(&text, config::base_of(&self.path)).map_err(first)?;
        Ok((text, settings))
    }
}

/// Overrides that cannot be read are lost, with a notice; traffic is not refused for them.
fn load_overrides(state: &StateDir) -> (Overrides, Vec<String>) {
    let parse = |text: String| serde_json::from_str(&text).map_err(io::Error::from);
    match state.read(OVERRIDES).and_then(|text| text.map_or_else(|| Ok(Overrides::default()), parse)) {
        Ok(overrides) => (overrides, Vec::new()),
        Err(error) => {
            let notice = format!("the overrides of before cannot be read and are not in force: {OVERRIDES}: {error}");
            (Overrides::default(), vec![notice])
        }
    }
}
