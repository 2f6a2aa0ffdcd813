use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::overload::{Cause, State};
use crate::policy::verdict::{Decision, Mode, Outcome, Reason};
use crate::room::standing::Promise;

const SHOP: &str = "storefront";

/// Metrics of a proxy that has seen everything once.
fn busy() -> (Metrics, impl Sized) {
    let metrics = Metrics::new(2);
    let route = metrics.route("checkout", "checkout");
    route.request(0, Outcome::Forwarded, 200, Duration::from_millis(30));
    route.decision(0, Decision::Admit, Reason::None, Mode::Enforce);
    let origin = metrics.origin(SHOP);
    origin.answered(0, Duration::from_millis(20));
    origin.reported(0, true);
    let class = metrics.class("checkout");
    class.seat_wait(0, Duration::from_millis(3));
    let limit = metrics.limit("per-client");
    limit.refused(1, Mode::Shadow);
    let room = waited_in(&metrics);
    let listener = metrics.listener("127.0.0.1:8443");
    listener.handshake(HandshakeResult::Ok, TlsVersion::V13);
    listener.refused();
    let connection = listener.connection(Protocol::H2);
    metrics.policy().reloaded(7, UNIX_EPOCH + Duration::from_secs(1_794_355_200));
    metrics.protocol_error("bad_host");
    let mut probe = metrics.worker_probe(0, 0);
    probe.fired(120_000_000, Duration::from_millis(60));
    metrics.register(Arc::new(|out: &mut GaugeWriter| {
        out.limit("per-client", per_client());
        out.capacity_limit(SHOP, 40);
        out.capacity_in_use(SHOP, "checkout", 10);
        out.capacity_found(SHOP, State::Steady, 12.5);
        out.capacity_decisions(SHOP, Cause::Gain, 3);
        out.priority_cursor(SHOP, 0.5);
        out.origin_utilisation(SHOP, 0.75);
        out.origin_load_reports(SHOP, true, 9);
        out.origin_retries(SHOP, "broken", 1);
        out.seat_waiting("checkout", 3);
        out.origin_healthy(SHOP, "127.0.0.1:9000", true);
        out.origin_connections(SHOP, "127.0.0.1:9000", ConnectionState::Idle, 2);
        out.certificate_expiry("shop.example", 1_800_000_000);
        out.connection_limit(8);
        out.saturation_level("memory", 1);
        out.room("sale", sale());
        out.room_store(false, 3);
    }));
    (metrics, (route, origin, class, limit, room, connection))
}

/// A room in which one shopper waited for 95 seconds and was told 80.
fn waited_in(metrics: &Metrics) -> Arc<RoomMetrics> {
    let room = metrics.room("sale");
    room.joined(0);
    let promise = Promise { joined: 1_000, likely: Some(80), late: Some(120) };
    room.turn_came(0, Duration::from_secs(95), &promise);
    room.ticket_rejected(1, "signature");
    room
}

fn sale() -> RoomGauges {
    RoomGauges {
        waiting: 40_123,
        inside: 1_980,
        called: 20,
        cap: 2_000,
        rate: 10.5,
        state: RoomState::Open,
        admitted: 5_000,
        abandoned: 2,
        completed: 3_000,
    }
}

fn per_client() -> LimitGauges {
    LimitGauges { rate_per_second: 20.0, tokens: Some(12.5), keys: 3, evictions: 1 }
}

/// The value of the one series written exactly so.
fn value(metrics: &Metrics, series: &str) -> Option<f64> {
    let page = metrics.gather();
    let mut values = page.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let value = values.next().map(|value| value.parse().unwrap());
    assert_eq!(values.next(), None, "{series} is there twice");
    value
}

fn promtool(arguments: &[&str], input: &str) -> Output {
    let promtool = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = promtool.expect("promtool runs; it is in the package `prometheus`");
    promtool.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    promtool.wait_with_output().unwrap()
}

#[test]
fn promtool_accepts_a_full_page_without_a_word() {
    let (metrics, _held) = busy();
    let page = metrics.gather();
    for family in family::ALL {
        assert!(page.contains(&format!("\n{}", family.name)), "{} has no sample", family.name);
        assert!(page.contains(&format!("# HELP {} {}\n", family.name, family.help)));
    }
    let output = promtool(&["check", "metrics"], &page);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    assert!(output.status.success());
}

#[test]
fn promtool_would_say_a_word() {
    let output = promtool(&["check", "metrics"], "# TYPE sales counter\nsales 1\n");
    assert!(!output.status.success());
}

#[test]
fn a_fresh_proxy_has_a_page_too() {
    let page = Metrics::new(1).gather();
    assert!(page.contains("spillway_build_info{version="));
    assert!(page.contains("\nspillway_access_log_dropped_total 0\n"));
    assert!(promtool(&["check", "metrics"], &page).status.success());
}

#[test]
fn the_page_shows_what_was_counted() {
    let (metrics, _held) = busy();
    let shown = |series: &str| value(&metrics, series);
    let requests = r#"spillway_requests_total{route="checkout",class="checkout",outcome="forwarded",code="200"}"#;
    assert_eq!(shown(requests), Some(1.0));
    let bucket =
        |le| format!(r#"spillway_request_duration_seconds_bucket{{route="checkout",class="checkout",le="{le}"}}"#);
    assert_eq!(shown(&bucket("0.02")), Some(0.0));
    assert_eq!(shown(&bucket("0.05")), Some(1.0));
    assert_eq!(shown(&bucket("+Inf")), Some(1.0));
    assert_eq!(shown(r#"spillway_origin_duration_seconds_sum{origin="storefront"}"#), Some(0.02));
    assert_eq!(shown(r#"spillway_connections{listener="127.0.0.1:8443",protocol="h2"}"#), Some(1.0));
    assert_eq!(shown("spillway_policy_last_reload_success_timestamp_seconds"), Some(1_794_355_200.0));
    assert_eq!(shown(r#"spillway_saturation_ratio{resource="capacity"}"#), Some(0.25));
    assert_eq!(shown(r#"spillway_saturation_ratio{resource="connections"}"#), Some(0.125));
    assert_eq!(shown(r#"spillway_saturation_ratio{resource="worker"}"#), Some(0.5));
}

#[test]
fn the_page_shows_the_rooms() {
    let (metrics, _held) = busy();
    let shown = |name: &str| value(&metrics, &format!("spillway_room_{name}"));
    assert_eq!(shown(r#"waiting{room="sale"}"#), Some(40_123.0));
    assert_eq!(shown(r#"admit_rate_per_second{room="sale"}"#), Some(10.5));
    assert_eq!(shown(r#"state{room="sale",state="open"}"#), Some(1.0));
    assert_eq!(shown(r#"state{room="sale",state="sold-out"}"#), Some(0.0));
    assert_eq!(shown(r#"admitted_total{room="sale"}"#), Some(5_000.0));
    assert_eq!(shown(r#"abandoned_total{room="sale"}"#), Some(2.0));
    assert_eq!(shown(r#"promises_total{room="sale",kept="late"}"#), Some(1.0));
    assert_eq!(shown(r#"wait_seconds_bucket{room="sale",le="60"}"#), Some(0.0));
    assert_eq!(shown(r#"wait_seconds_bucket{room="sale",le="120"}"#), Some(1.0));
    assert_eq!(shown(r#"eta_error_seconds_sum{room="sale"}"#), Some(15.0));
    assert_eq!(shown(r#"ticket_rejects_total{room="sale",reason="signature"}"#), Some(1.0));
    assert_eq!((shown("store_healthy"), shown("store_errors_total")), (Some(0.0), Some(3.0)));
}

#[test]
fn a_rate_without_bound_is_not_shown() {
    let metrics = Metrics::new(1);
    let unbounded = |out: &mut GaugeWriter| out.room("sale", RoomGauges { rate: f64::INFINITY, ..sale() });
    metrics.register(Arc::new(unbounded));
    assert_eq!(value(&metrics, r#"spillway_room_admit_rate_per_second{room="sale"}"#), None);
    assert_eq!(value(&metrics, r#"spillway_room_cap{room="sale"}"#), Some(2_000.0));
}

#[test]
fn what_sources_give_in_parts_is_added_up() {
    let metrics = Metrics::new(1);
    for (origin, in_use, waiting) in [(SHOP, 39, 4), ("search", 1, 2)] {
        metrics.register(Arc::new(move |out: &mut GaugeWriter| {
            out.capacity_limit(origin, 40);
            out.capacity_in_use(origin, "browse", in_use);
            out.capacity_in_use(origin, "cart", 1);
            out.seat_waiting("browse", waiting);
            out.certificate_expiry("shop.example", 1_800_000_000);
        }));
    }
    assert_eq!(value(&metrics, r#"spillway_seat_waiting{class="browse"}"#), Some(6.0));
    assert_eq!(value(&metrics, r#"spillway_saturation_ratio{resource="capacity"}"#), Some(1.0));
    let expiry = r#"spillway_tls_certificate_expiry_timestamp_seconds{name="shop.example"}"#;
    assert_eq!(value(&metrics, expiry), Some(1_800_000_000.0));
}

#[test]
fn a_rejected_policy_is_seen_until_one_is_accepted() {
    let metrics = Metrics::new(1);
    let policy = metrics.policy();
    let shown =
        || ["revision", "last_reload_successful"].map(|name| value(&metrics, &format!("spillway_policy_{name}")));
    policy.started(1, UNIX_EPOCH);
    policy.rejected();
    assert_eq!(shown(), [Some(1.0), Some(0.0)]);
    assert_eq!(value(&metrics, r#"spillway_policy_reloads_total{result="failure"}"#), Some(1.0));
    policy.reloaded(2, UNIX_EPOCH);
    assert_eq!(shown(), [Some(2.0), Some(1.0)]);
    assert_eq!(value(&metrics, r#"spillway_policy_reloads_total{result="success"}"#), Some(1.0));
}

#[test]
fn a_reload_keeps_the_counters_of_what_stays() {
    let metrics = Metrics::new(1);
    let old = [metrics.route("pay", "checkout"), metrics.route("search", "browse")];
    for route in &old {
        route.request(0, Outcome::Forwarded, 200, Duration::ZERO);
    }
    let new = metrics.route("pay", "checkout");
    drop(old);
    new.request(0, Outcome::Forwarded, 200, Duration::ZERO);
    let requests = |route, class| {
        let labels = format!(r#"route="{route}",class="{class}",outcome="forwarded",code="200""#);
        value(&metrics, &format!("spillway_requests_total{{{labels}}}"))
    };
    assert_eq!(requests("pay", "checkout"), Some(2.0));
    assert_eq!(requests("search", "browse"), None);
}

#[test]
fn workers_and_the_control_thread_count_apart_and_are_added_up() {
    const EACH: u64 = 20_000;
    let metrics = Metrics::new(2);
    let route = metrics.route("everything", "browse");
    std::thread::scope(|scope| {
        for writer in 0..=metrics.workers() {
            let route = &route;
            scope.spawn(move || {
                for _ in 0..EACH {
                    route.request(writer, Outcome::Shed, 503, Duration::from_micros(80));
                }
            });
        }
        // A scrape meanwhile sees some of them and harms none.
        assert!(metrics.gather().contains("spillway_build_info"));
    });
    route.request(metrics.workers() + 1, Outcome::Shed, 503, Duration::ZERO);
    let labels = r#"route="everything",class="browse""#;
    let requests = format!(r#"spillway_requests_total{{{labels},outcome="shed",code="503"}}"#);
    assert_eq!(value(&metrics, &requests), Some(3.0 * EACH as f64));
    let durations = format!("spillway_request_duration_seconds_count{{{labels}}}");
    assert_eq!(value(&metrics, &durations), Some(3.0 * EACH as f64));
}

#[test]
fn a_connection_is_counted_under_what_it_speaks_until_it_ends() {
    let metrics = Metrics::new(1);
    let listener = metrics.listener("[::1]:443");
    let open =
        |protocol| value(&metrics, &format!(r#"spillway_connections{{listener="[::1]:443",protocol="{protocol}"}}"#));
    let mut connection = listener.connection(Protocol::Handshake);
    assert_eq!((open("handshake"), open("h1")), (Some(1.0), Some(0.0)));
    connection.speaks(Protocol::H1);
    connection.speaks(Protocol::Tunnel);
    assert_eq!((open("handshake"), open("h1"), open("tunnel")), (Some(0.0), Some(0.0), Some(1.0)));
    std::thread::scope(|scope| {
        scope.spawn(move || drop(connection));
    });
    assert_eq!((open("tunnel"), listener.connections()), (Some(0.0), 0));
}

#[test]
fn ten_thousand_idle_routes_cost_no_series() {
    let metrics = Metrics::new(4);
    let routes: Vec<_> = (0..10_000).map(|n| metrics.route(&format!("route-{n}"), "browse")).collect();
    routes[7].request(0, Outcome::Forwarded, 200, Duration::ZERO);
    let page = metrics.gather();
    assert_eq!(page.matches("spillway_requests_total{").count(), 1);
}

#[test]
fn prometheus_accepts_the_rules_and_they_name_what_exists() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/prometheus-rules.yml");
    let output = promtool(&["check", "rules", "--lint-fatal", path], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rules = std::fs::read_to_string(path).unwrap();
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':');
    let used: Vec<_> = rules.split(word).filter(|name| name.starts_with("spillway_")).collect();
    assert!(used.len() > 20);
    for name in used {
        assert!(family::ALL.iter().any(|family| exposed(family, name)), "{name} does not exist");
    }
}

fn exposed(family: &family::Family, name: &str) -> bool {
    let suffixes: &[&str] = match family.kind {
        family::Kind::Histogram | family::Kind::Spans => &["_bucket", "_sum", "_count"],
        family::Kind::Counter | family::Kind::Gauge => &[""],
    };
    name.strip_prefix(family.name).is_some_and(|suffix| suffixes.contains(&suffix))
}

#[test]
fn the_alerts_fire_when_they_should() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/prometheus-rules.test.yml");
    let output = promtool(&["test", "rules", path], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
