//! The life of the policy: whatever changes it goes through here, one change at a time.
//!
//! Every change is judged whole and built whole before anything of it is in force, so whatever goes wrong, what was in
//! force stays. Time is an argument; the thread that runs this is in [`super::actor`].

mod keep;
mod reread;
mod stage;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::boot::Boot;
use super::in_force::{Attempt, Change, InForce, Refusal};
use super::overrides::{Effective, Override, Overrides, Target};
use super::revision::{Revision, Revisions, Source, fingerprint};
use super::state_dir::StateDir;
use crate::config::settings::Settings;
use crate::config::{self, Problem};
use keep::{by_file, keep_if_possible, not_kept, save};
use stage::{Current, Staged};

/// What serves traffic by a policy.
pub trait Engine: Send {
    /// Builds everything `effective` needs and keeps it for [`Engine::commit`], instead of what was prepared before. What is
    /// in force is not touched.
    ///
    /// # Errors
    /// Everything that is wrong.
    fn prepare(&mut self, effective: &Effective, revision: u64) -> Result<(), Vec<Problem>>;

    /// Puts in force what was prepared last.
    fn commit(&mut self);

    /// Finishes what a commit left to be done later, out of the way of traffic. True while something is still left.
    fn tidy(&mut self) -> bool;

    /// Is told how an attempt to reload went, for the metrics.
    fn attempted(&mut self, attempt: &Attempt, revision: u64);
}

/// The policy in force and everything that may replace it.
pub struct Reloader {
    engine: Box<dyn Engine>,
    path: PathBuf,
    state: StateDir,
    revisions: Revisions,
    overrides: Overrides,
    /// What the process began with: what cannot change is held to it.
    started: Settings,
    current: Current,
    /// The text the configuration file was last seen with, whether it was any good or not.
    seen: Option<String>,
    frozen: bool,
    published: Arc<ArcSwap<InForce>>,
}

/// The first policy cannot be built, so there is nothing to run.
#[derive(Debug, thiserror::Error)]
#[error("revision {} ({} by {}) cannot be built", .revision.number, .revision.source, .revision.actor)]
pub struct StartError {
    /// Whose text the lines of the problems are of.
    pub revision: Box<Revision>,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

impl Reloader {
    /// Puts the first policy in force.
    ///
    /// # Errors
    /// It cannot be built.
    pub fn start(boot: Boot, mut engine: Box<dyn Engine>, now: Timestamp) -> Result<Self, StartError> {
        let Boot { path, text, settings, file_hash, revision, mut revisions, mut overrides, state, notices } = boot;
        notices.iter().for_each(|notice| tracing::warn!("{notice}"));
        overrides.end(now);
        let is_new = revision.is_none();
        let revision = revision.unwrap_or_else(|| by_file(&path, &revisions, Source::File, &file_hash, now));
        let started = settings.clone();
        let current = Current { revision, text: text.into(), settings: settings.into() };
        let staged = stage::stage(engine.as_mut(), current.clone(), overrides, config::base_of(&path), &started)
            .map_err(|problems| StartError { revision: current.revision.clone().into(), problems })?;
        keep_if_possible(&mut revisions, is_new.then_some(&current), &file_hash);
        engine.commit();
        let published = Arc::new(ArcSwap::from_pointee(staged.view(revisions.list(), None)));
        let overrides = staged.overrides;
        let (seen, frozen) = (Some(file_hash), false);
        Ok(Self { engine, path, state, revisions, overrides, started, current, seen, frozen, published })
    }

    /// Where what is in force is published.
    #[must_use]
    pub fn in_force(&self) -> Arc<ArcSwap<InForce>> {
        Arc::clone(&self.published)
    }

    /// Puts a policy given by the API in force. `expected` is the fingerprint the policy in force must have, if the caller
    /// asked for one; with `dry_run` everything is built and nothing put in force.
    ///
    /// # Errors
    /// Why what was in force stays.
    pub fn put(
        &mut self,
        text: &str,
        expected: Option<&[String]>,
        dry_run: bool,
        actor: &str,
        now: Timestamp,
    ) -> Result<Change, Refusal> {
        if expected.is_some_and(|hashes| !hashes.contains(&self.current.revision.hash)) {
            return Err(Refusal::Stale);
        }
        if dry_run {
            return self.try_out(text, actor, now);
        }
        self.not_frozen()?;
        let outcome = self.replace(text, Source::Api, actor, now);
        self.note(Attempt { at: now, source: Source::Api, actor: actor.to_owned(), outcome })
    }

    /// The text of a revision that is kept.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn text_of(&self, number: u64) -> Result<String, Refusal> {
        let revision = self.revisions.get(number).ok_or(Refusal::NoRevision(number))?;
        self.revisions.text(revision).map_err(not_kept)
    }

    /// Puts an older revision in force again, as a new one.
    ///
    /// # Errors
    /// Why what was in force stays.
    pub fn restore(&mut self, number: u64, actor: &str, now: Timestamp) -> Result<Change, Refusal> {
        self.not_frozen()?;
        let text = self.text_of(number)?;
        let outcome = self.replace(&text, Source::Restore, actor, now);
        self.note(Attempt { at: now, source: Source::Restore, actor: actor.to_owned(), outcome })
    }

    /// Sets an override over the policy in force.
    ///
    /// # Errors
    /// Why nothing has changed.
    pub fn set_override(&mut self, new: Override) -> Result<(), Refusal> {
        let (target, actor) = (new.target.clone(), new.actor.clone());
        let overrides = self.overrides_with(new)?;
        self.change_overrides(overrides, Some(&target))?;
        tracing::info!(%target, actor, "an override was set");
        Ok(())
    }

    /// What would be in force with an override, which is not set.
    ///
    /// # Errors
    /// Why it could not be.
    pub fn try_override(&mut self, new: Override) -> Result<Arc<Settings>, Refusal> {
        let target = new.target.clone();
        let overrides = self.overrides_with(new)?;
        Ok(self.stage_with(overrides, Some(&target))?.settings())
    }

    /// Drops the override of a target; `None` when there was none.
    ///
    /// # Errors
    /// Why it is still in force.
    pub fn drop_override(&mut self, target: &Target, actor: &str) -> Result<Option<Override>, Refusal> {
        let mut overrides = self.overrides.clone();
        let dropped = overrides.drop(target);
        if dropped.is_some() {
            self.change_overrides(overrides, None)?;
            tracing::info!(%target, actor, "an override was dropped");
        }
        Ok(dropped)
    }

    /// Ends the overrides whose time has come.
    pub fn end_overrides(&mut self, now: Timestamp) {
        let mut overrides = self.overrides.clone();
        let ended = overrides.end(now);
        if ended.is_empty() || self.frozen {
            return;
        }
        match self.stage(self.current.clone(), overrides) {
            Ok(staged) => {
                self.commit(staged);
                if let Err(error) = save(&self.state, &self.overrides) {
                    tracing::warn!(%error, "an override has ended, and will end once more after a restart");
                }
                for one in ended {
                    tracing::info!(target = %one.target, "an override has ended");
                }
            }
            Err(problems) => tracing::error!(
                why = %Refusal::Wrong(problems),
                "an override has ended, but the policy without it cannot be built; trying again"
            ),
        }
    }

    /// When [`Reloader::end_overrides`] is next needed.
    #[must_use]
    pub fn next_end(&self) -> Option<Timestamp> {
        self.overrides.next_end()
    }

    /// Finishes what the last change left to be done later; true while something is still left.
    pub fn tidy(&mut self) -> bool {
        self.engine.tidy()
    }

    /// Changes nothing from now on: another process is taking over and may write to the state directory.
    pub fn freeze(&mut self) {
        self.frozen = true;
    }

    /// Goes on as before: the other process did not take over.
    pub fn thaw(&mut self, now: Timestamp) {
        self.frozen = false;
        if let Err(error) = self.revisions.reread() {
            tracing::warn!(%error, "the list of revisions may be incomplete");
        }
        // What comes of it is noted like that of any other attempt.
        let _ = self.reread(Source::File, now);
    }

    /// Replaces the policy by one whose only home is the state directory: it is kept before it is in force.
    fn replace(&mut self, text: &str, source: Source, actor: &str, now: Timestamp) -> Result<Change, Refusal> {
        let revision = self.by_operator(text, source, actor, now);
        if revision.hash == self.current.revision.hash {
            return Ok(Change::None);
        }
        let staged = self.judge(text, revision.clone())?;
        let change = Change::Revision(revision.number);
        self.revisions.record(revision, text).map_err(not_kept)?;
        self.commit(staged);
        Ok(change)
    }

    fn try_out(&mut self, text: &str, actor: &str, now: Timestamp) -> Result<Change, Refusal> {
        let revision = self.by_operator(text, Source::Api, actor, now);
        let same = revision.hash == self.current.revision.hash;
        let change = if same { Change::None } else { Change::Revision(revision.number) };
        self.judge(text, revision).map(|_| change)
    }

    fn overrides_with(&self, new: Override) -> Result<Overrides, Refusal> {
        let target = new.target.clone();
        let mut overrides = self.overrides.clone();
        overrides.set(new);
        if overrides.get(&target).is_none_or(Override::is_empty) {
            let problem = target.problem("nothing is set, so there is nothing to end or to explain");
            return Err(Refusal::Wrong(vec![problem]));
        }
        Ok(overrides)
    }

    /// Replaces the overrides; that of `needed`, if any, must take effect.
    fn change_overrides(&mut self, overrides: Overrides, needed: Option<&Target>) -> Result<(), Refusal> {
        self.not_frozen()?;
        let staged = self.stage_with(overrides, needed)?;
        save(&self.state, &staged.overrides).map_err(not_kept)?;
        self.commit(staged);
        Ok(())
    }

    /// Has the policy in force prepared with other overrides, of which `needed`, if any, must take effect.
    fn stage_with(&mut self, overrides: Overrides, needed: Option<&Target>) -> Result<Staged, Refusal> {
        let mut staged = self.stage(self.current.clone(), overrides).map_err(Refusal::Wrong)?;
        match needed.and_then(|target| staged.refusal(target)) {
            Some(problems) => Err(Refusal::Wrong(problems)),
            None => Ok(staged),
        }
    }

    fn judge(&mut self, text: &str, revision: Revision) -> Result<Staged, Refusal> {
        let settings = config::load(text, self.base()).map_err(Refusal::Wrong)?;
        let current = Current { revision, text: text.into(), settings: settings.into() };
        self.stage(current, self.overrides.clone()).map_err(Refusal::Wrong)
    }

    fn stage(&mut self, current: Current, overrides: Overrides) -> Result<Staged, Vec<Problem>> {
        stage::stage(self.engine.as_mut(), current, overrides, config::base_of(&self.path), &self.started)
    }

    fn commit(&mut self, staged: Staged) {
        self.engine.commit();
        let last = self.published.load().last_reload.clone();
        self.published.store(Arc::new(staged.view(self.revisions.list(), last)));
        self.current = staged.current;
        self.overrides = staged.overrides;
    }

    /// Tells the status, the metrics and the log how an attempt went.
    fn note(&mut self, attempt: Attempt) -> Result<Change, Refusal> {
        let outcome = attempt.outcome.clone();
        let (source, actor) = (attempt.source, attempt.actor.clone());
        let revision = self.current.revision.number;
        self.engine.attempted(&attempt, revision);
        let mut view = InForce::clone(&self.published.load());
        view.last_reload = Some(attempt);
        view.revisions = self.revisions.list().into();
        self.published.store(Arc::new(view));
        match &outcome {
            Ok(change) => tracing::info!(revision, %source, actor, ?change, "the policy was read"),
            Err(why) => tracing::error!(revision, %source, actor, "the policy in force stays: {why}"),
        }
        outcome
    }

    fn not_frozen(&self) -> Result<(), Refusal> {
        if self.frozen { Err(Refusal::HandingOver) } else { Ok(()) }
    }

    fn by_operator(&self, text: &str, source: Source, actor: &str, at: Timestamp) -> Revision {
        let (hash, file_hash) = (fingerprint(text), self.seen.clone().unwrap_or_default());
        self.numbered(Revision {
            number: self.revisions.next_number(),
            at,
            source,
            actor: actor.to_owned(),
            hash,
            file_hash,
        })
    }

    /// One that could not be kept has used its number all the same.
    fn numbered(&self, mut revision: Revision) -> Revision {
        revision.number = revision.number.max(self.current.revision.number.saturating_add(1));
        revision
    }

    fn base(&self) -> &Path {
        config::base_of(&self.path)
    }
}

impl fmt::Debug for Reloader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = &self.current.revision;
        out.debug_struct("Reloader").field("path", &self.path).field("revision", revision).finish_non_exhaustive()
    }
}
