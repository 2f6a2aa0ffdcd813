//! The shop: a few honest pages over a database that is only a model, served over HTTP/1.1.
//!
//! It burns no CPU for its work; jobs of the [`station`](super::station) end by timer. A request whose client has left
//! stops waiting, its job does not.

mod art;
mod cart;
mod catalogue;
mod form;
mod orders;
mod pages;
mod shop;

pub use catalogue::{CATALOGUE, HOT, Product};

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::background::{Background, Stop};
use super::station::{LiveStation, Station};
use shop::Shop;

/// An open shop on a thread of its own; dropping it closes it.
#[derive(Debug)]
pub struct Storefront {
    address: SocketAddr,
    station: LiveStation,
    orders: Arc<AtomicU64>,
    _thread: Background,
}

impl Storefront {
    /// Opens a shop at `address` (port 0: one from the kernel), whose pages `station` serves.
    ///
    /// # Errors
    /// When the address cannot be bound or no thread is to be had.
    pub fn open(address: SocketAddr, station: Box<dyn Station>) -> io::Result<Self> {
        let listener = bind(address)?;
        let address = listener.local_addr()?;
        let station = LiveStation::new(station);
        let orders = Arc::new(AtomicU64::new(0));
        let (shared, counted) = (station.clone(), Arc::clone(&orders));
        let thread = Background::start("storefront", move |stop| async move {
            let shop = Rc::new(Shop::new(shared.clone(), counted));
            tokio::task::spawn_local(async move { shared.drive().await });
            serve(listener, shop, stop).await;
        })?;
        Ok(Self { address, station, orders, _thread: thread })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What serves its pages, to look at and to trouble.
    #[must_use]
    pub fn station(&self) -> &LiveStation {
        &self.station
    }

    /// Orders paid for since it opened.
    #[must_use]
    pub fn orders(&self) -> u64 {
        self.orders.load(Ordering::Relaxed)
    }
}

/// Long enough that a surge without any protection waits here, as it would at a real server.
const BACKLOG: i32 = 4096;

fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

async fn serve(listener: std::net::TcpListener, shop: Rc<Shop>, mut stop: Stop) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::task::spawn_local(connection(stream, Rc::clone(&shop)))),
                // Out of descriptors, most likely: let some connections end.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            _ = &mut stop => return,
        }
    }
}

async fn connection(stream: TcpStream, shop: Rc<Shop>) {
    // Without it a page of several segments may wait for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let shop = Rc::clone(&shop);
        async move { Ok::<_, Infallible>(shop.answer(request).await) }
    });
    // A connection that breaks concerns nobody else.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

#[cfg(test)]
mod tests;
