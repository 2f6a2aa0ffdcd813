//! Configuration files, good and bad, and what is said about them.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use spillway::config::{self, settings::AccessLog};

/// Each with the mistakes that are expected beside it, to be read as documentation of the messages.
#[test]
fn every_mistake_of_a_bad_file_is_reported() {
    let files = files_in("invalid");
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let problems = config::load(&text, config::base_of(&file)).unwrap_err();
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let name = file.file_stem().unwrap().to_str().unwrap();
        insta::with_settings!({
            snapshot_path => "files/invalid",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, lines.join("\n"));
        });
    }
}

#[test]
fn good_files_load() {
    let files = files_in("valid");
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let (text, settings) = config::read(&file).unwrap();
        assert!(!text.is_empty());
        assert!(!settings.listeners.is_empty() && !settings.routes.is_empty());
    }
}

#[test]
fn what_is_left_out_has_its_default() {
    let (_, settings) = config::read(&Path::new(FILES).join("valid/smallest.toml")).unwrap();
    insta::with_settings!({
        snapshot_path => "files/valid",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        let mut settings = settings;
        // The only default that depends on the machine.
        assert!(settings.server.workers >= 1);
        settings.server.workers = 1;
        insta::assert_debug_snapshot!("smallest", settings);
    });
}

#[test]
fn relative_paths_begin_at_the_file() {
    let (_, settings) = config::read(&Path::new(FILES).join("valid/every_key.toml")).unwrap();
    let beside = |name: &str| Path::new(FILES).join("valid").join(name);
    assert_eq!(settings.server.state_dir, Path::new("/var/lib/spillway"));
    assert_eq!(settings.log.access, Some(AccessLog::File(beside("access.jsonl"))));
    assert_eq!(settings.admin.token_file, Some(beside("../pem/admin.token")));
    assert_eq!(settings.listeners[0].tls[1].key, beside("../pem/shop.key"));
    assert_eq!(settings.origins[0].ca_file, Some(beside("../pem/shop.pem")));
}

#[test]
fn routes_know_their_lines() {
    let (text, settings) = config::read(&Path::new(FILES).join("valid/every_key.toml")).unwrap();
    let headers = text.lines().enumerate().filter(|(_, line)| *line == "[[route]]");
    let expected: Vec<usize> = headers.map(|(index, _)| index + 1).collect();
    let lines: Vec<usize> = settings.routes.iter().map(|route| route.line).collect();
    assert_eq!(lines, expected);
}

#[test]
fn tables_by_name_keep_the_order_of_the_file() {
    let (_, settings) = config::read(&Path::new(FILES).join("valid/every_key.toml")).unwrap();
    let origins: Vec<&str> = settings.origins.iter().map(|origin| origin.name.as_str()).collect();
    let limits: Vec<&str> = settings.limits.iter().map(|limit| limit.name.as_str()).collect();
    assert_eq!(origins, ["storefront", "images", "search"]);
    assert_eq!(limits, ["a.b", "cookie", "shopper"]);
    assert_eq!(settings.routes[0].limits, [0, 2]);
    assert_eq!(settings.routes[1].origin, 1);
}

#[test]
fn rooms_are_found_by_name() {
    let (_, settings) = config::read(&Path::new(FILES).join("valid/every_key.toml")).unwrap();
    let names: Vec<&str> = settings.rooms.iter().map(|room| room.name.as_str()).collect();
    assert_eq!(names, ["sale.11", "outlet", "later"]);
    let of_routes: Vec<_> = settings.routes.iter().map(|route| (route.room, route.completes)).collect();
    assert_eq!(of_routes, [(Some(0), Some(1)), (Some(1), None)]);
}

#[test]
fn a_text_is_for_everybody_or_in_several_languages() {
    let (_, settings) = config::read(&Path::new(FILES).join("valid/every_key.toml")).unwrap();
    let (sale, outlet, later) = (&settings.rooms[0], &settings.rooms[1], &settings.rooms[2]);
    assert_eq!(sale.title.get("ja"), Some("11.11 セール"));
    assert_eq!(sale.title.get("fr"), Some("11.11 Sale"));
    assert_eq!(sale.message.get("ko"), Some("Every order ships by Friday.\nThank you for waiting."));
    assert_eq!(outlet.message.get("en"), Some(""));
    assert_eq!(outlet.title.get("en"), None);
    assert_eq!(later.title.get("en"), None);
}

#[test]
fn a_time_is_typed_as_text_or_as_toml_has_it() {
    let opens = |file: &str| config::read(&Path::new(FILES).join(file)).unwrap().1.rooms[0].opens;
    assert_eq!(opens("valid/opens.toml"), Some("2026-11-10T16:00:00Z".parse().unwrap()));
    assert_eq!(opens("valid/opens.toml"), opens("valid/every_key.toml"));
}

#[test]
fn a_file_that_is_not_there_is_one_clear_sentence() {
    let error = config::read(Path::new("nowhere/shop.toml")).unwrap_err();
    assert!(error.to_string().starts_with("nowhere/shop.toml: No such file"), "{error}");
}

#[test]
fn a_bad_file_is_named_on_each_line() {
    let error = config::read(&Path::new(FILES).join("invalid/empty.toml")).unwrap_err();
    let text = error.to_string();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.lines().all(|line| line.starts_with("tests/it/config/files/invalid/empty.toml:1:1: ")), "{text}");
}

proptest! {
    /// Whatever is typed, reading ends, and says where the mistakes are.
    #[test]
    fn garbage_is_refused_with_its_place(text in garbage()) {
        let problems = config::load(&text, Path::new("")).unwrap_err();
        prop_assert!(!problems.is_empty());
        for problem in problems {
            prop_assert!(problem.line >= 1 && problem.line <= text.split('\n').count(), "{:?}", problem);
            prop_assert!(problem.column >= 1, "{:?}", problem);
        }
    }

    /// A good file with a piece cut out or put in is read to the end.
    #[test]
    fn a_damaged_file_is_read_to_the_end(at in 0..EXAMPLE.len(), cut in 0_usize..60, put in "\\PC{0,6}|[\\[\\]{}=\".\n]{0,4}") {
        let at = floor(at);
        let end = floor((at + cut).min(EXAMPLE.len()));
        let text = format!("{}{put}{}", &EXAMPLE[..at], &EXAMPLE[end..]);
        let examined = config::examine(&text, Path::new(""));
        if examined.settings.is_none() {
            prop_assert!(!examined.problems.is_empty());
        }
    }
}

const FILES: &str = "tests/it/config/files";
const EXAMPLE: &str = include_str!("../../../config/spillway.toml");

/// Text of all kinds, much of it nearly TOML.
fn garbage() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        "\\PC{0,8}",
        "\\[{1,2}(server|listener|origin\\.a|route|class|limit\\.x)\\]{1,2}\n",
        "(name|path|servers|rate|limits|capacity|mode|x) = ",
        "\"[a-z0-9/:%]{0,8}\"\n?",
        "-?[0-9]{1,25}\n?",
        "[\\[\\]{}=,.\n]{1,3}",
    ];
    proptest::collection::vec(pieces, 0..30).prop_map(|pieces| pieces.concat())
}

/// The next character boundary of the example at or below `at`.
fn floor(at: usize) -> usize {
    (0..=at).rev().find(|at| EXAMPLE.is_char_boundary(*at)).unwrap_or(0)
}

fn files_in(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(FILES).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect();
    files.sort();
    files
}
