//! A whole refusal in bytes, for a connection on which no request could be read.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{Refusal, retry};
use crate::config::settings::ClassIndex;
use crate::edge::hygiene::RequestId;

/// An HTTP/1.1 answer that closes the connection, for a head that was malformed, too long or too late.
///
/// There is no request to take a language from; `random` becomes its identity.
#[must_use]
pub fn raw(status: StatusCode, random: u128) -> Bytes {
    let detail = match status {
        StatusCode::REQUEST_TIMEOUT => "The request did not arrive in time.",
        StatusCode::URI_TOO_LONG => "The request's target is too long.",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "The request's headers are too long.",
        _ => "The request is malformed.",
    };
    answer(status, "request", detail, "", random)
}

/// The class whose pause those are asked for who are refused before their class is known.
const UNKNOWN_CLASS: ClassIndex = 2;

/// An HTTP/1.1 answer that closes the connection, for one that there is no room for.
#[must_use]
pub fn raw_full(random: u128) -> Bytes {
    let seconds = retry::seconds(Refusal::Capacity, UNKNOWN_CLASS, random as u64).unwrap_or(1);
    let retry_after = format!("retry-after: {seconds}\r\n");
    answer(StatusCode::SERVICE_UNAVAILABLE, "capacity", "Too many connections are open.", &retry_after, random)
}

fn answer(status: StatusCode, reason: &str, detail: &str, more: &str, random: u128) -> Bytes {
    let request_id = RequestId::new(&HeaderMap::new(), false, random);
    let request_id = request_id.as_str();
    let title = status.canonical_reason().unwrap_or("Bad Request");
    let code = status.as_str();
    let body = format!(
        "{{\"type\":\"urn:spillway:problem:{reason}\",\"title\":\"{title}\",\"status\":{code},\"detail\":\"{detail}\",\
         \"reason\":\"{reason}\",\"route\":null,\"request_id\":\"{request_id}\",\"forwarded\":false}}"
    );
    let length = body.len();
    Bytes::from(format!(
        "HTTP/1.1 {code} {title}\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\nx-robots-tag: noindex\r\nx-spillway-reason: {reason}\r\n\
         x-request-id: {request_id}\r\n{more}connection: close\r\n\r\n{body}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_complete_answer() {
        let answer = raw(StatusCode::REQUEST_TIMEOUT, 0xabc);
        let text = std::str::from_utf8(&answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())));
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], 408);
        assert_eq!(problem["reason"], "request");
        assert_eq!(problem["request_id"], "00000000000000000000000000000abc");
        assert!(head.contains("\r\nx-request-id: 00000000000000000000000000000abc\r\n"));
    }

    #[test]
    fn who_finds_no_room_is_told_when_to_come_back() {
        let answer = raw_full(0xabc);
        let text = std::str::from_utf8(&answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
        let pause = head.lines().find_map(|line| line.strip_prefix("retry-after: ")).unwrap();
        assert!((4..=8).contains(&pause.parse::<u64>().unwrap()));
        assert!(head.ends_with("\r\nconnection: close"));
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&problem["reason"], &problem["forwarded"]), (&"capacity".into(), &false.into()));
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())));
    }
}
