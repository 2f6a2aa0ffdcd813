//! Query strings, form bodies and cookies.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The value of `name` in a query string or a form body.
pub(super) fn field(encoded: &str, name: &str) -> Option<String> {
    encoded.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key) == name).then(|| decode(value))
    })
}

/// The value of the cookie `name`, percent-decoded.
pub(super) fn cookie(header: &str, name: &str) -> Option<String> {
    header.split(';').find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| percent_decode_str(value).decode_utf8_lossy().into_owned())
    })
}

fn decode(text: &str) -> String {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded() {
        let body = "name=Ada+Lovelace&note=a%26b%3Dc&empty=&flag";
        assert_eq!(field(body, "name").as_deref(), Some("Ada Lovelace"));
        assert_eq!(field(body, "note").as_deref(), Some("a&b=c"));
        assert_eq!(field(body, "empty").as_deref(), Some(""));
        assert_eq!(field(body, "flag").as_deref(), Some(""));
        assert_eq!(field(body, "nam"), None);
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        assert_eq!(cookie("a=1; cart=mug.2; b=3", "cart").as_deref(), Some("mug.2"));
        assert_eq!(cookie("mycart=1", "cart"), None);
        assert_eq!(cookie("who=J%C3%BCrgen", "who").as_deref(), Some("Jürgen"));
    }
}
