//! The policy and its revisions.

use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value as Json, json};

use super::answer::{Answer, failed, json, problem, refused, text, with};
use crate::control::actor::Policies;
use crate::control::in_force::{Change, Refusal};
use crate::control::revision::Revision;

const TOML: &str = "application/toml";

/// The text in force.
pub(super) fn get(policies: &Policies, headers: &HeaderMap) -> Answer {
    let in_force = policies.in_force();
    let etag = etag(&in_force.revision);
    let known = condition(headers, &IF_NONE_MATCH, true);
    if known.is_some_and(|known| known.accepts(&in_force.revision.hash)) {
        let mut unchanged = Response::new(bytes::Bytes::new().into());
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        return with(unchanged, etag);
    }
    with(text(TOML, in_force.text.to_string()), etag)
}

/// Replaces the policy, or with `dry_run=1` says what would come of it.
pub(super) async fn put(policies: &Policies, parts: &Parts, body: &[u8], actor: &str) -> Answer {
    let Ok(text) = std::str::from_utf8(body) else {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "the policy is not UTF-8");
    };
    let dry_run = match dry_run(parts.uri.query()) {
        Ok(dry_run) => dry_run,
        Err(detail) => return problem(StatusCode::BAD_REQUEST, &detail),
    };
    let expected = match condition(&parts.headers, &IF_MATCH, false) {
        Some(Condition::OneOf(hashes)) => Some(hashes),
        Some(Condition::Any) | None => None,
    };
    let (text, actor) = (text.to_owned(), actor.to_owned());
    let put = policies.ask(move |reloader, now| reloader.put(&text, expected.as_deref(), dry_run, &actor, now));
    changed(policies, put.await, dry_run)
}

/// The revisions kept, newest first.
pub(super) fn revisions(policies: &Policies) -> Answer {
    let in_force = policies.in_force();
    let list = in_force.revisions.iter().rev().map(|revision| {
        let mut entry = self::entry(revision);
        if let Some(entry) = entry.as_object_mut() {
            entry.insert("in_force".to_owned(), Json::Bool(revision.number == in_force.revision.number));
        }
        entry
    });
    json(&json!({ "revisions": list.collect::<Vec<_>>() }))
}

/// The text of a revision.
pub(super) async fn revision(policies: &Policies, number: u64) -> Answer {
    match policies.ask(move |reloader, _| reloader.text_of(number)).await {
        Ok(Ok(found)) => text(TOML, found),
        Ok(Err(refusal)) => refused(&refusal),
        Err(error) => failed(&error),
    }
}

/// Puts a revision in force again.
pub(super) async fn restore(policies: &Policies, number: u64, actor: &str) -> Answer {
    let actor = actor.to_owned();
    let restored = policies.ask(move |reloader, now| reloader.restore(number, &actor, now));
    changed(policies, restored.await, false)
}

/// A revision, without its text.
pub(super) fn entry(revision: &Revision) -> Json {
    json!({
        "revision": revision.number,
        "at": revision.at.to_string(),
        "source": revision.source.to_string(),
        "actor": revision.actor,
        "hash": revision.hash,
    })
}

type Outcome = Result<Result<Change, Refusal>, crate::control::actor::Failed>;

fn changed(policies: &Policies, outcome: Outcome, dry_run: bool) -> Answer {
    let change = match outcome {
        Ok(Ok(change)) => change,
        Ok(Err(refusal)) => return refused(&refusal),
        Err(error) => return failed(&error),
    };
    let in_force = policies.in_force();
    let number = match change {
        Change::Revision(number) => number,
        Change::Reread | Change::None => in_force.revision.number,
    };
    let document = json!({
        "revision": number,
        "changed": matches!(change, Change::Revision(_)),
        "dry_run": dry_run,
        "needs_restart": if dry_run { json!(null) } else { json!(in_force.needs_restart) },
    });
    let answer = json(&document);
    if dry_run { answer } else { with(answer, etag(&in_force.revision)) }
}

fn etag(revision: &Revision) -> Option<(HeaderName, HeaderValue)> {
    let tag = HeaderValue::try_from(format!("\"{}\"", revision.hash)).ok()?;
    Some((ETAG, tag))
}

pub(super) fn dry_run(query: Option<&str>) -> Result<bool, String> {
    match query {
        None | Some("" | "dry_run=0" | "dry_run=false") => Ok(false),
        Some("dry_run=1" | "dry_run=true" | "dry_run") => Ok(true),
        Some(other) => Err(format!("unknown query {other:?}; known is dry_run=1")),
    }
}

/// `If-Match` or `If-None-Match`.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    /// `*`.
    Any,
    /// One of these fingerprints; none for a condition that nothing can meet.
    OneOf(Vec<String>),
}

impl Condition {
    fn accepts(&self, hash: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(hashes) => hashes.iter().any(|one| one == hash),
        }
    }
}

/// The condition in a header. Weak tags count only where `weak` says so (RFC 9110, 8.8.3.2); what is no tag meets nothing.
fn condition(headers: &HeaderMap, name: &HeaderName, weak: bool) -> Option<Condition> {
    let values: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
    if values.is_empty() {
        return None;
    }
    let lines = values.iter().map(|value| value.to_str().unwrap_or_default());
    let tags: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    if tags == ["*"] {
        return Some(Condition::Any);
    }
    let strong = |tag: &&str| {
        let tag = if weak { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
        tag.strip_prefix('"')?.strip_suffix('"').map(str::to_owned)
    };
    Some(Condition::OneOf(tags.iter().filter_map(strong).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_http_says() {
        let read = |value: &str, weak| {
            let headers = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_str(value).unwrap())]);
            condition(&headers, &IF_MATCH, weak).unwrap()
        };
        let one_of = |hashes: &[&str]| Condition::OneOf(hashes.iter().map(ToString::to_string).collect());
        assert_eq!(read("*", false), Condition::Any);
        assert_eq!(read("\"a\"", false), one_of(&["a"]));
        assert_eq!(read("\"a\", \"b\"", false), one_of(&["a", "b"]));
        assert_eq!(read("W/\"a\", \"b\"", false), one_of(&["b"]));
        assert_eq!(read("W/\"a\"", true), one_of(&["a"]));
        assert_eq!(read("a", false), one_of(&[]));
        assert_eq!(read("", false), one_of(&[]));
        assert_eq!(condition(&HeaderMap::new(), &IF_MATCH, false), None);
    }
}
