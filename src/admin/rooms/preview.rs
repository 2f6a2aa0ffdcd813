//! A waiting page as it would look.

use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;

use super::{absent, find};
use crate::admin::Admin;
use crate::admin::answer::{Answer, problem, text, with};
use crate::edge::waiting::page::Preview;

/// Shows the page of a room in the state that `body` describes; without a body as somebody who waits would see it.
pub(in crate::admin) fn preview(admin: &Admin, name: &str, body: &[u8]) -> Answer {
    let Some((settings, handle)) = find(admin, name) else { return absent(name) };
    let unprocessable = |detail: &str| problem(StatusCode::UNPROCESSABLE_ENTITY, detail);
    let described = if body.is_empty() { Ok(Preview::default()) } else { serde_json::from_slice::<Preview>(body) };
    let preview = match described {
        Ok(preview) => preview,
        Err(error) => return unprocessable(&format!("the body is not what a preview is made from: {error}")),
    };
    match preview.paint(&settings, handle.painter.as_ref(), Timestamp::now()) {
        Ok(page) => with(text("text/html; charset=utf-8", page.body), confined(&page.policy)),
        Err(why) => unprocessable(&why),
    }
}

/// The policy of the page, and no part of this address for what it runs: a template's script must not reach the API.
fn confined(policy: &HeaderValue) -> Option<(http::HeaderName, HeaderValue)> {
    let policy = format!("{}; sandbox allow-scripts", policy.to_str().unwrap_or("default-src 'none'"));
    Some((CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy).ok()?))
}
