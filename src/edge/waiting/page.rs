//! What a waiting shopper sees: one page in one answer, which needs nothing else, works without scripts, and where there are
//! scripts keeps itself up to date.

mod assets;
mod figures;
mod frame;
mod own;
mod preview;
mod shown;
mod standard;
#[cfg(test)]
mod tests;
mod variables;
mod words;

use std::path::Path;
use std::sync::Arc;

pub use own::{Own, TemplateError};
pub use preview::Preview;

use super::scene::{Page, Painter, Scene};
use shown::Shown;

/// What paints the pages of a room: its template, or the built-in page.
///
/// # Errors
/// The template is refused; see [`Own::load`].
pub fn painter(template: Option<&Path>) -> Result<Arc<dyn Painter>, TemplateError> {
    match template {
        None => Ok(Arc::new(Standard)),
        Some(path) => Ok(Arc::new(Own::load(path)?)),
    }
}

/// The built-in page.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standard;

impl Painter for Standard {
    fn paint(&self, scene: &Scene<'_>) -> Page {
        let shown = Shown::of(scene);
        let body = standard::render(&shown, &frame::head(&shown), &frame::foot(&shown));
        Page { body: body.into(), policy: shown.script().policy() }
    }
}
