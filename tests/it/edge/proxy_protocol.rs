//! The PROXY protocol, from the networks that may speak it and from no others.

use super::{code, get};
use crate::harness::{Origin, Proxy};

const V2: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

async fn listening_to(networks: &str) -> (Origin, Proxy) {
    let origin = Origin::saying("hello").await;
    let listener = format!("[[listener]]\naddress = \"127.0.0.1:0\"\nproxy_protocol_from = [{networks:?}]\n");
    let proxy = Proxy::with(&(origin.config() + &listener));
    (origin, proxy)
}

fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
    let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
    [&V2[..], &[0x20 | command, family], &length, addresses].concat()
}

#[tokio::test]
async fn a_listed_network_says_whom_it_speaks_for() {
    let (origin, proxy) = listening_to("127.0.0.0/8").await;
    let v6: Vec<u8> = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[7], &[0; 15], &[1], &[0x13, 0x88, 1, 187]].concat();
    for (header, client) in [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 443\r\n".to_vec(), "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 5000 443\r\n".to_vec(), "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        (v2(1, 0x11, &[192, 0, 2, 7, 198, 51, 100, 1, 0x13, 0x88, 1, 187]), "192.0.2.7"),
        (v2(1, 0x21, &v6), "2001:db8::7"),
        (v2(0, 0, &[]), "127.0.0.1"),
    ] {
        let bytes = [header, get("/", "Connection: close\r\n").into_bytes()].concat();
        assert_eq!(code(&proxy.client().raw(bytes).await), 200, "{client}");
        assert_eq!(origin.last().header("x-forwarded-for"), client);
    }
}

#[tokio::test]
async fn a_listed_network_that_does_not_say_is_closed() {
    let (origin, proxy) = listening_to("127.0.0.0/8").await;
    for bytes in [get("/", ""), "PROXY TCP4 a b c d\r\n".to_owned() + &get("/", "")] {
        assert_eq!(proxy.client().raw(bytes).await, "");
    }
    assert!(origin.seen().is_empty());
}

#[tokio::test]
async fn any_other_network_is_not_believed() {
    let (origin, proxy) = listening_to("10.0.0.0/8").await;
    let claims = "PROXY TCP4 192.0.2.7 198.51.100.1 5000 443\r\n".to_owned() + &get("/", "");
    assert_eq!(code(&proxy.client().raw(claims).await), 400);
    assert!(origin.seen().is_empty());
    assert_eq!(proxy.client().get("/").await.status, 200);
}
