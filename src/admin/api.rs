//! From a request to what is done about it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_SECURITY_POLICY};
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::answer::{Answer, problem, text, with};
use super::resource::Resource;
use super::{Site, explain, overrides, policy, rooms, status};
use crate::control::overrides::Target;
use crate::telemetry::metrics::CONTENT_TYPE;

/// The longest policy: ten thousand routes are about two of these.
const LONGEST_POLICY: usize = 16 << 20;
/// The longest body of anything else.
const LONGEST_BODY: usize = 64 << 10;
/// A body must be complete within this.
const BODY: Duration = Duration::from_secs(30);

/// Answers a request.
pub(super) async fn answer(site: &Site, request: Request<Incoming>, peer: SocketAddr) -> Answer {
    let (parts, body) = request.into_parts();
    let found = Resource::at(parts.uri.path());
    if !found.as_ref().is_some_and(Resource::is_public)
        && let Err(refused) = site.guard.admit(&parts.headers)
    {
        return *refused;
    }
    let Some(resource) = found else {
        return problem(StatusCode::NOT_FOUND, "there is no such resource; GET / lists them");
    };
    if !resource.methods().contains(&parts.method) {
        return not_allowed(&resource);
    }
    match read(body, &resource).await {
        Ok(body) => respond(site, resource, &parts, body, &peer.ip().to_string()).await,
        Err(refused) => *refused,
    }
}

async fn respond(site: &Site, resource: Resource, parts: &Parts, body: Bytes, actor: &str) -> Answer {
    let admin = &site.admin;
    match resource {
        Resource::Page => page(),
        Resource::Alive => text("text/plain", "alive\n"),
        Resource::Ready if admin.lifecycle.is_ready() => text("text/plain", "ready\n"),
        Resource::Ready => problem(StatusCode::SERVICE_UNAVAILABLE, admin.lifecycle.word()),
        Resource::Metrics => metrics(site).await,
        Resource::Status => status::status(admin),
        Resource::Errors => status::errors(admin),
        Resource::Policy if parts.method == Method::PUT => policy::put(&admin.policies, parts, &body, actor).await,
        Resource::Policy => policy::get(&admin.policies, &parts.headers),
        Resource::Revisions => policy::revisions(&admin.policies),
        Resource::Revision(number) => policy::revision(&admin.policies, number).await,
        Resource::Restore(number) => policy::restore(&admin.policies, number, actor).await,
        Resource::Limits => overrides::limits(admin),
        Resource::Origins => overrides::origins(admin),
        Resource::Rooms => rooms::list(admin),
        Resource::Room(name, action) => rooms::act(admin, &name, action, &body, actor).await,
        Resource::Preview(name) => rooms::preview(admin, &name, &body),
        Resource::RotateKeys => rooms::rotate_keys(admin, actor).await,
        Resource::Target(Target::Room(name)) if parts.method == Method::PATCH => {
            rooms::patch(admin, &name, parts.uri.query(), &body, actor).await
        }
        Resource::Target(target) => match parts.method {
            Method::PATCH if parts.uri.query().is_some() => {
                problem(StatusCode::BAD_REQUEST, "only a change of the policy or of a room can be tried out")
            }
            Method::PATCH => overrides::patch(admin, target, &body, actor).await,
            Method::DELETE => overrides::delete(admin, target, actor).await,
            _ => overrides::get(admin, &target),
        },
        Resource::Explain => explain::explain(admin, &body),
    }
}

async fn read(body: Incoming, resource: &Resource) -> Result<Bytes, Box<Answer>> {
    let longest = if *resource == Resource::Policy { LONGEST_POLICY } else { LONGEST_BODY };
    let refused = |status, detail: &str| Err(Box::new(problem(status, detail)));
    match tokio::time::timeout(BODY, Limited::new(body, longest).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            refused(StatusCode::PAYLOAD_TOO_LARGE, &format!("a body here is at most {longest} bytes long"))
        }
        Ok(Err(error)) => refused(StatusCode::BAD_REQUEST, &format!("the body broke off: {error}")),
        Err(_) => refused(StatusCode::REQUEST_TIMEOUT, "the body took too long"),
    }
}

/// Gathering walks every series; others are answered meanwhile.
async fn metrics(site: &Site) -> Answer {
    let metrics = site.admin.metrics.clone();
    match tokio::task::spawn_blocking(move || metrics.gather()).await {
        Ok(gathered) => text(CONTENT_TYPE, gathered),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be gathered; the log says more"),
    }
}

fn page() -> Answer {
    let nothing_foreign = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
    let header = (CONTENT_SECURITY_POLICY, HeaderValue::from_static(nothing_foreign));
    with(text("text/html; charset=utf-8", include_str!("page.html")), [header])
}

fn not_allowed(resource: &Resource) -> Answer {
    let methods: Vec<&str> = resource.methods().iter().map(Method::as_str).collect();
    let answer = problem(StatusCode::METHOD_NOT_ALLOWED, &format!("this answers to {}", methods.join(", ")));
    match HeaderValue::try_from(methods.join(", ")) {
        Ok(methods) => with(answer, [(ALLOW, methods)]),
        Err(_) => answer,
    }
}
