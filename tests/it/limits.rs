//! Token buckets as clients meet them.

use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use crate::harness::client::{Answer, request};
use crate::harness::{Gate, Origin, Proxy};

/// Everything goes to `origin` under these limits; 127.0.0.1 is a trusted proxy.
fn limited(origin: &Origin, names: &str, limits: &str) -> String {
    let config = origin.config();
    let client = "[client]\ntrusted_proxies = [\"127.0.0.1/32\"]\nshopper_cookie = \"session\"\n";
    format!("{config}limits = [{names}]\n{client}{limits}\n")
}

fn limit(name: &str, key: &str, rate: &str, burst: u32) -> String {
    format!("[limit.{name}]\nkey = \"{key}\"\nrate = \"{rate}\"\nburst = {burst}\n")
}

async fn ask(proxy: &Proxy, headers: &[(&'static str, &str)]) -> Answer {
    let mut asked = request("GET", "/", "");
    for (name, value) in headers {
        asked.headers_mut().append(*name, value.parse().unwrap());
    }
    proxy.client().send(asked).await
}

async fn status(proxy: &Proxy, headers: &[(&'static str, &str)]) -> u16 {
    ask(proxy, headers).await.status.as_u16()
}

fn retry_after(answer: &Answer) -> u64 {
    answer.header("retry-after").parse().unwrap_or_else(|_| panic!("no Retry-After in {answer:?}"))
}

#[tokio::test]
async fn after_the_burst_comes_429_and_says_so_to_programs() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin, "\"slow\"", &limit("slow", "client-ip", "6/min", 3)));
    for _ in 0..3 {
        assert_eq!(status(&proxy, &[]).await, 200);
    }
    let refused = ask(&proxy, &[]).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refused.header("cache-control"), "no-store");
    assert_eq!(refused.header("x-robots-tag"), "noindex");
    assert_eq!(refused.header("x-spillway-reason"), "limit");
    assert_eq!(refused.header("ratelimit-policy"), "\"slow\";q=3;w=30");
    let seconds = retry_after(&refused);
    assert!((8..=10).contains(&seconds), "{seconds}");
    assert_eq!(refused.header("ratelimit"), format!("\"slow\";r=0;t={seconds}"));
    let problem = refused.json();
    assert_eq!((&problem["reason"], &problem["route"]), (&"limit".into(), &"everything".into()));
    assert_eq!((&problem["status"], &problem["forwarded"]), (&429.into(), &false.into()));
    assert_eq!(problem["request_id"], refused.header("x-request-id"));
    assert_eq!(origin.seen().len(), 3);
    let refusals = "spillway_requests_total{class=\"browse\",code=\"429\",outcome=\"limited\"";
    assert!((proxy.metric(refusals).await - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn retry_after_is_true_to_the_second() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin, "\"slow\"", &limit("slow", "global", "30/min", 1)));
    let before = Instant::now();
    assert_eq!(status(&proxy, &[]).await, 200);
    let after = Instant::now();
    let token = Duration::from_secs(2);
    let mut refusals = 0;
    loop {
        let asked = Instant::now();
        let answer = ask(&proxy, &[]).await;
        if answer.status == 200 {
            assert!(before.elapsed() >= token, "a token came {:?} after the last", before.elapsed());
            break;
        }
        refusals += 1;
        let seconds = retry_after(&answer);
        let longest = (after + token).saturating_duration_since(asked);
        let shortest = (before + token).saturating_duration_since(Instant::now());
        assert!(
            seconds <= (longest.as_secs_f64().ceil() as u64).max(1),
            "{seconds} s, but there is one in {longest:?}"
        );
        assert!(seconds as f64 >= shortest.as_secs_f64(), "{seconds} s, but there is none for {shortest:?}");
        sleep_until((Instant::now() + Duration::from_millis(50)).into()).await;
    }
    assert!(refusals > 10, "only {refusals} refusals");
}

#[tokio::test]
async fn whoever_comes_back_after_retry_after_is_served() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin, "\"slow\"", &limit("slow", "client-ip", "1/s", 1)));
    assert_eq!(status(&proxy, &[]).await, 200);
    let refused = ask(&proxy, &[]).await;
    let seconds = retry_after(&refused);
    sleep_until((Instant::now() + Duration::from_secs(seconds)).into()).await;
    assert_eq!(status(&proxy, &[]).await, 200);
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_have_their_own_buckets() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin, "\"one\"", &limit("one", "client-ip", "1/h", 1)));
    let from = async |address: &str| status(&proxy, &[("x-forwarded-for", address)]).await;
    assert_eq!(from("192.0.2.1").await, 200);
    assert_eq!(from("192.0.2.1").await, 429);
    assert_eq!(from("192.0.2.2").await, 200);
    assert_eq!(from("203.0.113.9, 192.0.2.2").await, 429, "what a client says of itself is not believed");
    assert_eq!(from("198.51.100.7, 127.0.0.1").await, 200, "trusted hops are passed over");
    assert_eq!(from("198.51.100.7").await, 429);
    assert_eq!(from("2001:db8:1:2::1").await, 200);
    assert_eq!(from("2001:db8:1:2:ffff::9").await, 429, "an IPv6 client is its /64");
    assert_eq!(from("2001:db8:1:3::1").await, 200);
    assert_eq!(status(&proxy, &[("forwarded", "for=\"[2001:db8:1:2::5]:443\"")]).await, 429);
    assert_eq!(status(&proxy, &[]).await, 200, "the proxy in front itself");
}

#[tokio::test]
async fn forwarded_addresses_of_strangers_are_not_believed() {
    let origin = Origin::saying("hello").await;
    let config =
        limited(&origin, "\"one\"", &limit("one", "client-ip", "1/h", 1)).replace("127.0.0.1/32", "10.0.0.0/8");
    let proxy = Proxy::with(&config);
    assert_eq!(status(&proxy, &[("x-forwarded-for", "192.0.2.1")]).await, 200);
    assert_eq!(status(&proxy, &[("x-forwarded-for", "192.0.2.2")]).await, 429);
}

#[tokio::test]
async fn headers_cookies_and_shoppers_are_counted_apart() {
    let origin = Origin::saying("hello").await;
    for (key, name, one, other) in [
        ("header:x-api-key", "x-api-key", "a", "b"),
        ("cookie:cart", "cookie", "cart=a", "cart=b"),
        ("shopper", "cookie", "session=a", "session=b"),
    ] {
        let proxy = Proxy::with(&limited(&origin, "\"one\"", &limit("one", key, "1/h", 1)));
        assert_eq!(status(&proxy, &[(name, one)]).await, 200, "{key}");
        assert_eq!(status(&proxy, &[(name, one)]).await, 429, "{key}");
        assert_eq!(status(&proxy, &[(name, other)]).await, 200, "{key}");
        assert_eq!(status(&proxy, &[(name, other), ("x-forwarded-for", "192.0.2.9")]).await, 429, "{key}");
    }
}

#[tokio::test]
async fn a_shopper_without_a_cookie_is_known_by_address() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin, "\"one\"", &limit("one", "shopper", "1/h", 1)));
    assert_eq!(status(&proxy, &[("x-forwarded-for", "192.0.2.1")]).await, 200);
    assert_eq!(status(&proxy, &[("x-forwarded-for", "192.0.2.1")]).await, 429);
    assert_eq!(status(&proxy, &[("x-forwarded-for", "192.0.2.2")]).await, 200);
}

#[tokio::test]
async fn everybody_shares_a_global_limit() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&limited(&origin, "\"all\"", &limit("all", "global", "1/h", 2)));
    assert_eq!(status(&proxy, &[("x-forwarded-for", "192.0.2.1")]).await, 200);
    assert_eq!(status(&proxy, &[("x-forwarded-for", "192.0.2.2")]).await, 200);
    assert_eq!(status(&proxy, &[("x-forwarded-for", "192.0.2.3")]).await, 429);
}

#[tokio::test]
async fn a_shadow_limit_counts_and_lets_pass() {
    let origin = Origin::saying("hello").await;
    let limits = limit("try", "client-ip", "1/h", 1) + "mode = \"shadow\"\n";
    let proxy = Proxy::with(&limited(&origin, "\"try\"", &limits));
    for _ in 0..4 {
        assert_eq!(status(&proxy, &[]).await, 200);
    }
    let refused = async |mode: &str| {
        let series = format!("spillway_decisions_total{{decision=\"refuse\",reason=\"limit\",mode=\"{mode}\"}}");
        proxy.metric(&series).await
    };
    assert!((refused("shadow").await - 3.0).abs() < f64::EPSILON);
    assert!(refused("enforce").await.abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_limit_that_is_off_does_nothing() {
    let origin = Origin::saying("hello").await;
    let limits = limit("try", "client-ip", "1/h", 1) + "mode = \"off\"\n";
    let proxy = Proxy::with(&limited(&origin, "\"try\"", &limits));
    for _ in 0..3 {
        assert_eq!(status(&proxy, &[]).await, 200);
    }
}

#[tokio::test]
async fn a_refused_request_takes_no_token_of_another_limit() {
    let origin = Origin::saying("hello").await;
    let limits = limit("all", "global", "1/h", 3) + &limit("each", "client-ip", "1/h", 1);
    let proxy = Proxy::with(&limited(&origin, "\"all\", \"each\"", &limits));
    let from = async |address: &str| ask(&proxy, &[("x-forwarded-for", address)]).await;
    assert_eq!(from("192.0.2.1").await.status, 200);
    for _ in 0..5 {
        let refused = from("192.0.2.1").await;
        assert!(refused.header("ratelimit").starts_with("\"each\";"), "{refused:?}");
    }
    assert_eq!(from("192.0.2.2").await.status, 200);
    assert_eq!(from("192.0.2.3").await.status, 200);
    assert!(from("192.0.2.4").await.header("ratelimit").starts_with("\"all\";"));
}

#[tokio::test]
async fn nor_does_one_that_waited_for_a_seat_meanwhile() {
    let (origin, gate) = Gate::origin().await;
    let limits = limit("all", "global", "1/h", 3) + &limit("each", "client-ip", "1/h", 1);
    let config = limited(&origin, "\"all\", \"each\"", &limits)
        .replace("[[class]]", "capacity = { mode = \"fixed\", limit = 1 }\n[[class]]")
        .replace("name = \"browse\"", "name = \"browse\"\nmax_wait = \"25s\"");
    let proxy = Proxy::with(&config);
    let client = proxy.client();
    let begin = |address: &'static str| {
        let mut asked = request("GET", "/", "");
        asked.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
        tokio::spawn(async move { client.send(asked).await.status.as_u16() })
    };
    let first = begin("192.0.2.1");
    origin.sees(1).await;
    let twins = [begin("192.0.2.2"), begin("192.0.2.2")];
    proxy.shows("spillway_seat_waiting{class=\"browse\"}", 2.0).await;
    gate.lets_go(2);
    assert_eq!(first.await.unwrap(), 200);
    let mut answers = Vec::new();
    for twin in twins {
        answers.push(twin.await.unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, [200, 429]);
    gate.lets_go(1);
    assert_eq!(begin("192.0.2.3").await.unwrap(), 200, "the token of everybody that the second twin did not need");
    assert_eq!(begin("192.0.2.4").await.unwrap(), 429);
}

#[tokio::test]
async fn a_changed_rate_holds_at_once_and_gives_no_fresh_burst() {
    let origin = Origin::saying("hello").await;
    let with = |rate: &str, burst| limited(&origin, "\"slow\"", &limit("slow", "client-ip", rate, burst));
    let proxy = Proxy::with(&with("1/h", 4));
    for _ in 0..4 {
        assert_eq!(status(&proxy, &[]).await, 200);
    }
    assert_eq!(retry_after(&ask(&proxy, &[]).await), 3600);

    proxy.rewrite(&with("6/min", 4));
    proxy.hears("the policy was read");
    let refused = ask(&proxy, &[]).await;
    assert_eq!(refused.status, 429, "a reload fills no bucket");
    let seconds = retry_after(&refused);
    assert!((1..=10).contains(&seconds), "an old key waits no longer than the new rate implies, not {seconds} s");
    assert_eq!(refused.header("ratelimit-policy"), "\"slow\";q=4;w=40");
    assert_eq!(status(&proxy, &[("x-forwarded-for", "192.0.2.1")]).await, 200, "a new key has the whole burst");

    proxy.rewrite(&with("6/min", 400));
    proxy.hears("the policy was read");
    assert_eq!(status(&proxy, &[]).await, 429, "a larger burst is no fresh one");

    proxy.rewrite(&with("20/s", 400));
    proxy.hears("the policy was read");
    let began = Instant::now();
    while status(&proxy, &[]).await != 200 {
        assert!(began.elapsed() < Duration::from_secs(5), "the faster rate does not hold for an old key");
    }
}
