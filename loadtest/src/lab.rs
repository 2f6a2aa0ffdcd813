//! The laboratory: every scenario with every subject before the shop, one after the other, again and again.
//!
//! One run is one subject in one scenario with one crowd. Subjects take turns within a scenario, so that whatever else
//! happens on the machine meets all alike; crowds differ from seed to seed and are the same for all subjects. What the
//! shop could have done is asked of its model.

mod figures;
mod page;
mod plot;
mod probe;
mod report;
mod run;
mod scenario;
mod subject;
mod table;

use std::path::PathBuf;

use serde::Serialize;

use crate::Format;
use crate::peer::Peer;
use crate::stage::{self, Stage};
use figures::Figures;
use report::Report;
use run::{MOST_LAG, Run, Sample};
use scenario::{Scenario, catalogue};
use subject::Subject;

/// Options of `lab`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Play only these; all of them unless said otherwise
    #[arg(long, value_delimiter = ',', value_parser = scenario_name, value_name = "NAMES")]
    scenarios: Vec<&'static str>,
    /// Put only these before the shop
    #[arg(long, value_delimiter = ',', value_enum, value_name = "NAMES")]
    subjects: Vec<Subject>,
    /// Crowds; medians over them count
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// One crowd, and half the time: to see whether everything works
    #[arg(long)]
    quick: bool,
    /// Where the report goes; target/lab if not given
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    /// Only tell which scenarios there are
    #[arg(long)]
    list: bool,
}

/// One subject in one scenario, all seeds.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    #[serde(skip)]
    pub(crate) subject: Subject,
    #[serde(rename = "subject")]
    pub(crate) name: &'static str,
    /// Medians over the runs that count; none where there is no such run.
    pub(crate) median: Option<Figures>,
    pub(crate) runs: Vec<Outcome>,
    /// The first run that counts, in time.
    pub(crate) samples: Vec<Sample>,
    /// Why there are no runs.
    pub(crate) skipped: Option<String>,
}

/// What came of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) figures: Figures,
    pub(crate) lag_ms: f64,
    /// The generator was the bottleneck.
    pub(crate) void: bool,
}

/// One scenario, all subjects.
#[derive(Debug, Serialize)]
pub(crate) struct Act {
    pub(crate) scenario: &'static str,
    pub(crate) about: &'static str,
    pub(crate) model: &'static str,
    pub(crate) seconds: f64,
    /// From when to when, in seconds.
    pub(crate) trouble: [f64; 2],
    pub(crate) entries: Vec<Entry>,
}

/// Plays everything that is asked for, writes the report after each scenario of each round, and prints it at the end.
pub(crate) fn lab(options: &Options, stage: stage::Options, format: Format) -> Result<(), String> {
    let scenarios = options.scenarios();
    if options.list {
        scenarios.iter().for_each(|scenario| println!("{:<16} {}", scenario.name, scenario.about));
        return Ok(());
    }
    let stage = options.stage(stage)?;
    let subjects = options.subjects();
    let missing: Vec<Option<String>> = subjects.iter().map(|subject| subject.missing(&stage)).collect();
    for (subject, why) in subjects.iter().zip(&missing) {
        if let Some(why) = why {
            eprintln!("loadtest: {} IS LEFT OUT: {why}", subject.name());
        }
    }
    let cast: Vec<(Subject, Option<String>)> = subjects.into_iter().zip(missing).collect();
    let mut acts: Vec<Act> = scenarios.iter().map(|scenario| Act::with(scenario, &cast)).collect();
    let seeds = if options.quick { 1 } else { options.seeds };
    let each: f64 = scenarios.iter().zip(&acts).map(|(scenario, act)| scenario.lasts() * act.players() as f64).sum();
    eprintln!("loadtest: this takes {:.0} minutes", each * seeds as f64 / 60.0);
    let report = Report::new(options.directory()?, stage.noise.clone());
    for seed in 1..=seeds {
        for (n, scenario) in scenarios.iter().enumerate() {
            if let Some(act) = acts.get_mut(n) {
                act.play(&stage, scenario, seed);
            }
            report.write(&acts)?;
        }
    }
    report.print(&acts, format);
    Ok(())
}

impl Options {
    fn scenarios(&self) -> Vec<Scenario> {
        let learners = self.subjects().into_iter().any(Subject::learns);
        let wanted = |scenario: &Scenario| {
            (self.scenarios.is_empty() || self.scenarios.contains(&scenario.name))
                && (learners || !scenario.only_learners)
        };
        let by = if self.quick { 0.5 } else { 1.0 };
        catalogue().into_iter().filter(wanted).map(|scenario| scenario.scaled(by)).collect()
    }

    fn subjects(&self) -> Vec<Subject> {
        let wanted = |subject: &Subject| self.subjects.is_empty() || self.subjects.contains(subject);
        Subject::ALL.into_iter().filter(wanted).collect()
    }

    /// Spillway is built only where it plays.
    fn stage(&self, mut options: stage::Options) -> Result<Stage, String> {
        if !self.subjects().into_iter().any(Subject::needs_spillway) {
            options.only = vec![Peer::Nginx, Peer::Haproxy];
        }
        Stage::prepare(options)
    }

    fn directory(&self) -> Result<PathBuf, String> {
        let beside_the_build = || Ok(subject::target()?.join("lab"));
        self.out.clone().map_or_else(beside_the_build, Ok)
    }
}

fn scenario_name(typed: &str) -> Result<&'static str, String> {
    let names: Vec<&'static str> = catalogue().iter().map(|scenario| scenario.name).collect();
    names.iter().find(|name| **name == typed).copied().ok_or_else(|| format!("one of {}", names.join(", ")))
}

impl Act {
    fn with(scenario: &Scenario, cast: &[(Subject, Option<String>)]) -> Self {
        let (from, to) = scenario.trouble();
        let entry = |(subject, missing): &(Subject, Option<String>)| Entry {
            subject: *subject,
            name: subject.name(),
            median: None,
            runs: Vec::new(),
            samples: Vec::new(),
            skipped: missing.clone(),
        };
        let plays = |(subject, _): &&(Subject, Option<String>)| !scenario.only_learners || subject.learns();
        Self {
            scenario: scenario.name,
            about: scenario.about,
            model: scenario.model.name(),
            seconds: scenario.lasts(),
            trouble: [from, to],
            entries: cast.iter().filter(plays).map(entry).collect(),
        }
    }

    fn players(&self) -> usize {
        self.entries.iter().filter(|entry| entry.skipped.is_none()).count()
    }

    fn play(&mut self, stage: &Stage, scenario: &Scenario, seed: u64) {
        for entry in self.entries.iter_mut().filter(|entry| entry.skipped.is_none()) {
            eprintln!("  {}, crowd {seed}: {}", scenario.name, entry.name);
            match run::play(stage, scenario, entry.subject, seed) {
                Ok(run) => entry.note(scenario, run, seed),
                Err(why) => {
                    eprintln!("loadtest: {} IS LEFT OUT of {}: {why}", entry.name, scenario.name);
                    entry.skipped = Some(why);
                }
            }
        }
    }
}

impl Entry {
    fn note(&mut self, scenario: &Scenario, run: Run, seed: u64) {
        let figures = Figures::of(scenario, &run);
        let void = run.lag > MOST_LAG;
        eprintln!(
            "    {}{}",
            table::line(&figures),
            if void {
                format!(", VOID: the generator was {:.0} ms late", run.lag.as_secs_f64() * 1e3)
            } else {
                String::new()
            }
        );
        self.runs.push(Outcome { seed, figures, lag_ms: run.lag.as_secs_f64() * 1e3, void });
        let valid: Vec<&Figures> =
            self.runs.iter().filter(|outcome| !outcome.void).map(|outcome| &outcome.figures).collect();
        self.median = (!valid.is_empty()).then(|| Figures::median(&valid));
        if self.samples.is_empty() && !void {
            self.samples = run.samples;
        }
    }
}
