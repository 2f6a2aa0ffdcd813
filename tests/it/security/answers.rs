//! An origin that is broken, or was broken into, harms only its own answer.

use super::{code, get};
use crate::harness::{Proxy, Wire, origin};

/// A proxy before an origin that answers every request with these bytes, and keeps the connection.
async fn before(answer: &'static str) -> Proxy {
    let address = origin::each_connection(move |stream| async move {
        let mut wire = Wire::over(stream);
        wire.head().await;
        wire.say(answer).await;
        wire.rest().await;
    })
    .await;
    Proxy::with(&origin::config(&[address], ""))
}

#[tokio::test]
async fn an_answer_that_could_be_read_in_two_ways_is_not_passed_on() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nsecret",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nsecret",
        "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nsecret",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\0c\r\n\r\nsecret",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\rc\r\n\r\nsecret",
        "HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nsecret",
        "SSH-2.0-OpenSSH_9.9\r\n\r\nsecret",
    ] {
        let proxy = before(answer).await;
        let mut wire = Wire::to(proxy.client()).await;
        wire.say(get("/", "")).await;
        let (head, body) = wire.answer().await;
        assert_eq!(code(&head), 502, "{answer:?} became {head}{body}");
        assert!(!body.contains("secret"), "{answer:?} became {body}");
    }
}

#[tokio::test]
async fn what_follows_an_answer_is_nobodys_answer() {
    let proxy =
        before("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
            .await;
    let mut wire = Wire::to(proxy.client()).await;
    for _ in 0..3 {
        wire.say(get("/", "")).await;
        let (head, body) = wire.answer().await;
        assert_eq!((code(&head), body.as_str()), (200, "first"));
    }
}

#[tokio::test]
async fn a_length_beside_a_transfer_coding_does_not_reach_the_client() {
    let chunked = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let proxy = before(chunked).await;
    let answer = proxy.client().raw(get("/", "Connection: close\r\n")).await.to_ascii_lowercase();
    assert!(!answer.contains("content-length"), "{answer}");
    assert_eq!(answer.matches("transfer-encoding: chunked").count(), 1, "{answer}");
    assert!(answer.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn an_answer_with_a_head_without_end_is_not_waited_for() {
    let address = origin::each_connection(|stream| async move {
        let mut wire = Wire::over(stream);
        wire.head().await;
        wire.say(format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(200 << 10))).await;
    })
    .await;
    let proxy = Proxy::with(&origin::config(&[address], ""));
    assert_eq!(proxy.client().get("/").await.status, 502);
}
