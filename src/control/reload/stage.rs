//! A change that was judged and built, and is not in force yet.

use std::path::Path;
use std::sync::Arc;

use super::Engine;
use crate::config::Problem;
use crate::config::settings::Settings;
use crate::control::in_force::{Attempt, InForce};
use crate::control::overrides::{Effective, Overrides, Target};
use crate::control::restart;
use crate::control::revision::Revision;

/// A revision, without overrides.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) revision: Revision,
    pub(super) text: Arc<str>,
    pub(super) settings: Arc<Settings>,
}

/// What is in force as soon as the engine commits.
pub(super) struct Staged {
    pub(super) current: Current,
    pub(super) overrides: Overrides,
    effective: Effective,
    needs_restart: Vec<String>,
}

/// Has `engine` prepare a revision with overrides over it.
pub(super) fn stage(
    engine: &mut dyn Engine,
    current: Current,
    overrides: Overrides,
    base: &Path,
    started: &Settings,
) -> Result<Staged, Vec<Problem>> {
    let mut effective = overrides.over(&current.text, base, &current.settings);
    let needs_restart = restart::hold_back(Arc::make_mut(&mut effective.settings), started);
    engine.prepare(&effective, current.revision.number)?;
    Ok(Staged { current, overrides, effective, needs_restart })
}

impl Staged {
    /// Why the override of `target` would not be in force.
    pub(super) fn refusal(&mut self, target: &Target) -> Option<Vec<Problem>> {
        let index = self.effective.dormant.iter().position(|(dormant, _)| dormant == target)?;
        Some(self.effective.dormant.swap_remove(index).1)
    }

    /// What would be in force.
    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.effective.settings)
    }

    /// How it is published.
    pub(super) fn view(&self, revisions: &[Revision], last_reload: Option<Attempt>) -> InForce {
        InForce {
            revision: self.current.revision.clone(),
            text: Arc::clone(&self.current.text),
            settings: Arc::clone(&self.effective.settings),
            overrides: self.overrides.clone(),
            dormant: self.effective.dormant.iter().map(|(target, _)| target.clone()).collect(),
            needs_restart: self.needs_restart.clone(),
            revisions: revisions.into(),
            last_reload,
        }
    }
}
