//! The proxy itself runs short of something.

use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};
use serde_json::Value;

use crate::harness::tls::{self, SHOP};
use crate::harness::{Client, Gate, Origin, Proxy, Wire, until};

/// Three classes at one origin, with what is said of the process.
fn shop(origin: &Origin, server: &str) -> String {
    let origin = origin.url();
    let class = |name: &str, about: &str| {
        format!(
            "[[class]]\nname = \"{name}\"\n{about}\n\
             [[route]]\nname = \"{name}\"\npath = \"/{name}\"\nclass = \"{name}\"\norigin = \"shop\"\n"
        )
    };
    let checkout = class("checkout", "guaranteed = \"30%\"\nmax_wait = \"2s\"");
    let browse = class("browse", "max_wait = \"250ms\"");
    let background = class("background", "max_wait = \"0s\"");
    format!(
        "[server]\nworkers = 1\nstate_dir = \"state\"\n{server}\n\
         [origin.shop]\nservers = [\"{origin}\"]\nresponse_timeout = \"30s\"\n{checkout}{browse}{background}"
    )
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {SHOP}\r\n\r\n")
}

/// What the status says of a resource.
async fn resource(proxy: &Proxy, name: &str) -> Value {
    let status = proxy.status().await;
    let resources = status["saturation"]["resources"].as_array().unwrap();
    resources.iter().find(|resource| resource["resource"] == name).unwrap().clone()
}

async fn level_is(proxy: &Proxy, name: &str, word: &str) {
    let what = format!("the level of {name} is {word}");
    until(&what, async || (resource(proxy, name).await["level"] == word).then_some(())).await;
}

/// Waits until the requests for these paths get these codes, one after the other.
async fn gets(proxy: &Proxy, expected: &[(&str, u16)]) {
    until(&format!("{expected:?} is what is answered"), async || {
        for (path, code) in expected {
            let answer = proxy.client().get(path).await;
            if answer.status != *code {
                return None;
            }
            if *code == 503 {
                assert_eq!(answer.header("x-spillway-reason"), "capacity");
                assert!(!answer.header("retry-after").is_empty());
            }
        }
        Some(())
    })
    .await;
}

/// Opens connections with a request under way until one is refused; gives those that were not, and the refusal.
async fn fill(proxy: &Proxy, origin: &Origin) -> (Vec<Wire>, String) {
    let mut busy = Vec::new();
    loop {
        let mut wire = Wire::to(proxy.client()).await;
        wire.say(get("/checkout")).await;
        let refused = tokio::select! {
            () = origin.sees(busy.len() + 1) => None,
            (head, _) = wire.answer() => Some(head),
        };
        match refused {
            Some(head) => return (busy, head),
            None => busy.push(wire),
        }
    }
}

fn with_descriptors(count: u32) -> impl FnOnce(Command) -> Command {
    move |command| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {count} && exec \"$0\" \"$@\"")]);
        shell.arg(command.get_program()).args(command.get_args());
        shell
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped());
        shell
    }
}

#[tokio::test]
async fn out_of_descriptors_it_serves_those_inside_and_operators() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::started(&shop(&origin, ""), with_descriptors(128));
    let warning = proxy.heard("allows fewer connections than max_connections");
    assert!(warning["possible"].as_u64().unwrap() < 64, "{warning}");

    let (mut busy, refusal) = fill(&proxy, &origin).await;
    assert!((16..64).contains(&busy.len()), "{} connections of 128 descriptors", busy.len());
    assert!(refusal.starts_with("HTTP/1.1 503 "), "{refusal}");
    for header in
        ["retry-after: ", "x-spillway-reason: capacity\r\n", "connection: close\r\n", "cache-control: no-store"]
    {
        assert!(refusal.contains(header), "{refusal}");
    }

    let mut silent = Vec::new();
    for _ in 0..400 {
        silent.push(proxy.client().open().await);
    }
    let flood: Vec<_> = (0..8).map(|_| tokio::spawn(knock(proxy.client()))).collect();
    for _ in 0..10 {
        assert_eq!(proxy.admin().get("/readyz").await.status, 200);
        assert_eq!(proxy.admin().get("/livez").await.status, 200);
        let open = proxy.metric("process_open_fds").await;
        assert!((64.0..128.0).contains(&open), "{open} descriptors");
    }
    level_is(&proxy, "connections", "critical").await;
    assert!(proxy.metric("spillway_connections_refused_total").await >= 1.0);
    assert_eq!(proxy.metric("spillway_saturation_level{resource=\"connections\"}").await, 5.0);

    for _ in 0..2 {
        gate.lets_go(busy.len());
        for wire in &mut busy {
            assert!(wire.answer().await.0.starts_with("HTTP/1.1 200 "));
            wire.say(get("/checkout")).await;
        }
    }
    flood.iter().for_each(tokio::task::JoinHandle::abort);
    drop((silent, busy));
    // What knocked last may still be let in.
    gate.lets_go(1_000_000);
    gets(&proxy, &[("/checkout", 200)]).await;
    level_is(&proxy, "connections", "normal").await;
}

/// Asks on ever new connections, and does not care for the answer.
async fn knock(client: Client) {
    loop {
        let mut stream = client.open().await;
        // It may be closed already.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, get("/checkout").as_bytes()).await;
        tokio::task::yield_now().await;
    }
}

/// Sets how many descriptors the proxy may open from now on; gives how many it could before.
fn allow_descriptors(proxy: &Proxy, count: Option<u64>) -> Option<u64> {
    let pid = Pid::from_raw(i32::try_from(proxy.pid()).unwrap());
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    prlimit(pid, Resource::Nofile, Rlimit { current: count, maximum }).unwrap().current
}

#[tokio::test]
async fn its_own_want_of_descriptors_is_not_the_origins_fault() {
    let origin = Origin::saying("hello").await;
    let config = shop(&origin, "").replace(
        "response_timeout",
        "ejection = { failures = 1 }\nhealth_check = { path = \"/health\", every = \"50ms\", unhealthy_after = 1 }\nresponse_timeout",
    );
    let proxy = Proxy::with(&config);
    let mut wire = Wire::to(proxy.client()).await;
    wire.say(get("/nowhere")).await;
    assert!(wire.answer().await.0.starts_with("HTTP/1.1 404 "));

    // A limit bounds the numbers that are given: all of them are taken.
    let before = allow_descriptors(&proxy, Some(3));
    wire.say(get("/checkout")).await;
    let (head, problem) = wire.answer().await;
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("x-spillway-reason: capacity"), "{head}");
    assert!(problem.contains("\"forwarded\":false"), "{problem}");
    // Long enough for some health checks.
    tokio::time::sleep(Duration::from_millis(300)).await;
    allow_descriptors(&proxy, before);
    wire.say(get("/checkout")).await;
    assert!(wire.answer().await.0.starts_with("HTTP/1.1 200 "));
    assert_eq!(proxy.metric("spillway_origin_healthy").await, 1.0);
}

#[tokio::test]
async fn idle_connections_make_room_before_anybody_is_refused() {
    let (origin, gate) = Gate::origin().await;
    let proxy = Proxy::with(&shop(&origin, "max_connections = 4"));
    let mut idle = Wire::to(proxy.client()).await;
    gate.lets_go(1);
    idle.say(get("/checkout")).await;
    assert!(idle.answer().await.0.starts_with("HTTP/1.1 200 "));

    let mut busy = Vec::new();
    for count in 2..=5 {
        let mut wire = Wire::to(proxy.client()).await;
        wire.say(get("/checkout")).await;
        origin.sees(count).await;
        busy.push(wire);
    }
    assert_eq!(idle.rest().await, "", "it was closed for the fourth of those");
    let mut sixth = Wire::to(proxy.client()).await;
    sixth.say(get("/checkout")).await;
    assert!(sixth.rest().await.starts_with("HTTP/1.1 503 "));
    proxy.shows("spillway_connections_refused_total", 1.0).await;

    gate.lets_go(4);
    for wire in &mut busy {
        assert!(wire.answer().await.0.starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(origin.seen().len(), 5);
}

#[tokio::test]
async fn a_handshake_there_is_no_room_for_is_not_begun() {
    let (origin, gate) = Gate::origin().await;
    let (proxy, authority) = tls::proxy(&shop(&origin, "max_connections = 1"));
    let mut inside = authority.h1(proxy.address(), SHOP).await;
    inside.say(get("/checkout")).await;
    origin.sees(1).await;
    let mut refused = Wire::to(proxy.client()).await;
    assert_eq!(refused.rest().await, "");
    proxy.shows("spillway_connections_refused_total", 1.0).await;
    proxy.shows("spillway_tls_handshakes_total", 1.0).await;
    gate.lets_go(1);
    assert!(inside.answer().await.0.starts_with("HTTP/1.1 200 "));
}

/// Allows it so much memory that what it uses is `share` of it; gives the share that this then is.
async fn allow(proxy: &Proxy, origin: &Origin, share: f64) -> f64 {
    let used = resource(proxy, "memory").await["used"].as_f64().unwrap();
    let limit = (used / share).floor();
    proxy.rewrite(&shop(origin, &format!("max_memory = \"{limit}B\"")));
    until("it knows how much it may use", async || {
        let memory = resource(proxy, "memory").await;
        (memory["limit"] == limit).then(|| memory["used"].as_f64().unwrap() / limit)
    })
    .await
}

#[tokio::test]
async fn short_of_memory_it_sheds_background_first_and_checkout_never() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&shop(&origin, ""));
    gets(&proxy, &[("/checkout", 200), ("/browse", 200), ("/background", 200)]).await;
    // What is used grows with the first reloads.
    until("less is left than it is used to", async || (allow(&proxy, &origin, 0.83).await < 0.85).then_some(())).await;
    level_is(&proxy, "memory", "elevated").await;
    gets(&proxy, &[("/background", 503), ("/browse", 200), ("/checkout", 200)]).await;
    let ratio = proxy.metric("spillway_saturation_ratio{resource=\"memory\"}").await;
    assert!((0.78..0.88).contains(&ratio), "{ratio}");
    let refused =
        "spillway_decisions_total{class=\"background\",decision=\"refuse\",reason=\"capacity\",mode=\"enforce\"}";
    assert!(proxy.metric(refused).await >= 1.0);

    allow(&proxy, &origin, 1.02).await;
    gets(&proxy, &[("/background", 503), ("/browse", 503), ("/checkout", 200)]).await;
    assert_eq!(resource(&proxy, "memory").await["level"], "critical");
    assert_eq!(proxy.admin().get("/readyz").await.status, 200);

    proxy.rewrite(&shop(&origin, ""));
    gets(&proxy, &[("/background", 200), ("/browse", 200), ("/checkout", 200)]).await;
    level_is(&proxy, "memory", "normal").await;
}

#[tokio::test]
async fn a_worker_that_comes_late_sheds_background_until_it_keeps_up() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&shop(&origin, ""));
    gets(&proxy, &[("/background", 200)]).await;
    proxy.signal(Signal::STOP);
    tokio::time::sleep(Duration::from_secs(1)).await;
    proxy.signal(Signal::CONT);
    gets(&proxy, &[("/checkout", 200), ("/background", 503)]).await;
    let worker = proxy.status().await["saturation"]["workers"][0].clone();
    assert!(worker["delay_seconds"].as_f64().unwrap() > 0.0 && worker["number"].as_u64().unwrap() > 0, "{worker}");
    gets(&proxy, &[("/background", 200), ("/browse", 200)]).await;
    level_is(&proxy, "worker", "normal").await;
}
