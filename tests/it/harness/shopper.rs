//! A shopper before a browser: keeps cookies, and asks as browsers do.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::Value;

use super::client::request;
use super::{Answer, Client, Proxy, until};

/// A browser with a jar for cookies.
pub struct Shopper {
    client: Client,
    jar: Mutex<BTreeMap<String, String>>,
    headers: Vec<(&'static str, String)>,
    keeps_cookies: bool,
}

impl Shopper {
    /// One with an empty jar.
    pub fn at(proxy: &Proxy) -> Self {
        Self { client: proxy.client(), jar: Mutex::default(), headers: Vec::new(), keeps_cookies: true }
    }

    /// One whose browser takes no cookies.
    pub fn without_cookies(proxy: &Proxy) -> Self {
        Self { keeps_cookies: false, ..Self::at(proxy) }
    }

    /// The same shopper, who finds the shop at another address.
    pub fn finds(self, proxy: &Proxy) -> Self {
        Self { client: proxy.client(), ..self }
    }

    /// Comes from this address, as a trusted proxy says.
    pub fn from(self, address: &str) -> Self {
        self.with("x-forwarded-for", address)
    }

    /// Sends this header with everything.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Opens a page.
    pub async fn visits(&self, path: &str) -> Answer {
        self.sends("document", request("GET", path, "")).await
    }

    /// Sends a form.
    pub async fn submits(&self, path: &str) -> Answer {
        self.sends("document", request("POST", path, "item=1")).await
    }

    /// A script of the page calls.
    pub async fn calls(&self, method: &str, path: &str) -> Answer {
        self.sends("empty", request(method, path, "")).await
    }

    /// A page has an image.
    pub async fn loads(&self, path: &str) -> Answer {
        self.sends("image", request("GET", path, "")).await
    }

    /// The page asks how the shopper stands in a room.
    pub async fn asks(&self, room: &str) -> Answer {
        self.calls("GET", &format!("/.spillway/room/{room}")).await
    }

    /// The same as JSON; there must be a place.
    pub async fn stands(&self, room: &str) -> Value {
        let answer = self.asks(room).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Waits until the status has this state, and gives it.
    pub async fn becomes(&self, room: &str, state: &str) -> Value {
        until(&format!("the shopper is {state}"), async || {
            let status = self.stands(room).await;
            (status["state"] == state).then_some(status)
        })
        .await
    }

    /// Sends a request for the sake of `destination`, with the cookies of the jar, and keeps those of the answer.
    pub async fn sends(&self, destination: &str, mut request: Request<Full<Bytes>>) -> Answer {
        let accept = if destination == "document" { "text/html,*/*;q=0.8" } else { "*/*" };
        let headers = request.headers_mut();
        headers.insert("accept", accept.parse().unwrap());
        headers.insert("sec-fetch-dest", destination.parse().unwrap());
        for (name, value) in &self.headers {
            headers.insert(*name, value.parse().unwrap());
        }
        let cookies = self.cookies();
        if !cookies.is_empty() {
            headers.insert("cookie", cookies.parse().unwrap());
        }
        let answer = self.client.send(request).await;
        self.keep(&answer);
        answer
    }

    /// What is sent as `Cookie`.
    pub fn cookies(&self) -> String {
        let jar = self.jar.lock().unwrap();
        jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.lock().unwrap().get(name).cloned()
    }

    /// The ticket, pass or farewell of a room.
    pub fn holds(&self, room: &str) -> Option<String> {
        self.cookie(&format!("spillway-room-{room}"))
    }

    /// Puts a cookie into the jar.
    pub fn takes(&self, name: &str, value: impl Into<String>) {
        self.jar.lock().unwrap().insert(name.to_owned(), value.into());
    }

    /// Empties the jar.
    pub fn forgets(&self) {
        self.jar.lock().unwrap().clear();
    }

    fn keep(&self, answer: &Answer) {
        if !self.keeps_cookies {
            return;
        }
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0;") {
                self.jar.lock().unwrap().remove(name);
            } else {
                self.takes(name, value);
            }
        }
    }
}
