//! Waiting in line, as a waiting page does it for a person.

use std::time::Duration;

use http::{Method, Request};
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use super::timeline::exponential;
use super::walk::Shopper;

/// The cookie of a place in line begins with this; the room's name follows.
const TICKET: &str = "spillway-room-";
/// What is waited for where the answer does not come, or says nothing.
const PAUSE: Duration = Duration::from_secs(2);

/// What is read of a status.
#[derive(Debug, Deserialize)]
struct Status {
    state: String,
    poll_after_ms: u64,
}

impl Shopper {
    /// Waits until it is this shopper's turn; false when the shopper has had enough of it.
    pub(super) async fn wait_in_line(&mut self) -> bool {
        let Some(room) = self.cookies.iter().find_map(|(name, _)| Some(name.strip_prefix(TICKET)?.to_owned())) else {
            return false;
        };
        let path = format!("/.spillway/room/{room}");
        let longest = self.street.habits.patience_in_line.mul_f64(exponential(&mut self.dice));
        let enough = Instant::now() + longest;
        while Instant::now() < enough {
            match self.status(&path).await {
                Some(status) if status.state == "called" || status.state == "inside" => return true,
                Some(status) => self.rest(Duration::from_millis(status.poll_after_ms)).await,
                None => self.rest(PAUSE).await,
            }
        }
        // Half of them close the page without a word.
        if self.dice.bool() {
            self.send(&path, Method::DELETE).await;
        }
        false
    }

    async fn status(&mut self, path: &str) -> Option<Status> {
        let reply = self.send(path, Method::GET).await?;
        serde_json::from_slice(&reply.body).ok()
    }

    async fn send(&mut self, path: &str, method: Method) -> Option<super::Reply> {
        let request = self.head(Request::builder().method(method).uri(path));
        let request = request.body(http_body_util::Full::default()).ok()?;
        let reply = timeout(self.street.habits.patience, self.street.connections.send(request)).await.ok()?.ok()?;
        self.remember(&reply.headers);
        Some(reply)
    }
}
