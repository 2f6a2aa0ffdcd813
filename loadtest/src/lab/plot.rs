//! Plots as SVG: what was possible and what was done, the limit against the best one, latencies and states.

mod panel;

use plotters::prelude::{IntoDrawingArea, SVGBackend};
use plotters::style::{RGBColor, WHITE};
use spillway::demo::page::Class;

use super::run::Sample;
use super::subject::Subject;
use super::{Act, Entry};
use panel::{Axis, Panel, Root};

/// What cannot be drawn.
type Problem = Box<dyn std::error::Error>;

const WIDTH: u32 = 720;
const PANEL: u32 = 220;

const BLACK: RGBColor = RGBColor(30, 30, 30);
const GREY: RGBColor = RGBColor(150, 150, 150);
const BLUE: RGBColor = RGBColor(31, 119, 180);
const RED: RGBColor = RGBColor(214, 39, 40);

/// Goodput of everybody, and what was possible.
pub(crate) fn goodput(act: &Act) -> String {
    drawn(1, |areas| {
        let Some(area) = areas.first() else { return Ok(()) };
        let mut panel = opened(
            area,
            act,
            "goodput, seconds of work a second",
            Axis::Linear(0.0..50.0_f64.max(most_possible(act) * 1.15)),
        )?;
        if let Some(samples) = act.entries.iter().map(|entry| &entry.samples).find(|samples| !samples.is_empty()) {
            panel.dashed("possible", BLACK, &each(samples, |sample| Some(sample.possible)))?;
        }
        for entry in &act.entries {
            panel.line(
                entry.name,
                colour(entry.subject),
                &each(&entry.samples, |sample| Some(sample.all_goodput())),
            )?;
        }
        panel.finish()
    })
}

/// The limits that move, and the best one.
pub(crate) fn limits(act: &Act) -> String {
    drawn(1, |areas| {
        let Some(area) = areas.first() else { return Ok(()) };
        let mut panel = opened(area, act, "limit, requests at once", Axis::Logarithmic(1.0..2000.0))?;
        let moving = |entry: &&Entry| entry.subject.learns() || entry.subject == Subject::EnvoyAdaptive;
        for (n, entry) in act.entries.iter().filter(moving).enumerate() {
            if n == 0 {
                panel.dashed("best", BLACK, &each(&entry.samples, |sample| Some(sample.best)))?;
            }
            panel.line(entry.name, colour(entry.subject), &each(&entry.samples, |sample| sample.limit))?;
        }
        panel.finish()
    })
}

/// Everything about one subject.
pub(crate) fn entry(act: &Act, entry: &Entry) -> String {
    drawn(3, |areas| {
        let [goodput, limit, latency] = areas else { return Ok(()) };
        let samples = &entry.samples;
        let mut panel = opened(
            goodput,
            act,
            "seconds of work a second",
            Axis::Linear(0.0..50.0_f64.max(most_possible(act) * 1.5)),
        )?;
        let mut below = vec![0.0; windows(samples).count()];
        for class in Class::ALL {
            let own = each(samples, |sample| sample.goodput.get(class as usize).copied());
            let above: Vec<f64> = own.iter().zip(&below).map(|((_, value), below)| value + below).collect();
            let band: Vec<(f64, f64, f64)> =
                own.iter().zip(&below).zip(&above).map(|(((at, _), below), above)| (*at, *below, *above)).collect();
            panel.band(class.name(), colour_of(class), &band)?;
            below = above;
        }
        panel.dashed("possible", BLACK, &each(samples, |sample| Some(sample.possible)))?;
        panel.line("offered", GREY, &each(samples, |sample| Some(sample.offered)))?;
        panel.finish()?;

        let mut panel = panel_with_states(limit, act, samples)?;
        panel.dashed("best", BLACK, &each(samples, |sample| Some(sample.best)))?;
        panel.line("limit", BLUE, &each(samples, |sample| sample.limit))?;
        panel.line("at the shop", RED, &each(samples, |sample| Some(sample.jobs as f64)))?;
        panel.finish()?;

        let mut panel = opened(latency, act, "latency of what was served, ms", Axis::Logarithmic(10.0..5000.0))?;
        let served = |value: f64| (value > 0.0).then_some(value);
        panel.line("p50", BLUE, &each(samples, |sample| served(sample.p50)))?;
        panel.line("p99", RED, &each(samples, |sample| served(sample.p99)))?;
        panel.finish()
    })
}

fn panel_with_states<'a, 's>(area: &'a Root<'s>, act: &Act, samples: &[Sample]) -> Result<Panel<'a, 's>, Problem> {
    let mut panel = opened(area, act, "requests at once", Axis::Logarithmic(1.0..2000.0))?;
    for some in samples.chunk_by(|one, next| one.state == next.state) {
        if let (Some(first), Some(last)) = (some.first(), some.last()) {
            let word = first.state.as_deref().unwrap_or_default();
            if let Some(colour) = colour_of_state(word) {
                panel.background(word, colour, first.at - first.lasts..last.at)?;
            }
        }
    }
    Ok(panel)
}

fn opened<'a, 's>(area: &'a Root<'s>, act: &Act, title: &str, axis: Axis) -> Result<Panel<'a, 's>, Problem> {
    let [from, to] = act.trouble;
    Panel::new(area, title, act.seconds, axis, from..to)
}

/// A picture of so many panels, one above the other; an empty one where something cannot be drawn.
fn drawn(panels: u32, draw: impl FnOnce(&[Root<'_>]) -> Result<(), Problem>) -> String {
    let mut svg = String::new();
    let outcome = {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, PANEL * panels)).into_drawing_area();
        root.fill(&WHITE).map_err(Problem::from).and_then(|()| {
            draw(&root.split_evenly((panels as usize, 1)))?;
            root.present().map_err(Problem::from)
        })
    };
    match outcome {
        Ok(()) => svg,
        Err(problem) => {
            eprintln!("loadtest: a plot is missing: {problem}");
            "<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_owned()
        }
    }
}

/// Samples that make up one point: half a second, in which dips of a few jobs are smoothed.
const SAMPLES_A_POINT: usize = 4;

fn windows(samples: &[Sample]) -> impl Iterator<Item = &[Sample]> {
    samples.chunks(SAMPLES_A_POINT)
}

/// The mean of what is known, point by point; for a latency that is what it was like, not what it is exactly.
fn each(samples: &[Sample], of: impl Fn(&Sample) -> Option<f64>) -> Vec<(f64, f64)> {
    let point = |some: &[Sample]| {
        let known: Vec<f64> = some.iter().filter_map(&of).collect();
        let (first, last) = (some.first()?, some.last()?);
        let middle = f64::midpoint(first.at - first.lasts, last.at);
        (!known.is_empty()).then(|| (middle, known.iter().sum::<f64>() / known.len() as f64))
    };
    windows(samples).filter_map(point).collect()
}

fn most_possible(act: &Act) -> f64 {
    act.entries.iter().flat_map(|entry| &entry.samples).map(|sample| sample.possible).fold(0.0, f64::max)
}

fn colour(subject: Subject) -> RGBColor {
    match subject {
        Subject::Spillway => BLUE,
        Subject::SpillwayRoom => RGBColor(23, 190, 207),
        Subject::SpillwayFixed => RGBColor(148, 103, 189),
        Subject::Haproxy => RGBColor(44, 160, 44),
        Subject::Nginx => RGBColor(188, 189, 34),
        Subject::EnvoyAdaptive => RGBColor(255, 127, 14),
        Subject::EnvoyAdmission => RGBColor(227, 119, 194),
        Subject::Direct => RED,
    }
}

fn colour_of(class: Class) -> RGBColor {
    match class {
        Class::Checkout => RGBColor(8, 81, 156),
        Class::Cart => RGBColor(49, 130, 189),
        Class::Browse => RGBColor(107, 174, 214),
        Class::Background => RGBColor(189, 215, 231),
    }
}

/// Where all is well there is nothing to see.
fn colour_of_state(word: &str) -> Option<RGBColor> {
    match word {
        "learning" => Some(RGBColor(230, 240, 255)),
        "overloaded" => Some(RGBColor(255, 236, 204)),
        "recovering" => Some(RGBColor(255, 214, 214)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
