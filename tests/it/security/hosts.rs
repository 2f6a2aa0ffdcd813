//! One request names one host, in one form.

use http::Request;

use super::code;
use crate::harness::{Origin, Proxy, h2, tls};

#[tokio::test]
async fn a_request_that_names_no_one_host_is_refused() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    for head in [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.0\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET / HTTP/1.1\r\nHost: shop.test\r\nHost: shop.test\r\n",
        "GET / HTTP/1.1\r\nHost: shop.test\r\nHost: other.test\r\n",
        "GET / HTTP/1.1\r\nHost: shop.test, other.test\r\n",
        "GET / HTTP/1.1\r\nHost: shop.test/path\r\n",
        "GET / HTTP/1.1\r\nHost: shop.test:99999\r\n",
        "GET / HTTP/1.1\r\nHost: shop test\r\n",
        "GET / HTTP/1.1\r\nHost: user@shop.test\r\n",
        "GET / HTTP/1.1\r\nHost: user:secret@shop.test\r\n",
        "GET http://user@shop.test/ HTTP/1.1\r\nHost: shop.test\r\n",
        "GET http://other.test/ HTTP/1.1\r\nHost: shop.test\r\n",
        "GET http://shop.test:81/ HTTP/1.1\r\nHost: shop.test\r\n",
        "GET ftp://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n",
        "GET shop.test HTTP/1.1\r\nHost: shop.test\r\n",
        "CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n",
    ] {
        let answer = proxy.client().raw(format!("{head}\r\n")).await;
        assert_eq!(code(&answer), 400, "{head:?} got {answer:?}");
        assert_eq!(origin.targets(), [""; 0], "{head:?}");
    }
}

#[tokio::test]
async fn the_origin_is_told_the_host_in_one_form() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    for (head, host, target) in [
        ("GET /a HTTP/1.1\r\nHost: SHOP.test\r\n", "shop.test", "/a"),
        ("GET /a HTTP/1.1\r\nHost: shop.test.\r\n", "shop.test", "/a"),
        ("GET /a HTTP/1.1\r\nHost: [2001:DB8::0:1]:81\r\n", "[2001:db8::1]:81", "/a"),
        ("GET http://Shop.test/a?b HTTP/1.1\r\nHost: shop.test\r\n", "shop.test", "/a?b"),
        ("GET http://shop.test HTTP/1.1\r\nHost: shop.test:80\r\n", "shop.test", "/"),
        ("OPTIONS * HTTP/1.1\r\nHost: shop.test\r\n", "shop.test", "*"),
    ] {
        let answer = proxy.client().raw(format!("{head}Connection: close\r\n\r\n")).await;
        assert_eq!(code(&answer), 200, "{head:?} got {answer:?}");
        let seen = origin.last();
        assert_eq!((seen.header("host"), seen.target.as_str()), (host, target), "{head:?}");
    }
}

#[tokio::test]
async fn host_and_authority_of_http2_must_agree() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    let with_host = |host: &str| Request::get("https://shop.test/").header("host", host).body(()).unwrap();
    let answer = client.send(with_host("other.test")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(origin.targets(), [""; 0]);
    assert_eq!(client.send(with_host("shop.test:443")).await.status, 200);
    assert_eq!(origin.last().header("host"), "shop.test");
    assert_eq!(client.send(h2::get("SHOP.test", "/")).await.status, 200);
    assert_eq!(origin.last().header("host"), "shop.test");
}

#[tokio::test]
async fn a_host_other_than_that_of_the_handshake_is_misdirected() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    assert_eq!(client.send(h2::get("other.test", "/")).await.status, 421);
    assert_eq!(client.send(h2::get("shop.test", "/")).await.status, 200);

    let mut wire = authority.h1(proxy.address(), tls::SHOP).await;
    wire.say("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n").await;
    assert_eq!(code(&wire.answer().await.0), 421);
    wire.say("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").await;
    assert_eq!(code(&wire.answer().await.0), 200);
    assert_eq!(origin.seen().len(), 2);
}
