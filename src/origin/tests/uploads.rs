//! Requests with bodies.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame};
use tokio::sync::mpsc;

use super::*;
use crate::origin::{BoxError, Fault};

/// A body whose frames the test gives.
struct Given(mpsc::UnboundedReceiver<Result<Bytes, BoxError>>);

impl Body for Given {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(|frame| frame.map(Frame::data)))
    }
}

type Giver = mpsc::UnboundedSender<Result<Bytes, BoxError>>;

fn upload() -> (Giver, Request<RequestBody>) {
    let (giver, given) = mpsc::unbounded_channel();
    let body = RequestBody::stream(Given(given));
    (giver, Request::post("/upload").header("host", "shop.example").body(body).unwrap())
}

/// Reads a chunked body to its end.
async fn read_chunked(stream: &mut TcpStream) -> usize {
    let mut seen = Vec::new();
    while !seen.ends_with(b"0\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { break };
        seen.push(byte);
    }
    seen.len()
}

#[tokio::test(flavor = "local")]
async fn head_and_small_body_are_written_at_once() {
    let server = Scripted::start(|mut stream, _| async move {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..read].ends_with(b"\r\n\r\nitem=1"), "{}", buffer[..read].escape_ascii());
        stream.write_all(HELLO).await.unwrap();
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let body = RequestBody::stream(http_body_util::Full::new(Bytes::from_static(b"item=1")));
    let request = Request::post("/cart").header("host", "shop.example").body(body).unwrap();
    assert_eq!(read(send(&client, &origin, request).await.unwrap()).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "local")]
async fn a_body_that_takes_its_time_is_not_the_origins_delay() {
    let server = Scripted::start(|mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        read_chunked(&mut stream).await;
        stream.write_all(HELLO).await.unwrap();
    })
    .await;
    let mut settings = settings(&[server.address]);
    settings.response_timeout = Duration::from_millis(60);
    let (client, origin) = (OriginClient::new(), origin(&settings));
    let (giver, request) = upload();
    let slow_client = async move {
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            giver.send(Ok(Bytes::from_static(b"part"))).unwrap();
        }
    };
    let (exchange, ()) = tokio::join!(send(&client, &origin, request), slow_client);
    assert_eq!(read(exchange.unwrap()).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "local")]
async fn an_origin_that_takes_no_more_of_the_body_is_too_slow() {
    let server = Scripted::start(|mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let mut settings = settings(&[server.address]);
    settings.response_timeout = Duration::from_millis(60);
    let (client, origin) = (OriginClient::new(), origin(&settings));
    let (giver, request) = upload();
    for _ in 0..2000 {
        giver.send(Ok(Bytes::from_static(&[0; 65536]))).unwrap();
    }
    let error = send(&client, &origin, request).await.unwrap_err();
    assert_eq!((error.fault(), error.forwarded()), (Fault::Timeout, true));
}

#[tokio::test(flavor = "local")]
async fn a_body_that_fails_is_the_clients_fault() {
    let server = Scripted::start(|mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        read_chunked(&mut stream).await;
    })
    .await;
    let mut settings = settings(&[server.address]);
    settings.ejection = EjectionSettings { failures: 1, base: Duration::from_secs(60), max_ejected: 1.0 };
    let (client, origin) = (OriginClient::new(), origin(&settings));
    let (giver, request) = upload();
    giver.send(Ok(Bytes::from_static(b"part"))).unwrap();
    giver.send(Err(Box::new(io::Error::from(io::ErrorKind::UnexpectedEof)))).unwrap();
    let error = send(&client, &origin, request).await.unwrap_err();
    assert_eq!((error.fault(), error.forwarded()), (Fault::Client, true));
    let cause = error.body_error().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::UnexpectedEof);
    assert!(origin.is_usable(clock::now()));
}

#[tokio::test(flavor = "local")]
async fn an_early_answer_does_not_stop_the_upload() {
    let (uploaded, mut total) = mpsc::unbounded_channel();
    let server = Scripted::start(move |mut stream, _| {
        let uploaded = uploaded.clone();
        async move {
            while read_head(&mut stream).await.is_some() {
                stream.write_all(HELLO).await.unwrap();
                uploaded.send(read_chunked(&mut stream).await).unwrap();
            }
        }
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    for _ in 0..2 {
        let (giver, request) = upload();
        giver.send(Ok(Bytes::from_static(b"first"))).unwrap();
        let exchange = send(&client, &origin, request).await.unwrap();
        // The answer is there and nobody reads it: the upload goes on all the same.
        giver.send(Ok(Bytes::from_static(b"second"))).unwrap();
        drop(giver);
        assert_eq!(total.recv().await.unwrap(), "5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n".len());
        assert_eq!(read(exchange).await, (StatusCode::OK, Bytes::from_static(b"hello")));
        eventually("the connection is idle", || origin.servers(clock::now())[0].idle_connections == 1).await;
    }
    assert_eq!(server.connections(), 1);
}
