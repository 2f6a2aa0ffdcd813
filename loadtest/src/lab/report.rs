//! Everything that is left of a measurement: a page, a table, and all figures.

use std::fs;
use std::path::PathBuf;

use super::{Act, page, plot, table};
use crate::Format;

/// Where it goes, and what is to be known of all of it.
#[derive(Debug)]
pub(crate) struct Report {
    directory: PathBuf,
    noise: Option<String>,
}

impl Report {
    pub(crate) fn new(directory: PathBuf, noise: Option<String>) -> Self {
        Self { directory, noise }
    }

    /// Writes what there is so far, over what there was.
    pub(crate) fn write(&self, acts: &[Act]) -> Result<(), String> {
        fs::create_dir_all(&self.directory).map_err(|error| format!("{}: {error}", self.directory.display()))?;
        self.file("index.html", &page::html(acts, self.noise.as_deref()))?;
        self.file("table.md", &table::markdown(acts))?;
        self.file("results.json", &json(acts))?;
        for act in acts {
            for (kind, svg) in [("goodput", plot::goodput(act)), ("limit", plot::limits(act))] {
                self.file(&format!("{}-{kind}.svg", act.scenario), &svg)?;
            }
        }
        Ok(())
    }

    /// Prints the comparison.
    pub(crate) fn print(&self, acts: &[Act], format: Format) {
        match format {
            Format::Text => print!("{}", table::text(acts)),
            Format::Markdown => print!("{}", table::markdown(acts)),
            Format::Json => println!("{}", json(acts)),
        }
        eprintln!("loadtest: {}", self.directory.join("index.html").display());
    }

    fn file(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.directory.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

fn json(acts: &[Act]) -> String {
    serde_json::to_string(acts).unwrap_or_default()
}
