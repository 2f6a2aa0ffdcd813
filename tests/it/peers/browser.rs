//! A real Chromium in front of the shop.

use serde_json::json;

use super::Shop;
use crate::harness::browser::{Browser, Taste};

const NAVIGATION: &str = "performance.getEntriesByType('navigation')[0]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_shows_the_shop_and_a_refusal_in_japanese() {
    let shop = Shop::open();
    let browser = Browser::open(Taste { languages: "ja,en", ..Taste::default() }).await;

    browser.goes(&shop.secure_url("/")).await;
    assert_eq!(browser.client.title().await.unwrap(), "The shop");
    assert_eq!(browser.text("#price").await, "¥ 2,400");
    let colour = browser.value("getComputedStyle(document.querySelector('h1')).color").await;
    assert_eq!(colour, "rgb(1, 2, 3)", "the style sheet came through as well");
    assert_eq!(browser.value(&format!("{NAVIGATION}.nextHopProtocol")).await, "h2");

    for _ in 0..5 {
        assert_eq!(shop.proxy.client().get("/login").await.status, 200);
    }
    let fetched = "fetch('/login').then(async answer => [answer.status, (await answer.json()).reason])";
    assert_eq!(browser.value(fetched).await, json!([429, "limit"]), "a script gets no page");

    browser.goes(&shop.secure_url("/login")).await;
    assert_eq!(browser.value(&format!("{NAVIGATION}.responseStatus")).await, 429);
    assert_eq!(browser.value("document.documentElement.lang").await, "ja");
    assert!(
        browser.text("body").await.contains("少し間隔を空けてください"),
        "{}",
        browser.client.source().await.unwrap()
    );
    assert!(browser.text("body").await.contains("秒後"), "it says when to come back");
    browser.close().await;
}
