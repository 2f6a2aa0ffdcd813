//! Waiting, and what can be done meanwhile.

use serde_json::json;

use super::{Patient, Store, TO, leaves};
use crate::harness::browser::{Browser, Taste};

const ONE: &str = "active_shoppers = 1\ntitle = { en = \"11.11 Sale\", ja = \"11.11 セール\" }\n";

/// Everything that was loaded for the page, by host.
async fn loaded(browser: &Browser) -> Vec<String> {
    let hosts = "performance.getEntriesByType('resource').map(entry => new URL(entry.name).host)";
    serde_json::from_value(browser.value(hosts).await).unwrap()
}

async fn progress(browser: &Browser) -> f64 {
    browser.value("document.querySelector('progress').value").await.as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_japanese_telephone_sees_its_place_come_nearer_and_is_let_in_on_its_own() {
    let store = Store::open(ONE).await;
    let guest = store.guest().await;
    let (first, second) = (Patient::joins(&store).await, Patient::joins(&store).await);
    let browser = store.browser(Taste { languages: "ja,en", phone: true, ..Taste::default() }).await;

    assert_eq!(browser.value("document.documentElement.lang").await, "ja");
    browser.sees_in(".shop", "11.11 セール").await;
    browser.sees_in("[data-live=ahead]", "あなたの前に 2 人").await;
    store.waiting(3.0).await;
    browser.photographs("line-ja-phone").await;
    let begun = progress(&browser).await;
    first.leaves().await;
    browser.sees_in("[data-live=ahead]", "あなたの前に 1 人").await;
    let further = progress(&browser).await;
    assert!(begun < further, "{begun} {further}");
    browser.client.refresh().await.unwrap();
    browser.sees_in("[data-live=ahead]", "あなたの前に 1 人").await;
    assert!((progress(&browser).await - further).abs() < f64::EPSILON, "another copy of the page goes on from there");
    let said = browser.value("document.querySelector('[aria-live=polite]').textContent").await;
    assert_eq!(said, "あなたの前に 1 人. 待ち時間の目安: まだ分かりません.");
    assert_eq!(browser.client.title().await.unwrap(), "(1) 11.11 セール");
    second.leaves().await;
    browser.sees_in("[data-live=word]", "次はあなたの番です").await;

    let port = store.proxy.address().port();
    let hosts = loaded(&browser).await;
    assert!(!hosts.is_empty() && hosts.iter().all(|host| *host == format!("shop.example:{port}")), "{hosts:?}");
    leaves(&guest).await;
    store.welcomes(&browser).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_english_desktop_is_told_of_the_turn_before_it_goes_in() {
    let store = Store::open(ONE).await;
    let guest = store.guest().await;
    let browser = store.browser(Taste::default()).await;
    browser.sees_in("[data-live=word]", "You are next").await;
    browser.sees("This page keeps itself up to date.").await;
    browser.clicks("[data-live=sound]").await;
    assert_eq!(browser.value("document.querySelector('[data-live=sound-switch]').checked").await, json!(true));
    browser.photographs("line-en-desktop").await;
    leaves(&guest).await;
    browser.sees_in("h1", "It is your turn").await;
    assert_eq!(browser.value("document.querySelectorAll('[role=alert]').length").await, 1);
    let announced = browser.value("document.querySelector('[role=alert]').textContent").await;
    assert_eq!(announced, "It is your turn. You are being taken to the shop.");
    assert_eq!(browser.client.title().await.unwrap(), "\u{2714} It is your turn");
    browser.photographs("turn-en-desktop").await;
    store.welcomes(&browser).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_share_one_place() {
    let store = Store::open(ONE).await;
    let guest = store.guest().await;
    let ahead = Patient::joins(&store).await;
    let browser = store.browser(Taste::default()).await;
    browser.sees_in("[data-live=rank]", "1").await;
    let first = browser.client.window().await.unwrap();
    let second = browser.client.new_window(true).await.unwrap().handle;
    browser.client.switch_to_window(second).await.unwrap();
    browser.goes(&store.url(TO)).await;
    browser.sees_in("[data-live=rank]", "1").await;
    store.waiting(2.0).await;

    ahead.leaves().await;
    leaves(&guest).await;
    store.welcomes(&browser).await;
    browser.client.switch_to_window(first).await.unwrap();
    store.welcomes(&browser).await;
    store.proxy.shows("spillway_room_inside{room=\"sale\"}", 1.0).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_can_be_given_up_and_the_other_tab_knows() {
    let store = Store::open(ONE).await;
    let _guest = store.guest().await;
    let browser = store.browser(Taste::default()).await;
    browser.sees_in("[data-live=word]", "You are next").await;
    let other = browser.client.window().await.unwrap();
    let here = browser.client.new_window(true).await.unwrap().handle;
    browser.client.switch_to_window(here).await.unwrap();
    browser.goes(&store.url(TO)).await;
    store.waiting(1.0).await;

    let shown = "document.querySelector('[formaction], form[action*=leave] button').checkVisibility()";
    assert_eq!(browser.value(shown).await, json!(false), "it is not given up by a slip");
    browser.clicks("details:last-of-type summary").await;
    browser.sees("Your place goes to the next in line.").await;
    browser.photographs("give-up-en-desktop").await;
    browser.clicks("form[action*=leave] button").await;
    browser.sees_in("h1", "You gave up your place").await;
    assert!(!browser.text("body").await.contains("What you sent"));
    store.waiting(0.0).await;

    browser.client.switch_to_window(other).await.unwrap();
    browser.sees_in("h1", "You are no longer in line").await;
    store.waiting(0.0).await;
    browser.clicks("[data-in=gone] a").await;
    browser.sees_in("[data-live=word]", "You are next").await;
    store.waiting(1.0).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_is_heard_without_another_page() {
    let store = Store::open(ONE).await;
    let _guest = store.guest().await;
    let browser = store.browser(Taste { languages: "ja", ..Taste::default() }).await;
    browser.sees_in("h1", "順番をお待ちください").await;
    browser.value("window.sameAsBefore = true").await;
    let message = "message = { en = \"Nearly there\", ja = \"もう少しです <b>\" }\n";
    store.changes(&format!("{ONE}{message}")).await;
    browser.sees_in("[data-live=message]", "もう少しです <b>").await;
    store.changes(&format!("{ONE}mode = \"paused\"\n")).await;
    browser.sees_in("h1", "入場を一時停止しています").await;
    browser.sees_in("[data-live=wait]", "まだ分かりません").await;
    store.changes(&format!("{ONE}mode = \"closed\"\n")).await;
    browser.sees_in("h1", "受付を終了しています").await;
    store.changes(ONE).await;
    browser.sees_in("h1", "順番をお待ちください").await;
    assert_eq!(browser.value("window.sameAsBefore").await, json!(true));
    assert_eq!(browser.value("document.querySelector('[data-live=message]').hidden").await, json!(true));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_what_is_sold_out_is_told_so_at_once() {
    let store = Store::open(ONE).await;
    let guest = store.guest().await;
    let browser = store.browser(Taste { languages: "ja", dark: true, phone: true, ..Taste::default() }).await;
    browser.sees_in("[data-live=word]", "次はあなたの番です").await;
    guest.visits("/last-one").await;
    browser.sees_in("h1", "完売しました").await;
    browser.photographs("sold-out-ja-phone").await;
    browser.client.refresh().await.unwrap();
    browser.sees_in("h1", "完売しました").await;
    browser.sees("順番は保持されています").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_language_keeps_the_place() {
    let store = Store::open(ONE).await;
    let guest = store.guest().await;
    let browser = store.browser(Taste::default()).await;
    browser.sees_in("[data-live=word]", "You are next").await;
    browser.clicks("footer [lang=ko]").await;
    browser.sees_in("h1", "순서를 기다려 주세요").await;
    browser.clicks("footer [lang=ja]").await;
    browser.sees_in("[data-live=word]", "次はあなたの番です").await;
    store.waiting(1.0).await;
    leaves(&guest).await;
    store.welcomes(&browser).await;
    browser.close().await;
}
