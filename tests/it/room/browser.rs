//! The waiting page in a real browser.

mod line;
mod looks;
mod plain;
mod trouble;

use std::sync::Arc;

use http::HeaderValue;
use tokio::task::JoinHandle;

use super::{is_waiting_page, shop};
use crate::harness::browser::{Browser, Taste};
use crate::harness::origin::answer;
use crate::harness::{Origin, PATIENCE, Proxy, Shopper};

const WELCOME: &str = "<!doctype html><title>The shop</title><main id=\"shop\">Welcome in</main>";

/// Where everybody is going.
const TO: &str = "/shoes?size=42&colour=red";

/// A shop with one room, which has space for one.
struct Store {
    origin: Origin,
    proxy: Proxy,
}

impl Store {
    async fn open(room: &str) -> Self {
        let origin = Origin::answering(|request| async move {
            let mut page = answer(WELCOME);
            page.headers_mut().insert("content-type", HeaderValue::from_static("text/html"));
            if request.uri().path() == "/last-one" {
                page.headers_mut().insert("x-spillway-room", HeaderValue::from_static("sold-out"));
            }
            page
        });
        let origin = origin.await;
        let proxy = Proxy::with(&shop(&origin, room));
        Self { origin, proxy }
    }

    fn url(&self, path: &str) -> String {
        format!("http://shop.example:{}{path}", self.proxy.address().port())
    }

    /// Somebody who is inside.
    async fn guest(&self) -> Shopper {
        let shopper = Shopper::at(&self.proxy);
        let answer = shopper.visits("/").await;
        assert_eq!((answer.status.as_u16(), answer.header("x-spillway-waiting")), (200, ""));
        shopper
    }

    async fn changes(&self, room: &str) {
        self.proxy.rewrite(&shop(&self.origin, room));
        self.proxy.hears("the policy was read");
    }

    async fn browser(&self, taste: Taste) -> Browser {
        let browser = Browser::open(taste).await;
        browser.goes(&self.url(TO)).await;
        browser
    }

    /// Whether the browser has come to where it was going.
    async fn welcomes(&self, browser: &Browser) {
        browser.sees_in("#shop", "Welcome in").await;
        assert_eq!(browser.client.current_url().await.unwrap().as_str(), self.url(TO));
        assert!(self.origin.seen().iter().any(|seen| seen.target == TO));
    }

    async fn waiting(&self, count: f64) {
        self.proxy.shows("spillway_room_waiting{room=\"sale\"}", count).await;
    }
}

/// Somebody in line, who keeps asking.
struct Patient {
    shopper: Arc<Shopper>,
    asking: JoinHandle<()>,
}

impl Patient {
    async fn joins(store: &Store) -> Self {
        let shopper = Arc::new(Shopper::at(&store.proxy));
        assert!(is_waiting_page(&shopper.visits("/").await));
        shopper.stands("sale").await;
        let asks = Arc::clone(&shopper);
        let asking = tokio::spawn(async move {
            let mut now = tokio::time::interval(PATIENCE / 60);
            loop {
                now.tick().await;
                asks.asks("sale").await;
            }
        });
        Self { shopper, asking }
    }

    async fn leaves(self) {
        self.asking.abort();
        leaves(&self.shopper).await;
    }
}

async fn leaves(shopper: &Shopper) {
    assert_eq!(shopper.calls("DELETE", "/.spillway/room/sale").await.status, 204);
}
