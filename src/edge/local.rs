//! Spawning on the worker's own thread.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

/// Runs hyper's HTTP/2 streams as tasks of the worker they arrived on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalExecutor;

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        // Detached: a stream's task ends with its stream.
        drop(tokio::task::spawn_local(StreamTask { stream: future, end: None }));
    }
}

thread_local! {
    /// What a body has tied to the task in which it is polled.
    static TIED: RefCell<Option<Rc<StreamEnd>>> = const { RefCell::new(None) };
}

/// Ends the task of an HTTP/2 stream, and so resets the stream.
///
/// hyper asks for the next frame of a body only when the client has opened its window; while it has not, a body has no
/// other way to say that it is broken off.
#[derive(Debug, Default)]
pub(crate) struct StreamEnd {
    ended: Cell<bool>,
    task: RefCell<Option<Waker>>,
}

impl StreamEnd {
    /// For the stream in whose task this is called.
    pub(crate) fn tied(cx: &Context<'_>) -> Rc<Self> {
        let end = Rc::new(Self { ended: Cell::new(false), task: RefCell::new(Some(cx.waker().clone())) });
        TIED.set(Some(Rc::clone(&end)));
        end
    }

    /// Ends it.
    pub(crate) fn end(&self) {
        self.ended.set(true);
        if let Some(task) = self.task.take() {
            task.wake();
        }
    }
}

pin_project! {
    struct StreamTask<F> {
        #[pin]
        stream: F,
        end: Option<Rc<StreamEnd>>,
    }
}

impl<F: Future> Future for StreamTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.end.as_ref().is_some_and(|end| end.ended.get()) {
            return Poll::Ready(());
        }
        let polled = this.stream.poll(cx);
        if let Some(end) = TIED.take() {
            *this.end = Some(end);
        }
        polled.map(drop)
    }
}
