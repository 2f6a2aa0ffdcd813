//! Without scripts, and without cookies.

use super::{Store, leaves};
use crate::harness::browser::Taste;

const ONE: &str = "active_shoppers = 1\n";
const WITHOUT_SCRIPTS: Taste = Taste { languages: "en", phone: false, dark: false, scripts: false, cookies: true };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_the_page_lets_in_on_its_own() {
    let store = Store::open(ONE).await;
    let guest = store.guest().await;
    let browser = store.browser(WITHOUT_SCRIPTS).await;
    browser.sees("You are next").await;
    let all = browser.value("document.body.innerText").await;
    assert!(all.as_str().unwrap().contains("This page asks again every 20 seconds."), "{all}");
    // The image has presented the ticket.
    store.waiting(1.0).await;
    browser.photographs("plain-en-desktop").await;
    leaves(&guest).await;
    store.welcomes(&browser).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_the_buttons_work() {
    let store = Store::open(ONE).await;
    let guest = store.guest().await;
    let browser = store.browser(Taste { languages: "ja", phone: true, ..WITHOUT_SCRIPTS }).await;
    browser.sees("次はあなたの番です").await;
    browser.photographs("plain-ja-phone").await;
    browser.clicks("footer [lang=zh-Hant]").await;
    browser.sees("下一位就是您").await;
    browser.clicks("[data-live=check] button").await;
    browser.sees("下一位就是您").await;
    store.waiting(1.0).await;
    leaves(&guest).await;
    store.proxy.shows("spillway_room_called{room=\"sale\"}", 1.0).await;
    browser.clicks("[data-live=check] button").await;
    store.welcomes(&browser).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_a_challenge_is_met_by_waiting() {
    let store = Store::open("active_shoppers = 1\nproof_of_work = \"always\"\n").await;
    let _guest = store.guest().await;
    let browser = store.browser(WITHOUT_SCRIPTS).await;
    browser.sees("please wait 15 seconds and then press the button").await;
    browser.photographs("challenge-en-desktop").await;
    crate::harness::until("the button is there", async || {
        let button = browser.client.find(fantoccini::Locator::Css("[data-live=puzzle] button")).await.unwrap();
        button.click().await.ok()
    })
    .await;
    browser.sees("You are next").await;
    store.waiting(1.0).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_cookies_the_page_says_so_and_takes_no_place() {
    let store = Store::open(ONE).await;
    let _guest = store.guest().await;
    let browser = store.browser(Taste { cookies: false, ..Taste::default() }).await;
    browser.sees_in("h1", "Cookies are needed").await;
    assert_eq!(browser.path().await, "/.spillway/room/sale/wait");
    browser.clicks("a.button").await;
    browser.sees_in("h1", "Cookies are needed").await;
    store.waiting(0.0).await;
    browser.close().await;
}
