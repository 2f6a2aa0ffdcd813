//! The path pattern of one route, checked and brought into the form requests have.

use crate::policy::path;

/// `matchit` gives up past 26. (Past 3 a lookup allocates.)
const MAX_PARAMETERS: usize = 16;

/// The valid pattern of a route.
#[derive(Debug)]
pub(super) struct Pattern {
    /// As it was typed.
    pub(super) typed: Path,
    /// For `/pay/{*rest}`: `/pay/` and, unless it would be empty, `/pay`.
    pub(super) implied: Vec<Path>,
}

/// One path to match.
#[derive(Debug)]
pub(super) struct Path {
    /// What `matchit` is given.
    pub(super) text: String,
    /// The same for two paths that differ only in the names of their parameters.
    pub(super) shape: String,
    /// The number of segments before `{*rest}`; the largest number without one.
    pub(super) depth: usize,
    /// Of two paths that match the same request the more specific has the lower rank: two bits for each segment, the
    /// first the most significant.
    pub(super) rank: u64,
    /// Whether it has no parameter but `{*rest}`.
    pub(super) is_plain: bool,
}

impl Path {
    fn new(text: String) -> Self {
        let shape = shape(&text);
        let kinds: Vec<_> = shape.split('/').skip(1).map(Segment::of).collect();
        let bits = kinds.iter().zip((0..u64::BITS).step_by(2));
        Self {
            depth: kinds.iter().position(|&kind| kind == Segment::Rest).unwrap_or(usize::MAX),
            rank: bits.fold(0, |rank, (&kind, place)| rank | (kind as u64) << (u64::BITS - 2 - place)),
            is_plain: kinds.iter().all(|kind| matches!(kind, Segment::Text | Segment::Rest)),
            text,
            shape,
        }
    }
}

/// What a segment is, the more specific first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment {
    Text = 0,
    /// A parameter and text.
    Mixed = 1,
    Parameter = 2,
    Rest = 3,
}

impl Segment {
    fn of(shape: &str) -> Self {
        match shape {
            "{*}" => Self::Rest,
            "{}" => Self::Parameter,
            _ if shape.replace("{{", "").contains('{') => Self::Mixed,
            _ => Self::Text,
        }
    }
}

/// What is wrong with a pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadPattern {
    pub(super) message: String,
    pub(super) suggestion: Option<String>,
}

impl Pattern {
    /// Checks `pattern` as it was typed.
    pub(super) fn parse(pattern: &str) -> Result<Self, BadPattern> {
        if !pattern.starts_with('/') {
            return Err(BadPattern {
                message: format!("the path {pattern:?} does not begin with a slash"),
                suggestion: Some(format!("did you mean \"/{pattern}\"?")),
            });
        }
        let text = escape_for_matching(pattern);
        refuse_unreachable(&text)?;
        let typed = Path::new(text);
        let shape = &typed.shape;
        if shape.matches("{}").count() + shape.matches("{*}").count() > MAX_PARAMETERS {
            return Err(BadPattern {
                message: format!("the path {pattern:?} has more than {MAX_PARAMETERS} parameters"),
                suggestion: None,
            });
        }
        matchit::Router::new().insert(typed.text.as_str(), ()).map_err(|error| explain(pattern, &error))?;
        let implied = implied(&typed.text).into_iter().map(Path::new).collect();
        Ok(Self { typed, implied })
    }
}

/// Escapes what a request carries escaped, so that an operator may write `/セール`.
fn escape_for_matching(pattern: &str) -> String {
    const IN_REQUESTS: &percent_encoding::AsciiSet =
        &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');
    percent_encoding::utf8_percent_encode(pattern, IN_REQUESTS).to_string()
}

/// A pattern that is not in canonical form would never match: requests are.
fn refuse_unreachable(pattern: &str) -> Result<(), BadPattern> {
    match path::normalise(pattern) {
        Ok(canonical) if canonical == pattern => Ok(()),
        Ok(canonical) => Err(BadPattern {
            message: format!("the path {pattern:?} can never match, because request paths are normalised first"),
            suggestion: Some(format!("did you mean {canonical:?}?")),
        }),
        Err(fault) => {
            Err(BadPattern { message: format!("the path {pattern:?} can never match: {fault}"), suggestion: None })
        }
    }
}

/// Drops the names of parameters; doubled braces are literal ones.
pub(super) fn shape(pattern: &str) -> String {
    let mut shape = String::with_capacity(pattern.len());
    let mut inside = false;
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        let doubled = !inside && matches!(character, '{' | '}') && characters.next_if_eq(&character).is_some();
        match character {
            _ if doubled => shape.extend([character, character]),
            '{' => {
                inside = true;
                shape.push('{');
                shape.extend(characters.next_if_eq(&'*'));
            }
            '}' => {
                inside = false;
                shape.push('}');
            }
            _ if inside => {}
            _ => shape.push(character),
        }
    }
    shape
}

fn implied(pattern: &str) -> Vec<String> {
    let Some((directory, last)) = pattern.rsplit_once('/') else { return Vec::new() };
    if !last.starts_with("{*") {
        return Vec::new();
    }
    let mut implied = vec![format!("{directory}/")];
    if !directory.is_empty() {
        implied.push(directory.to_owned());
    }
    implied
}

fn explain(pattern: &str, error: &matchit::InsertError) -> BadPattern {
    use matchit::InsertError::{Conflict, InvalidCatchAll, InvalidParam, InvalidParamSegment};
    let why = match error {
        InvalidParamSegment => "only one {parameter} may stand between two slashes",
        InvalidParam => "a parameter is {name}, and a literal brace is written twice",
        InvalidCatchAll => "{*rest} may only stand at the end",
        Conflict { .. } => "it contradicts itself",
        // The error type is open to additions.
        _ => "it is not a path pattern",
    };
    BadPattern { message: format!("the path {pattern:?} is not understood: {why}"), suggestion: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_parameters_do_not_matter() {
        assert_eq!(shape("/a/{id}/b/{*rest}"), "/a/{}/b/{*}");
        assert_eq!(shape("/a/{{id}}/{x}.png"), "/a/{{id}}/{}.png");
    }

    #[test]
    fn a_catch_all_implies_its_directory() {
        assert_eq!(implied("/pay/{*rest}"), ["/pay/", "/pay"]);
        assert_eq!(implied("/{*rest}"), ["/"]);
        assert_eq!(implied("/{a}/{*rest}"), ["/{a}/", "/{a}"]);
        assert!(implied("/pay").is_empty());
    }

    #[test]
    fn a_more_specific_path_ranks_lower() {
        let ordered =
            ["/a/b", "/a/b{x}", "/a/{x}", "/a/{*rest}", "/{x}/b", "/{x}/{{y}}", "/{x}/{y}", "/{x}/{*rest}", "/{*rest}"];
        let ranks = ordered.map(|path| Path::new(path.to_owned()).rank);
        assert!(ranks.is_sorted(), "{ranks:x?}");
        assert_eq!(Path::new("/a/b/{*rest}".to_owned()).depth, 2);
        assert!(Path::new("/a/{{b}}/{*rest}".to_owned()).is_plain);
        assert!(!Path::new("/{a}".to_owned()).is_plain);
    }

    #[test]
    fn patterns_are_read_as_requests_are() {
        assert_eq!(Pattern::parse("/セ").unwrap().typed.text, "/%E3%82%BB");
        let bad = Pattern::parse("/a//b").unwrap_err();
        assert_eq!(bad.suggestion.as_deref(), Some("did you mean \"/a/b\"?"));
        assert_eq!(Pattern::parse("pay").unwrap_err().suggestion.as_deref(), Some("did you mean \"/pay\"?"));
    }

    #[test]
    fn nonsense_is_explained() {
        for pattern in ["/{", "/}", "/{}", "/{*}", "/{*rest}/x", "/{a}{b}", "/..", "/%2f", "/{a*}"] {
            let bad = Pattern::parse(pattern).unwrap_err();
            assert!(bad.message.contains(pattern), "{}", bad.message);
        }
    }

    proptest! {
        #[test]
        fn no_pattern_is_too_odd(pattern in "/[a-c/{}*.%]{0,12}") {
            let _ = Pattern::parse(&pattern);
        }
    }
}
