use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use proptest::prelude::*;
use serde_json::Value;

use super::{Audience, Occasion, Refusal, respond};
use crate::config::settings::Language;
use crate::edge::hygiene::{Fault, RequestId};
use crate::policy::fixture::{policy, route};
use crate::policy::path::PathFault;

const REFUSALS: [Refusal; 17] = [
    Refusal::Limit { limit: 0, retry_after: Duration::from_millis(4_200) },
    Refusal::Capacity,
    Refusal::WaitedOut,
    Refusal::OriginDown,
    Refusal::OriginFailed { forwarded: true },
    Refusal::OriginFailed { forwarded: false },
    Refusal::OriginTimeout { forwarded: true },
    Refusal::Request(Fault::Path(PathFault::BadEscape)),
    Refusal::Request(Fault::Misdirected),
    Refusal::NotFound,
    Refusal::BadMethod,
    Refusal::CrossSite,
    Refusal::RequestTimeout { forwarded: false },
    Refusal::BodyTooLarge { forwarded: true },
    Refusal::BodyMalformed { forwarded: true },
    Refusal::HeadersTooLarge,
    Refusal::Draining,
];

fn audience(method: Method, headers: &[(&str, &str)]) -> Audience {
    let request = Request::builder().method(method);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Audience::of(&request.body(()).unwrap().into_parts().0)
}

fn browser(method: Method, language: &str) -> Audience {
    audience(
        method,
        &[("accept", "text/html,*/*;q=0.8"), ("sec-fetch-dest", "document"), ("accept-language", language)],
    )
}

fn program() -> Audience {
    audience(Method::GET, &[("accept", "*/*")])
}

/// The answer for a request of route `item` in the second class, or of none.
fn answer(refusal: Refusal, audience: &Audience, matched: bool, random: u64) -> Response<Bytes> {
    let policy = policy(&route("item", "/item", ""));
    let request_id = RequestId::new(&HeaderMap::new(), false, 0xabc);
    let route = matched.then_some(0);
    respond(refusal, audience, &Occasion { policy: &policy, request_id: &request_id, route, class: 1, random })
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn every_refusal_says_what_it_is_and_is_not_kept() {
    for refusal in REFUSALS {
        for audience in [program(), browser(Method::GET, "ja")] {
            let response = answer(refusal, &audience, true, 0);
            assert_eq!(response.status(), refusal.status());
            assert_eq!(header(&response, "cache-control"), Some("no-store"));
            assert_eq!(header(&response, "x-robots-tag"), Some("noindex"));
            assert_eq!(header(&response, "x-request-id"), Some("00000000000000000000000000000abc"));
            assert_eq!(header(&response, "x-spillway-reason"), Some(refusal.reason().as_str()));
        }
    }
}

#[test]
fn a_program_gets_a_problem() {
    for refusal in REFUSALS {
        let response = answer(refusal, &program(), true, 0);
        assert_eq!(header(&response, "content-type"), Some("application/problem+json"));
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(problem["status"], refusal.status().as_u16());
        assert_eq!(problem["title"], refusal.status().canonical_reason().unwrap());
        assert_eq!(problem["reason"], refusal.reason().as_str());
        assert_eq!(problem["type"], format!("urn:spillway:problem:{}", refusal.reason().as_str()));
        assert_eq!(problem["route"], "item");
        assert_eq!(problem["request_id"], "00000000000000000000000000000abc");
        assert_eq!(problem["forwarded"], refusal.forwarded());
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{problem}");
        assert_eq!(problem.as_object().unwrap().len(), 8);
    }
    let unmatched: Value = serde_json::from_slice(answer(Refusal::NotFound, &program(), false, 0).body()).unwrap();
    assert_eq!(unmatched["route"], Value::Null);
}

#[test]
fn a_limit_tells_the_truth_to_the_second() {
    let response = answer(REFUSALS[0], &program(), true, 0);
    assert_eq!(response.status(), 429);
    assert_eq!(header(&response, "retry-after"), Some("5"));
    assert_eq!(header(&response, "ratelimit"), Some("\"per-client\";r=0;t=5"));
    assert_eq!(header(&response, "ratelimit-policy"), Some("\"per-client\";q=40;w=2"));
    assert_eq!(header(&answer(Refusal::Capacity, &program(), true, 0), "ratelimit"), None);
}

#[test]
fn capacity_spreads_those_who_come_back() {
    for (random, expected) in [(0, "2"), (1, "3"), (2, "4"), (3, "2")] {
        assert_eq!(header(&answer(Refusal::Capacity, &program(), true, random), "retry-after"), Some(expected));
    }
}

#[test]
fn a_head_is_told_the_length_of_what_it_is_not_sent() {
    let get = answer(Refusal::Capacity, &program(), true, 0);
    let head = answer(Refusal::Capacity, &audience(Method::HEAD, &[]), true, 0);
    assert!(head.body().is_empty());
    assert_eq!(header(&head, "content-length"), Some(get.body().len().to_string().as_str()));
}

#[test]
fn a_browser_gets_a_page_in_its_language_that_loads_nothing() {
    for language in Language::ALL {
        for refusal in REFUSALS {
            let response = answer(refusal, &browser(Method::GET, language.tag()), true, 0);
            let page = std::str::from_utf8(response.body()).unwrap();
            assert_eq!(header(&response, "content-type"), Some("text/html; charset=utf-8"));
            assert_eq!(header(&response, "content-language"), Some(language.tag()));
            assert!(header(&response, "content-security-policy").unwrap().starts_with("default-src 'none';"));
            assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())));
            assert!(page.contains("00000000000000000000000000000abc"));
            assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("http:"), "{page}");
            assert!(page.len() < 3 * 1024, "{} bytes", page.len());
        }
    }
}

#[test]
fn only_the_crowds_page_retries_and_only_what_is_safe() {
    let retries = |refusal, method| {
        let response = answer(refusal, &browser(method, "en"), true, 1);
        let page = std::str::from_utf8(response.body()).unwrap().to_owned();
        page.contains("http-equiv=\"refresh\" content=\"3\"")
    };
    for refusal in [Refusal::Capacity, Refusal::WaitedOut] {
        assert!(retries(refusal, Method::GET));
        assert!(!retries(refusal, Method::POST));
    }
    for refusal in [REFUSALS[0], Refusal::OriginDown, Refusal::NotFound] {
        assert!(!retries(refusal, Method::GET));
    }
}

#[test]
fn a_buyer_is_told_whether_the_order_may_have_gone_through() {
    let page = |refusal| {
        let response = answer(refusal, &browser(Method::POST, "en"), true, 0);
        std::str::from_utf8(response.body()).unwrap().to_owned()
    };
    assert!(page(Refusal::Capacity).contains("safely go back"));
    assert!(page(Refusal::OriginFailed { forwarded: false }).contains("safely go back"));
    assert!(page(Refusal::OriginTimeout { forwarded: true }).contains("check your orders"));
}

proptest! {
    #[test]
    fn nothing_a_client_names_itself_breaks_out(id in "[A-Za-z0-9._:+/=@-]{1,60}") {
        let policy = policy(&route("item", "/item", ""));
        let said = |id: &str, audience: &Audience| {
            let headers = HeaderMap::from_iter([("x-request-id".parse().unwrap(), id.parse().unwrap())]);
            let request_id = RequestId::new(&headers, true, 0);
            let occasion = Occasion { policy: &policy, request_id: &request_id, route: None, class: 0, random: 0 };
            String::from_utf8(respond(Refusal::Capacity, audience, &occasion).into_body().to_vec()).unwrap()
        };
        let problem: Value = serde_json::from_str(&said(&id, &program())).unwrap();
        prop_assert_eq!(&problem["request_id"], &id);
        let tags = |page: String| page.matches(['<', '"']).count();
        let page = said(&id, &browser(Method::GET, "en"));
        prop_assert_eq!(tags(page), tags(said("harmless", &browser(Method::GET, "en"))));
    }
}
