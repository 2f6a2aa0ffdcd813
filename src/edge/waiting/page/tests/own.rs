//! An operator's page.

use super::super::{Own, TemplateError, painter};
use super::*;

const EXAMPLE: &str = include_str!("../../../../../config/waiting.html");

fn load(template: &str) -> Result<Own, TemplateError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("waiting.html");
    std::fs::write(&path, template).unwrap();
    Own::load(&path)
}

fn complaint(template: &str) -> (Option<usize>, String) {
    let error = load(template).unwrap_err();
    assert!(error.to_string().contains("waiting.html:"), "{error}");
    (error.line, error.message)
}

#[test]
fn the_example_shows_what_the_built_in_page_shows() {
    let own = load(EXAMPLE).unwrap();
    let page = own.paint(&Scene { title: Some("Sale"), message: Some("Hello"), ..in_line(Language::English) });
    for shown in ["Sale", "Hello", "812 ahead of you", "about 2 to 4 min", "40,123", "You are in line", "日本語"] {
        assert!(text(&page).contains(shown), "{shown}");
    }
    assert!(!text(&page).contains("To begin from"), "its comment is not sent");
    let policy = page.policy.to_str().unwrap();
    assert!(policy.contains("style-src 'self' 'unsafe-inline' https:;"), "{policy}");
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("script-src 'unsafe"), "{policy}");
}

#[test]
fn every_variable_of_a_template_is_documented() {
    let comment = EXAMPLE.split("#}").next().unwrap();
    let source = include_str!("../variables.rs");
    let table = source.split("struct Variables<'a> {").nth(1).unwrap().split("\n}\n").next().unwrap();
    let names: Vec<&str> =
        table.lines().filter_map(|line| line.trim().split_once(": ")).map(|(name, _)| name).collect();
    let names: Vec<&&str> = names.iter().filter(|name| !name.starts_with("//")).collect();
    assert!(names.len() > 30, "{names:?}");
    let said: Vec<&str> = comment.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for name in names {
        assert!(said.contains(name), "{name}");
    }
}

#[test]
fn a_template_that_does_not_render_is_refused_with_its_line() {
    let around = |middle: &str| format!("{{{{ spillway_head }}}}\n<p>\n{middle}\n{{{{ spillway_script }}}}\n");
    assert!(load(&around("{{ head }}")).is_ok());
    for (middle, words) in [
        ("{% if title %}", "unexpected end of input"),
        ("{{ titel }}", "titel"),
        ("{{ title.of.that }}", "title"),
        ("{{ words.nothing }}", "nothing"),
        ("{{ title | upcase }}", "upcase"),
        ("{% include 'other.html' %}", "other.html"),
        ("{{ 1 / 0 }}", "unable to calculate"),
        ("{% for a in range(9000) %}{% for b in range(9000) %}{{ b }}{% endfor %}{% endfor %}", "fuel"),
    ] {
        let (line, message) = complaint(&around(middle));
        assert!(message.to_lowercase().contains(words), "{middle}: {message}");
        let expected = if middle == "{% if title %}" { 4..=5 } else { 3..=3 };
        assert!(line.is_some_and(|line| expected.contains(&line)), "{middle}: {line:?} {message}");
    }
}

#[test]
fn what_only_one_state_shows_is_tried_as_well() {
    let page = "{{ spillway_head }}{{ spillway_script }}\n\n{% if state == 'sold-out' %}{{ nonsense }}{% endif %}";
    assert_eq!(complaint(page).0, Some(3));
    let page = "{{ spillway_head }}{{ spillway_script }}\n{% if lang == 'ko' %}{{ nonsense }}{% endif %}";
    assert_eq!(complaint(page).0, Some(2));
}

#[test]
fn a_page_that_lets_nobody_in_is_refused() {
    let (line, message) = complaint("<p>Please wait</p>");
    assert_eq!(line, None);
    assert!(message.starts_with("{{ spillway_script }} is not in the page"), "{message}");
    let (_, message) = complaint("{{ spillway_script }}");
    assert!(message.starts_with("{{ spillway_head }} is not in the page"), "{message}");
    let (_, message) = complaint("{% if state == 'waiting' %}{{ spillway_script }}{{ spillway_head }}{% endif %}");
    assert!(message.ends_with("(lobby)"), "{message}");
}

#[test]
fn values_are_escaped_whatever_the_file_is_called() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("page.txt");
    std::fs::write(&path, "{{ spillway_head }}{{ spillway_script }}{{ title or '' }}{{ message or '' }}{{ to }}")
        .unwrap();
    let own = painter(Some(&path)).unwrap();
    let scene = in_line(Language::English);
    let page = html(&*own, &Scene { title: Some("<b>"), message: Some("\"&'"), to: "/<i>\"", ..scene });
    assert!(page.ends_with("&lt;b&gt;&quot;&amp;&#x27;&#x2f;&lt;i&gt;&quot;"), "{}", &page[page.len() - 80..]);
}

#[test]
fn a_template_that_fails_later_gives_way_to_the_built_in_page() {
    // Nobody is that far ahead when it is tried.
    let own = load("{{ spillway_head }}{{ spillway_script }}{% if ahead == 7 %}{{ nonsense }}{% endif %}").unwrap();
    let page = own.paint(&Scene { rank: Some(7), ..in_line(Language::English) });
    assert!(text(&page).contains("You are in line"));
    assert!(!page.policy.to_str().unwrap().contains("unsafe"));
    let page = own.paint(&in_line(Language::English));
    assert!(!text(&page).contains("<h1"), "it is its own page again");
}

#[test]
fn a_file_that_is_none_is_refused() {
    let error = Own::load(Path::new("nowhere/waiting.html")).unwrap_err();
    assert!(error.to_string().starts_with("nowhere/waiting.html: cannot be read: No such file"), "{error}");
    let large = "x".repeat((256 << 10) + 1);
    assert_eq!(load(&large).unwrap_err().message, "must be at most 256 KiB");
}
