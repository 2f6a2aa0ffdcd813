//! The fields of a JSON request body, each of which must be known.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::config::Problem;
use crate::control::in_force::Refusal;

/// The longest an override may last: the longest duration of the configuration.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// What is left of a body, and what was wrong with it so far.
#[derive(Debug)]
pub(super) struct Fields {
    left: Map<String, Json>,
    problems: Vec<Problem>,
}

impl Fields {
    /// Reads a body, which must be one JSON object; no body is an empty one.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let wrong = |message: String| Refusal::Wrong(vec![about("", message, None)]);
        let left = match serde_json::from_slice(body) {
            _ if body.is_empty() => Map::new(),
            Ok(Json::Object(fields)) => fields,
            Ok(_) => return Err(wrong("the body must be a JSON object".to_owned())),
            Err(error) => return Err(wrong(format!("the body is not JSON: {error}"))),
        };
        Ok(Self { left, problems: Vec::new() })
    }

    /// Takes a field as it is; null is no value.
    pub(super) fn take(&mut self, key: &str) -> Option<Json> {
        match self.left.remove(key)? {
            Json::Null => self.wrong(key, "null sets nothing; leave it out, or DELETE what was set".to_owned()),
            value => Some(value),
        }
    }

    /// Takes a field that must be text.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.left.remove(key)? {
            Json::String(text) => Some(text),
            other => self.wrong(key, format!("{other} is not text")),
        }
    }

    /// Takes a duration, written as in the configuration, of more than nothing.
    pub(super) fn duration(&mut self, key: &str) -> Option<Duration> {
        let text = self.text(key)?;
        let known = text.chars().all(|c| c.is_ascii_digit() || "dhms".contains(c));
        match humantime::parse_duration(&text).ok().filter(|_| known) {
            Some(Duration::ZERO) => self.wrong(key, "must be more than zero".to_owned()),
            Some(length) if length > LONGEST => self.wrong(key, "must be at most 30d".to_owned()),
            Some(length) => Some(length),
            None => self.wrong(key, format!("{text:?} is not a duration such as \"90s\", \"15m\" or \"1h30m\"")),
        }
    }

    /// Notes a mistake.
    pub(super) fn wrong<T>(&mut self, key: &str, message: String) -> Option<T> {
        self.problems.push(about(key, message, None));
        None
    }

    /// Ends reading.
    ///
    /// # Errors
    /// Everything that was wrong, and every field that nobody took, with the one of `known` that may have been meant.
    pub(super) fn finish(mut self, known: &[&str]) -> Result<(), Refusal> {
        for key in self.left.keys() {
            let distance = |name: &&&str| strsim::damerau_levenshtein(name, key);
            let meant = known.iter().filter(|name| distance(name) <= 2).min_by_key(distance);
            let suggestion = meant.map(|name| format!("did you mean \"{name}\"?"));
            self.problems.push(about(key, format!("unknown field; known are {}", known.join(", ")), suggestion));
        }
        if self.problems.is_empty() { Ok(()) } else { Err(Refusal::Wrong(self.problems)) }
    }
}

fn about(key: &str, message: String, suggestion: Option<String>) -> Problem {
    Problem { line: 0, column: 0, key: key.to_owned(), message, suggestion }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_bodies_are_refused_and_nothing_more() {
        let deep = "[".repeat(100_000);
        for body in ["[]", "3", "null", "\"x\"", "{", "{\"a\":1,}", "\u{0}", deep.as_str()] {
            let refusal = Fields::read(body.as_bytes()).unwrap_err();
            assert!(matches!(&refusal, Refusal::Wrong(problems) if problems.len() == 1), "{body:.20}: {refusal}");
        }
        assert!(Fields::read(b"{\"a\":\"\xff\"}").is_err());
        assert!(Fields::read(b"").is_ok());
    }

    #[test]
    fn every_mistake_is_said_at_once() {
        let mut fields = Fields::read(br#"{"ttl": "soon", "reason": 5, "brust": 1}"#).unwrap();
        assert_eq!((fields.duration("ttl"), fields.text("reason")), (None, None));
        let Err(Refusal::Wrong(problems)) = fields.finish(&["burst", "rate"]) else { panic!("accepted") };
        let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["ttl", "reason", "brust"]);
        assert_eq!(problems[2].suggestion.as_deref(), Some("did you mean \"burst\"?"));
    }

    #[test]
    fn durations_are_those_of_the_file() {
        let duration = |text: &str| {
            let mut fields = Fields::read(format!("{{\"ttl\": {text:?}}}").as_bytes()).unwrap();
            (fields.duration("ttl"), fields.problems.len())
        };
        assert_eq!(duration("1h30m"), (Some(Duration::from_secs(5_400)), 0));
        assert_eq!(duration("250ms"), (Some(Duration::from_millis(250)), 0));
        for text in ["0s", "31d", "1 hour", "5", "-5s", "1week", "", "99999999999999999999s"] {
            assert_eq!(duration(text), (None, 1), "{text}");
        }
    }
}
