//! How many connections there are, and for how long.

use futures_util::future::join_all;

use super::*;
use crate::origin::{AdminState, Fault};

fn idle(origin: &Origin) -> u32 {
    origin.servers(clock::now())[0].idle_connections
}

#[tokio::test(flavor = "local")]
async fn requests_wait_for_a_connection_when_there_may_be_no_more() {
    let server = Scripted::start(|stream, _| answer_all(stream, HELLO)).await;
    let mut settings = settings(&[server.address]);
    settings.max_connections = 2;
    let (client, origin) = (OriginClient::new(), origin(&settings));
    let requests = (0..50).map(|_| async {
        let exchange = send(&client, &origin, get("/")).await.unwrap();
        assert_eq!(read(exchange).await.0, StatusCode::OK);
    });
    join_all(requests).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test(flavor = "local")]
async fn the_wait_for_a_connection_is_bounded() {
    let server = Scripted::start(|mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        assert!(read_head(&mut stream).await.is_none());
    })
    .await;
    let mut settings = settings(&[server.address]);
    settings.max_connections = 1;
    settings.connect_timeout = Duration::from_millis(30);
    let (client, origin) = (OriginClient::new(), origin(&settings));
    let mut first = client.send(&origin, get("/"), clock::now(), None);
    assert!(futures_util::poll!(&mut first).is_pending());
    let error = send(&client, &origin, get("/")).await.unwrap_err();
    assert_eq!((error.fault(), error.forwarded()), (Fault::Capacity, false));
}

#[tokio::test(flavor = "local")]
async fn a_worker_that_has_all_connections_gives_them_to_one_that_has_none() {
    let server = Scripted::start(|stream, _| answer_all(stream, HELLO)).await;
    let mut settings = settings(&[server.address]);
    settings.max_connections = 1;
    let (rich, poor, origin) = (OriginClient::new(), OriginClient::new(), origin(&settings));
    let _ = read(send(&rich, &origin, get("/")).await.unwrap()).await;
    assert_eq!(idle(&origin), 1);
    let exchange = send(&poor, &origin, get("/")).await.unwrap();
    assert_eq!(read(exchange).await.0, StatusCode::OK);
    assert_eq!(server.connections(), 2);
}

#[tokio::test(flavor = "local")]
async fn an_idle_connection_is_closed_in_time() {
    let server = Scripted::start(|stream, _| answer_all(stream, HELLO)).await;
    let mut settings = settings(&[server.address]);
    settings.idle_timeout = Duration::from_millis(100);
    let (client, origin) = (OriginClient::new(), origin(&settings));
    let _ = read(send(&client, &origin, get("/")).await.unwrap()).await;
    assert_eq!(idle(&origin), 1);
    eventually("the idle connection is closed", || idle(&origin) == 0 && server.ended() == 1).await;
}

#[tokio::test(flavor = "local")]
async fn a_connection_the_server_closed_is_not_kept() {
    let server = Scripted::start(|mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        stream.write_all(HELLO).await.unwrap();
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let _ = read(send(&client, &origin, get("/")).await.unwrap()).await;
    eventually("the closed connection is noticed", || idle(&origin) == 0).await;
}

#[tokio::test(flavor = "local")]
async fn a_drained_server_finishes_what_it_has_and_gets_no_more() {
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
    let task = tokio::task::spawn_local(client.send(&origin, get("/"), clock::now(), None));
    eventually("the request is at the origin", || server.connections() == 1).await;

    let name = server.address.to_string();
    assert_eq!(origin.set_admin(&name, AdminState::Drain, clock::now()), 1);
    assert_eq!(send(&client, &origin, get("/")).await.unwrap_err().fault(), Fault::Down);
    release.send(()).unwrap();
    assert_eq!(read(task.await.unwrap().unwrap()).await.0, StatusCode::OK);
    eventually("its connection is closed", || server.ended() == 1).await;
    assert_eq!(origin.set_admin(&name, AdminState::Ready, clock::now()), 1);
    assert!(origin.is_usable(clock::now()));
}

#[tokio::test(flavor = "local")]
async fn a_retired_origins_connections_are_closed() {
    let server = Scripted::start(|stream, _| answer_all(stream, HELLO)).await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let _ = read(send(&client, &origin, get("/")).await.unwrap()).await;
    origin.retire();
    eventually("its connections are closed", || server.ended() == 1).await;
}
