//! The demo's shop alone.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::thread;

use spillway::demo::database::Parameters;
use spillway::demo::station::Model;
use spillway::demo::storefront::Storefront;

/// Keeps it open until the program is ended.
pub(crate) fn open(port: u16) -> Result<ExitCode, String> {
    let station = Model::Retrograde.build(Parameters::default());
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let shop = Storefront::open(address, station).map_err(|error| format!("port {port}: {error}"))?;
    println!("The shop is open at http://{}/", shop.address());
    loop {
        thread::park();
    }
}
