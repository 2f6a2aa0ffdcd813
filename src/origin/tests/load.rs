//! What health checks tell of an origin's load, and what it means for retries.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::task::AbortHandle;

use super::{OriginClient, Scripted, eventually, get, health_check, origin, read, read_head, send, settings};
use crate::clock;
use crate::origin::health::check;
use crate::origin::{Origin, RetryReason};

/// An origin whose server answers every check so and then keeps the connection open.
struct Checked {
    origin: Arc<Origin>,
    server: Scripted,
    checks: AbortHandle,
}

impl Checked {
    async fn with(answer: String) -> Self {
        let server = Scripted::start(move |mut stream, _| {
            let answer = answer.clone();
            async move {
                while read_head(&mut stream).await.is_some() {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        })
        .await;
        let mut settings = settings(&[server.address]);
        settings.health_check = Some(health_check(Duration::from_millis(5)));
        let origin = origin(&settings);
        let watched = Arc::clone(&origin);
        let checks = tokio::task::spawn_local(async move { check::keep(&watched, &settings).await }).abort_handle();
        Self { origin, server, checks }
    }

    /// Reports used and ignored after some checks.
    async fn reports(&self) -> (bool, bool) {
        eventually("the server is checked three times", || self.server.ended() >= 3).await;
        (self.origin.health_reports(true) > 0, self.origin.health_reports(false) > 0)
    }

    fn is_healthy(&self) -> bool {
        self.origin.servers(clock::now())[0].healthy
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

impl Drop for Checked {
    fn drop(&mut self) {
        self.checks.abort();
    }
}

#[tokio::test(flavor = "local")]
async fn a_report_in_a_body_or_a_header_is_used() {
    for answer in [
        ok(r#"{"cpu_utilization": 0.75}"#),
        ok("TEXT application_utilization=0.7"),
        "HTTP/1.1 204 No Content\r\nendpoint-load-metrics: TEXT named_metrics.db_pool=0.8\r\n\r\n".to_owned(),
    ] {
        let checked = Checked::with(answer.clone()).await;
        eventually(&answer, || checked.origin.utilisation(clock::now()).is_some_and(|value| value > 0.6)).await;
        assert!(checked.is_healthy());
        assert_eq!(checked.origin.health_reports(false), 0);
    }
}

#[tokio::test(flavor = "local")]
async fn what_is_no_report_is_not_counted_and_an_absurd_one_is_ignored() {
    for (answer, expected) in [
        (ok("ok"), (false, false)),
        (ok(r#"{"status":"UP"}"#), (false, false)),
        (ok(r#"{"cpu_utilization": -75}"#), (false, true)),
        (ok("cpu_utilization=NaN"), (false, true)),
    ] {
        let checked = Checked::with(answer.clone()).await;
        assert_eq!(checked.reports().await, expected, "{answer}");
        assert!(checked.is_healthy());
        assert_eq!(checked.origin.utilisation(clock::now()), None);
    }
}

#[tokio::test(flavor = "local")]
async fn a_body_that_never_ends_does_not_make_a_server_unhealthy() {
    let unfinished = ok(r#"{"cpu_utilization": 0.7"#).replace("content-length: 2", "content-length: 9");
    let checked = Checked::with(unfinished).await;
    assert_eq!(checked.reports().await, (false, false));
    assert!(checked.is_healthy());
}

#[tokio::test(flavor = "local")]
async fn nothing_is_sent_a_second_time_while_requests_are_refused() {
    // The first connection breaks without an answer, the others are served.
    let server = Scripted::start(|mut stream, number| async move {
        if read_head(&mut stream).await.is_some() && number > 0 {
            stream.write_all(super::HELLO).await.unwrap();
        }
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    origin.set_shedding(true);
    let error = send(&client, &origin, get("/")).await.unwrap_err();
    assert!(error.forwarded());
    assert_eq!((server.connections(), origin.retries(RetryReason::Broken)), (1, 0));
    origin.set_shedding(false);
    let (status, _) = read(send(&client, &origin, get("/")).await.unwrap()).await;
    assert_eq!(status, 200);
}
