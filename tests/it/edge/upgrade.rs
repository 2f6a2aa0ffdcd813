//! WebSockets.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, client_async};

use super::{code, get};
use crate::harness::{Origin, Proxy, Wire, origin, tls};

/// An origin that says back what it hears on a WebSocket.
async fn echoes() -> String {
    let address = origin::each_connection(|stream| async move {
        let Ok(mut socket) = accept_async(stream).await else { return };
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() || socket.send(message).await.is_err() {
                break;
            }
        }
    })
    .await;
    origin::config(&[address], "capacity = { mode = \"fixed\", limit = 1 }")
}

#[tokio::test]
async fn a_websocket_passes_both_ways() {
    let proxy = Proxy::with(&echoes().await);
    let mut sockets = Vec::new();
    // A tunnel holds no seat: there is only one.
    for _ in 0..3 {
        let stream = TcpStream::connect(proxy.address()).await.unwrap();
        let (socket, answer) = client_async("ws://shop.test/live", stream).await.unwrap();
        assert_eq!(answer.status(), 101);
        sockets.push(socket);
    }
    for socket in &mut sockets {
        for message in [Message::text("hello"), Message::binary(vec![7; 1 << 20])] {
            socket.send(message.clone()).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), message);
        }
        socket.close(None).await.unwrap();
    }
}

#[tokio::test]
async fn a_websocket_passes_over_tls() {
    let (proxy, authority) = tls::proxy(&echoes().await);
    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    let stream = authority.connect(stream, tls::SHOP, &["http/1.1"]).await.unwrap();
    let (mut socket, _) = client_async("wss://shop.test/live", stream).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
}

#[tokio::test]
async fn an_origin_that_declines_is_answered_for_as_usual() {
    let origin = Origin::saying("no").await;
    let proxy = Proxy::with(&origin.config());
    let mut wire = Wire::to(proxy.client()).await;
    let asks = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    wire.say(get("/", asks)).await;
    let (head, body) = wire.answer().await;
    assert_eq!((code(&head), body.as_str()), (200, "no"));
    assert_eq!((origin.last().header("upgrade"), origin.last().header("connection")), ("websocket", "upgrade"));
    // What follows is a request like any other, not part of a tunnel.
    wire.say(get("/a%00", "")).await;
    assert_eq!(code(&wire.answer().await.0), 400);
    assert_eq!(origin.seen().len(), 1);
}
