use super::*;
use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::fd::AsFd;

const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn inherited(count: usize) -> (SocketAddr, Vec<TcpListener>) {
    let sockets = bind(ANY, count, false).unwrap();
    (sockets[0].local_addr().unwrap(), sockets)
}

/// The kernel's own identity of each socket a worker was given.
fn identities(shares: &[Vec<Listening>]) -> Vec<HashSet<u64>> {
    let identity = |own: &Listening| rustix::net::sockopt::socket_cookie(own.socket.as_fd()).unwrap();
    shares.iter().map(|own| own.iter().map(identity).collect()).collect()
}

#[test]
fn one_socket_for_each_worker_on_one_port() {
    let sockets = Sockets::open(&[ANY], ANY, 3, Vec::new()).unwrap();
    let shares = identities(&sockets.share(3).unwrap());
    assert!(shares.iter().all(|own| own.len() == 1));
    assert_eq!(shares.iter().flatten().collect::<HashSet<_>>().len(), 3);
    assert_ne!(sockets.addresses()[0].port(), 0);
}

#[test]
fn every_inherited_socket_is_accepted_on_whatever_the_number_of_workers() {
    for (count, workers) in [(4, 1), (4, 3), (3, 3), (2, 5), (1, 4)] {
        let (address, given) = inherited(count);
        let sockets = Sockets::open(&[address], ANY, workers, given).unwrap();
        let shares = identities(&sockets.share(workers).unwrap());
        assert_eq!(shares.len(), workers);
        assert!(shares.iter().all(|own| !own.is_empty()), "{count} sockets, {workers} workers: an idle worker");
        let accepted: HashSet<_> = shares.iter().flatten().collect();
        assert_eq!(accepted.len(), count, "{count} sockets, {workers} workers: a socket nobody accepts on");
    }
}

#[test]
fn connections_reach_a_shared_socket_through_any_of_its_duplicates() {
    let (address, given) = inherited(1);
    let sockets = Sockets::open(&[address], ANY, 2, given).unwrap();
    let shares = sockets.share(2).unwrap();
    drop(sockets);
    let _client = TcpStream::connect(address).unwrap();
    assert!(shares[1][0].socket.accept().is_ok());
    assert_eq!(shares[0][0].socket.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn ports_the_kernel_chose_are_kept_in_their_order() {
    let before = Sockets::open(&[ANY, ANY], ANY, 2, Vec::new()).unwrap();
    let passed = before.all().map(|socket| socket.try_clone().unwrap()).collect();
    let after = Sockets::open(&[ANY, ANY], ANY, 2, passed).unwrap();
    assert_eq!((after.addresses(), after.admin_address()), (before.addresses(), before.admin_address()));
    assert_eq!(after.all().count(), before.all().count());
}

#[test]
fn an_inherited_admin_socket_is_used() {
    let (address, mut given) = inherited(1);
    let (admin, more) = inherited(1);
    given.extend(more);
    let sockets = Sockets::open(&[address], admin, 1, given).unwrap();
    assert_eq!(sockets.admin_address(), admin);
    assert_eq!(sockets.all().count(), 2);
}

#[test]
fn an_address_in_use_is_said_in_one_sentence() {
    let held = TcpListener::bind(ANY).unwrap();
    let address = held.local_addr().unwrap();
    let error = Sockets::open(&[address], ANY, 2, Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {address}: another process is listening there"));
}

#[test]
fn a_second_proxy_does_not_silently_share_the_port_of_the_first() {
    let first = Sockets::open(&[ANY], ANY, 2, Vec::new()).unwrap();
    let error = Sockets::open(&first.addresses(), ANY, 2, Vec::new()).unwrap_err();
    assert!(error.to_string().ends_with("another process is listening there"), "{error}");
}

#[test]
fn an_address_of_another_machine_is_said_in_one_sentence() {
    let elsewhere = SocketAddr::from(([192, 0, 2, 1], 0));
    let error = Sockets::open(&[elsewhere], ANY, 1, Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "cannot listen on 192.0.2.1:0: this machine has no such address");
}
