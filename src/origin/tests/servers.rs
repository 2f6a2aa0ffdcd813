//! Several servers: who gets requests, who does not.

use std::cell::Cell;
use std::rc::Rc;

use super::*;
use crate::origin::{Fault, Origins, Resolver};
use hickory_resolver::config::ResolverConfig;

/// A server that answers what `status` says at the time, and counts the requests other than checks.
struct Plain {
    address: SocketAddr,
    status: Rc<Cell<u16>>,
    served: Rc<Cell<usize>>,
}

async fn plain() -> Plain {
    let (status, served) = (Rc::new(Cell::new(200)), Rc::new(Cell::new(0)));
    let (answer, count) = (Rc::clone(&status), Rc::clone(&served));
    let server = Scripted::start(move |mut stream, _| {
        let (answer, count) = (Rc::clone(&answer), Rc::clone(&count));
        async move {
            while let Some(head) = read_head(&mut stream).await {
                count.set(count.get() + usize::from(!head.starts_with("GET /healthz")));
                let answer = format!("HTTP/1.1 {} X\r\ncontent-length: 0\r\n\r\n", answer.get());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    Plain { address: server.address, status, served }
}

fn origins() -> Origins {
    let resolver = Resolver::with_config(ResolverConfig::default()).unwrap();
    Origins::new(tokio::runtime::Handle::current(), resolver)
}

async fn statuses(client: &OriginClient, origin: &Arc<Origin>, requests: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..requests {
        let exchange = send(client, origin, get("/")).await.unwrap();
        statuses.push(read(exchange).await.0.as_u16());
    }
    statuses
}

#[tokio::test(flavor = "local")]
async fn requests_at_once_go_to_different_servers() {
    let servers = [plain().await, plain().await];
    let origin = origin(&settings(&servers.each_ref().map(|server| server.address)));
    let client = OriginClient::new();
    let requests = (0..2).map(|_| statuses(&client, &origin, 1));
    futures_util::future::join_all(requests).await;
    assert_eq!(servers.map(|server| server.served.get()), [1, 1]);
}

#[tokio::test(flavor = "local")]
async fn a_failing_server_is_ejected_and_the_others_go_on() {
    let (bad, good) = (plain().await, plain().await);
    bad.status.set(503);
    let mut settings = settings(&[bad.address, good.address]);
    settings.ejection.failures = 1;
    let (client, origin) = (OriginClient::new(), origin(&settings));
    // Neither has been asked yet, so both are at once.
    while origin.servers(clock::now())[0].ejections == 0 {
        assert_eq!(bad.served.get(), 0);
        statuses(&client, &origin, 1).await;
    }
    let status = origin.servers(clock::now()).remove(0);
    assert!(!status.usable && status.ejected_for.is_some_and(|left| left <= Duration::from_secs(30)));
    assert_eq!(statuses(&client, &origin, 20).await, [200; 20]);
}

#[tokio::test(flavor = "local")]
async fn answers_that_break_off_are_failures_in_a_row() {
    let server = Scripted::start(|mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe").await.unwrap();
    })
    .await;
    let mut settings = settings(&[server.address]);
    settings.ejection = EjectionSettings { failures: 3, base: Duration::from_secs(30), max_ejected: 1.0 };
    let (client, origin) = (OriginClient::new(), origin(&settings));
    for _ in 0..3 {
        assert!(origin.is_usable(clock::now()));
        let exchange = send(&client, &origin, get("/")).await.unwrap();
        assert!(exchange.response.into_body().collect().await.is_err());
    }
    assert!(!origin.is_usable(clock::now()));
}

#[tokio::test(flavor = "local")]
async fn the_last_server_is_not_ejected() {
    let server = plain().await;
    server.status.set(503);
    let mut settings = settings(&[server.address]);
    settings.ejection.failures = 1;
    let (client, origin) = (OriginClient::new(), origin(&settings));
    assert_eq!(statuses(&client, &origin, 5).await, [503; 5]);
    assert!(origin.is_usable(clock::now()));
}

#[tokio::test(flavor = "local")]
async fn a_server_that_fails_its_checks_gets_nothing_until_it_passes() {
    let server = plain().await;
    let mut settings = settings(&[server.address]);
    settings.health_check = Some(health_check(Duration::from_millis(5)));
    let (client, origins) = (OriginClient::new(), origins());
    let origin = origins.commit(origins.prepare(&[settings]).unwrap(), clock::now()).remove(0);
    server.status.set(500);
    eventually("the server is unhealthy", || !origin.servers(clock::now())[0].healthy).await;
    let error = send(&client, &origin, get("/")).await.unwrap_err();
    assert_eq!((error.fault(), error.forwarded()), (Fault::Down, false));
    assert_eq!(server.served.get(), 0);
    server.status.set(302);
    eventually("the server is healthy", || origin.servers(clock::now())[0].healthy).await;
    assert_eq!(statuses(&client, &origin, 1).await, [302]);
}

#[tokio::test(flavor = "local")]
async fn live_state_outlives_a_reload() {
    let (first, second) = (plain().await, plain().await);
    let mut settings = settings(&[first.address]);
    settings.ejection = EjectionSettings { failures: 1, base: Duration::from_secs(30), max_ejected: 1.0 };
    let (client, origins) = (OriginClient::new(), origins());
    let before = origins.commit(origins.prepare(&[settings.clone()]).unwrap(), clock::now()).remove(0);
    first.status.set(504);
    assert_eq!(statuses(&client, &before, 1).await, [504]);
    assert!(!before.is_usable(clock::now()));

    let url = |server: &Plain| ServerUrl { tls: false, host: "127.0.0.1".into(), port: server.address.port() };
    settings.servers = vec![url(&second), url(&first)];
    let after = origins.commit(origins.prepare(&[settings.clone()]).unwrap(), clock::now()).remove(0);
    assert!(Arc::ptr_eq(&before, &after));
    let status = after.servers(clock::now());
    assert_eq!([status[0].ejections, status[1].ejections], [0, 1]);
    assert_eq!(statuses(&client, &after, 5).await, [200; 5]);

    let none = origins.commit(origins.prepare(&[]).unwrap(), clock::now());
    assert!(none.is_empty() && origins.get("storefront").is_none());
    settings.servers = vec![url(&second)];
    let anew = origins.commit(origins.prepare(&[settings]).unwrap(), clock::now()).remove(0);
    assert!(!Arc::ptr_eq(&anew, &after));
}

#[tokio::test(flavor = "local")]
async fn what_cannot_be_built_is_said_and_changes_nothing() {
    let origins = origins();
    let mut first = settings(&[nobody().await]);
    first.servers[0].tls = true;
    first.ca_file = Some("/nonexistent/ca.pem".into());
    let mut second = first.clone();
    second.name = "images".into();
    second.servers[0].host = "shop example".into();
    let problems = origins.prepare(&[first, second]).unwrap_err();
    assert!(problems[0].starts_with("origin.storefront.ca_file: cannot read /nonexistent/ca.pem: "), "{problems:?}");
    assert_eq!(problems[1], "origin.images.servers: no certificate can name shop example");
    assert!(origins.get("storefront").is_none());
}
