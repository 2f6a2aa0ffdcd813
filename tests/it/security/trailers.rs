//! Trailers cannot change a message that has already been judged.

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use super::code;
use crate::harness::{Origin, Proxy, Wire, origin, tls};

fn trailers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
}

/// Names the trailers that came in, and sends some of its own.
async fn tells_trailers(request: Request<Incoming>) -> Response<origin::Body> {
    let collected = request.into_body().collect().await.unwrap();
    let mut names: Vec<_> =
        collected.trailers().into_iter().flatten().map(|(name, _)| name.as_str().to_owned()).collect();
    names.sort_unstable();
    let own = trailers(&[
        ("grpc-status", "0"),
        ("grpc-message", "fine"),
        ("content-length", "3"),
        ("x-forwarded-for", "1.2.3.4"),
        ("set-cookie", "a=b"),
    ]);
    let body = Full::from(names.join(" ")).with_trailers(std::future::ready(Some(Ok(own))));
    Response::new(body.boxed_unsync())
}

#[tokio::test]
async fn those_of_grpc_pass_and_those_that_forge_do_not() {
    let origin = Origin::answering_h2(tells_trailers).await;
    let (proxy, authority) = tls::proxy(&origin.config_with("h2 = true"));
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    let sent = trailers(&[
        ("grpc-timeout-used", "1"),
        ("x-checksum", "1"),
        ("content-length", "3"),
        ("host", "other.test"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-spillway-class", "vip"),
        ("authorization", "me"),
    ]);
    let request = Request::post("https://shop.test/").header("te", "trailers").body(()).unwrap();
    let (answer, back) = client.exchange(request, "body", sent).await;
    assert_eq!(answer.text(), "grpc-timeout-used x-checksum");
    let mut names: Vec<_> = back.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["grpc-message", "grpc-status"]);
    assert_eq!(origin.last().header("te"), "trailers");
}

#[tokio::test]
async fn those_of_http_1_are_dropped_and_end_the_connection() {
    let origin = Origin::answering(tells_trailers).await;
    let proxy = Proxy::with(&origin.config());
    let mut wire = Wire::to(proxy.client()).await;
    wire.say(
        "POST / HTTP/1.1\r\nHost: shop.test\r\nTrailer: X-Checksum, Host\r\nTransfer-Encoding: chunked\r\n\r\n\
         3\r\none\r\n0\r\nX-Checksum: 1\r\nHost: other.test\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    )
    .await;
    let answer = wire.rest().await;
    assert_eq!(code(&answer), 200, "{answer}");
    assert!(!answer.contains("x-checksum"), "{answer}");
    assert_eq!(origin.targets(), ["/"]);
}
