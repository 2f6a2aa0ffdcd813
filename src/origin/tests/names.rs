//! Servers given by name, with a DNS server that answers what the test says.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use tokio::net::UdpSocket;

use super::*;
use crate::origin::{Fault, Origins, Resolver};

/// What is answered to questions for IPv4 addresses: the addresses and their TTL, or a failure.
type Answer = Arc<Mutex<Option<(Vec<Ipv4Addr>, u32)>>>;

struct Dns {
    resolver: Resolver,
    answer: Answer,
    asked: Arc<AtomicUsize>,
}

async fn dns() -> Dns {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut server = NameServerConfig::udp(IpAddr::from(Ipv4Addr::LOCALHOST));
    server.connections[0].port = socket.local_addr().unwrap().port();
    let answer = Answer::default();
    let asked = Arc::new(AtomicUsize::new(0));
    let (given, count) = (Arc::clone(&answer), Arc::clone(&asked));
    tokio::task::spawn_local(async move {
        let mut buffer = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            let reply = reply(&Message::from_vec(&buffer[..length]).unwrap(), given.lock().unwrap().as_ref());
            count.fetch_add(1, Ordering::SeqCst);
            socket.send_to(&reply.to_vec().unwrap(), peer).await.unwrap();
        }
    });
    let resolver = Resolver::with_config(ResolverConfig::from_name_servers(vec![server])).unwrap();
    Dns { resolver, answer, asked }
}

fn reply(question: &Message, answer: Option<&(Vec<Ipv4Addr>, u32)>) -> Message {
    let mut reply = Message::response(question.id, OpCode::Query);
    reply.add_query(question.queries[0].clone());
    let query = &question.queries[0];
    match answer {
        None => reply.metadata.response_code = ResponseCode::ServFail,
        Some((addresses, ttl)) if query.query_type() == RecordType::A => {
            for address in addresses {
                let data = RData::A((*address).into());
                reply.add_answer(Record::from_rdata(query.name().clone(), *ttl, data));
            }
        }
        Some(_) => {}
    }
    reply
}

fn named(port: u16) -> OriginSettings {
    let mut settings = settings(&[]);
    settings.servers = vec![ServerUrl { tls: false, host: "shop.test".into(), port }];
    settings
}

fn addresses(origin: &Origin) -> Vec<String> {
    origin.servers(clock::now()).iter().map(|server| server.address.ip().to_string()).collect()
}

fn start(resolver: Resolver, settings: &OriginSettings) -> (Origins, Arc<Origin>) {
    let origins = Origins::new(tokio::runtime::Handle::current(), resolver);
    let prepared = origins.prepare(std::slice::from_ref(settings)).unwrap();
    let origin = origins.commit(prepared, clock::now()).remove(0);
    (origins, origin)
}

#[tokio::test(flavor = "local")]
async fn every_address_of_a_name_is_a_server_and_they_change_with_it() {
    let Dns { resolver, answer, asked } = dns().await;
    let server = Scripted::start(|stream, _| answer_all(stream, HELLO)).await;
    let [first, second, third] = [[127, 0, 0, 1], [127, 0, 0, 2], [127, 0, 0, 3]].map(Ipv4Addr::from);
    *answer.lock().unwrap() = Some((vec![second, first], 1));
    let (origins, origin) = start(resolver, &named(server.address.port()));
    origins.resolved(Duration::from_secs(10)).await;
    assert_eq!(addresses(&origin), ["127.0.0.1", "127.0.0.2"]);
    assert_eq!(origin.servers(clock::now())[0].name, format!("shop.test:{}", server.address.port()));

    let kept = origin.table().servers[0].clone();
    *answer.lock().unwrap() = Some((vec![first, third], 1));
    eventually("the new address is used", || addresses(&origin) == ["127.0.0.1", "127.0.0.3"]).await;
    assert!(Arc::ptr_eq(&kept, &origin.table().servers[0]));

    // The last good answer outlives a failing DNS server.
    *answer.lock().unwrap() = None;
    let before = asked.load(Ordering::SeqCst);
    // Two rounds, each for both kinds of address: the first failure has been dealt with by the second.
    eventually("the failing server is asked again", || asked.load(Ordering::SeqCst) > before + 3).await;
    assert_eq!(addresses(&origin), ["127.0.0.1", "127.0.0.3"]);
}

#[tokio::test(flavor = "local")]
async fn a_name_that_does_not_resolve_delays_the_start_only_so_long() {
    let Dns { resolver, answer, .. } = dns().await;
    let server = Scripted::start(|stream, _| answer_all(stream, HELLO)).await;
    let (origins, origin) = start(resolver, &named(server.address.port()));
    origins.resolved(Duration::from_secs(10)).await;
    let client = OriginClient::new();
    assert_eq!(send(&client, &origin, get("/")).await.unwrap_err().fault(), Fault::Down);
    *answer.lock().unwrap() = Some((vec![Ipv4Addr::LOCALHOST], 60));
    eventually("the name resolves", || origin.is_usable(clock::now())).await;
    assert_eq!(read(send(&client, &origin, get("/")).await.unwrap()).await.0, StatusCode::OK);
}
