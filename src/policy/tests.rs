use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;

use super::class::{Ground, Unattended};
use super::fixture::{compile, policy, route};
use super::journey::{Journey, JourneyKeys};
use super::{Policy, path};
use crate::limit::{Key, KeyHasher};

fn found<'a>(policy: &'a Policy, host: &str, path: &str, method: &Method) -> Option<&'a str> {
    policy.route(host, path, method).map(|route| policy.route_name(route))
}

fn get<'a>(policy: &'a Policy, path: &str) -> Option<&'a str> {
    found(policy, "shop.example", path, &Method::GET)
}

#[test]
fn the_most_specific_path_wins() {
    let policy = policy(
        &[
            route("rest", "/{*rest}", ""),
            route("item", "/item/{id}", ""),
            route("new", "/item/new", ""),
            route("pdf", "/item/{id}.pdf", ""),
            route("pay", "/pay/{*rest}", ""),
            route("pay-slash", "/pay/", ""),
        ]
        .concat(),
    );
    for (path, expected) in [
        ("/", "rest"),
        ("/a/b/c", "rest"),
        ("/item/7", "item"),
        ("/item/new", "new"),
        ("/item/7.pdf", "pdf"),
        ("/item/7/more", "rest"),
        ("/item", "rest"),
        ("/pay", "pay"),
        ("/pay/", "pay-slash"),
        ("/pay/now", "pay"),
        ("/payday", "rest"),
        ("*", "rest"),
    ] {
        assert_eq!(get(&policy, path), Some(expected), "{path}");
    }
}

#[test]
fn a_host_beats_a_path() {
    let policy = policy(
        &[
            route("any-precise", "/item/new", ""),
            route("any", "/{*rest}", ""),
            route("exact", "/{*rest}", "host = \"shop.example\"\nmethods = [\"GET\"]"),
            route("sub", "/{*rest}", "host = \"*.shop.example\""),
            route("subsub", "/x", "host = \"*.eu.shop.example\""),
        ]
        .concat(),
    );
    for (host, path, expected) in [
        ("shop.example", "/item/new", "exact"),
        ("SHOP.Example", "/item/new", "exact"),
        ("a.shop.example", "/item/new", "sub"),
        ("a.eu.shop.example", "/x", "subsub"),
        ("a.eu.shop.example", "/y", "sub"),
        ("eu.shop.example", "/x", "sub"),
        ("notshop.example", "/item/new", "any-precise"),
        (".shop.example", "/x", "any"),
        ("", "/x", "any"),
    ] {
        assert_eq!(found(&policy, host, path, &Method::GET), Some(expected), "{host}{path}");
    }
    // What the exact host does not take falls through to any host.
    assert_eq!(found(&policy, "shop.example", "/item/new", &Method::POST), Some("any-precise"));
    assert_eq!(found(&policy, &"A".repeat(300), "/x", &Method::GET), Some("any"));
}

#[test]
fn a_route_that_does_not_take_the_method_hides_nothing() {
    let policy = policy(
        &[
            route("read", "/x", "methods = [\"GET\"]"),
            route("rest", "/{*rest}", ""),
            route("login-post", "/login", "methods = [\"POST\"]"),
            route("login", "/login", ""),
            route("pay-post", "/pay/{*rest}", "methods = [\"POST\"]"),
            route("pay", "/pay/{*rest}", ""),
        ]
        .concat(),
    );
    for (method, path, expected) in [
        (Method::GET, "/x", "read"),
        (Method::POST, "/x", "rest"),
        (Method::DELETE, "/x", "rest"),
        (Method::POST, "/login", "login-post"),
        (Method::GET, "/login", "login"),
        (Method::POST, "/pay", "pay-post"),
        (Method::POST, "/pay/1", "pay-post"),
        (Method::PUT, "/pay", "pay"),
    ] {
        assert_eq!(found(&policy, "shop", path, &method), Some(expected), "{method} {path}");
    }
}

#[test]
fn what_no_route_takes_is_nobodys() {
    let policy = policy(&route("read", "/x", "methods = [\"GET\"]\nhost = \"shop.example\""));
    assert_eq!(get(&policy, "/x"), Some("read"));
    assert_eq!(get(&policy, "/y"), None);
    assert_eq!(found(&policy, "shop.example", "/x", &Method::HEAD), None);
    assert_eq!(found(&policy, "other.example", "/x", &Method::GET), None);
}

#[test]
fn routes_that_tie_are_named_with_their_lines_once() {
    let routes = [
        route("first", "/a/{id}", ""),
        route("second", "/a/{name}", ""),
        route("third", "/b", "methods = [\"GET\", \"POST\"]"),
        route("fourth", "/b", "methods = [\"POST\"]"),
        route("fifth", "/c/page-{x}", ""),
        route("sixth", "/c/{x}.html", "methods = [\"GET\"]"),
    ];
    let problems = compile(&routes.concat()).unwrap_err();
    let lines: Vec<_> = problems.iter().map(|problem| (problem.key.as_str(), &problem.message)).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for ((key, names), (found_key, message)) in [
        ("route[1].path", ["first", "second"]),
        ("route[3].path", ["third", "fourth"]),
        ("route[5].path", ["fifth", "sixth"]),
    ]
    .into_iter()
    .zip(lines)
    {
        assert_eq!(key, found_key, "{message}");
        assert!(names.iter().all(|name| message.contains(name)) && message.contains("line "), "{message}");
    }
}

#[test]
fn every_bad_pattern_is_reported_with_its_line() {
    let problems =
        compile(&[route("a", "/x/../y", ""), route("b", "/ok", ""), route("c", "/a//b", "")].concat()).unwrap_err();
    let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["route[0].path", "route[2].path"]);
    assert!(problems.iter().all(|problem| problem.line > 1));
}

#[test]
fn ten_thousand_routes_compile_quickly() {
    let routes: Vec<_> = (0..10_000)
        .map(|n| match n % 3 {
            0 => route(&format!("r{n}"), &format!("/shop/{n}/{{*rest}}"), ""),
            1 => route(&format!("r{n}"), &format!("/item-{n}/{{id}}"), "methods = [\"GET\"]"),
            _ => route(&format!("r{n}"), "/{*rest}", &format!("host = \"h{n}.example\"")),
        })
        .collect();
    let first = policy(&routes.concat());
    let began = Instant::now();
    let again = Policy::compile(first.settings, 8).unwrap();
    // Fifty milliseconds with optimisation; this is to notice what grows with the square.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(get(&again, "/shop/9000/x"), Some("r9000"));
    assert_eq!(found(&again, "h8000.example", "/", &Method::GET), Some("r8000"));
}

fn keys(policy: &Policy, ip: &str, headers: &[(&'static str, &'static str)]) -> Vec<Key> {
    static HASHER: std::sync::LazyLock<KeyHasher> = std::sync::LazyLock::new(KeyHasher::random);
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_static(value));
    }
    let ip: IpAddr = ip.parse().unwrap();
    (0..policy.settings.limits.len()).map(|limit| policy.limit_key(limit, ip, &map, &HASHER)).collect()
}

#[test]
fn limits_count_what_they_say() {
    let policy = policy(&route("a", "/", ""));
    let index = |name: &str| policy.settings.limits.iter().position(|limit| limit.name == name).unwrap();
    let plain = keys(&policy, "192.0.2.1", &[]);
    let named = keys(&policy, "192.0.2.1", &[("x-api-key", "k"), ("cookie", "a=b; x-api-key=k; sid=k")]);
    let elsewhere = keys(&policy, "192.0.2.2", &[("x-api-key", "k"), ("cookie", "x-api-key=k; sid=k")]);
    for limit in ["by-header", "by-cookie", "shopper"] {
        assert_eq!(plain[index(limit)], plain[index("per-client")], "{limit} falls back to the address");
        assert_eq!(named[index(limit)], elsewhere[index(limit)], "{limit} follows the value");
        assert_ne!(named[index(limit)], plain[index(limit)], "{limit} tells a value from an address");
    }
    let by_value = ["by-header", "by-cookie", "shopper"].map(|limit| named[index(limit)]);
    assert!(by_value[0] != by_value[1] && by_value[1] != by_value[2] && by_value[0] != by_value[2]);
    assert_ne!(named[index("per-client")], elsewhere[index("per-client")]);
    assert_eq!(plain[index("all")], Key::GLOBAL);
}

#[test]
fn a_limit_announces_its_quota_and_window() {
    let policy = policy(&route("a", "/", ""));
    let announced = |limit| policy.limit_policy(limit).unwrap().to_str().unwrap().to_owned();
    let index = |name: &str| policy.settings.limits.iter().position(|limit| limit.name == name).unwrap();
    assert_eq!(announced(index("per-client")), "\"per-client\";q=40;w=2");
    assert_eq!(announced(index("by-header")), "\"by-header\";q=7;w=84");
}

#[test]
fn a_journey_lifts_but_never_lowers() {
    let policy = policy(
        &[
            route("rest", "/{*rest}", ""),
            route("checkout", "/checkout", "journey = true").replace("\"browse\"", "\"checkout\""),
            route("wish", "/wish", "journey = true"),
        ]
        .concat(),
    );
    let keys = JourneyKeys::new(&[7; 32]);
    let of = |path: &str| policy.route("shop", path, &Method::GET).unwrap();
    let journey = |path: &str| {
        let class = policy.journey_class(of(path)).unwrap();
        keys.verify(keys.sign(class, 100, 1).as_bytes(), 101).unwrap()
    };
    assert!(policy.has_journeys());
    assert_eq!(policy.journey_class(of("/x")), None);
    let class = |path: &str, journey: Option<&Journey>| {
        let (class, _) = policy.class(of(path), journey, &Method::GET, &HeaderMap::new()).unwrap();
        policy.class_name(class)
    };
    assert_eq!(class("/x", None), "browse");
    assert_eq!(class("/x", Some(&journey("/checkout"))), "checkout");
    assert_eq!(class("/checkout", Some(&journey("/wish"))), "checkout");
    let gone = keys.sign(super::journey::ClassId::of("a class that was renamed"), 100, 1);
    assert_eq!(class("/x", keys.verify(gone.as_bytes(), 101).as_ref()), "browse");
}

#[test]
fn what_nobody_waits_for_counts_as_the_last_class_that_may_not_wait() {
    const BACKGROUND: &str = "[[class]]\nname = \"feed\"\nmax_wait = \"0s\"\n[[class]]\nname = \"background\"\n\
        max_wait = \"0s\"\n[[class]]\nname = \"other\"\n";
    let routes = [
        route("rest", "/{*rest}", ""),
        route("checkout", "/checkout", "journey = true").replace("\"browse\"", "\"checkout\""),
        route("other", "/other", "").replace("\"browse\"", "\"other\""),
    ];
    let with = policy(&(BACKGROUND.to_owned() + &routes.concat()));
    let without = policy(&routes[..2].concat());
    let crawler = HeaderMap::from_iter([(http::header::USER_AGENT, HeaderValue::from_static("Googlebot/2.1"))]);
    let keys = JourneyKeys::new(&[7; 32]);
    let checkout = with.journey_class(with.route("shop", "/checkout", &Method::GET).unwrap()).unwrap();
    let on_journey = keys.verify(keys.sign(checkout, 100, 1).as_bytes(), 101).unwrap();
    let class = |policy: &Policy, path: &str, journey, headers| {
        let route = policy.route("shop", path, &Method::GET).unwrap();
        let (class, ground) = policy.class(route, journey, &Method::GET, headers).unwrap();
        (policy.class_name(class).to_owned(), ground)
    };
    let lowered = Ground::Unattended(Unattended::Crawler);
    for (policy, path, journey, headers, expected) in [
        (&with, "/x", None, &crawler, ("background", lowered)),
        (&with, "/x", None, &HeaderMap::new(), ("browse", Ground::Route)),
        (&with, "/x", Some(&on_journey), &crawler, ("checkout", Ground::Journey)),
        (&with, "/checkout", None, &crawler, ("checkout", Ground::Route)),
        (&with, "/other", None, &crawler, ("other", Ground::Route)),
        (&without, "/x", None, &crawler, ("browse", Ground::Route)),
    ] {
        let (name, ground) = class(policy, path, journey, headers);
        assert_eq!((&*name, ground), expected, "{path} {headers:?}");
    }
}

/// What a table of routes means, said in the slowest and plainest way.
fn plainly<'a>(routes: &[(&'a str, &'a str, Option<Method>)], path: &str, method: &Method) -> Option<&'a str> {
    let rank = |pattern: &str| -> Option<Vec<u8>> {
        let mut ranks = Vec::new();
        let mut rest = path.split('/').skip(1);
        for segment in pattern.split('/').skip(1) {
            match (segment, rest.next()) {
                ("{*rest}", _) => {
                    ranks.push(2);
                    return Some(ranks);
                }
                ("{id}", Some(given)) if !given.is_empty() => ranks.push(1),
                (segment, Some(given)) if segment == given => ranks.push(0),
                _ => return None,
            }
        }
        rest.next().is_none().then_some(ranks)
    };
    let fitting = routes.iter().filter(|(.., takes)| takes.as_ref().is_none_or(|takes| takes == method));
    let ranked = fitting.filter_map(|(name, pattern, takes)| Some((rank(pattern)?, takes.is_none(), *name)));
    ranked.min().map(|(.., name)| name)
}

proptest! {
    #[test]
    fn the_trees_agree_with_the_plain_reading(
        which in proptest::collection::btree_set((0_usize..9, 0_usize..3), 1..12),
        path in "(/(a|b|c)){0,3}/?",
        post: bool,
    ) {
        const PATTERNS: [&str; 9] =
            ["/a", "/a/b", "/a/{id}", "/{id}/b", "/a/{*rest}", "/{*rest}", "/a/b/{*rest}", "/b/{id}/c", "/{id}"];
        let path = if path.is_empty() { "/" } else { &path };
        let methods = [None, Some(Method::GET), Some(Method::POST)];
        let names: Vec<_> = which.iter().map(|(pattern, method)| format!("r{pattern}-{method}")).collect();
        let routes: Vec<_> = which
            .iter()
            .zip(&names)
            .map(|((pattern, method), name)| (name.as_str(), PATTERNS[*pattern], methods[*method].clone()))
            .collect();
        let text: String = routes
            .iter()
            .map(|(name, pattern, method)| {
                route(name, pattern, &method.as_ref().map_or_else(String::new, |method| format!("methods = [\"{method}\"]")))
            })
            .collect();
        let policy = policy(&text);
        let method = if post { Method::POST } else { Method::GET };
        prop_assert_eq!(found(&policy, "shop", path, &method), plainly(&routes, path, &method), "{} {}", method, path);
    }

    #[test]
    fn nothing_asked_for_is_too_odd(host in ".{0,30}", path in "/.{0,30}", method in "[A-Z]{1,8}") {
        let policy = policy(&[route("a", "/a/{x}/{*rest}", "host = \"*.example\""), route("b", "/{x}", "")].concat());
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let canonical = path::normalise(&path).map_or_else(|_| path.clone(), std::borrow::Cow::into_owned);
        let _ = (policy.route(&host, &path, &method), policy.route(&host, &canonical, &method));
    }
}
