//! Origins that answer when the test lets them.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::sync::{Semaphore, mpsc};

use super::origin::{Origin, answer};
use super::wait::until;

/// Holds every request until it is let go, in the order they came.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// An origin behind a closed gate.
    pub async fn origin() -> (Origin, Self) {
        let gate = Self(Arc::new(Semaphore::new(0)));
        let held = gate.clone();
        let origin = Origin::answering(move |_| {
            let held = held.clone();
            async move {
                held.0.acquire().await.unwrap().forget();
                answer("served")
            }
        });
        (origin.await, gate)
    }

    /// Lets this many requests go, now or as they come.
    pub fn lets_go(&self, count: usize) {
        self.0.add_permits(count);
    }
}

impl Origin {
    /// One whose only answer consists of the pieces sent, and ends when the sender is dropped.
    pub async fn streaming() -> (Self, mpsc::Sender<&'static str>) {
        let (sender, pieces) = mpsc::channel::<&'static str>(4);
        let pieces = Arc::new(Mutex::new(Some(pieces)));
        let origin = Self::answering(move |_| {
            let mut pieces = pieces.lock().unwrap().take().expect("one request");
            let next = futures_util::stream::poll_fn(move |cx| {
                pieces.poll_recv(cx).map(|piece| Some(Ok(Frame::data(Bytes::from_static(piece?.as_bytes())))))
            });
            async move { Response::new(StreamBody::new(next).boxed_unsync()) }
        });
        (origin.await, sender)
    }

    /// Waits until it has seen this many requests.
    pub async fn sees(&self, count: usize) {
        let what = format!("the origin sees {count} requests");
        until(&what, async || (self.seen().len() >= count).then_some(())).await;
    }

    /// The targets of everything it saw, in order.
    pub fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.target).collect()
    }
}
