//! How the admin API answers.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value as Json, json};

use crate::config::Problem;
use crate::control::actor::Failed;
use crate::control::in_force::Refusal;

/// An answer.
pub(super) type Answer = Response<Full<Bytes>>;

/// A JSON document.
pub(super) fn json(document: &Json) -> Answer {
    typed(StatusCode::OK, "application/json", document.to_string())
}

/// Text of a media type.
pub(super) fn text(media_type: &'static str, text: impl Into<Bytes>) -> Answer {
    typed(StatusCode::OK, media_type, text)
}

/// An error, as RFC 9457 wants it.
pub(super) fn problem(status: StatusCode, detail: &str) -> Answer {
    problem_with(status, detail, json!({}))
}

/// What kept the policy from changing.
pub(super) fn refused(refusal: &Refusal) -> Answer {
    let detail = refusal.to_string();
    match refusal {
        Refusal::Wrong(problems) => {
            let problems: Vec<Json> = problems.iter().map(mistake).collect();
            problem_with(StatusCode::UNPROCESSABLE_ENTITY, &detail, json!({ "problems": problems }))
        }
        Refusal::Stale => problem(StatusCode::PRECONDITION_FAILED, &detail),
        Refusal::NoRevision(_) => problem(StatusCode::NOT_FOUND, &detail),
        Refusal::HandingOver => {
            with(problem(StatusCode::SERVICE_UNAVAILABLE, &detail), [(RETRY_AFTER, HeaderValue::from_static("1"))])
        }
        Refusal::Unreadable { .. } | Refusal::NotKept(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, &detail),
    }
}

/// What kept the change from being made at all.
pub(super) fn failed(failed: &Failed) -> Answer {
    problem(StatusCode::INTERNAL_SERVER_ERROR, &failed.to_string())
}

/// The same answer with more headers.
pub(super) fn with(mut answer: Answer, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Answer {
    answer.headers_mut().extend(headers);
    answer
}

/// A mistake of a configuration, or of a request that would make it one.
pub(super) fn mistake(problem: &Problem) -> Json {
    json!({
        "line": problem.line,
        "column": problem.column,
        "key": problem.key,
        "message": problem.message,
        "suggestion": problem.suggestion,
    })
}

fn problem_with(status: StatusCode, detail: &str, more: Json) -> Answer {
    let mut document = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
    });
    if let (Some(document), Json::Object(more)) = (document.as_object_mut(), more) {
        document.extend(more);
    }
    typed(status, "application/problem+json", document.to_string())
}

fn typed(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    with(answer, headers)
}
