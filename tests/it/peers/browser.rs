//! A real Chromium in front of the shop.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Shop;
use crate::harness::tools::tool;

/// A browser of a Japanese shopper; ends with its driver when dropped.
struct Browser {
    driver: Child,
    client: Client,
    _profile: TempDir,
}

impl Browser {
    /// Starts one that takes `shop.example` for this machine.
    async fn open() -> Self {
        let chromium = tool("chromium", "chromium");
        let profile = tempfile::tempdir().unwrap();
        let (driver, port) = driver();
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--accept-lang=ja,en",
            "--host-resolver-rules=MAP shop.example 127.0.0.1",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let options = json!({ "binary": chromium, "args": arguments });
        let wishes = json!({ "goog:chromeOptions": options, "acceptInsecureCerts": true });
        let Value::Object(wishes) = wishes else { unreachable!() };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wishes);
        let client = builder.connect(&format!("http://127.0.0.1:{port}")).await.expect("a browser");
        Self { driver, client, _profile: profile }
    }

    /// The value of an expression on the page.
    async fn value(&self, expression: &str) -> Value {
        self.client.execute(&format!("return {expression};"), Vec::new()).await.unwrap()
    }

    async fn text(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
    }

    async fn close(self) {
        self.client.clone().close().await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // With the driver alone a browser whose test failed would stay.
        let group = i32::try_from(self.driver.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = self.driver.wait();
    }
}

/// chromedriver, on a port the kernel chose.
fn driver() -> (Child, u16) {
    let mut command = Command::new(tool("chromedriver", "chromium-driver"));
    command.process_group(0).arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = command.spawn().unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
    let port = lines.find_map(|line| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok());
    // What it says later must not make it wait.
    std::thread::spawn(move || lines.for_each(drop));
    (driver, port.expect("chromedriver says its port"))
}

const NAVIGATION: &str = "performance.getEntriesByType('navigation')[0]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_shows_the_shop_and_a_refusal_in_japanese() {
    let shop = Shop::open();
    let browser = Browser::open().await;

    browser.client.goto(&shop.secure_url("/")).await.unwrap();
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

    browser.client.goto(&shop.secure_url("/login")).await.unwrap();
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
