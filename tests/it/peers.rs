//! The programs an operator has: a real nginx behind, real clients in front.

mod browser;

use std::process::Command;
use std::sync::Arc;

use crate::harness::client::request;
use crate::harness::nginx::{Nginx, PAGE};
use crate::harness::tls::Authority;
use crate::harness::tools::{fed, says, tool};
use crate::harness::{Proxy, until};

/// The contract's example in front of nginx.
struct Shop {
    proxy: Proxy,
    _nginx: Nginx,
}

impl Shop {
    fn open() -> Self {
        let nginx = Nginx::shop();
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let certs = dir.path().join("certs");
        std::fs::create_dir(&certs).unwrap();
        let authority = Authority::new();
        authority.issue(&certs, "shop", &["shop.example"]);
        std::fs::write(certs.join("ca.pem"), authority.pem()).unwrap();
        let proxy = Proxy::within(dir, &include_str!("peers/shop.toml").replace("ORIGIN", &nginx.url()));
        Self { proxy, _nginx: nginx }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.proxy.address())
    }

    fn secure_url(&self, path: &str) -> String {
        format!("https://shop.example:{}{path}", self.proxy.listener(1).port())
    }

    /// curl, which prints nothing but what it is told.
    fn curl(&self) -> Command {
        let port = self.proxy.listener(1).port();
        let mut curl = Command::new(tool("curl", "curl"));
        curl.args(["-sS", "--fail-with-body", "--max-time", "20"]);
        curl.args(["--resolve", &format!("shop.example:{port}:127.0.0.1"), "--cacert"]);
        curl.arg(self.proxy.dir().path().join("certs/ca.pem"));
        curl
    }
}

#[tokio::test]
async fn curl_sees_the_shop_over_http1_and_http2() {
    let shop = Shop::open();
    let version = "\n%{http_version} %{http_code}";
    for (url, how, expected) in [
        (shop.url("/"), "--http1.1", "1.1 200"),
        (shop.secure_url("/"), "--http1.1", "1.1 200"),
        (shop.secure_url("/"), "--http2", "2 200"),
    ] {
        let mut curl = shop.curl();
        curl.args([how, "-w", version, &url]);
        assert_eq!(says(curl).await, format!("{PAGE}\n{expected}"), "{how} {url}");
    }
}

#[tokio::test]
async fn curl_gets_what_nginx_compressed() {
    let shop = Shop::open();
    for url in [shop.url("/"), shop.secure_url("/")] {
        let mut curl = shop.curl();
        curl.args(["--compressed", "-w", "%header{content-encoding}", &url]);
        assert_eq!(says(curl).await, format!("{PAGE}gzip"));
    }
}

#[tokio::test]
async fn what_curl_uploads_comes_back_byte_for_byte() {
    let shop = Shop::open();
    let file = shop.proxy.dir().path().join("upload");
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(&file, &bytes).unwrap();
    for (how, url) in [
        ("--http1.1", shop.url("/files/one")),
        ("--http1.1", shop.secure_url("/files/two")),
        ("--http2", shop.secure_url("/files/three")),
    ] {
        let mut put = shop.curl();
        put.args([how, "-H", "Expect: 100-continue", "-T"]).arg(&file).arg(&url);
        says(put).await;
        let back = shop.proxy.dir().path().join("back");
        let mut get = shop.curl();
        get.args([how, "-o"]).arg(&back).arg(&url);
        says(get).await;
        assert!(std::fs::read(&back).unwrap() == bytes, "{how} {url} came back different");
    }
}

#[tokio::test]
async fn curl_is_refused_in_words_for_programs() {
    let shop = Shop::open();
    for _ in 0..5 {
        assert_eq!(shop.proxy.client().get("/login").await.status, 200);
    }
    let mut curl = Command::new(tool("curl", "curl"));
    curl.args(["-sS", "-w", "\n%{http_code} %{content_type}", &shop.url("/login")]);
    let said = says(curl).await;
    assert!(said.ends_with("\n429 application/problem+json"), "{said}");
    assert!(said.contains("\"reason\":\"limit\",\"route\":\"login\""), "{said}");
}

#[tokio::test]
async fn wrk_meets_no_error() {
    let shop = Shop::open();
    let mut wrk = Command::new(tool("wrk", "wrk"));
    wrk.args(["-t1", "-c8", "-d1s", &shop.url("/pay/now")]);
    let said = says(wrk).await;
    assert!(!said.contains("Non-2xx") && !said.contains("Socket errors"), "{said}");
    let line = said.lines().find(|line| line.contains("requests in")).unwrap_or_else(|| panic!("{said}"));
    let requests: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
    assert!(requests > 100.0, "{said}");
    until("all of them are counted", async || {
        let counted =
            shop.proxy.metric("spillway_requests_total{route=\"pay\",outcome=\"forwarded\",code=\"200\"").await;
        (counted >= requests).then_some(())
    })
    .await;
}

#[tokio::test]
async fn h2load_meets_no_error() {
    let shop = Shop::open();
    let port = shop.proxy.listener(1).port();
    let mut h2load = Command::new(tool("h2load", "nghttp2-client"));
    h2load.args(["-n", "1000", "-c", "4", "-m", "10", "-t", "1"]);
    h2load.args([&format!("--connect-to=127.0.0.1:{port}"), &shop.secure_url("/pay/now")]);
    let said = says(h2load).await;
    assert!(said.contains("Application protocol: h2"), "{said}");
    let requests = "requests: 1000 total, 1000 started, 1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout";
    assert!(said.contains(requests), "{said}");
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_the_live_page() {
    let shop = Shop::open();
    for path in ["/", "/pay/now", "/login", "/checkout/start", "/nothing"] {
        shop.proxy.client().get(path).await;
    }
    shop.proxy.client().send(request("GET", "//x/%2e%2e", "")).await;
    let page = shop.proxy.admin().get("/metrics").await;
    assert!(page.header("content-type").starts_with("text/plain; version=0.0.4"), "{}", page.header("content-type"));
    let mut promtool = Command::new(tool("promtool", "prometheus"));
    promtool.args(["check", "metrics"]);
    let output = fed(promtool, page.text()).await;
    let said = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.0.is_empty() && said.1.is_empty(), "{said:?}");
}
