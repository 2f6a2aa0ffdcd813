//! HTTP/1.1 and HTTP/2 in and out, certificates by name.

use http::Request;

use super::{code, get};
use crate::harness::tls::Authority;
use crate::harness::{Origin, Proxy, Wire, h2, origin, tls};

#[tokio::test]
async fn one_listener_speaks_both_as_the_client_likes() {
    let origin = Origin::answering(origin::echo).await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let mut http1 = authority.h1(proxy.address(), tls::SHOP).await;
    for body in ["one", "two"] {
        http1.say(format!("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\n\r\n{body}")).await;
        assert_eq!(http1.answer().await.1, body);
    }
    let mut http2 = authority.h2(proxy.address(), tls::SHOP).await;
    for body in ["one", "two"] {
        let request = Request::post("https://shop.test/").body(()).unwrap();
        let (answer, _) = http2.exchange(request, body, http::HeaderMap::new()).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, body));
    }
    assert_eq!(origin.last().header("x-forwarded-proto"), "https");
}

#[tokio::test]
async fn many_streams_share_a_connection() {
    let origin = Origin::answering(|request| async move { origin::answer(request.uri().path().to_owned()) }).await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    let mut answers = Vec::new();
    for number in 0..50 {
        answers.push(client.begin(h2::get("shop.test", &format!("/{number}")), true).await.unwrap().0);
    }
    for (number, answer) in answers.into_iter().enumerate().rev() {
        let mut body = answer.await.unwrap().into_body();
        assert_eq!(body.data().await.unwrap().unwrap(), format!("/{number}"));
    }
}

#[tokio::test]
async fn an_origin_may_speak_http2() {
    let origin = Origin::answering_h2(origin::echo).await;
    let proxy = Proxy::with(&origin.config_with("h2 = true"));
    assert_eq!(proxy.client().call("POST", "/a?b=c", "body").await.text(), "body");
    let seen = origin.last();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/a?b=c"));
    assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(proxy.client().call("HEAD", "/", "").await.status, 200);
}

#[tokio::test]
async fn an_origin_may_speak_tls() {
    let authority = Authority::new();
    let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
    authority.issue(dir.path(), "origin", &["localhost"]);
    std::fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
    let acceptor = tls::acceptor(dir.path(), "origin");
    let address = origin::each_connection(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let mut wire = Wire::over(stream);
            wire.head().await;
            wire.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret").await;
            wire.rest().await;
        }
    })
    .await;
    let config = |keys: &str| {
        let server = format!("https://localhost:{}", address.port());
        origin::config(&[address], keys).replace(&format!("http://{address}"), &server)
    };
    let proxy = Proxy::within(dir, &config("ca_file = \"ca.pem\""));
    assert_eq!(proxy.client().get("/").await.text(), "secret");
    let distrusting = Proxy::with(&config(""));
    assert_eq!(distrusting.client().get("/").await.status, 502);
}

#[tokio::test]
async fn certificates_are_chosen_by_name() {
    let origin = Origin::saying("hello").await;
    let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let authority = Authority::new();
    authority.issue(dir.path(), "one", &["one.test"]);
    authority.issue(dir.path(), "two", &["two.test", "*.two.test"]);
    let listener = r#"
[[listener]]
address = "127.0.0.1:0"
tls = [{ certificate = "one.pem", key = "one.key" }, { certificate = "two.pem", key = "two.key" }]
"#;
    let proxy = Proxy::within(dir, &(origin.config() + listener));
    for name in ["one.test", "two.test", "www.two.test"] {
        // The handshake fails if the certificate is for another name.
        let mut client = authority.h2(proxy.address(), name).await;
        assert_eq!(client.send(h2::get(name, "/")).await.text(), "hello");
        assert_eq!(origin.last().header("host"), name);
    }
}

#[tokio::test]
async fn requests_may_be_pipelined() {
    let origin = Origin::answering(|request| async move { origin::answer(request.uri().path().to_owned()) }).await;
    let proxy = Proxy::with(&origin.config());
    let mut wire = Wire::to(proxy.client()).await;
    wire.say((0..20).map(|number| get(&format!("/{number}"), "")).collect::<String>()).await;
    for number in 0..20 {
        assert_eq!(wire.answer().await.1, format!("/{number}"));
    }
}

#[tokio::test]
async fn head_is_answered_without_a_body() {
    let origin = Origin::saying("hello").await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let mut wire = authority.h1(proxy.address(), tls::SHOP).await;
    wire.say("HEAD / HTTP/1.1\r\nHost: shop.test\r\n\r\n").await;
    let head = wire.head().await;
    assert_eq!(code(&head), 200);
    assert!(head.to_ascii_lowercase().contains("\r\ncontent-length: 5\r\n"), "{head}");
    wire.say(get("/", "")).await;
    assert_eq!(wire.answer().await.1, "hello");
    let mut client = authority.h2(proxy.address(), tls::SHOP).await;
    let answer = client.send(Request::head("https://shop.test/").body(()).unwrap()).await;
    assert_eq!((answer.header("content-length"), answer.text().as_str()), ("5", ""));
}

#[tokio::test]
async fn http_1_0_is_answered_in_kind() {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&origin.config());
    let answer = proxy.client().raw("GET / HTTP/1.0\r\nHost: shop.test\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 ") && answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[tokio::test]
async fn who_expects_to_be_told_to_continue_is_told() {
    let origin = Origin::answering(origin::echo).await;
    let proxy = Proxy::with(&(origin.config() + "[client]\nmax_body = \"1KiB\"\n"));
    let mut wire = Wire::to(proxy.client()).await;
    wire.say("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(wire.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    wire.say("body").await;
    let (head, body) = wire.answer().await;
    assert_eq!((code(&head), body.as_str()), (200, "body"));
    assert_eq!(origin.last().header("expect"), "");
    let mut refused = Wire::to(proxy.client()).await;
    refused.say("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 4096\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(code(&refused.rest().await), 413);
}

#[tokio::test]
async fn what_an_origin_says_ahead_of_its_answer_does_no_harm() {
    let address = origin::each_connection(|stream| async move {
        let mut wire = Wire::over(stream);
        loop {
            let head = wire.head().await;
            wire.say("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n").await;
            wire.say("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n").await;
            let path = head.split(' ').nth(1).unwrap();
            wire.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len())).await;
        }
    })
    .await;
    let proxy = Proxy::with(&origin::config(&[address], ""));
    let mut wire = Wire::to(proxy.client()).await;
    for path in ["/one", "/two"] {
        wire.say(get(path, "")).await;
        let answer = loop {
            let head = wire.head().await;
            if code(&head) >= 200 {
                break head;
            }
        };
        assert_eq!(code(&answer), 200);
        assert_eq!(wire.bytes(path.len()).await, path);
    }
}

#[tokio::test]
async fn several_listeners_serve_the_same() {
    let origin = Origin::saying("hello").await;
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    let proxy = Proxy::with(&(origin.config() + listener + listener));
    for index in 0..2 {
        assert_eq!(crate::harness::Client::of(proxy.listener(index)).get("/").await.text(), "hello");
    }
}
