//! How a request would be judged.

use std::net::{IpAddr, Ipv4Addr};

use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::Admin;
use super::answer::{Answer, json, problem, refused};
use super::fields::Fields;
use crate::control::in_force::Refusal;
use crate::edge::hygiene::Rehearsal;

/// What may be said of a request.
const KNOWN: [&str; 4] = ["method", "url", "headers", "peer"];

/// Judges the request described in `body` by the policy in force, without counting it.
pub(super) fn explain(admin: &Admin, body: &[u8]) -> Answer {
    let request = match Described::read(body) {
        Ok(request) => request,
        Err(refusal) => return refused(&refusal),
    };
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let explanation = Rehearsal::new(&request.method, &request.url, headers, request.peer)
        .map(|rehearsal| rehearsal.explain(&admin.shared.live.load().policy, Timestamp::now()));
    match explanation.map(serde_json::to_value) {
        Ok(Ok(explanation)) => json(&explanation),
        Ok(Err(error)) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(unsendable) => problem(StatusCode::UNPROCESSABLE_ENTITY, &unsendable.to_string()),
    }
}

/// A request in words.
#[derive(Debug)]
struct Described {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    peer: IpAddr,
}

impl Described {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let mut fields = Fields::read(body)?;
        let method = fields.text("method").unwrap_or_else(|| "GET".to_owned());
        let url = fields.text("url");
        if url.is_none() {
            fields.wrong::<()>("url", "an URL is needed, or a path with a Host header".to_owned());
        }
        let headers = headers(&mut fields);
        let peer = fields.text("peer").map(|text| {
            let parsed = text.parse().ok();
            parsed.or_else(|| fields.wrong("peer", format!("{text:?} is not an IP address")))
        });
        fields.finish(&KNOWN)?;
        let peer = peer.flatten().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Ok(Self { method, url: url.unwrap_or_default(), headers, peer })
    }
}

/// Values by name; a list of values is a header that comes several times.
fn headers(fields: &mut Fields) -> Vec<(String, String)> {
    let headers = match fields.take("headers") {
        None => return Vec::new(),
        Some(Json::Object(headers)) => headers,
        Some(other) => {
            fields.wrong::<()>("headers", format!("{other} is not an object of text by name"));
            return Vec::new();
        }
    };
    let mut lines = Vec::new();
    for (name, value) in headers {
        let values = if let Json::Array(values) = value { values } else { vec![value] };
        for value in values {
            match value {
                Json::String(value) => lines.push((name.clone(), value)),
                other => drop(fields.wrong::<()>(&format!("headers.{name}"), format!("{other} is not text"))),
            }
        }
    }
    lines
}
