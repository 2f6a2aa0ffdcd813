//! Ordinary answers, their framing, and what becomes of their connections.

use http_body::Body;
use tokio::sync::mpsc;

use super::*;
use crate::origin::BodyError;

#[tokio::test(flavor = "local")]
async fn a_kept_connection_serves_the_next_request() {
    let server = Scripted::start(|stream, _| answer_all(stream, HELLO)).await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    for _ in 0..3 {
        let exchange = send(&client, &origin, get("/")).await.unwrap();
        assert_eq!(read(exchange).await, (StatusCode::OK, Bytes::from_static(b"hello")));
    }
    assert_eq!(server.connections(), 1);
    let status = origin.servers(clock::now()).remove(0);
    assert_eq!((status.in_flight, status.active_connections, status.idle_connections), (0, 0, 1));
}

#[tokio::test(flavor = "local")]
async fn the_origin_gets_the_path_and_the_clients_host() {
    let server = Scripted::start(|mut stream, _| async move {
        let head = read_head(&mut stream).await.unwrap();
        assert_eq!(head, "GET /a?b=c HTTP/1.1\r\nhost: shop.example\r\n\r\n");
        stream.write_all(HELLO).await.unwrap();
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let mut request = get("https://shop.example/a?b=c");
    *request.version_mut() = http::Version::HTTP_2;
    let exchange = send(&client, &origin, request).await.unwrap();
    assert_eq!(read(exchange).await.0, StatusCode::OK);
}

/// Sends two requests; whether the second used the first one's connection, and the first one's body.
async fn reuses(answer: &'static [u8]) -> (bool, Bytes) {
    let server = Scripted::start(move |mut stream, _| async move {
        let closes = !answer.windows(6).any(|text| text == b"length" || text == b"chunke");
        while read_head(&mut stream).await.is_some() {
            // In two pieces, so that the body is not there with the head.
            let (head, rest) = answer.split_at(answer.len() - 3);
            stream.write_all(head).await.unwrap();
            tokio::task::yield_now().await;
            stream.write_all(rest).await.unwrap();
            if closes {
                return;
            }
        }
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let (_, body) = read(send(&client, &origin, get("/")).await.unwrap()).await;
    let _ = read(send(&client, &origin, get("/")).await.unwrap()).await;
    (server.connections() == 1, body)
}

#[tokio::test(flavor = "local")]
async fn every_framing_is_understood_and_decides_over_reuse() {
    let body = Bytes::from_static(b"hello");
    let cases: [(&[u8], bool); 5] = [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", true),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", true),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello", false),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", false),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", false),
    ];
    for (answer, reused) in cases {
        assert_eq!(reuses(answer).await, (reused, body.clone()), "{}", answer.escape_ascii());
    }
}

#[tokio::test(flavor = "local")]
async fn the_length_of_the_body_is_known_before_it_is_read() {
    let server = Scripted::start(|stream, _| answer_all(stream, HELLO)).await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let exchange = send(&client, &origin, get("/")).await.unwrap();
    assert_eq!(exchange.response.body().size_hint().exact(), Some(5));
    assert!(!exchange.response.body().is_end_stream());
}

#[tokio::test(flavor = "local")]
async fn an_answer_to_head_has_a_length_but_no_body() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    let server = Scripted::start(|stream, _| answer_all(stream, answer)).await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    for _ in 0..2 {
        let mut request = get("/");
        *request.method_mut() = http::Method::HEAD;
        let exchange = send(&client, &origin, request).await.unwrap();
        assert_eq!(exchange.response.headers()["content-length"], "5");
        assert!(exchange.response.body().is_end_stream());
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test(flavor = "local")]
async fn interim_answers_are_passed_over_and_trailers_kept() {
    let answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n\
        HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\ngrpc-status: 0\r\n\r\n";
    let server = Scripted::start(|stream, _| answer_all(stream, answer)).await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let exchange = send(&client, &origin, get("/")).await.unwrap();
    assert_eq!(exchange.response.status(), StatusCode::OK);
    let body = exchange.response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
}

#[tokio::test(flavor = "local")]
async fn a_large_body_arrives_whole_and_only_as_fast_as_it_is_read() {
    const SIZE: usize = 8 << 20;
    let (written, mut progress) = mpsc::unbounded_channel();
    let server = Scripted::start(move |mut stream, _| {
        let written = written.clone();
        async move {
            read_head(&mut stream).await.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..SIZE / 65536 {
                stream.write_all(&[7; 65536]).await.unwrap();
                written.send(65536_usize).unwrap();
            }
        }
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let mut exchange = send(&client, &origin, get("/")).await.unwrap();
    let first = exchange.response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    // Give the server every chance to write on: it must be stopped by the socket buffers.
    polled().await;
    let before: usize = std::iter::from_fn(|| progress.try_recv().ok()).sum();
    assert!(before < SIZE, "all of it was taken although nobody read");
    let (_, rest) = read(exchange).await;
    assert_eq!(first.len() + rest.len(), SIZE);
    assert!(rest.iter().all(|&byte| byte == 7));
}

#[tokio::test(flavor = "local")]
async fn a_body_dropped_early_closes_its_connection() {
    let (ended, mut end) = mpsc::unbounded_channel();
    let server = Scripted::start(move |mut stream, _| {
        let ended = ended.clone();
        async move {
            read_head(&mut stream).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe").await.unwrap();
            assert!(read_head(&mut stream).await.is_none());
            ended.send(()).unwrap();
        }
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let exchange = send(&client, &origin, get("/")).await.unwrap();
    assert_eq!(origin.servers(clock::now())[0].active_connections, 1);
    drop(exchange);
    end.recv().await.unwrap();
    let status = origin.servers(clock::now()).remove(0);
    assert_eq!((status.in_flight, status.active_connections, status.idle_connections), (0, 0, 0));
}

#[tokio::test(flavor = "local")]
async fn a_body_cut_short_is_an_error() {
    let server = Scripted::start(|mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe").await.unwrap();
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let exchange = send(&client, &origin, get("/")).await.unwrap();
    let error = exchange.response.into_body().collect().await.unwrap_err();
    assert!(matches!(error, BodyError::Broken(_)), "{error}");
}

#[tokio::test(flavor = "local")]
async fn silence_within_a_body_has_a_limit() {
    let server = Scripted::start(|mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe").await.unwrap();
        assert!(read_head(&mut stream).await.is_none());
    })
    .await;
    let mut settings = settings(&[server.address]);
    settings.body_timeout = Duration::from_millis(50);
    let (client, origin) = (OriginClient::new(), origin(&settings));
    let began = std::time::Instant::now();
    let exchange = send(&client, &origin, get("/")).await.unwrap();
    let error = exchange.response.into_body().collect().await.unwrap_err();
    assert!(matches!(error, BodyError::Timeout), "{error}");
    assert!(began.elapsed() >= Duration::from_millis(50));
}

#[tokio::test(flavor = "local")]
async fn after_101_the_connection_belongs_to_the_caller() {
    let server = Scripted::start(|mut stream, _| async move {
        let head = read_head(&mut stream).await.unwrap();
        assert!(head.contains("upgrade: websocket"));
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n!";
        stream.write_all(answer).await.unwrap();
        let byte = stream.read_u8().await.unwrap();
        stream.write_u8(byte + 1).await.unwrap();
    })
    .await;
    let (client, origin) = (OriginClient::new(), origin(&settings(&[server.address])));
    let mut request = get("/socket");
    request.headers_mut().insert("connection", "upgrade".parse().unwrap());
    request.headers_mut().insert("upgrade", "websocket".parse().unwrap());
    let mut exchange = send(&client, &origin, request).await.unwrap();
    assert_eq!(exchange.response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let upgraded = hyper::upgrade::on(&mut exchange.response).await.unwrap();
    let mut tunnel = hyper_util::rt::TokioIo::new(upgraded);
    assert_eq!(tunnel.read_u8().await.unwrap(), b'!');
    tunnel.write_u8(7).await.unwrap();
    tunnel.flush().await.unwrap();
    assert_eq!(tunnel.read_u8().await.unwrap(), 8);
    assert_eq!(origin.servers(clock::now())[0].idle_connections, 1, "the tunnel counts");
    drop(tunnel);
    assert_eq!(origin.servers(clock::now())[0].idle_connections, 0);
}
