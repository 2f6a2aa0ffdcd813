//! Frames that cost their sender nothing end the connection.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::harness::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, frame, get, hear,
    hear_all, hello,
};
use crate::harness::{Origin, Proxy, tls};

/// An origin that never answers, so that every reset comes before an answer.
async fn silent() -> Origin {
    Origin::answering(|_| std::future::pending()).await
}

fn begun_and_reset(stream: u32) -> Vec<u8> {
    let head = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get(tls::SHOP));
    [head, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
}

#[tokio::test]
async fn a_burst_of_resets_is_told_to_go_away() {
    let origin = silent().await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let mut stream = authority.h2_bytes(proxy.address(), tls::SHOP).await;
    let burst = (0..500).flat_map(|number| begun_and_reset(2 * number + 1));
    let burst: Vec<u8> = hello().into_iter().chain(burst).collect();
    // It may be cut off while it still speaks.
    let _ = stream.write_all(&burst).await;
    assert!(hear_all(&mut stream).await.iter().any(|frame| frame.kind == GOAWAY));
    assert!(origin.seen().len() < 250, "{}", origin.seen().len());
}

#[tokio::test]
async fn paced_resets_are_told_to_go_away() {
    let origin = silent().await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let stream = authority.h2_bytes(proxy.address(), tls::SHOP).await;
    let (mut reading, mut writing) = tokio::io::split(stream);
    writing.write_all(&hello()).await.unwrap();
    let pacing = tokio::spawn(async move {
        let mut pace = tokio::time::interval(Duration::from_millis(3));
        for number in 0..1000 {
            pace.tick().await;
            if writing.write_all(&begun_and_reset(2 * number + 1)).await.is_err() {
                break;
            }
        }
    });
    // It does not acknowledge that it was told to go away, and goes on; so it is cut off.
    assert!(hear_all(&mut reading).await.iter().any(|frame| frame.kind == GOAWAY));
    pacing.abort();
    assert!(origin.seen().len() < 300, "{}", origin.seen().len());
}

#[tokio::test]
async fn a_reset_request_has_paid_its_token() {
    let origin = silent().await;
    let limit = "[limit.each]\nkey = \"client-ip\"\nrate = \"1/min\"\nburst = 10\n";
    let config = origin.config().replace("origin = \"shop\"", "origin = \"shop\"\nlimits = [\"each\"]") + limit;
    let (proxy, authority) = tls::proxy(&config);
    let mut stream = authority.h2_bytes(proxy.address(), tls::SHOP).await;
    stream.write_all(&hello()).await.unwrap();
    for number in 0..30 {
        // Not reset before the answer is there if it is refused at once; the first ten are not.
        let head = frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, &get(tls::SHOP));
        stream.write_all(&head).await.unwrap();
        if number < 10 {
            origin.sees(number as usize + 1).await;
        }
        stream.write_all(&frame(RST_STREAM, 0, 2 * number + 1, &8_u32.to_be_bytes())).await.unwrap();
    }
    stream.write_all(&frame(PING, 0, 0, b"the last")).await.unwrap();
    while hear(&mut stream).await.expect("an answer to the ping").payload != b"the last" {}
    assert_eq!(origin.seen().len(), 10);
}

/// Sends frames until the proxy has had enough.
async fn ends_after(proxy: &Proxy, authority: &tls::Authority, opening: Vec<u8>, flood: Vec<u8>) {
    let mut stream = authority.h2_bytes(proxy.address(), tls::SHOP).await;
    stream.write_all(&[hello(), opening].concat()).await.unwrap();
    let (mut reading, mut writing) = tokio::io::split(stream);
    let flooding = tokio::spawn(async move { while writing.write_all(&flood).await.is_ok() {} });
    hear_all(&mut reading).await;
    flooding.abort();
}

#[tokio::test]
async fn control_frames_without_end_end_the_connection() {
    let origin = silent().await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let post = [&[0x83][..], &get(tls::SHOP)[1..]].concat();
    for (opening, flood) in [
        (vec![], frame(SETTINGS, 0, 0, b"")),
        (vec![], frame(PING, 0, 0, b"12345678")),
        (vec![], frame(PING, ACK, 0, b"12345678")),
        (vec![], frame(0x2, 0, 1, b"\0\0\0\0\x10")),
        (vec![], frame(0xee, 0, 0, b"")),
        (frame(HEADERS, END_HEADERS, 1, &post), frame(DATA, 0, 1, b"")),
        (frame(HEADERS, END_STREAM, 1, &get(tls::SHOP)), frame(CONTINUATION, 0, 1, b"")),
    ] {
        ends_after(&proxy, &authority, opening, flood.repeat(50)).await;
    }
    assert!(proxy.metric("spillway_protocol_errors_total{kind=\"h2_flood\"}").await > 0.0);
}

#[tokio::test]
async fn an_honest_ping_is_answered() {
    let origin = silent().await;
    let (proxy, authority) = tls::proxy(&origin.config());
    let mut stream = authority.h2_bytes(proxy.address(), tls::SHOP).await;
    stream.write_all(&[hello(), frame(PING, 0, 0, b"12345678")].concat()).await.unwrap();
    loop {
        let heard = hear(&mut stream).await.expect("an answer");
        if heard.kind == PING {
            assert_eq!((heard.flags, heard.payload.as_slice()), (ACK, &b"12345678"[..]));
            break;
        }
    }
}
