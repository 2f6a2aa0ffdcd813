//! A real Chromium.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::tools::tool;
use super::until;

/// What a shopper has.
#[derive(Debug, Clone, Copy)]
pub struct Taste {
    /// `Accept-Language`.
    pub languages: &'static str,
    /// A telephone of 360 × 740 points.
    pub phone: bool,
    /// Dark colours.
    pub dark: bool,
    /// Pages may run scripts.
    pub scripts: bool,
    /// Pages may keep cookies.
    pub cookies: bool,
}

impl Default for Taste {
    fn default() -> Self {
        Self { languages: "en", phone: false, dark: false, scripts: true, cookies: true }
    }
}

/// A browser, which takes `shop.example` for this machine; ends with its driver when dropped.
pub struct Browser {
    driver: Child,
    /// What it is driven by.
    pub client: Client,
    scripts: bool,
    _profile: TempDir,
}

impl Browser {
    /// Starts one.
    pub async fn open(taste: Taste) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let (driver, port) = driver();
        let Value::Object(wishes) = wishes(taste, profile.path()) else { unreachable!() };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wishes);
        let client = builder.connect(&format!("http://127.0.0.1:{port}")).await.expect("a browser");
        Self { driver, client, scripts: taste.scripts, _profile: profile }
    }

    /// Goes to an address.
    pub async fn goes(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Where it is.
    pub async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// The value of an expression on the page.
    pub async fn value(&self, expression: &str) -> Value {
        self.client.execute(&format!("return {expression};"), Vec::new()).await.unwrap()
    }

    /// What there is to read in the first element that fits.
    pub async fn text(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
    }

    /// Clicks on the first element that fits.
    pub async fn clicks(&self, selector: &str) {
        if self.scripts {
            self.client.find(Locator::Css(selector)).await.unwrap().click().await.unwrap();
        } else {
            // After a click the driver waits for a refresh that is to come in its own time.
            self.value(&format!("document.querySelector({selector:?}).click()")).await;
        }
    }

    /// Waits until the whole page shows these words.
    pub async fn sees(&self, words: &str) {
        self.sees_in("body", words).await;
    }

    /// Waits until an element shows these words, whatever page it comes to be on.
    pub async fn sees_in(&self, selector: &str, words: &str) {
        until(&format!("{selector} shows {words:?}"), async || {
            let element = self.client.find(Locator::Css(selector)).await.ok()?;
            element.text().await.ok()?.contains(words).then_some(())
        })
        .await;
    }

    /// Writes what it shows into the `target` directory.
    pub async fn photographs(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("waiting");
        std::fs::create_dir_all(&folder).unwrap();
        let picture = self.client.screenshot().await.unwrap();
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    /// Ends it.
    pub async fn close(self) {
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

fn wishes(taste: Taste, profile: &Path) -> Value {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--window-size=1280,1000",
        &format!("--accept-lang={}", taste.languages),
        // 0 is dark, 1 is light.
        &format!("--blink-settings=preferredColorScheme={}", u8::from(!taste.dark)),
        "--host-resolver-rules=MAP shop.example 127.0.0.1",
        &format!("--user-data-dir={}", profile.display()),
    ];
    let blocked = |allowed: bool| if allowed { 1 } else { 2 };
    let preferences = json!({
        "profile.managed_default_content_settings.javascript": blocked(taste.scripts),
        "profile.default_content_setting_values.cookies": blocked(taste.cookies),
    });
    let mut options = json!({ "binary": tool("chromium", "chromium"), "args": arguments, "prefs": preferences });
    if taste.phone {
        let screen = json!({ "width": 360, "height": 740, "pixelRatio": 2.0, "touch": true });
        options["mobileEmulation"] = json!({ "deviceMetrics": screen });
    }
    json!({ "goog:chromeOptions": options, "acceptInsecureCerts": true })
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
