//! The sources keep to the order of imports and to the shape agreed on.

use std::path::{Path, PathBuf};

/// What each part may use of the crate, besides itself.
const MAY_USE: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("config", &["clock"]),
    ("policy", &["clock", "config", "limit"]),
    ("limit", &["clock", "config"]),
    ("overload", &["clock", "config"]),
    ("room", &["clock", "config", "policy", "limit"]),
    ("telemetry", &["clock", "config", "policy", "limit", "overload", "room"]),
    ("origin", &["clock", "config", "policy", "limit", "overload", "room", "telemetry"]),
    ("edge", &["clock", "config", "policy", "limit", "overload", "room", "telemetry", "origin"]),
    ("control", &["clock", "config", "policy", "limit", "overload", "room", "telemetry", "origin", "edge"]),
    ("admin", &["clock", "config", "policy", "limit", "overload", "room", "telemetry", "origin", "edge", "control"]),
    ("demo", &["clock"]),
];

/// Crates that pure judgement knows nothing of.
const IMPURE: &[&str] =
    &["tokio::", "hyper::", "tracing::", "prometheus::", "Instant::now", "SystemTime::now", "clock::now"];

fn sources(part: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec![root.join(format!("{part}.rs"))];
    collect(&root.join(part), &mut found);
    let read = |path: PathBuf| (std::fs::read_to_string(&path).unwrap(), path);
    let without_tests = |text: String| text.split("#[cfg(test)]").next().unwrap().to_owned();
    found
        .into_iter()
        .filter(|path| !path.components().any(|part| part.as_os_str() == "tests") && !path.ends_with("tests.rs"))
        .map(read)
        .map(|(text, path)| (path, without_tests(text)))
        .collect()
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.starts_with("//"))
}

#[test]
fn imports_go_one_way() {
    let mut seen = 0;
    for (part, allowed) in MAY_USE {
        for (path, text) in sources(part) {
            for line in code_lines(&text) {
                for used in line.split("crate::").skip(1) {
                    let name: String =
                        used.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
                    let is_part = MAY_USE.iter().any(|(other, _)| *other == name) || name == "cli";
                    if is_part && name != *part {
                        seen += 1;
                        assert!(allowed.contains(&name.as_str()), "{} uses {name}: {line}", path.display());
                    }
                }
            }
        }
    }
    assert!(seen > 100, "only {seen} imports were found: the test looks in the wrong place");
}

#[test]
fn judgement_is_pure() {
    for part in ["policy", "limit", "overload", "room"] {
        for (path, text) in sources(part) {
            for line in code_lines(&text) {
                let impure = IMPURE.iter().find(|word| line.contains(**word));
                assert!(impure.is_none(), "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let mut found = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for dir in ["src", "tests", "benches", "loadtest"] {
        collect(&root.join(dir), &mut found);
    }
    for path in found {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines", path.display());
    }
}
