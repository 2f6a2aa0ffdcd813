//! One request to an origin, with its retries.

mod course;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use pin_project_lite::pin_project;

use self::course::Course;
use super::body::RequestBody;
use super::client::{Exchange, Local, Sending};
use super::error::OriginError;
use super::h1::{H1, Sent};
use super::pool::ServerPool;
use crate::clock::{self, Nanos};

/// Sends `request` until it is answered or may not be sent again.
pub(super) fn begin(local: Rc<Local>, request: Request<RequestBody>, now: Nanos, timeout: Option<Duration>) -> Sending {
    let course = Course::new(local, &request, timeout);
    match course.ready(now) {
        Some((server, pool, h1)) => {
            let mut h1 = course.lease(pool.begin(), h1);
            let sent = h1.start(request, now);
            Box::pin(Quick { sent, at: now, waiting: Some(Waiting { course, server, pool, h1 }), rest: None })
        }
        None => Box::pin(course.run(request, now)),
    }
}

pin_project! {
    /// A request that was written to a kept connection before anybody waited: the ordinary case. Polled by hand because
    /// the compiler keeps several copies of what an `async fn` hands to another.
    struct Quick<S> {
        #[pin]
        sent: S,
        at: Nanos,
        waiting: Option<Waiting>,
        // What is done when the first attempt failed.
        rest: Option<Sending>,
    }
}

struct Waiting {
    course: Course,
    server: usize,
    pool: Rc<ServerPool>,
    h1: Box<H1>,
}

impl<S: Future<Output = Sent>> Future for Quick<S> {
    type Output = Result<Exchange, OriginError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(Waiting { h1, .. }) = this.waiting {
            let Poll::Ready(answer) = h1.poll_answer(this.sent, cx) else { return Poll::Pending };
            let Some(Waiting { course, server, pool, h1 }) = this.waiting.take() else { return Poll::Pending };
            match answer {
                Ok(response) => return Poll::Ready(Ok(course.answered_over_h1(&pool, h1, response, *this.at))),
                Err(unanswered) => {
                    drop(h1);
                    *this.rest = Some(Box::pin(course.go_on(pool, server, unanswered.into(), clock::now())));
                }
            }
        }
        this.rest.as_mut().map_or(Poll::Pending, |rest| rest.as_mut().poll(cx))
    }
}
