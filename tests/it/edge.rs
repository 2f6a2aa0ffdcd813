//! Ordinary traffic passes through unharmed, whatever is spoken on either side.

mod balance;
mod forwarding;
mod leaving;
mod protocols;
mod proxy_protocol;
mod streaming;
mod upgrade;

/// The code of an answer in bytes; 0 when there is none.
fn code(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or_default()
}

/// A `GET` of a path with more lines in its head.
fn get(path: &str, lines: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: shop.test\r\n{lines}\r\n")
}
