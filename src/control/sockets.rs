//! Listening sockets: where they come from, and which worker accepts on which.
//!
//! A socket is inherited (from the process before this one, or from systemd) where its address is wanted, else bound.
//! Nothing here accepts a connection.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted, per socket. The kernel lowers it to `net.core.somaxconn`, so asking for the
/// most leaves the choice to the operator of the machine.
const BACKLOG: i32 = 65_535;

/// Every listening socket of the process.
#[derive(Debug)]
pub struct Sockets {
    listeners: Vec<Group>,
    admin: TcpListener,
}

/// The sockets of one address.
#[derive(Debug)]
struct Group {
    asked: SocketAddr,
    sockets: Vec<TcpListener>,
}

/// One socket a worker accepts on.
#[derive(Debug)]
pub struct Listening {
    /// Index into `Settings::listeners`.
    pub listener: usize,
    /// The socket, non-blocking.
    pub socket: TcpListener,
}

/// Why an address cannot be listened on: one sentence.
#[derive(Debug, thiserror::Error)]
pub struct ListenError {
    address: SocketAddr,
    #[source]
    source: io::Error,
}

impl Sockets {
    /// Takes what is wanted out of `inherited` and binds the rest, `workers` sockets for each listener's address.
    /// Inherited sockets that nobody wants any more are closed.
    ///
    /// # Errors
    /// The first address that cannot be listened on.
    pub fn open(
        listeners: &[SocketAddr],
        admin: SocketAddr,
        workers: usize,
        mut inherited: Vec<TcpListener>,
    ) -> Result<Self, ListenError> {
        let groups = listeners
            .iter()
            .map(|&asked| {
                let mut sockets = take(&mut inherited, asked, listeners);
                if sockets.is_empty() {
                    sockets = bind(asked, workers, shares_port(asked, listeners))?;
                }
                Ok(Group { asked, sockets })
            })
            .collect::<Result<_, ListenError>>()?;
        let admin = match take(&mut inherited, admin, listeners).into_iter().next() {
            Some(socket) => socket,
            None => bind_one(admin)?,
        };
        for unwanted in inherited.iter().filter_map(|socket| socket.local_addr().ok()) {
            tracing::warn!(%unwanted, "a socket was passed that no [[listener]] asks for, and is closed");
        }
        let sockets = Self { listeners: groups, admin };
        sockets.set_nonblocking()?;
        Ok(sockets)
    }

    /// What each of `workers` workers accepts on. Every socket is given to at least one worker, and every worker gets at
    /// least one socket of every listener: with fewer sockets than workers they are shared, with more a worker has several.
    ///
    /// # Errors
    /// A socket cannot be duplicated, for want of file descriptors.
    pub fn share(&self, workers: usize) -> Result<Vec<Vec<Listening>>, ListenError> {
        (0..workers)
            .map(|worker| {
                let mut own = Vec::new();
                for (listener, group) in self.listeners.iter().enumerate() {
                    for socket in group.of(worker, workers) {
                        let socket = socket.try_clone().map_err(|source| group.error(source))?;
                        own.push(Listening { listener, socket });
                    }
                }
                Ok(own)
            })
            .collect()
    }

    /// A duplicate of the admin socket.
    ///
    /// # Errors
    /// It cannot be duplicated, for want of file descriptors.
    pub fn admin(&self) -> Result<TcpListener, ListenError> {
        let failed = |source| ListenError { address: self.admin_address(), source };
        self.admin.try_clone().map_err(failed)
    }

    /// The addresses listened on, in the order of the settings, with the ports the kernel chose.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(Group::address).collect()
    }

    /// The admin address, with the port the kernel chose.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Every socket, to be handed to another process.
    pub fn all(&self) -> impl Iterator<Item = &TcpListener> {
        self.listeners.iter().flat_map(|group| &group.sockets).chain([&self.admin])
    }

    fn set_nonblocking(&self) -> Result<(), ListenError> {
        for group in &self.listeners {
            for socket in &group.sockets {
                socket.set_nonblocking(true).map_err(|source| group.error(source))?;
            }
        }
        let failed = |source| ListenError { address: self.admin_address(), source };
        self.admin.set_nonblocking(true).map_err(failed)
    }
}

impl Group {
    /// The sockets of `worker`: its own where there are enough of them, else one that it shares.
    fn of(&self, worker: usize, workers: usize) -> impl Iterator<Item = &TcpListener> {
        let count = self.sockets.len().max(1);
        let (first, step) = if count < workers { (worker % count, count) } else { (worker, workers) };
        self.sockets.iter().skip(first).step_by(step.max(1))
    }

    fn address(&self) -> SocketAddr {
        let bound = self.sockets.first().and_then(|socket| socket.local_addr().ok());
        bound.unwrap_or(self.asked)
    }

    fn error(&self, source: io::Error) -> ListenError {
        ListenError { address: self.asked, source }
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address;
        match self.source.kind() {
            io::ErrorKind::AddrInUse => write!(out, "cannot listen on {address}: another process is listening there"),
            io::ErrorKind::PermissionDenied => write!(
                out,
                "cannot listen on {address}: not permitted; a port below 1024 needs CAP_NET_BIND_SERVICE or a socket from systemd"
            ),
            io::ErrorKind::AddrNotAvailable => {
                write!(out, "cannot listen on {address}: this machine has no such address")
            }
            _ => write!(out, "cannot listen on {address}: {}", self.source),
        }
    }
}

/// Removes the sockets bound to `asked` from `inherited`. Port 0 is whatever port the kernel chose before: the next that is
/// not among those `named`.
fn take(inherited: &mut Vec<TcpListener>, asked: SocketAddr, named: &[SocketAddr]) -> Vec<TcpListener> {
    let mut bound = inherited.iter().filter_map(|socket| socket.local_addr().ok());
    let chosen = bound.find(|bound| bound.ip() == asked.ip() && !named.contains(bound));
    let address = chosen.filter(|_| asked.port() == 0).unwrap_or(asked);
    let (wanted, rest) =
        inherited.drain(..).partition(|socket| socket.local_addr().is_ok_and(|bound| bound == address));
    *inherited = rest;
    wanted
}

/// Whether an IPv6 wildcard has to leave the port's IPv4 half to another listener.
fn shares_port(address: SocketAddr, listeners: &[SocketAddr]) -> bool {
    address.is_ipv6() && listeners.iter().any(|other| other.is_ipv4() && other.port() == address.port())
}

/// `count` sockets on one port, among which the kernel spreads connections.
fn bind(address: SocketAddr, count: usize, only_v6: bool) -> Result<Vec<TcpListener>, ListenError> {
    // With SO_REUSEPORT a second proxy of the same user would silently take half the connections; without it the
    // kernel says that somebody is listening.
    drop(open(address, only_v6, false)?);
    let first = open(address, only_v6, true)?;
    let failed = |source| ListenError { address, source };
    let address = SocketAddr::new(address.ip(), first.local_addr().map_err(failed)?.port());
    let rest = (1..count).map(|_| open(address, only_v6, true));
    std::iter::once(Ok(first)).chain(rest).collect()
}

fn bind_one(address: SocketAddr) -> Result<TcpListener, ListenError> {
    open(address, false, false)
}

fn open(address: SocketAddr, only_v6: bool, reuse_port: bool) -> Result<TcpListener, ListenError> {
    let socket = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(reuse_port)?;
        if only_v6 && matches!(address.ip(), IpAddr::V6(_)) {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    socket().map_err(|source| ListenError { address, source })
}
