use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::{Instant, UNIX_EPOCH};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::policy::verdict::{Outcome, Reason};
use crate::telemetry::metrics::TlsVersion;

/// Long enough for any machine; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

const KEYS: [&str; 23] = [
    "time",
    "request_id",
    "client",
    "method",
    "host",
    "path",
    "protocol",
    "tls",
    "status",
    "complete",
    "route",
    "class",
    "outcome",
    "reason",
    "limit",
    "server",
    "bytes_in",
    "bytes_out",
    "seat_wait_ms",
    "connect_ms",
    "first_byte_ms",
    "total_ms",
    "user_agent",
];

fn sale() -> AccessRecord<'static> {
    AccessRecord {
        received: 0,
        request_id: "0192f0c1-7a55-7c3e-9d2e-0242ac120002",
        client: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)),
        method: "POST",
        host: "shop.example",
        path: "/pay/card?token=secret",
        protocol: http::Version::HTTP_2,
        tls: Some(TlsVersion::V13),
        status: 200,
        complete: true,
        route: "pay",
        class: "checkout",
        outcome: Outcome::Forwarded,
        reason: Reason::None,
        limit: None,
        server: Some("127.0.0.1:9000"),
        bytes_in: 512,
        bytes_out: 1024,
        seat_wait: Some(Duration::ZERO),
        connect: None,
        first_byte: Some(Duration::from_micros(12_345)),
        total: Duration::from_micros(14_006),
        user_agent: Some(b"Mozilla/5.0"),
    }
}

fn line(record: &AccessRecord<'_>) -> String {
    let mut out = Vec::new();
    record.append(&mut out, &mut date::Date::new(0, UNIX_EPOCH));
    String::from_utf8(out).unwrap()
}

struct Scene {
    directory: tempfile::TempDir,
    metrics: Metrics,
}

impl Scene {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), metrics: Metrics::new(1) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(&self, name: &str) -> AccessLog {
        AccessLog::start(Some(&file(&self.path(name))), &self.metrics).unwrap()
    }

    fn dropped(&self) -> u64 {
        self.metrics.access_log().dropped.load(Ordering::Relaxed)
    }

    fn errors(&self) -> u64 {
        self.metrics.access_log().errors.load(Ordering::Relaxed)
    }

    /// How many whole lines a log has by now; 0 when there is none.
    fn lines(&self, name: &str) -> usize {
        let text = fs::read(self.path(name)).unwrap_or_default();
        text.iter().filter(|byte| **byte == b'\n').count()
    }

    /// The request ids of a log, every line of which must parse.
    fn ids(&self, name: &str) -> Vec<u64> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["request_id"].as_str().unwrap().parse();
        text.lines().map(|line| id(line).unwrap()).collect()
    }
}

fn file(path: &Path) -> settings::AccessLog {
    settings::AccessLog::File(path.to_owned())
}

fn record(writer: &mut AccessWriter, ids: std::ops::Range<u64>) {
    for id in ids {
        let request_id = &id.to_string();
        writer.record(&AccessRecord { request_id, ..sale() });
    }
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::yield_now();
    }
}

#[test]
fn a_line_has_every_key_in_its_order() {
    insta::assert_snapshot!(line(&sale()), @r#"{"time":"1970-01-01T00:00:00.000Z","request_id":"0192f0c1-7a55-7c3e-9d2e-0242ac120002","client":"203.0.113.7","method":"POST","host":"shop.example","path":"/pay/card","protocol":"HTTP/2.0","tls":"1.3","status":200,"complete":true,"route":"pay","class":"checkout","outcome":"forwarded","reason":"none","limit":null,"server":"127.0.0.1:9000","bytes_in":512,"bytes_out":1024,"seat_wait_ms":0.000,"connect_ms":null,"first_byte_ms":12.345,"total_ms":14.006,"user_agent":"Mozilla/5.0"}"#);
    let parsed: serde_json::Map<String, Value> = serde_json::from_str(&line(&sale())).unwrap();
    assert_eq!(parsed.len(), KEYS.len());
    assert!(KEYS.iter().all(|key| parsed.contains_key(*key)));
}

#[test]
fn a_query_is_never_written() {
    assert!(!line(&sale()).contains("secret"));
}

#[test]
fn without_a_route_there_is_none() {
    let parsed: Value = serde_json::from_str(&line(&AccessRecord { route: "", class: "", ..sale() })).unwrap();
    assert_eq!((&parsed["route"], &parsed["class"]), (&Value::Null, &Value::Null));
}

#[test]
fn everything_recorded_is_written_in_order_before_the_end() {
    let scene = Scene::new();
    let log = scene.start("access.log");
    let mut writer = log.writer(0, UNIX_EPOCH);
    record(&mut writer, 0..1_000);
    drop(writer);
    assert!(log.shutdown(PATIENCE));
    assert_eq!(scene.ids("access.log"), (0..1_000).collect::<Vec<_>>());
    assert_eq!((scene.dropped(), scene.errors()), (0, 0));
}

#[test]
fn a_tick_hands_over_what_a_quiet_time_left() {
    let scene = Scene::new();
    let log = scene.start("access.log");
    let mut writer = log.writer(0, UNIX_EPOCH);
    record(&mut writer, 0..1);
    writer.tick(0, UNIX_EPOCH);
    wait_until("the line", || scene.lines("access.log") == 1);
}

#[test]
fn rotation_loses_no_line_and_cuts_none() {
    let scene = Scene::new();
    let log = scene.start("access.log");
    let mut writer = log.writer(0, UNIX_EPOCH);
    record(&mut writer, 0..300);
    writer.flush();
    wait_until("the first part", || scene.lines("access.log") == 300);
    fs::rename(scene.path("access.log"), scene.path("access.log.1")).unwrap();
    record(&mut writer, 300..600);
    writer.flush();
    log.reopen();
    wait_until("the new file", || scene.path("access.log").exists());
    record(&mut writer, 600..900);
    drop(writer);
    assert!(log.shutdown(PATIENCE));
    let (old, new) = (scene.ids("access.log.1"), scene.ids("access.log"));
    assert!(old.len() >= 300 && new.len() >= 300, "{} and {}", old.len(), new.len());
    assert_eq!([old, new].concat(), (0..900).collect::<Vec<_>>());
}

#[test]
fn lines_that_find_the_queue_full_are_counted() {
    let shared = Arc::new(Shared { on: AtomicBool::new(true), ..Shared::default() });
    let (queue, batches) = mpsc::sync_channel(1);
    let mut writer = AccessWriter::new(Arc::clone(&shared), queue, 0, UNIX_EPOCH);
    for ids in [0..3, 3..7, 7..12] {
        record(&mut writer, ids);
        writer.flush();
    }
    assert_eq!(shared.counters.dropped.load(Ordering::Relaxed), 9);
    let Ok(Message::Batch(batch)) = batches.try_recv() else {
        panic!("the first batch was kept");
    };
    assert_eq!(batch.lines, 3);
    record(&mut writer, 12..13);
    drop(writer);
    assert!(matches!(batches.try_recv(), Ok(Message::Batch(Batch { lines: 1, .. }))));
}

#[test]
fn a_full_disk_is_waited_out() {
    let scene = Scene::new();
    std::os::unix::fs::symlink("/dev/full", scene.path("access.log")).unwrap();
    let log = scene.start("access.log");
    let mut writer = log.writer(0, UNIX_EPOCH);
    record(&mut writer, 0..50);
    writer.flush();
    wait_until("the error", || scene.errors() > 0);
    fs::remove_file(scene.path("access.log")).unwrap();
    log.reopen();
    record(&mut writer, 50..60);
    drop(writer);
    assert!(log.shutdown(PATIENCE));
    assert_eq!(scene.ids("access.log"), (0..60).collect::<Vec<_>>());
    assert_eq!(scene.dropped(), 0);
}

#[test]
fn a_disk_that_stays_full_does_not_hold_up_the_end() {
    let scene = Scene::new();
    let log = AccessLog::start(Some(&file(Path::new("/dev/full"))), &scene.metrics).unwrap();
    let mut writer = log.writer(0, UNIX_EPOCH);
    record(&mut writer, 0..50);
    drop(writer);
    assert!(log.shutdown(PATIENCE));
    assert_eq!(scene.dropped(), 50);
}

#[test]
fn a_file_that_cannot_be_opened_leaves_the_old_one() {
    let scene = Scene::new();
    let log = scene.start("access.log");
    let error = log.redirect(Some(&file(&scene.path("missing/access.log")))).unwrap_err();
    assert!(error.to_string().contains("missing/access.log"), "{error}");
    let mut writer = log.writer(0, UNIX_EPOCH);
    record(&mut writer, 0..5);
    drop(writer);
    assert!(log.shutdown(PATIENCE));
    assert_eq!(scene.ids("access.log").len(), 5);
}

#[test]
fn a_file_that_cannot_be_reopened_is_tried_again() {
    let scene = Scene::new();
    fs::create_dir(scene.path("logs")).unwrap();
    let log = scene.start("logs/access.log");
    let mut writer = log.writer(0, UNIX_EPOCH);
    fs::rename(scene.path("logs"), scene.path("old")).unwrap();
    log.reopen();
    wait_until("the error", || scene.errors() > 0);
    record(&mut writer, 0..5);
    writer.flush();
    wait_until("the old file", || scene.lines("old/access.log") == 5);
    fs::create_dir(scene.path("logs")).unwrap();
    record(&mut writer, 5..9);
    drop(writer);
    assert!(log.shutdown(PATIENCE));
    assert_eq!(scene.ids("logs/access.log"), [5, 6, 7, 8]);
    assert_eq!(scene.dropped(), 0);
}

#[test]
fn the_log_may_be_turned_on_and_off() {
    let scene = Scene::new();
    let log = AccessLog::start(None, &scene.metrics).unwrap();
    let mut writer = log.writer(0, UNIX_EPOCH);
    record(&mut writer, 0..5);
    assert!(!writer.is_on());
    log.redirect(Some(&file(&scene.path("access.log")))).unwrap();
    record(&mut writer, 5..10);
    writer.flush();
    wait_until("the lines", || scene.lines("access.log") == 5);
    log.redirect(None).unwrap();
    record(&mut writer, 10..15);
    drop(writer);
    assert!(log.shutdown(PATIENCE));
    assert_eq!(scene.ids("access.log"), (5..10).collect::<Vec<_>>());
    assert_eq!(scene.dropped(), 0);
}

proptest! {
    #[test]
    fn hostile_input_is_one_line_that_parses(
        texts in prop::array::uniform8("\\PC*|[\\x00-\\x7f]{0,40}|.{0,3000}"),
        user_agent: Option<Vec<u8>>,
        client: IpAddr,
        (received, total, status) in any::<(u64, Duration, u16)>(),
        server: bool,
    ) {
        let [request_id, method, host, path, route, class, limit, name] = &texts;
        let record = AccessRecord {
            received, request_id, client, method, host, path, status, route, class, total,
            limit: Some(limit),
            server: server.then_some(name),
            user_agent: user_agent.as_deref(),
            ..sale()
        };
        let line = line(&record);
        prop_assert!(line.len() < 32 * 1024);
        prop_assert_eq!(line.find(|c: char| c.is_control()), Some(line.len() - 1));
        let parsed: serde_json::Map<String, Value> = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(parsed.len(), KEYS.len());
        prop_assert_eq!(&parsed["status"], &Value::from(status));
        prop_assert_eq!(&parsed["client"], &Value::from(client.to_string()));
        prop_assert!(!parsed["path"].as_str().unwrap().contains('?'));
        if host.len() <= 256 {
            prop_assert_eq!(&parsed["host"], &Value::from(host.as_str()));
        }
    }
}
