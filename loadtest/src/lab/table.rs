//! The comparison as a table.

use std::fmt::Write as _;

use super::figures::{Figure, Figures};
use super::{Act, Entry};

/// What the columns mean, for whoever reads the table alone.
pub(crate) const EXPLAINED: &[&str] = &[
    "goodput: work of the pages served in time while there was trouble, of what the model could have done; from 2 s on",
    "at the end: the same for the last 5 s of the run",
    "journeys: finished while there was trouble, from 5.5 s on, of those that the possible goodput is worth",
    "finished: of the journeys that had begun and ended while there was trouble",
    "completed: journeys finished from the trouble's beginning to the end of the run",
    "response, recovery: from the trouble's beginning, and from its end, until goodput is, and for a while stays, at 90 % of what is possible, or was before, if that is less",
    "refused: requests refused, or without an answer in time, while there was trouble",
];

/// One run in a line.
pub(crate) fn line(figures: &Figures) -> String {
    let one = |figure: Figure| format!("{} {}", figure.heading(), figure.text(figures.get(figure)));
    Figure::ALL.map(one).join("; ")
}

/// For a terminal.
pub(crate) fn text(acts: &[Act]) -> String {
    let mut text = String::new();
    for act in acts {
        let _ = write!(text, "{}: {} ({:.0} s, {})\n  {:<18}", act.scenario, act.about, act.seconds, act.model, "");
        Figure::ALL.iter().for_each(|figure| {
            let _ = write!(text, " {:>16}", figure.heading());
        });
        text.push('\n');
        for entry in &act.entries {
            let _ = write!(text, "  {:<18}", entry.name);
            match cells(entry) {
                Ok(cells) => cells.iter().for_each(|cell| {
                    let _ = write!(text, " {cell:>16}");
                }),
                Err(why) => text.push_str(&why),
            }
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

/// For a document: one table for each scenario.
pub(crate) fn markdown(acts: &[Act]) -> String {
    let mut text = String::new();
    for act in acts {
        let headings = Figure::ALL.map(Figure::heading).join(" | ");
        let _ = writeln!(
            text,
            "**{}**: {}\n\n| | {headings} |\n| --- |{}",
            act.scenario,
            act.about,
            " ---: |".repeat(Figure::ALL.len())
        );
        for entry in &act.entries {
            let cells = cells(entry).map_or_else(|why| why, |cells| cells.join(" | "));
            let _ = writeln!(text, "| {} | {cells} |", entry.name);
        }
        text.push('\n');
    }
    EXPLAINED.iter().for_each(|line| {
        let _ = writeln!(text, "- {line}");
    });
    text
}

/// The figures of an entry, or why there are none.
pub(crate) fn cells(entry: &Entry) -> Result<Vec<String>, String> {
    match (&entry.skipped, &entry.median) {
        (Some(why), _) => Err(format!("skipped: {}", why.lines().next().unwrap_or_default())),
        (None, None) if entry.runs.is_empty() => Err("not yet".to_owned()),
        (None, None) => Err("void: the generator was too slow".to_owned()),
        (None, Some(median)) => Ok(Figure::ALL.map(|figure| figure.text(median.get(figure))).to_vec()),
    }
}
