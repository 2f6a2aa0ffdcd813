//! `spillway check FILE`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::ValueEnum;

use crate::config::settings::{RoomSettings, Settings};
use crate::config::{self, Examined, Problem};
use crate::edge::waiting::page;
use crate::policy::Policy;

/// Exit code of a bad configuration: `EX_CONFIG` of sysexits.h.
const BAD_CONFIGURATION: u8 = 78;

/// Finds every mistake of a configuration file
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file
    pub file: PathBuf,
    /// How mistakes are printed: text to stderr, or a JSON array to stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How mistakes are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for each.
    Text,
    /// An array of objects.
    Json,
}

/// 0 when the file is fine, 78 when it is not or cannot be read, 1 when that cannot be printed.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let result = match fs::read_to_string(&args.file) {
        Ok(text) => check(&text, config::base_of(&args.file)),
        Err(why) => Err(vec![unreadable(&why)]),
    };
    let printed = match args.format {
        Format::Text => print_text(&args.file, &result),
        Format::Json => print_json(&result),
    };
    match (printed, result) {
        (Err(_), _) => ExitCode::FAILURE,
        (Ok(()), Ok(_)) => ExitCode::SUCCESS,
        (Ok(()), Err(_)) => ExitCode::from(BAD_CONFIGURATION),
    }
}

/// Every mistake, also those that only show between routes, in the order of the file.
fn check(text: &str, base: &Path) -> Result<Arc<Settings>, Vec<Problem>> {
    let Examined { settings, mut problems } = config::examine(text, base);
    let settings = settings.map(Arc::new);
    if let Some(settings) = &settings {
        problems.extend(Policy::compile(Arc::clone(settings), 0).err().into_iter().flatten());
        problems.extend(template_problems(text, settings));
        problems.sort_by_key(|problem| (problem.line, problem.column));
    }
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(problems),
    }
}

/// What is wrong with the templates of waiting rooms, at the keys that name them.
fn template_problems(text: &str, settings: &Settings) -> Vec<Problem> {
    let refused = |room: &RoomSettings| {
        // One that is not there was reported with the file.
        let template = room.template.as_deref().filter(|template| template.is_file());
        let error = page::painter(template).err()?;
        Some((room.name.clone(), error.to_string()))
    };
    let refused: Vec<_> = settings.rooms.iter().filter_map(refused).collect();
    let paths: Vec<_> = refused.iter().map(|(room, _)| ["room", room, "template"]).collect();
    let mistakes = paths.iter().zip(&refused).map(|(path, (_, message))| (&path[..], message.clone()));
    config::problems_at(text, mistakes.collect())
}

fn unreadable(why: &io::Error) -> Problem {
    Problem {
        line: 1,
        column: 1,
        key: String::new(),
        message: format!("the file cannot be read: {why}"),
        suggestion: None,
    }
}

fn print_text(file: &Path, result: &Result<Arc<Settings>, Vec<Problem>>) -> io::Result<()> {
    let file = file.display();
    match result {
        Ok(settings) => {
            let (routes, limits) = (settings.routes.len(), settings.limits.len());
            let (origins, classes, rooms) = (settings.origins.len(), settings.classes.len(), settings.rooms.len());
            writeln!(
                io::stdout().lock(),
                "{file}: fine: routes {routes}, origins {origins}, classes {classes}, limits {limits}, rooms {rooms}"
            )
        }
        Err(problems) => {
            let mut stderr = io::stderr().lock();
            problems.iter().try_for_each(|problem| writeln!(stderr, "{file}:{problem}"))
        }
    }
}

fn print_json(result: &Result<Arc<Settings>, Vec<Problem>>) -> io::Result<()> {
    let problems = result.as_ref().err().map_or(&[][..], Vec::as_slice);
    let array = serde_json::to_string_pretty(problems)?;
    writeln!(io::stdout().lock(), "{array}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_fine() {
        let text = include_str!("../../config/spillway.toml");
        let settings = check(text, Path::new("")).unwrap();
        assert_eq!(settings.routes.len(), 5);
    }

    #[test]
    fn a_template_that_does_not_render_is_reported_where_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let text = include_str!("../../config/spillway.toml").replace("# template = \"pages/", "template = \"");
        let report = |page: &str| {
            std::fs::write(dir.path().join("waiting.html"), page).unwrap();
            check(&text, dir.path())
        };
        assert!(report(include_str!("../../config/waiting.html")).is_ok());
        let problems = report("{{ spillway_head }}\n{{ titel }}\n{{ spillway_script }}").unwrap_err();
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        let line = text.lines().position(|line| line.starts_with("template")).unwrap() + 1;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with(&format!("{line}:12: room.sale.template: ")), "{lines:?}");
        assert!(lines[0].contains("waiting.html:2: `titel` is undefined"), "{lines:?}");
    }

    #[test]
    fn routes_that_tie_are_reported_with_the_other_mistakes() {
        let text = include_str!("../../config/spillway.toml")
            .replace("path = \"/login\"", "path = \"/search\"")
            .replace("max_wait = \"2s\"", "max_wait = \"2 seconds\"")
            .replacen("class = \"checkout\"", "class = \"chekout\"", 1);
        let problems = check(&text, Path::new("")).unwrap_err();
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["class[0].max_wait", "route[0].class", "route[3].path"], "{problems:?}");
    }

    #[test]
    fn what_is_not_toml_is_reported_alone() {
        let problems = check("server = ", Path::new("")).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!((problems[0].line, problems[0].column), (1, 10));
    }

    #[test]
    fn exit_codes_say_what_happened() {
        let run = |file: &str| run(&Args { file: file.into(), format: Format::Json });
        assert_eq!(run("config/spillway.toml"), ExitCode::SUCCESS);
        assert_eq!(run("Cargo.toml"), ExitCode::from(78));
        assert_eq!(run("no/such/file"), ExitCode::from(78));
    }
}
