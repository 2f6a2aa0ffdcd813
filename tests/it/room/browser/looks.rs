//! How the page looks; the pictures are for people.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use spillway::config::settings::{Language, RoomSettings};
use spillway::edge::waiting::page::{Preview, Standard};

use crate::harness::browser::{Browser, Taste};

fn rooms() -> Vec<RoomSettings> {
    let file = r#"
listener = [{ address = "[::1]:0" }]
origin.shop.servers = ["https://shop.internal"]
class = [{ name = "all" }]
route = [{ name = "all", path = "/{*rest}", class = "all", origin = "shop" }]

[room.sale]
active_shoppers = 10
title = { en = "11.11 Sale", ja = "11.11 セール", zh-Hant = "雙 11 購物節", zh-Hans = "双 11 购物节", ko = "11.11 세일" }
message = { en = "Every order ships by Friday.\nThank you for your patience.", ja = "ご注文はすべて金曜日までに発送いたします。\nお待ちいただきありがとうございます。" }

[room.drop]
active_shoppers = 10
opens = 2026-11-11T00:00:00+08:00
title = "A very long heading that somebody wrote without a look at it"
"#;
    spillway::config::load(file, Path::new("")).unwrap().rooms
}

/// A page as a file that a browser can open.
fn page(room: &RoomSettings, preview: &Preview) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    let page = preview.paint(room, &Standard, Timestamp::now()).unwrap();
    let likely = preview.likely.unwrap_or_default();
    let file = folder.join(format!("{}-{}-{}-{likely}.html", room.name, preview.state, preview.language));
    std::fs::write(&file, page.body).unwrap();
    file
}

async fn shows(browser: &Browser, file: &Path) {
    browser.goes(&format!("file://{}", file.display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_is_wider_than_a_telephone() {
    let browser = Browser::open(Taste { phone: true, ..Taste::default() }).await;
    for room in rooms() {
        for language in Language::ALL {
            for state in Preview::STATES {
                shows(&browser, &page(&room, &Preview::of(state, language))).await;
                let open = "document.querySelectorAll('details').forEach(fold => { fold.open = true; })";
                browser.value(open).await;
                let width = browser.value("document.documentElement.scrollWidth").await;
                assert_eq!(width, 360, "{} {state} {language:?}", room.name);
                let targets = "[...document.querySelectorAll('a.button, button, summary, label')]\
                    .filter(target => target.checkVisibility() && target.getBoundingClientRect().height < 40).length";
                assert_eq!(browser.value(targets).await, 0, "a finger hits everything: {state} {language:?}");
            }
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_says_what_the_server_says() {
    let browser = Browser::open(Taste::default()).await;
    let room = &rooms()[0];
    let seconds = [1, 29, 30, 59, 60, 61, 90, 150, 599, 600, 1_170, 1_230, 2_999, 5_900, 6_000, 9_000, 40_000, 86_400];
    for language in [Language::English, Language::Japanese] {
        for (likely, late) in seconds.into_iter().flat_map(|likely| [(likely, likely), (likely, likely * 2 + 7)]) {
            let preview = Preview { likely: Some(likely), late: Some(late), ..Preview::of("waiting", language) };
            let file = page(room, &preview);
            let text = std::fs::read_to_string(&file).unwrap();
            let said = |name: &str| {
                let rest = text.split(&format!("data-live=\"{name}\">")).nth(1).unwrap();
                Value::from(rest.split('<').next().unwrap())
            };
            shows(&browser, &file).await;
            assert_eq!(
                browser.client.title().await.unwrap(),
                format!("(812) {}", room.title.get(language.tag()).unwrap())
            );
            for name in ["wait", "people", "rank", "head", "lead"] {
                let shown = browser.value(&format!("document.querySelector('[data-live={name}]').textContent")).await;
                assert_eq!(shown, said(name), "{language:?} {likely} {late}");
            }
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_state_is_photographed_in_light_and_dark() {
    let rooms = rooms();
    for (phone, dark) in [(false, false), (false, true), (true, false), (true, true)] {
        let browser = Browser::open(Taste { phone, dark, ..Taste::default() }).await;
        let name = format!("{}-{}", if phone { "phone" } else { "desktop" }, if dark { "dark" } else { "light" });
        for language in [Language::English, Language::Japanese] {
            for state in Preview::STATES {
                shows(&browser, &page(&rooms[0], &Preview::of(state, language))).await;
                let background =
                    browser.value("getComputedStyle(document.querySelector('main')).backgroundColor").await;
                let expected = if dark { "rgb(18, 28, 34)" } else { "rgb(255, 255, 255)" };
                assert_eq!(background, expected, "{state}");
                browser.photographs(&format!("{state}-{}-{name}", language.tag())).await;
            }
        }
        browser.close().await;
    }
}
