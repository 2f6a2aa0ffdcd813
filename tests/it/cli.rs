//! What is said on the command line, and how the process ends.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use serde_json::Value;

use crate::harness::tls::Authority;
use crate::harness::{Origin, Proxy};

const EXAMPLE: &str = "config/spillway.toml";

fn spillway(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spillway"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).output().unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn said(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A file with three mistakes.
fn wrong_file() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let example = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLE)).unwrap();
    let wrong = example
        .replace("max_wait = \"2s\"", "max_wait = \"2 seconds\"")
        .replace("path = \"/login\"", "path = \"/search\"")
        .replacen("class = \"checkout\"", "class = \"chekout\"", 1);
    let file = dir.path().join("wrong.toml");
    std::fs::write(&file, wrong).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (dir, file)
}

#[test]
fn check_finds_nothing_wrong_with_the_example() {
    let output = spillway(&["check", EXAMPLE]);
    assert_eq!(code(&output), Some(0), "{output:?}");
    assert!(said(&output.stdout).contains("fine"));
    let output = spillway(&["check", EXAMPLE, "--format", "json"]);
    assert_eq!((code(&output), said(&output.stdout).trim()), (Some(0), "[]"));
}

#[test]
fn check_says_every_mistake_at_once_with_its_line_and_a_suggestion() {
    let (_dir, file) = wrong_file();
    let output = spillway(&["check", &file]);
    assert_eq!(code(&output), Some(78));
    assert!(output.stdout.is_empty());
    let lines: Vec<_> = said(&output.stderr).lines().collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines.iter().all(|line| line.starts_with(&format!("{file}:"))), "{lines:#?}");
    assert!(lines[1].contains("did you mean \"checkout\"?"), "{lines:#?}");
}

#[test]
fn check_tells_programs_in_json() {
    let (_dir, file) = wrong_file();
    let output = spillway(&["check", &file, "--format", "json"]);
    assert_eq!(code(&output), Some(78));
    let problems: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let keys: Vec<_> = problems.iter().map(|problem| &problem["key"]).collect();
    assert_eq!(keys, ["class[0].max_wait", "route[0].class", "route[3].path"]);
    assert!(problems.iter().all(|problem| problem["line"].as_u64().is_some_and(|line| line > 1)));
}

#[test]
fn a_file_that_is_not_there_is_a_bad_configuration() {
    for arguments in [&["check", "no/such/file"][..], &["run", "--config", "no/such/file"]] {
        let output = spillway(arguments);
        assert_eq!(code(&output), Some(78), "{output:?}");
        assert_eq!(said(&output.stderr).lines().count(), 1, "{output:?}");
        assert!(said(&output.stderr).contains("no/such/file"), "{output:?}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [&[][..], &["runn"], &["check"], &["run"], &["check", EXAMPLE, "--format", "xml"]] {
        let output = spillway(arguments);
        assert_eq!(code(&output), Some(2), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn schema_prints_what_the_example_is_valid_by() {
    let output = spillway(&["schema"]);
    assert_eq!(code(&output), Some(0));
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("spillway.json", schema).unwrap();
    let index = compiler.compile("spillway.json", &mut schemas).unwrap();
    let example = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLE)).unwrap();
    let example: Value = toml::from_str(&example).unwrap();
    schemas.validate(&example, index).unwrap_or_else(|error| panic!("{error:#}"));
}

#[test]
fn explain_shows_what_decides() {
    let request = ["POST", "https://shop.example/checkout/start", "-H", "X-Forwarded-For: 192.0.2.7"];
    let output = spillway(&[&["explain", "--config", EXAMPLE], &request[..]].concat());
    assert_eq!(code(&output), Some(0), "{output:?}");
    for words in
        ["192.0.2.7", "route     checkout (line ", "class     checkout", "per-client: 20/s", "verdict   forwarded"]
    {
        assert!(said(&output.stdout).contains(words), "{words:?} is not in {}", said(&output.stdout));
    }
    let output = spillway(&[&["explain", "--format", "json", "--config", EXAMPLE], &request[..]].concat());
    let explanation: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&explanation["route"]["name"], &explanation["class"]["name"]),
        (&"checkout".into(), &"checkout".into())
    );
}

#[test]
fn explain_says_that_nobody_waits_for_a_crawlers_request() {
    let request = ["GET", "https://shop.example/product/1", "-H", "User-Agent: Googlebot/2.1"];
    let output = spillway(&[&["explain", "--config", EXAMPLE], &request[..]].concat());
    let words = "class     background, importance 4, as nobody waits for it (crawler)";
    assert!(said(&output.stdout).contains(words), "{}", said(&output.stdout));
}

#[test]
fn explain_refuses_what_cannot_be_sent_and_what_is_wrong() {
    assert_eq!(code(&spillway(&["explain", "--config", EXAMPLE, "G T", "http://shop/"])), Some(2));
    let (_dir, file) = wrong_file();
    assert_eq!(code(&spillway(&["explain", "--config", &file, "GET", "http://shop/"])), Some(78));
}

/// The one line a proxy says that does not start.
fn refuses(config: &str, expected_code: i32) -> String {
    let (status, said) = Proxy::refuses(config);
    assert_eq!(status.code(), Some(expected_code), "{said}");
    let lines: Vec<_> = said.lines().collect();
    let [line] = lines.as_slice() else { panic!("not one line: {lines:#?}") };
    (*line).to_owned()
}

#[tokio::test]
async fn run_says_every_mistake_and_starts_nothing() {
    let origin = Origin::saying("hello").await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let wrong = origin.config().replace("class = \"browse\"", "class = \"brwse\"").replace("servers", "severs");
    let (status, said) = Proxy::refuses(&format!("[[listener]]\naddress = \"{address}\"\n{wrong}"));
    assert_eq!(status.code(), Some(78));
    assert!(said.contains("did you mean \"browse\"?") && said.contains("severs"), "{said}");
    assert!(!said.contains("listening"), "no address is tried before the file is right: {said}");
}

#[tokio::test]
async fn routes_that_tie_keep_it_from_starting() {
    let origin = Origin::saying("hello").await;
    let again = "[[route]]\nname = \"again\"\npath = \"/{*other}\"\nclass = \"browse\"\norigin = \"shop\"\n";
    let (status, said) = Proxy::refuses(&format!("{}{again}", origin.config()));
    assert_eq!(status.code(), Some(78), "{said}");
    assert!(said.contains("again") && said.contains("everything"), "{said}");
}

#[tokio::test]
async fn an_address_in_use_is_said_in_one_sentence() {
    let origin = Origin::saying("hello").await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let line = refuses(&format!("[[listener]]\naddress = \"{address}\"\n{}", origin.config()), 1);
    assert!(line.ends_with(&format!("cannot listen on {address}: another process is listening there")), "{line}");
    let line = refuses(&format!("[admin]\naddress = \"{address}\"\n{}", origin.config()), 1);
    assert!(line.ends_with(&format!("cannot listen on {address}: another process is listening there")), "{line}");
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_said_in_one_sentence() {
    let origin = Origin::saying("hello").await;
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let authority = Authority::new();
    authority.issue(dir.path(), "shop", &["shop.example"]);
    authority.issue(dir.path(), "other", &["shop.example"]);
    std::fs::write(dir.path().join("empty.key"), "").unwrap();
    std::fs::create_dir(dir.path().join("directory.key")).unwrap();
    let path = dir.path().display();
    for (key, words) in [
        ("missing.key", "missing.key"),
        ("directory.key", "directory.key"),
        ("empty.key", "empty.key"),
        ("other.key", "other.key"),
    ] {
        let tls = format!("tls = [ {{ certificate = \"{path}/shop.pem\", key = \"{path}/{key}\" }} ]");
        let line = refuses(&format!("[[listener]]\naddress = \"127.0.0.1:0\"\n{tls}\n{}", origin.config()), 78);
        assert!(line.contains(words) && line.contains("listener[0]"), "{line}");
    }
}

#[tokio::test]
async fn a_state_directory_that_cannot_be_written_is_said_in_one_sentence() {
    let origin = Origin::saying("hello").await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display();
    let server = format!("[server]\nworkers = 1\nstate_dir = \"{path}\"\n");
    let line = refuses(&format!("{server}{}", origin.config()), 1);
    assert!(line.contains(&format!("cannot keep state in {path}")) && line.contains("server.state_dir"), "{line}");
}

#[tokio::test]
async fn an_access_log_that_cannot_be_opened_is_said_in_one_sentence() {
    let origin = Origin::saying("hello").await;
    let log = "[log]\nformat = \"json\"\naccess = \"no/such/directory/access.log\"\n";
    let line = refuses(&format!("{log}{}", origin.config()), 1);
    assert!(line.contains("the access log cannot be opened"), "{line}");
}
