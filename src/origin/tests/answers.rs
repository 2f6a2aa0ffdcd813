//! Ordinary answers and their framing.

use super::*;

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

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
