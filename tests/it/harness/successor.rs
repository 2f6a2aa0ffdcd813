//! A process that takes over from another.

use std::net::{SocketAddr, TcpListener};

use rustix::process::{Pid, Signal, kill_process};

use super::Proxy;

/// The process that took over; ended when the test is over.
pub struct Successor(Pid);

impl Successor {
    /// The one that `proxy` says has taken over from it.
    pub fn told_of_by(proxy: &Proxy) -> Self {
        let heard = proxy.hears("a new process serves");
        let pid = heard["pid"].as_i64().unwrap_or_else(|| panic!("no pid in {heard}"));
        Self(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.0, signal).unwrap();
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
    }
}

/// The beginning of a configuration with ports of its own: a new process finds the sockets of the old one by their
/// addresses.
pub fn fixed_ports() -> String {
    let (shop, admin) = (free_address(), free_address());
    format!(
        "[[listener]]\naddress = \"{shop}\"\n[admin]\naddress = \"{admin}\"\n[server]\nworkers = 2\nstate_dir = \"state\"\n"
    )
}

/// An address on which nobody listens by now.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
