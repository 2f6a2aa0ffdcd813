//! Requests as hyper hands them over: what is refused, and what the origin is sent of the rest.

mod preparing;
mod refusing;

use std::net::IpAddr;
use std::time::Duration;

use http::request::{Builder, Parts};
use http::{HeaderMap, Request, Version};

use super::{Connection, Fault, Forwarding, RequestId, Target, inspect, prepare};
use crate::policy::Client;

/// `X-Request-Id` and trace of a request prepared here.
const RANDOM: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

/// A request for `uri` with these headers, as [`Builder`] makes one.
fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let builder = Request::builder().method(method).uri(uri);
    let add = |builder: Builder, (name, value): &(&str, &str)| builder.header(*name, *value);
    headers.iter().fold(builder, add).body(()).unwrap().into_parts().0
}

/// A GET for `uri` of host `shop` with more headers.
fn get(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut parts = request("GET", uri, headers);
    parts.headers.append("host", "shop".parse().unwrap());
    parts
}

fn cleartext() -> Connection {
    Connection::new(ip("192.0.2.1"), false, None)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn judge(parts: &Parts) -> Result<Target, Fault> {
    inspect(parts, &cleartext(), 8 * 1024)
}

/// What the origin is sent of a request by an untrusted `peer`.
fn forwarded_from(peer: &str, parts: Parts) -> Parts {
    let connection = Connection::new(ip(peer), false, None);
    forwarded(&connection, Client { ip: connection.peer(), trusted_peer: false, https: None }, parts)
}

/// What the origin is sent.
fn forwarded(connection: &Connection, client: Client, mut parts: Parts) -> Parts {
    let target = inspect(&parts, connection, 8 * 1024).expect("an acceptable request");
    let request_id = RequestId::new(&parts.headers, client.trusted_peer, RANDOM);
    let about = Forwarding {
        client,
        request_id: &request_id,
        route: "item",
        class: "browse",
        timeout: Duration::from_millis(2_500),
        random: RANDOM,
    };
    prepare(&mut parts, &target, connection, &about);
    parts
}

/// All values of a header.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).into_iter().map(|value| value.to_str().unwrap()).collect()
}

fn h2(mut parts: Parts) -> Parts {
    parts.version = Version::HTTP_2;
    parts
}
