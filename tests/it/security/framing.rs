//! Where a message ends: whatever two servers could read differently is refused, and the connection with it.

use super::code;
use crate::harness::{Origin, Proxy, Wire, origin};

/// What would be answered if the bytes before it were taken for a whole message.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n";

fn post(lines: &str, body: &str) -> String {
    format!("POST /post HTTP/1.1\r\nHost: shop.test\r\n{lines}\r\n{body}{SMUGGLED}")
}

/// Each of these is answered 400, ends the connection, and is not seen by the origin.
async fn all_are_refused(cases: impl IntoIterator<Item = String>) {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    for case in cases {
        let answer = proxy.client().raw(&case).await;
        assert_eq!(code(&answer), 400, "{case:?} got {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{case:?} got {answer:?}");
        assert!(answer.contains("application/problem+json"), "{case:?} got {answer:?}");
        assert_eq!(origin.targets(), [""; 0], "{case:?}");
    }
    assert_eq!(proxy.client().get("/").await.status, 200);
}

#[tokio::test]
async fn a_length_beside_a_transfer_coding_ends_the_connection() {
    let origin = Origin::answering(origin::echo).await;
    let proxy = Proxy::with(&origin.config());
    for lines in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 300\r\n",
    ] {
        let answer = proxy.client().raw(post(lines, "0\r\n\r\n")).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{lines:?} got {answer:?}");
        assert!(!origin.targets().contains(&"/smuggled".to_owned()), "{lines:?}");
        for seen in origin.seen() {
            assert_eq!((seen.header("content-length"), seen.target.as_str()), ("", "/post"));
        }
    }
}

#[tokio::test]
async fn any_transfer_coding_but_one_chunked_is_refused() {
    all_are_refused(
        [
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: identity, chunked\r\n",
            "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked;q=1\r\n",
            "Transfer-Encoding: \"chunked\"\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding: chunked,\r\n",
            "Transfer-Encoding: ,chunked\r\n",
            "Transfer-Encoding:\r\n",
            "Transfer-Encoding: \x0bchunked\r\n",
        ]
        .map(|lines| post(lines, "0\r\n\r\n")),
    )
    .await;
}

#[tokio::test]
async fn one_chunked_is_understood_however_it_is_written() {
    let origin = Origin::answering(origin::echo).await;
    let proxy = Proxy::with(&origin.config());
    let mut wire = Wire::to(proxy.client()).await;
    for coding in ["chunked", "Chunked", "  chunked\t"] {
        let head = format!("POST /post HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: {coding}\r\n\r\n");
        wire.say(head + "3;a=b\r\none\r\n4\r\n two\r\n0\r\n\r\n").await;
        assert_eq!(wire.answer().await.1, "one two", "{coding}");
    }
}

#[tokio::test]
async fn an_odd_length_is_refused() {
    let odd = ["5, 5", "5,6", "+5", "-1", "0x5", "5 5", "", "1e1", "5.0", "99999999999999999999", "\u{0665}"];
    let lines = odd.map(|length| format!("Content-Length: {length}\r\n"));
    let several = "Content-Length: 5\r\nContent-Length: 6\r\n".to_owned();
    all_are_refused(lines.into_iter().chain([several]).map(|lines| post(&lines, "12345"))).await;
}

#[tokio::test]
async fn a_length_said_twice_is_said_once_to_the_origin() {
    let origin = Origin::answering(origin::echo).await;
    let proxy = Proxy::with(&origin.config());
    let twice = "POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\nContent-Length: 5\r\n";
    let answer = proxy.client().raw(format!("{twice}Connection: close\r\n\r\n12345")).await;
    assert!(answer.ends_with("\r\n\r\n12345"), "{answer}");
    assert_eq!(origin.last().headers.get_all("content-length").iter().collect::<Vec<_>>(), ["5"]);
}

#[tokio::test]
async fn a_transfer_coding_of_http_1_0_is_refused() {
    all_are_refused([post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n").replacen("HTTP/1.1", "HTTP/1.0", 1)]).await;
}

#[tokio::test]
async fn a_malformed_head_is_refused() {
    all_are_refused(
        [
            "GET / HTTP/1.1\r\nHost : shop.test\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: shop.test\r\nContent-Length : 5\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: shop.test\r\nContent-Length\t: 5\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: shop.test\r\nA: b\r\n c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: shop.test\r\nA:\r\n\tTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: shop.test\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: shop.test\r\nA: b\rContent-Length: 5\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: shop.test\r\nA: b\0c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: shop.test\r\nA\0: b\r\n\r\n",
            "GET /\0 HTTP/1.1\r\nHost: shop.test\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: shop.test\r\nA\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: shop.test\r\n: b\r\n\r\n",
            "GET / HTTP/9.9\r\nHost: shop.test\r\n\r\n",
            "GET / more HTTP/1.1\r\nHost: shop.test\r\n\r\n",
            "G(T / HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        ]
        .map(|case| case.to_owned() + SMUGGLED),
    )
    .await;
}

#[tokio::test]
async fn a_bare_line_feed_after_the_last_chunk_swallows_no_request() {
    let origin = Origin::answering(origin::echo).await;
    let proxy = Proxy::with(&origin.config());
    for end in ["0\r\n\n", "0\r\n\nA: b\r\n", "0\r\n\r", "0\n\n"] {
        let answer = proxy.client().raw(post("Transfer-Encoding: chunked\r\n", end)).await;
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{end:?} got {answer:?}");
        assert!(!origin.targets().contains(&"/smuggled".to_owned()), "{end:?}");
    }
}

#[tokio::test]
async fn a_malformed_chunk_ends_the_connection() {
    let origin = Origin::answering(origin::echo).await;
    let proxy = Proxy::with(&origin.config());
    for chunk in [
        "-1\r\na\r\n",
        "g\r\na\r\n",
        "0x1\r\na\r\n",
        "1 1\r\na\r\n",
        "fffffffffffffffff\r\na\r\n",
        "1\r\nab\r\n",
        "\r\n",
    ] {
        let answer = proxy.client().raw(post("Transfer-Encoding: chunked\r\n", &format!("{chunk}0\r\n\r\n"))).await;
        assert_eq!(code(&answer), 400, "{chunk:?} got {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{chunk:?} got {answer:?}");
        assert!(!origin.targets().contains(&"/smuggled".to_owned()), "{chunk:?}");
    }
}

#[tokio::test]
async fn bytes_at_random_hurt_nobody() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    let whole = post("Transfer-Encoding: chunked\r\nA: b\r\nConnection: keep-alive\r\n", "3\r\none\r\n0\r\n\r\n");
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..300 {
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        bytes.truncate(random.usize(1..bytes.len()));
        let mut stream = proxy.client().open().await;
        // It may have been answered and closed by now.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes).await;
    }
    assert_eq!(proxy.client().get("/after").await.text(), "hello");
}
