//! Openings, challenges, lost connections, pages of the operator's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

use super::{Patient, Store, TO, leaves};
use crate::harness::browser::{Browser, Taste};
use crate::harness::origin::each_connection;
use crate::harness::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lobby_counts_down_and_its_draw_can_be_checked_in_the_browser() {
    let opens = Timestamp::now() + Duration::from_secs(12);
    let room = format!("mode = \"paused\"\nactive_shoppers = 1\nopens = \"{opens}\"\n");
    let store = Store::open(&room).await;
    let _before = Patient::joins(&store).await;
    let browser = store.browser(Taste::default()).await;
    let _after = Patient::joins(&store).await;
    browser.sees_in("h1", "The doors open soon").await;
    let clock = browser.text("[data-live=countdown]").await;
    assert!(clock.starts_with("00:00:"), "{clock}");
    until("a second has passed", async || (browser.text("[data-live=countdown]").await != clock).then_some(())).await;
    browser.clicks("summary").await;
    let promised = browser.text("[data-live=commitment]").await;
    assert_eq!(promised.len(), 64);
    browser.photographs("lobby-en-desktop").await;

    browser.sees_in("h1", "The line stands still").await;
    browser.clicks("details [data-in] a").await;
    until("the page with the draw is there", async || {
        let secret = browser.client.find(fantoccini::Locator::Css("[data-live=secret]")).await;
        secret.is_ok().then_some(())
    })
    .await;
    browser.clicks("summary").await;
    assert_eq!(browser.text("[data-live=commitment]").await, promised);
    browser.sees_in("[data-live=checked]", "the secret is the one that was promised").await;
    let place: u64 = browser.text("[data-live=rank]").await.parse().unwrap_or(0);
    browser.sees_in("[data-live=checked]", &format!("the place {} of 3", place + 1)).await;
    browser.photographs("draw-en-desktop").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_puzzle_is_solved_by_the_browser() {
    let store = Store::open("active_shoppers = 1\nproof_of_work = \"always\"\n").await;
    let guest = store.guest().await;
    let browser = store.browser(Taste { phone: true, ..Taste::default() }).await;
    browser.sees_in("[data-live=word]", "You are next").await;
    store.waiting(1.0).await;
    leaves(&guest).await;
    store.welcomes(&browser).await;
    browser.close().await;
}

/// A wire to the proxy that can be cut.
async fn wire(store: &Store) -> (u16, Arc<AtomicBool>) {
    let (proxy, cut) = (store.proxy.address(), Arc::new(AtomicBool::new(false)));
    let is_cut = Arc::clone(&cut);
    let address = each_connection(move |mut from| {
        let cut = Arc::clone(&is_cut);
        async move {
            let watch = async {
                while !cut.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let mut to = TcpStream::connect(proxy).await.unwrap();
            tokio::select! {
                _ = copy_bidirectional(&mut from, &mut to) => {}
                () = watch => {}
            }
        }
    });
    (address.await.port(), cut)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_costs_nothing_and_frightens_nobody() {
    let store = Store::open("active_shoppers = 1\nsession = \"1h\"\n").await;
    let guest = store.guest().await;
    let (port, cut) = wire(&store).await;
    let browser = Browser::open(Taste::default()).await;
    browser.goes(&format!("http://shop.example:{port}{TO}")).await;
    browser.sees_in("[data-live=word]", "You are next").await;
    store.waiting(1.0).await;

    cut.store(true, Ordering::Relaxed);
    browser.sees_in("[data-live=live]", "No connection at the moment. Your place is kept").await;
    browser.photographs("lost-en-desktop").await;
    assert_eq!(browser.text("[data-live=word]").await, "You are next");
    cut.store(false, Ordering::Relaxed);
    browser.sees_in("[data-live=live]", "This page keeps itself up to date.").await;
    leaves(&guest).await;
    browser.sees_in("#shop", "Welcome in").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_looks_again_is_told_at_once() {
    let opens = Timestamp::now() + Duration::from_secs(3_600);
    let store = Store::open(&format!("active_shoppers = 1\nopens = \"{opens}\"\n")).await;
    let browser = store.browser(Taste::default()).await;
    browser.sees_in("h1", "The doors open soon").await;
    browser
        .value("(ask => { window.asked = 0; window.fetch = (...what) => { asked++; return ask(...what); }; })(fetch)")
        .await;
    let back = "new PageTransitionEvent('pageshow', { persisted: true })";
    for happens in [
        "document.dispatchEvent(new Event('visibilitychange'))",
        "window.dispatchEvent(new Event('online'))",
        &format!("window.dispatchEvent({back})"),
    ] {
        // A lobby is asked about every ten seconds, and by whatever happens at most once in one.
        let asked = format!("(before => {{ {happens}; return asked - before; }})(asked)");
        until("it asks", async || (browser.value(&asked).await == json!(1)).then_some(())).await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_the_operators_own_is_kept_up_to_date_as_well() {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/config/waiting.html");
    let store = Store::open(&format!("active_shoppers = 1\ntitle = \"Ours\"\ntemplate = \"{template}\"\n")).await;
    let guest = store.guest().await;
    let ahead = Patient::joins(&store).await;
    let browser = store.browser(Taste::default()).await;
    browser.sees_in("[data-live=place]", "1 ahead of you").await;
    let colour = browser.value("getComputedStyle(document.querySelector('.figure b')).color").await;
    assert_eq!(colour, "rgb(220, 20, 60)", "its own style holds");
    browser.photographs("own-en-desktop").await;
    ahead.leaves().await;
    browser.sees_in("[data-live=place]", "You are next").await;
    leaves(&guest).await;
    store.welcomes(&browser).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_was_sent_is_not_sent_again() {
    let store = Store::open("active_shoppers = 1\n").await;
    let guest = store.guest().await;
    let browser = store.browser(Taste::default()).await;
    browser.sees_in("[data-live=word]", "You are next").await;
    let send = "(form => { form.method = 'post'; form.action = '/shoes?size=42&colour=red'; document.body.append(form); \
                HTMLFormElement.prototype.submit.call(form); })(document.createElement('form'))";
    browser.value(send).await;
    browser.sees("What you sent has not reached the shop.").await;
    leaves(&guest).await;
    store.welcomes(&browser).await;
    let posts = store.origin.seen().iter().filter(|seen| seen.method == "POST").count();
    assert_eq!(json!(posts), json!(0));
    browser.close().await;
}
