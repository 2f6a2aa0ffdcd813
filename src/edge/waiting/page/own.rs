//! An operator's page: a minijinja template, proved to render before it is used.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::variables::Variables;
use super::{Preview, Shown, Standard};
use crate::edge::waiting::scene::{Page, Painter, Scene};

/// Steps one page may take: many times what a page needs, and little enough that a loop that never ends is noticed.
const FUEL: u64 = 100_000;
/// A page is sent to everybody who waits.
const LARGEST_FILE: u64 = 256 << 10;

/// A template that was loaded.
#[derive(Debug)]
pub struct Own {
    path: PathBuf,
    environment: Environment<'static>,
    has_failed: AtomicBool,
}

/// Why a template is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// The template.
    pub path: PathBuf,
    /// Its line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
}

/// `PATH:LINE: message`.
impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for TemplateError {}

impl Own {
    /// Reads a template, and renders it once for every state and language.
    ///
    /// # Errors
    /// It cannot be read, is no template, does not render, or makes a page on which nobody would be let in.
    pub fn load(path: &Path) -> Result<Self, TemplateError> {
        let refused = |message: String| TemplateError { path: path.to_owned(), line: None, message };
        let size = path.metadata().map_err(|why| refused(format!("cannot be read: {why}")))?.len();
        if size > LARGEST_FILE {
            return Err(refused(format!("must be at most {} KiB", LARGEST_FILE >> 10)));
        }
        let text = std::fs::read_to_string(path).map_err(|why| refused(format!("cannot be read: {why}")))?;
        Self::compile(path, text)
    }

    fn compile(path: &Path, text: String) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        let compiled = environment.add_template_owned(NAME, text);
        compiled.map_err(|error| described(path, &error))?;
        let own = Self { path: path.to_owned(), environment, has_failed: AtomicBool::new(false) };
        own.prove()?;
        Ok(own)
    }

    /// Renders every state in every language.
    fn prove(&self) -> Result<(), TemplateError> {
        Preview::rehearse(|scene| {
            let shown = Shown::of(scene);
            let page = self.render(&shown).map_err(|error| described(&self.path, &error))?;
            self.check_frame(&shown, &page)
        })
    }

    /// A page without these would never let anybody in.
    fn check_frame(&self, shown: &Shown<'_>, page: &str) -> Result<(), TemplateError> {
        let refused = |message: &str| {
            Err(TemplateError { path: self.path.clone(), line: None, message: format!("{message} ({})", shown.state) })
        };
        if !page.contains(shown.script().text()) {
            return refused("{{ spillway_script }} is not in the page: nobody would be let in by it");
        }
        if shown.refresh().is_some() && !page.contains("http-equiv=\"refresh\"") {
            return refused("{{ spillway_head }} is not in the page: without scripts nobody would be let in by it");
        }
        Ok(())
    }

    fn render(&self, shown: &Shown<'_>) -> Result<String, minijinja::Error> {
        self.environment.get_template(NAME)?.render(Serde(Variables::of(shown)))
    }
}

impl Painter for Own {
    fn paint(&self, scene: &Scene<'_>) -> Page {
        let shown = Shown::of(scene);
        match self.render(&shown) {
            Ok(page) => Page { body: page.into(), policy: shown.script().own_policy() },
            Err(error) => {
                // Once: a page that fails is painted for everybody who waits.
                if !self.has_failed.swap(true, Ordering::Relaxed) {
                    let error = described(&self.path, &error);
                    tracing::error!(%error, "the template of a waiting room fails; its shoppers see the built-in page");
                }
                Standard.paint(scene)
            }
        }
    }
}

/// Templates have no other way to each other's names.
const NAME: &str = "page";

fn described(path: &Path, error: &minijinja::Error) -> TemplateError {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let around = error.template_source().zip(error.range()).and_then(|(source, range)| source.get(range));
    let message = match around.map(str::trim).filter(|text| !text.is_empty() && text.len() <= 60) {
        Some(text) if !detail.contains(text) => format!("{detail}: {text:?}"),
        _ => detail,
    };
    TemplateError { path: path.to_owned(), line: error.line(), message }
}
