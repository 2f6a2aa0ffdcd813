//! The one canonical form of a request path, so that what is matched is what the origin is sent.
//!
//! Repeated slashes are merged, dot segments resolved, escapes of unreserved characters decoded and the remaining
//! escapes written in upper case (RFC 3986, section 6.2.2). What two servers may read differently is refused.

use std::borrow::Cow;

use thiserror::Error;

/// Why a path has no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PathFault {
    /// It does not begin with a slash.
    #[error("a path begins with a slash")]
    NotAbsolute,
    /// A `%` without two hexadecimal digits after it.
    #[error("a percent sign is not followed by two hexadecimal digits")]
    BadEscape,
    /// A slash or backslash in disguise (`%2F`, `%5C`), or a bare backslash.
    #[error("an escaped slash or a backslash is read differently by different servers")]
    AmbiguousSeparator,
    /// A control byte, bare or escaped.
    #[error("a control byte")]
    ControlByte,
    /// `..;` or `.;`, which some servers take for a dot segment.
    #[error("a dot segment with a parameter is read differently by different servers")]
    AmbiguousDots,
    /// `..` that climbs out of the root.
    #[error("the path climbs above the root")]
    AboveRoot,
}

/// The canonical form of `path`, which is without its query; borrowed when `path` already is in it.
///
/// # Errors
/// A [`PathFault`] when servers could disagree on what the path names.
pub fn normalise(path: &str) -> Result<Cow<'_, str>, PathFault> {
    if is_canonical(path.as_bytes())? {
        return Ok(Cow::Borrowed(path));
    }
    let decoded = decode(path.as_bytes())?;
    resolve(&decoded).map(Cow::Owned)
}

/// One pass over a path that is nearly always clean: nothing is written.
fn is_canonical(path: &[u8]) -> Result<bool, PathFault> {
    if path.first() != Some(&b'/') {
        return Err(PathFault::NotAbsolute);
    }
    let mut canonical = true;
    let mut rest = path;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match byte {
            b'/' => canonical &= !matches!(tail, [b'/', ..]) && !is_dotted(tail),
            b'%' => {
                canonical &= escape(tail)?.is_canonical(tail);
                rest = tail.get(2..).unwrap_or_default();
            }
            b'\\' => return Err(PathFault::AmbiguousSeparator),
            0..=0x20 | 0x7f => return Err(PathFault::ControlByte),
            0x80.. => canonical = false,
            _ => {}
        }
    }
    Ok(canonical)
}

/// Whether a path goes on with a dot segment, or with one that hides behind a parameter.
fn is_dotted(rest: &[u8]) -> bool {
    let Some(rest) = rest.strip_prefix(b".") else { return false };
    let rest = rest.strip_prefix(b".").unwrap_or(rest);
    matches!(rest, [] | [b'/' | b';', ..] | [b'%', b'3', b'B', ..])
}

/// What `%XX` stands for.
#[derive(Clone, Copy)]
enum Escape {
    /// An unreserved character, which is not escaped in the canonical form.
    Plain(u8),
    /// Anything else, which stays escaped.
    Kept(u8),
}

impl Escape {
    fn is_canonical(self, digits: &[u8]) -> bool {
        matches!(self, Self::Kept(_)) && !digits.iter().take(2).any(u8::is_ascii_lowercase)
    }
}

/// Reads the two digits after a percent sign.
fn escape(digits: &[u8]) -> Result<Escape, PathFault> {
    let [high, low, ..] = digits else { return Err(PathFault::BadEscape) };
    let (Some(high), Some(low)) = (hex(*high), hex(*low)) else { return Err(PathFault::BadEscape) };
    match high << 4 | low {
        b'/' | b'\\' => Err(PathFault::AmbiguousSeparator),
        0..=0x1f | 0x7f => Err(PathFault::ControlByte),
        byte @ (b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~') => Ok(Escape::Plain(byte)),
        byte => Ok(Escape::Kept(byte)),
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Decodes what needs no escape and escapes what is not ASCII; the result is ASCII.
fn decode(path: &[u8]) -> Result<String, PathFault> {
    let mut decoded = String::with_capacity(path.len() + 8);
    let mut rest = path;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match byte {
            b'%' => {
                match escape(tail)? {
                    Escape::Plain(byte) => decoded.push(char::from(byte)),
                    Escape::Kept(byte) => push_escaped(&mut decoded, byte),
                }
                rest = tail.get(2..).unwrap_or_default();
            }
            0x80.. => push_escaped(&mut decoded, *byte),
            _ => decoded.push(char::from(*byte)),
        }
    }
    Ok(decoded)
}

fn push_escaped(text: &mut String, byte: u8) {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'A' + value - 10 });
    text.push('%');
    text.push(digit(byte >> 4));
    text.push(digit(byte & 15));
}

/// Merges slashes and removes dot segments of a decoded path.
fn resolve(decoded: &str) -> Result<String, PathFault> {
    let mut path = String::with_capacity(decoded.len());
    let mut ends_in_directory = false;
    for segment in decoded.split('/').skip(1) {
        ends_in_directory = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => path.truncate(path.rfind('/').ok_or(PathFault::AboveRoot)?),
            _ if hides_dots(segment) => return Err(PathFault::AmbiguousDots),
            _ => {
                path.push('/');
                path.push_str(segment);
            }
        }
    }
    if ends_in_directory || path.is_empty() {
        path.push('/');
    }
    Ok(path)
}

/// Whether a server that cuts parameters off a segment would be left with dots.
fn hides_dots(segment: &str) -> bool {
    let after_dots = segment.strip_prefix("..").or_else(|| segment.strip_prefix('.'));
    after_dots.is_some_and(|rest| rest.starts_with(';') || rest.starts_with("%3B"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn clean_paths_are_borrowed() {
        for path in ["/", "/a", "/a/", "/a/b.html", "/.well-known/x", "/..a", "/a...", "/%E3%82%BB", "/a;v=1", "/a,b"] {
            assert!(matches!(normalise(path), Ok(Cow::Borrowed(same)) if same == path), "{path}");
        }
    }

    #[test]
    fn equal_paths_have_one_form() {
        for (path, canonical) in [
            ("//", "/"),
            ("/.", "/"),
            ("/a//b", "/a/b"),
            ("/a/../%2e%2e//checkout", ""),
            ("/a/b/../%2e%2e//checkout", "/checkout"),
            ("/a/./b/.", "/a/b/"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/%61%2Db", "/a-b"),
            ("/%e3%82%bb", "/%E3%82%BB"),
            ("/セ", "/%E3%82%BB"),
            ("/%252e%252e/", "/%252e%252e/"),
            ("/a/%2E/b", "/a/b"),
            ("/.%2e/a", ""),
            ("/x/.%2e/a", "/a"),
        ] {
            match normalise(path) {
                Ok(found) => assert_eq!(found, canonical, "{path}"),
                Err(fault) => assert_eq!((fault, canonical), (PathFault::AboveRoot, ""), "{path}"),
            }
        }
    }

    #[test]
    fn what_servers_read_differently_is_refused() {
        for (path, fault) in [
            ("", PathFault::NotAbsolute),
            ("a", PathFault::NotAbsolute),
            ("/%", PathFault::BadEscape),
            ("/%4", PathFault::BadEscape),
            ("/%zz", PathFault::BadEscape),
            ("/a%2fb", PathFault::AmbiguousSeparator),
            ("/a%5Cb", PathFault::AmbiguousSeparator),
            ("/a\\b", PathFault::AmbiguousSeparator),
            ("/a%00", PathFault::ControlByte),
            ("/a\0", PathFault::ControlByte),
            ("/a%0d%0a", PathFault::ControlByte),
            ("/a\u{7f}", PathFault::ControlByte),
            ("/a b", PathFault::ControlByte),
            ("/..", PathFault::AboveRoot),
            ("/a/../../b", PathFault::AboveRoot),
            ("/a/..;/admin", PathFault::AmbiguousDots),
            ("/a/.;x=1/admin", PathFault::AmbiguousDots),
            ("/a/%2e%2e;/admin", PathFault::AmbiguousDots),
            ("/a/..%3b/admin", PathFault::AmbiguousDots),
        ] {
            assert_eq!(normalise(path), Err(fault), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_stable_and_unambiguous(path in "/([./;%a-zA-F0-9~ -]|%2[eEfF]|//|\\.\\./|セ){0,24}") {
            if let Ok(canonical) = normalise(&path) {
                prop_assert!(matches!(normalise(&canonical), Ok(Cow::Borrowed(_))), "{canonical} is not stable");
                prop_assert!(canonical.starts_with('/') && canonical.is_ascii());
                prop_assert!(!canonical.contains("//"));
                prop_assert!(!canonical.split('/').any(|segment| segment == "." || segment == ".."));
            }
        }

        #[test]
        fn the_fast_path_agrees_with_the_slow_one(path in "/([./;%a-zA-F0-9~-]|%2[eEdD]|//|\\.\\./){0,24}") {
            let slow = decode(path.as_bytes()).and_then(|decoded| resolve(&decoded));
            prop_assert_eq!(normalise(&path).map(Cow::into_owned), slow);
        }

        #[test]
        fn no_text_is_too_odd(path in ".{0,40}") {
            let _ = normalise(&path);
        }
    }
}
