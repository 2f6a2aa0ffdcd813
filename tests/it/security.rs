//! What a hostile client may try, row by row; the real binary, raw bytes.

mod answers;
mod flood;
mod framing;
mod headers;
mod hosts;
mod http2;
mod paths;
mod refusals;
mod sizes;
mod slowness;
mod trailers;

/// The code of an answer in bytes; 0 when there is none.
fn code(answer: &str) -> u16 {
    let code = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
    code.unwrap_or_default()
}

/// A `GET` of a path with more lines in its head.
fn get(path: &str, lines: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: shop.test\r\n{lines}\r\n")
}
