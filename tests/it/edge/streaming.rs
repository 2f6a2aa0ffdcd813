//! Bodies pass at the pace of the slower side, in little memory.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{code, get};
use crate::harness::{Origin, PATIENCE, Proxy, Wire, h2, origin, tls};

const PIECE: usize = 64 << 10;
const MIB: u64 = 1 << 20;
/// More than the buffers of all sockets on the way hold.
const BUFFERED: u64 = 48 * MIB;

/// An endless body that counts what was taken of it.
fn endless(taken: Arc<AtomicU64>) -> origin::Body {
    let piece = Bytes::from(vec![b'a'; PIECE]);
    let pieces = futures_util::stream::repeat_with(move || {
        taken.fetch_add(PIECE as u64, Relaxed);
        Ok::<_, Infallible>(Frame::data(piece.clone()))
    });
    StreamBody::new(pieces).boxed_unsync()
}

/// Most memory the proxy has had resident, in bytes.
fn peak_memory(proxy: &Proxy) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn a_gigabyte_each_way_takes_no_more_memory_than_a_page() {
    let origin = Origin::answering(|mut request| async move {
        let mut received = 0;
        while let Some(Ok(frame)) = request.body_mut().frame().await {
            received += frame.data_ref().map_or(0, Bytes::len);
        }
        if received > 0 { origin::answer(received.to_string()) } else { Response::new(endless(Arc::default())) }
    })
    .await;
    let proxy = Proxy::with(&origin.config());
    let total = 1 << 30;
    proxy.client().call("POST", "/", "page").await;
    let before = peak_memory(&proxy);

    let mut up = proxy.client().open().await;
    up.write_all(format!("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {total}\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let piece = vec![b'a'; PIECE];
    for _ in 0..total / PIECE {
        up.write_all(&piece).await.unwrap();
    }
    assert_eq!(Wire::over(up).answer().await.1, total.to_string());

    let mut down = proxy.client().open().await;
    down.write_all(get("/", "").as_bytes()).await.unwrap();
    let (mut received, mut buffer) = (0, vec![0; 4 * PIECE]);
    while received < total {
        received += timeout(PATIENCE, down.read(&mut buffer)).await.unwrap().unwrap();
    }
    let grown = peak_memory(&proxy) - before;
    assert!(grown < 16 * MIB, "grew by {grown} bytes");
}

#[tokio::test]
async fn an_origin_is_held_back_by_a_slow_reader() {
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let origin = Origin::answering(move |_| {
        let body = endless(Arc::clone(&count));
        async move { Response::new(body) }
    })
    .await;
    let proxy = Proxy::with(&origin.config());
    let mut wire = Wire::to(proxy.client()).await;
    wire.say(get("/", "")).await;
    assert_eq!(code(&wire.head().await), 200);
    stands_still(&taken).await;
    let held = taken.load(Relaxed);
    assert!(held < BUFFERED, "{held}");
    wire.bytes(64 << 20).await;
    assert!(taken.load(Relaxed) > held);
}

#[tokio::test]
async fn a_client_is_held_back_by_a_slow_origin() {
    let address = origin::each_connection(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let proxy = Proxy::with(&origin::config(&[address], ""));
    let mut stream = proxy.client().open().await;
    stream.write_all(b"POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000000000\r\n\r\n").await.unwrap();
    let piece = vec![b'a'; PIECE];
    let mut sent = 0;
    while timeout(Duration::from_millis(500), stream.write_all(&piece)).await.is_ok() {
        sent += PIECE as u64;
        assert!(sent < BUFFERED);
    }
}

/// Waits until nothing has been added for a while.
async fn stands_still(count: &AtomicU64) {
    let mut before = u64::MAX;
    while before != count.load(Relaxed) || before == 0 {
        before = count.load(Relaxed);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test]
async fn what_has_come_is_passed_on_at_once_both_ways() {
    let address = origin::each_connection(|stream| async move {
        let mut wire = Wire::over(stream);
        wire.head().await;
        wire.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        // A piece of the answer for a piece of the request.
        while wire.bytes(8).await == "3\r\none\r\n" {
            wire.say("3\r\ntwo\r\n").await;
        }
    })
    .await;
    let proxy = Proxy::with(&origin::config(&[address], ""));
    let mut wire = Wire::to(proxy.client()).await;
    wire.say("POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    assert_eq!(code(&wire.head().await), 200);
    for _ in 0..5 {
        wire.say("3\r\none\r\n").await;
        assert_eq!(wire.bytes(8).await, "3\r\ntwo\r\n");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_a_whole_one() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let address = origin::each_connection(move |stream| {
        let opened = Arc::clone(&opened);
        async move {
            let mut wire = Wire::over(stream);
            let chunked = wire.head().await.starts_with("GET /chunked");
            let framing =
                if chunked { "Transfer-Encoding: chunked\r\n\r\n8\r\n" } else { "Content-Length: 99\r\n\r\n" };
            wire.say(format!("HTTP/1.1 200 OK\r\n{framing}one part\r\n")).await;
            opened.acquire().await.unwrap().forget();
        }
    })
    .await;
    let (proxy, authority) = tls::proxy(&origin::config(&[address], ""));
    for path in ["/chunked", "/length"] {
        let mut http1 = authority.h1(proxy.address(), tls::SHOP).await;
        http1.say(get(path, "")).await;
        assert_eq!(code(&http1.head().await), 200);
        let chunk_size = if path == "/chunked" { "8\r\n" } else { "" };
        assert_eq!(http1.bytes(chunk_size.len() + 10).await, format!("{chunk_size}one part\r\n"));
        gate.add_permits(1);
        assert_eq!(http1.rest().await, "", "{path}");

        let mut http2 = authority.h2(proxy.address(), tls::SHOP).await;
        let (answer, _) = http2.begin(h2::get(tls::SHOP, path), true).await.unwrap();
        let mut body = answer.await.unwrap().into_body();
        assert!(body.data().await.unwrap().unwrap().starts_with(b"one part"));
        gate.add_permits(1);
        assert!(body.data().await.unwrap().unwrap_err().is_reset(), "{path}");
    }
}
