//! Origins that fail, and what is tried again.

use super::*;
use crate::origin::{Fault, RetryReason};

fn post(path: &str) -> Request<RequestBody> {
    let mut request = get(path);
    *request.method_mut() = http::Method::POST;
    request
}

async fn fails(client: &OriginClient, origin: &Arc<Origin>, request: Request<RequestBody>) -> (Fault, bool) {
    let error = send(client, origin, request).await.unwrap_err();
    (error.fault(), error.forwarded())
}

#[tokio::test(flavor = "local")]
async fn a_refused_connection_is_a_failure_the_origin_never_saw() {
    let (client, origin) = (OriginClient::new(), origin(&settings(&[nobody().await])));
    assert_eq!(fails(&client, &origin, post("/pay")).await, (Fault::Error, false));
}

#[tokio::test(flavor = "local")]
async fn a_refused_connection_is_tried_elsewhere_whatever_the_method() {
    let server = Scripted::start(|stream, _| answer_all(stream, HELLO)).await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[nobody().await, server.address])));
    for _ in 0..20 {
        let exchange = send(&client, &origin, post("/pay")).await.unwrap();
        assert_eq!(read(exchange).await.0, StatusCode::OK);
    }
    assert!(origin.retries(RetryReason::Connect) > 0);
}

#[tokio::test(flavor = "local")]
async fn a_server_that_hangs_up_at_once_is_given_up() {
    let server = Scripted::start(|stream, _| async { drop(stream) }).await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let error = send(&client, &origin, post("/pay")).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Error);
    assert!(server.connections() <= 1, "a POST must not be sent twice");
}

/// Breaks the first `breaks` connections once they have a request; answers on the others.
async fn breaking(breaks: usize) -> Scripted {
    Scripted::start(move |mut stream, number| async move {
        if number < breaks {
            read_head(&mut stream).await.unwrap();
        } else {
            answer_all(stream, HELLO).await;
        }
    })
    .await
}

#[tokio::test(flavor = "local")]
async fn a_broken_answer_is_tried_again_only_where_that_is_safe() {
    let server = breaking(1).await;
    let (client, running) = (OriginClient::new(), origin(&settings(&[server.address])));
    let exchange = send(&client, &running, get("/")).await.unwrap();
    assert_eq!(exchange.timings.retries, 1);
    assert_eq!((server.connections(), running.retries(RetryReason::Broken)), (2, 1));

    let server = breaking(1).await;
    let running = origin(&settings(&[server.address]));
    assert_eq!(fails(&client, &running, post("/pay")).await, (Fault::Error, true));
    assert_eq!(server.connections(), 1);
}

#[tokio::test(flavor = "local")]
async fn retries_end() {
    let server = breaking(usize::MAX).await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    assert_eq!(fails(&client, &origin, get("/")).await, (Fault::Error, true));
    assert_eq!(server.connections(), 3);
}

#[tokio::test(flavor = "local")]
async fn the_retry_budget_bounds_them_all() {
    let server = breaking(usize::MAX).await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    for _ in 0..50 {
        assert_eq!(fails(&client, &origin, get("/")).await, (Fault::Error, true));
    }
    // Three a second for ten seconds, and a fifth of 50.
    assert_eq!(server.connections(), 50 + 30 + 10);
}

#[tokio::test(flavor = "local")]
async fn a_share_of_zero_turns_retries_off() {
    let server = breaking(1).await;
    let mut settings = settings(&[server.address]);
    settings.retry_budget = 0.0;
    let (client, origin) = (OriginClient::new(), origin(&settings));
    assert_eq!(fails(&client, &origin, get("/")).await, (Fault::Error, true));
}

#[tokio::test(flavor = "local")]
async fn a_connection_closed_while_idle_costs_no_request() {
    let server = Scripted::start(|mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        stream.write_all(HELLO).await.unwrap();
    })
    .await;
    let mut settings = settings(&[server.address]);
    settings.retry_budget = 0.0;
    let (client, origin) = (OriginClient::new(), origin(&settings));
    for expected in 1..=5 {
        let exchange = send(&client, &origin, post("/cart")).await.unwrap();
        assert_eq!(read(exchange).await.0, StatusCode::OK);
        assert_eq!(server.connections(), expected);
        eventually("the server has closed", || server.ended() == expected).await;
        polled().await;
    }
}

#[tokio::test(flavor = "local")]
async fn a_connection_closed_as_the_request_arrives_is_stale() {
    // Answers once per connection and closes when the second request has been read.
    let server = Scripted::start(|mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        stream.write_all(HELLO).await.unwrap();
        read_head(&mut stream).await;
    })
    .await;
    let mut settings = settings(&[server.address]);
    settings.ejection = EjectionSettings { failures: 1, base: Duration::from_secs(60), max_ejected: 1.0 };
    let (client, origin) = (OriginClient::new(), origin(&settings));
    for stale in 0..3 {
        let exchange = send(&client, &origin, get("/")).await.unwrap();
        assert_eq!(read(exchange).await.0, StatusCode::OK);
        assert_eq!(origin.retries(RetryReason::Stale), stale);
    }
    assert!(origin.is_usable(clock::now()), "a stale connection is no failure");
    assert_eq!(fails(&client, &origin, post("/pay")).await, (Fault::Error, true));
}

#[tokio::test(flavor = "local")]
async fn what_is_not_http_is_an_error() {
    let server = Scripted::start(|stream, _| answer_all(stream, b"220 mail.example ESMTP\r\n\r\n")).await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    assert_eq!(fails(&client, &origin, post("/")).await, (Fault::Error, true));
}

#[tokio::test(flavor = "local")]
async fn a_late_answer_is_a_timeout_and_is_not_tried_again() {
    let server = Scripted::start(|mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        assert!(read_head(&mut stream).await.is_none());
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let began = std::time::Instant::now();
    let limit = Duration::from_millis(60);
    let error = client.send(&origin, get("/"), clock::now(), Some(limit)).await.unwrap_err();
    assert_eq!((error.fault(), error.forwarded()), (Fault::Timeout, true));
    assert!(began.elapsed() >= limit, "{:?}", began.elapsed());
    assert_eq!(server.connections(), 1);
}

#[tokio::test(flavor = "local")]
async fn a_request_whose_client_left_can_be_seen_to_its_end() {
    let (release, gate) = tokio::sync::oneshot::channel::<()>();
    let gate = std::cell::RefCell::new(Some(gate));
    let server = Scripted::start(move |mut stream, _| {
        let gate = gate.borrow_mut().take();
        async move {
            read_head(&mut stream).await.unwrap();
            gate.unwrap().await.unwrap();
            stream.write_all(HELLO).await.unwrap();
            assert!(read_head(&mut stream).await.is_none());
        }
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let mut sending = client.send(&origin, get("/"), clock::now(), None);
    assert!(futures_util::poll!(&mut sending).is_pending());
    eventually("the request is at the origin", || server.connections() == 1).await;
    let task = tokio::task::spawn_local(sending);
    release.send(()).unwrap();
    let exchange = task.await.unwrap().unwrap();
    assert_eq!(read(exchange).await.0, StatusCode::OK);
}
