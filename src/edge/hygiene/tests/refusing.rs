use http::Version;
use proptest::prelude::*;

use super::{Fault, cleartext, get, h2, inspect, ip, judge, request};
use crate::edge::hygiene::Connection;
use crate::policy::path::PathFault;

#[test]
fn an_ordinary_request_is_itself() {
    let parts = get("/item/7?q=%2F..", &[("accept", "*/*"), ("content-length", "12")]);
    let target = judge(&parts).unwrap();
    assert_eq!((target.host(), target.path(&parts.uri)), ("shop", "/item/7"));
    assert_eq!(target.content_length(), Some(12));
    assert!(!target.is_rewritten() && !target.is_websocket() && !target.expects_continue());
}

#[test]
fn one_exact_chunked_is_the_only_transfer_coding() {
    for (codings, fine) in [
        (&["chunked"][..], true),
        (&["Chunked"], true),
        (&["gzip, chunked"], false),
        (&["identity, chunked"], false),
        (&["chunked, chunked"], false),
        (&["chunked", "chunked"], false),
        (&["identity"], false),
        (&["gzip"], false),
        (&["chunked;q=1"], false),
        (&["xchunked"], false),
        (&[""], false),
    ] {
        let headers: Vec<_> = codings.iter().map(|coding| ("transfer-encoding", *coding)).collect();
        let verdict = judge(&get("/", &headers)).err();
        assert_eq!(verdict, (!fine).then_some(Fault::TransferEncoding), "{codings:?}");
    }
}

#[test]
fn a_transfer_coding_is_for_http_1_1_and_alone() {
    let mut old = get("/", &[("transfer-encoding", "chunked")]);
    old.version = Version::HTTP_10;
    assert_eq!(judge(&old).err(), Some(Fault::TransferEncoding));
    assert_eq!(judge(&h2(old)).err(), Some(Fault::TransferEncoding));
    let both = get("/", &[("transfer-encoding", "chunked"), ("content-length", "3")]);
    assert_eq!(judge(&both).err(), Some(Fault::ContentLength));
}

#[test]
fn a_length_is_one_number() {
    for lengths in
        [&["1", "1"][..], &["1", "2"], &["+1"], &["-1"], &["1, 1"], &["0x1"], &[""], &[" "], &["99999999999999999999"]]
    {
        let headers: Vec<_> = lengths.iter().map(|length| ("content-length", *length)).collect();
        assert_eq!(judge(&get("/", &headers)).err(), Some(Fault::ContentLength), "{lengths:?}");
    }
}

#[test]
fn a_request_names_one_host() {
    assert_eq!(judge(&request("GET", "/", &[])).err(), Some(Fault::NoHost));
    assert_eq!(judge(&request("GET", "/", &[("host", "a"), ("host", "a")])).err(), Some(Fault::SeveralHosts));
    assert_eq!(judge(&request("GET", "/", &[("host", "a b")])).err(), Some(Fault::BadHost));
    assert_eq!(judge(&request("GET", "/", &[("host", "")])).err(), Some(Fault::BadHost));
    assert_eq!(judge(&request("GET", "/", &[("host", "me@a")])).err(), Some(Fault::Userinfo));
    let target = judge(&request("GET", "/", &[("host", "Shop.EXAMPLE:8080")])).unwrap();
    assert_eq!((target.host(), target.authority().port()), ("shop.example", Some(8080)));
}

#[test]
fn target_and_host_agree() {
    for (uri, host, expected) in [
        ("http://shop/", Some("shop"), None),
        ("http://Shop:80/", Some("shop"), None),
        ("http://shop:81/", Some("shop"), Some(Fault::AuthorityMismatch)),
        ("http://other/", Some("shop"), Some(Fault::AuthorityMismatch)),
        ("http://shop/", None, None),
        ("http://me:secret@shop/", Some("shop"), Some(Fault::Userinfo)),
        ("ftp://shop/", Some("shop"), Some(Fault::TargetForm)),
        ("shop:80", Some("shop"), Some(Fault::TargetForm)),
    ] {
        let host: Vec<_> = host.iter().map(|host| ("host", *host)).collect();
        let parts = request("GET", uri, &host);
        assert_eq!(judge(&parts).err(), expected, "{uri}");
        assert_eq!(judge(&h2(parts)).err(), expected, "{uri} over HTTP/2");
    }
}

#[test]
fn a_connection_serves_the_name_it_was_opened_for() {
    let tls = |sni| Connection::new(ip("192.0.2.1"), true, sni);
    let parts = request("GET", "/", &[("host", "Shop.example:8443")]);
    assert_eq!(inspect(&parts, &tls(Some("shop.EXAMPLE")), 99).err(), None);
    assert_eq!(inspect(&parts, &tls(None), 99).err(), None);
    assert_eq!(inspect(&parts, &tls(Some("other.example")), 99).err(), Some(Fault::Misdirected));
    assert_eq!(Fault::Misdirected.status(), 421);
}

#[test]
fn ambiguous_paths_are_refused_and_the_others_normalised() {
    assert_eq!(judge(&get("/a%2fb", &[])).err(), Some(Fault::Path(PathFault::AmbiguousSeparator)));
    assert_eq!(judge(&get("/a/%2e%2e/../b", &[])).err(), Some(Fault::Path(PathFault::AboveRoot)));
    assert_eq!(judge(&get("/a%00", &[])).err(), Some(Fault::Path(PathFault::ControlByte)));
    let parts = get("/a/b/../%2e%2e//checkout?x=../%2f", &[]);
    let target = judge(&parts).unwrap();
    assert_eq!(target.path(&parts.uri), "/checkout");
    assert!(target.is_rewritten());
}

#[test]
fn targets_have_a_form_and_a_length() {
    assert_eq!(judge(&request("CONNECT", "shop:443", &[("host", "shop:443")])).err(), Some(Fault::Connect));
    assert_eq!(judge(&get("*", &[])).err(), Some(Fault::TargetForm));
    let options = request("OPTIONS", "*", &[("host", "shop")]);
    assert_eq!(judge(&options).unwrap().path(&options.uri), "*");
    let parts = get("/12345?89", &[]);
    assert_eq!(inspect(&parts, &cleartext(), 9).err(), None);
    assert_eq!(inspect(&parts, &cleartext(), 8).err(), Some(Fault::UriTooLong));
}

#[test]
fn only_one_expectation_can_be_met() {
    assert!(judge(&get("/", &[("expect", "100-Continue")])).unwrap().expects_continue());
    assert_eq!(judge(&get("/", &[("expect", "200-ok")])).err(), Some(Fault::Expect));
    assert_eq!(judge(&get("/", &[("expect", "100-continue"), ("expect", "x")])).err(), Some(Fault::Expect));
}

#[test]
fn a_websocket_is_asked_for_in_one_way() {
    let upgrade = |method, connection, protocol| {
        judge(&request(method, "/", &[("host", "shop"), ("connection", connection), ("upgrade", protocol)])).unwrap()
    };
    assert!(upgrade("GET", "keep-alive, Upgrade", "WebSocket").is_websocket());
    assert!(!upgrade("POST", "upgrade", "websocket").is_websocket());
    assert!(!upgrade("GET", "keep-alive", "websocket").is_websocket());
    assert!(!upgrade("GET", "upgrade, http2-settings", "h2c").is_websocket());
    assert!(!upgrade("GET", "upgrade", "websocket, h2c").is_websocket());
}

#[test]
fn a_fault_in_the_framing_ends_the_connection() {
    for fault in [Fault::TransferEncoding, Fault::ContentLength, Fault::SeveralHosts, Fault::NoHost, Fault::Connect] {
        assert!(fault.closes(), "{fault}");
        assert_eq!(fault.status(), 400);
    }
    assert!(!Fault::Misdirected.closes());
}

proptest! {
    #[test]
    fn no_head_is_too_odd(
        uri in "/[!-~]{0,20}|\\*|https?://[a-z@:0-9\\[\\].]{1,12}/?[a-z/]{0,6}",
        headers in proptest::collection::vec((0_usize..8, "[ -~]{0,16}"), 0..6),
    ) {
        const NAMES: [&str; 8] =
            ["host", "transfer-encoding", "content-length", "connection", "upgrade", "expect", "te", "x_y"];
        prop_assume!(uri.parse::<http::Uri>().is_ok());
        let headers: Vec<_> = headers.iter().map(|(name, value)| (NAMES[*name], value.as_str())).collect();
        if let Ok(target) = judge(&request("GET", &uri, &headers)) {
            prop_assert!(!target.host().is_empty());
            prop_assert_eq!(target.host().to_ascii_lowercase(), target.host());
        }
    }
}
