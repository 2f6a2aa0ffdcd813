//! The waiting room as shoppers meet it.

mod abuse;
mod answers;
mod browser;
mod clock;
mod inside;
mod kill;
mod lasting;
mod lobby;
mod modes;
mod operators;
mod places;
mod reserved;
mod routes;
mod tickets;

use crate::harness::{Answer, Origin, Proxy, Shopper, until};

/// Everything goes to `origin` behind room `sale`, of which `room` says more; 127.0.0.1 is a trusted proxy.
fn shop(origin: &Origin, room: &str) -> String {
    let config = origin.config();
    let client = "[client]\ntrusted_proxies = [\"127.0.0.1/32\"]\n";
    format!("{config}room = \"sale\"\n{client}[room.sale]\n{room}\n")
}

/// A room in which `cap` may be, with a line as soon as it is full.
fn small(cap: u32) -> String {
    format!("active_shoppers = {cap}\n")
}

/// The proxy before a shop that says "hello" to whoever is inside.
async fn behind(room: &str) -> (Origin, Proxy) {
    let origin = Origin::saying("hello").await;
    let proxy = Proxy::with(&shop(&origin, room));
    (origin, proxy)
}

/// Comes in where there is room: at once, unless the store is slow to set the first places aside.
async fn comes_in(shopper: &Shopper, path: &str) {
    until("the shopper is let in", async || is_inside(&shopper.visits(path).await).then_some(())).await;
}

fn is_inside(answer: &Answer) -> bool {
    answer.status == 200 && answer.header("x-spillway-waiting").is_empty() && answer.body == "hello"
}

fn is_waiting_page(answer: &Answer) -> bool {
    answer.status == 200
        && answer.header("x-spillway-waiting") == "1"
        && answer.header("content-type").starts_with("text/html")
}

/// How often a cookie was not believed for this reason.
async fn rejects(proxy: &Proxy, reason: &str) -> f64 {
    proxy.metric(&format!("spillway_room_ticket_rejects_total{{room=\"sale\",reason=\"{reason}\"}}")).await
}
