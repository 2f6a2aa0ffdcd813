//! Reading one cookie without parsing, decoding or allocating.

use http::HeaderMap;
use http::header::COOKIE;

/// The value of the first cookie called `name`, without surrounding quotes. Names are case-sensitive.
#[must_use]
pub fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    headers.get_all(COOKIE).into_iter().find_map(|line| find_in(line.as_bytes(), name.as_bytes()))
}

/// The values of every cookie called `name`, in the order they were sent, as [`find`] reads one.
///
/// A browser sends several of a name when they were set for different paths or hosts, and anyone who can set one for a
/// parent host can add more: who needs the right one looks at all, and bounds how many.
pub fn find_all<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(COOKIE).into_iter();
    lines.flat_map(move |line| find_all_in(line.as_bytes(), name.as_bytes()))
}

fn find_in<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    find_all_in(line, name).next()
}

fn find_all_in<'a>(line: &'a [u8], name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    line.split(|&byte| byte == b';').filter_map(move |pair| {
        let value = pair.trim_ascii().strip_prefix(name)?.strip_prefix(b"=")?;
        Some(value.strip_prefix(b"\"").and_then(|quoted| quoted.strip_suffix(b"\"")).unwrap_or(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn found<'a>(line: &'a str, name: &str) -> Option<&'a str> {
        find_in(line.as_bytes(), name.as_bytes()).map(|value| std::str::from_utf8(value).unwrap())
    }

    #[test]
    fn finds_a_cookie_among_others() {
        assert_eq!(found("a=1; sid=x=y; b=2", "sid"), Some("x=y"));
        assert_eq!(found("sid=\"quoted\";a=1", "sid"), Some("quoted"));
        assert_eq!(found("  sid= ", "sid"), Some(""));
        assert_eq!(found("sid=1; sid=2", "sid"), Some("1"));
    }

    #[test]
    fn a_longer_or_other_name_is_not_it() {
        assert_eq!(found("xsid=1; sidx=2; SID=3; sid", "sid"), None);
        assert_eq!(found("", "sid"), None);
    }

    #[test]
    fn looks_through_several_lines() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1"));
        headers.append(COOKIE, HeaderValue::from_static("sid=2"));
        assert_eq!(find(&headers, "sid"), Some(&b"2"[..]));
    }

    #[test]
    fn all_of_a_name_are_found_in_order() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("sid=1; a=0; sid=2"));
        headers.append(COOKIE, HeaderValue::from_static("sid=\"3\""));
        assert_eq!(find_all(&headers, "sid").collect::<Vec<_>>(), [b"1", b"2", b"3"]);
        assert_eq!(find_all(&headers, "none").count(), 0);
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(line in ".{0,40}", name in "[a-z]{0,3}") {
            let _ = find_in(line.as_bytes(), name.as_bytes());
        }
    }
}
