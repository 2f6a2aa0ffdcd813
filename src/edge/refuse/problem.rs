//! A refusal for programs: `application/problem+json`.

use std::io::Write;

use http::StatusCode;

use super::{Occasion, Refusal};
use crate::policy::verdict::Reason;

/// Appends the problem to `text`.
pub(super) fn write(text: &mut Vec<u8>, refusal: Refusal, occasion: &Occasion<'_>) {
    let said = Said { status: refusal.status(), reason: refusal.reason(), forwarded: refusal.forwarded() };
    begin(text, said, occasion, |text| push_detail(text, refusal));
    text.push(b'}');
}

/// What every problem says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    /// The status it is answered with.
    pub(crate) status: StatusCode,
    /// Why.
    pub(crate) reason: Reason,
    /// Whether the origin may have seen the request.
    pub(crate) forwarded: bool,
}

/// Appends what every problem says, without the brace that ends it. `detail` writes one sentence that needs no escaping.
pub(crate) fn begin(text: &mut Vec<u8>, said: Said, occasion: &Occasion<'_>, detail: impl FnOnce(&mut Vec<u8>)) {
    let reason = said.reason.as_str().as_bytes();
    text.extend_from_slice(b"{\"type\":\"urn:spillway:problem:");
    text.extend_from_slice(reason);
    text.extend_from_slice(b"\",\"title\":\"");
    text.extend_from_slice(said.status.canonical_reason().unwrap_or_default().as_bytes());
    text.extend_from_slice(b"\",\"status\":");
    text.extend_from_slice(said.status.as_str().as_bytes());
    text.extend_from_slice(b",\"detail\":\"");
    detail(text);
    text.extend_from_slice(b"\",\"reason\":\"");
    text.extend_from_slice(reason);
    match occasion.route {
        Some(route) => {
            text.extend_from_slice(b"\",\"route\":\"");
            push_escaped(text, occasion.policy.route_name(route));
            text.push(b'"');
        }
        None => text.extend_from_slice(b"\",\"route\":null"),
    }
    text.extend_from_slice(b",\"request_id\":\"");
    push_escaped(text, occasion.request_id.as_str());
    text.extend_from_slice(if said.forwarded { b"\",\"forwarded\":true" } else { b"\",\"forwarded\":false" });
}

/// One sentence that needs no escaping.
fn push_detail(text: &mut Vec<u8>, refusal: Refusal) {
    let detail = match refusal {
        Refusal::Limit { .. } => "Too many requests were made; this one was not forwarded.",
        Refusal::Capacity => "The shop is at capacity; this request was not forwarded.",
        Refusal::WaitedOut => "The shop stayed at capacity while this request waited; it was not forwarded.",
        Refusal::OriginDown => "No server of the shop is available; this request was not forwarded.",
        Refusal::OriginFailed { .. } => "The shop's server did not complete its answer.",
        Refusal::OriginTimeout { .. } => "The shop's server did not answer in time.",
        Refusal::Request(fault) => {
            // Writing to a vector does not fail.
            let _ = write!(text, "{fault}");
            return;
        }
        Refusal::NotFound => "Nothing is served under this address.",
        Refusal::BadMethod => "This address does not take that method.",
        Refusal::CrossSite => "This is not taken from a page of another site.",
        Refusal::RequestTimeout { .. } => "The request did not arrive in time.",
        Refusal::BodyTooLarge { .. } => "The request's body is too long.",
        Refusal::BodyMalformed { .. } => "The request's body is malformed.",
        Refusal::HeadersTooLarge => "The request's headers are too long.",
        Refusal::Draining => "This server is shutting down; the request was not forwarded.",
    };
    text.extend_from_slice(detail.as_bytes());
}

/// Appends the inside of a JSON string.
pub(crate) fn push_escaped(text: &mut Vec<u8>, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => text.extend_from_slice(&[b'\\', byte]),
            0..=0x1f => drop(write!(text, "\\u{byte:04x}")),
            _ => text.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_survives_as_json(value in ".{0,40}|[\\x00-\\x2f\"\\\\]{0,20}") {
            let mut text = vec![b'"'];
            push_escaped(&mut text, &value);
            text.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&text).unwrap(), value);
        }
    }
}
