//! The body of a request on its way to an origin.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use crate::clock::Nanos;
use crate::origin::alarm::Alarms;
use crate::origin::error::BoxError;

/// A request body: nothing, or a stream. Only a stream costs an allocation.
pub struct RequestBody {
    stream: Option<Pin<Box<dyn Body<Data = Bytes, Error = BoxError>>>>,
    upload: Option<Tracked>,
}

impl RequestBody {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self { stream: None, upload: None }
    }

    /// A body that is passed on frame by frame; one that has already ended is as good as none.
    #[must_use]
    pub fn stream<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self::empty();
        }
        Self { stream: Some(Box::pin(body.map_err(Into::into))), upload: None }
    }

    /// Whether there is no body.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.stream.is_none()
    }

    /// From here on `upload` tells how far it is.
    pub(in crate::origin) fn track(&mut self, upload: &Rc<Upload>) {
        upload.failed.set(false);
        upload.frames.set(0);
        if self.stream.is_some() {
            upload.state.set(UploadState::Sending);
            self.upload = Some(Tracked(Rc::clone(upload)));
        } else {
            upload.state.set(UploadState::Done);
            upload.done_at.set(0);
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(None);
        };
        let polled = stream.as_mut().poll_frame(cx);
        if let Some(Tracked(upload)) = &self.upload {
            upload.polled(&polled);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.stream.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "RequestBody(empty)" } else { "RequestBody(stream)" })
    }
}

/// Where a request body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::origin) enum UploadState {
    /// Wholly handed over, failed or given up.
    Done,
    /// The client is to send more.
    AwaitsClient,
    /// The origin is to take more.
    Sending,
}

/// How far the request body on one connection is: whose silence it is decides whether the origin is late.
#[derive(Debug)]
pub(in crate::origin) struct Upload {
    state: Cell<UploadState>,
    failed: Cell<bool>,
    frames: Cell<u64>,
    done_at: Cell<Nanos>,
    alarms: Rc<Alarms>,
}

impl Upload {
    pub(in crate::origin) fn new(alarms: &Rc<Alarms>) -> Rc<Self> {
        Rc::new(Self {
            state: Cell::new(UploadState::Done),
            failed: Cell::new(false),
            frames: Cell::new(0),
            done_at: Cell::new(0),
            alarms: Rc::clone(alarms),
        })
    }

    pub(in crate::origin) fn state(&self) -> UploadState {
        self.state.get()
    }

    /// Whether the body itself gave an error.
    pub(in crate::origin) fn failed(&self) -> bool {
        self.failed.get()
    }

    /// When the answer is due after all, if it was due at `due` and is not there `now`: the silence may be the
    /// client's, or the body may have taken its time. Not after `now` when the origin is late.
    pub(in crate::origin) fn next_deadline(&self, due: Nanos, timeout: Nanos, now: Nanos) -> Nanos {
        match self.state.get() {
            UploadState::Done => due.max(self.done_at.get().saturating_add(timeout)),
            UploadState::Sending | UploadState::AwaitsClient if self.is_stuck() => now,
            UploadState::Sending | UploadState::AwaitsClient => now.saturating_add(timeout),
        }
    }

    /// Whether the origin took nothing since the last call, and the client is not the reason.
    pub(in crate::origin) fn is_stuck(&self) -> bool {
        self.frames.replace(0) == 0 && self.state.get() == UploadState::Sending
    }

    fn polled<T>(&self, polled: &Poll<Option<Result<T, BoxError>>>) {
        match polled {
            Poll::Pending => self.state.set(UploadState::AwaitsClient),
            Poll::Ready(Some(Ok(_))) => {
                self.state.set(UploadState::Sending);
                self.frames.set(self.frames.get() + 1);
            }
            Poll::Ready(Some(Err(_))) => self.failed.set(true),
            Poll::Ready(None) => {}
        }
    }
}

/// Marks the upload done when hyper is through with the body, however it ended.
#[derive(Debug)]
struct Tracked(Rc<Upload>);

impl Drop for Tracked {
    fn drop(&mut self) {
        self.0.state.set(UploadState::Done);
        self.0.done_at.set(self.0.alarms.now());
    }
}
