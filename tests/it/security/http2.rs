//! What only HTTP/2 lets a client send.

use tokio::io::AsyncWriteExt;

use crate::harness::frames::{END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, frame, hear_all, hello};
use crate::harness::{Origin, frames, h2, tls};

/// A literal header field without indexing.
fn field(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).unwrap();
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

#[tokio::test]
async fn a_head_that_http_1_would_read_otherwise_is_refused() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&origin.config());
    for lines in [
        field("transfer-encoding", "chunked"),
        field("connection", "close"),
        field("a", "b\r\nc: d"),
        field("a\r\nb", "c"),
        field("A", "b"),
        field("a:b", "c"),
        field("te", "gzip"),
        field(":path", "/other"),
        [field("content-length", "3"), field("content-length", "4")].concat(),
        field("content-length", "3"),
        field("content-length", "+0"),
    ] {
        let mut stream = authority.h2_bytes(proxy.address(), tls::SHOP).await;
        let head = frame(HEADERS, END_HEADERS | END_STREAM, 1, &[frames::get(tls::SHOP), lines.clone()].concat());
        stream.write_all(&[hello(), head].concat()).await.unwrap();
        let refused = loop {
            let heard = frames::hear(&mut stream).await;
            match heard.map(|frame| (frame.kind, frame.payload)) {
                None | Some((RST_STREAM | GOAWAY, _)) => break true,
                // A status of 400 is in the static table of HPACK.
                Some((HEADERS, head)) => break head.first() == Some(&0x8c),
                Some(_) => {}
            }
        };
        assert!(refused, "{:?}", String::from_utf8_lossy(&lines));
        assert_eq!(origin.targets(), [""; 0], "{:?}", String::from_utf8_lossy(&lines));
    }
}

#[tokio::test]
async fn connect_is_refused() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    let request = http::Request::connect("shop.test:443").body(()).unwrap();
    let (answer, _body) = client.begin(request, true).await.unwrap();
    assert_eq!(answer.await.unwrap().status(), 400);
    assert_eq!(client.send(h2::get("shop.test", "/")).await.status, 200);
}

#[tokio::test]
async fn what_is_not_http2_ends_the_connection() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&origin.config());
    for bytes in [b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n".to_vec(), [hello(), frame(HEADERS, 4, 2, b"")].concat()]
    {
        let mut stream = authority.h2_bytes(proxy.address(), tls::SHOP).await;
        stream.write_all(&bytes).await.unwrap();
        hear_all(&mut stream).await;
    }
    assert_eq!(origin.targets(), [""; 0]);
}
