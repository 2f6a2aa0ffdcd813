//! hyper's parser answers a malformed head by itself with a bare status. Clients get the same refusal as for anything
//! else instead: this recognises those answers, which have one exact form.

use bytes::Bytes;
use http::StatusCode;

use super::refuse;

const HEAD: &[u8] = b"HTTP/1.1 ";
const TAIL: &[u8] = b"\r\nconnection: close\r\ncontent-length: 0\r\ndate: ";
/// An IMF-fixdate and the end of the head.
const DATE: usize = 29 + 4;

/// The refusal to send in place of `bytes`, if they are an answer of the parser.
pub(crate) fn in_our_words(bytes: &[u8]) -> Option<Bytes> {
    let rest = bytes.strip_prefix(HEAD)?;
    let code = rest.get(..3).filter(|code| code.starts_with(b"4"))?;
    let end_of_line = memchr::memchr(b'\r', rest)?;
    let date = rest.get(end_of_line..)?.strip_prefix(TAIL)?;
    if date.len() != DATE || !date.ends_with(b"\r\n\r\n") {
        return None;
    }
    Some(refuse::raw(StatusCode::from_bytes(code).ok()?, fastrand::u128(..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_parser_by_its_words() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let parser =
            format!("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: {date}\r\n\r\n");
        let ours = in_our_words(parser.as_bytes()).unwrap();
        assert!(ours.starts_with(b"HTTP/1.1 400 "));
        let origin = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: {date}\r\n\r\n");
        assert!(in_our_words(origin.as_bytes()).is_none());
        assert!(in_our_words(b"HTTP/1.1 200 OK\r\n\r\n").is_none());
        assert!(in_our_words(b"").is_none());
    }
}
