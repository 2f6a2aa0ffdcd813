//! The stages of a request, in one list.
//!
//! Each stage is a tower `Service` that hands a richer request to the next one, or answers by itself. The answer of any
//! stage is the same type, so the whole stack has one future: ready, or boxed once by the stage that has to wait.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::Incoming;
use tower::{Service, ServiceBuilder};

use super::admit::{Admit, AdmitLayer};
use super::body::ResponseBody;
use super::connection::Connection;
use super::forward::Forward;
use super::screen::{Screen, ScreenLayer};
use super::trail::Trail;
use super::waiting::{Reserved, ReservedLayer};

/// What every stage answers with.
pub(crate) type Answer = Response<ResponseBody>;

/// All stages.
pub(crate) type Stack = Screen<Reserved<Admit<Forward>>>;

/// The order of the stages.
pub(crate) fn build() -> Stack {
    ServiceBuilder::new()
        // First, so that nothing behind it sees a request that could mean two things.
        .layer(ScreenLayer)
        // Before any route, which cannot take these paths away: whoever waits must always be able to ask.
        .layer(ReservedLayer)
        // Before anything is sent: a refusal costs the origin nothing, and is written before a body is read.
        .layer(AdmitLayer)
        .service(Forward)
}

/// A request whose head is complete.
pub(crate) struct Visit {
    pub(crate) request: Request<Incoming>,
    pub(crate) trail: Trail,
}

/// An answer that is there, or one that is waited for.
pub(crate) enum AnswerFuture {
    /// There.
    Ready(Option<Answer>),
    /// Waited for.
    Waiting(Pin<Box<dyn Future<Output = Answer>>>),
}

impl AnswerFuture {
    /// An answer that is there.
    pub(crate) fn ready(answer: Answer) -> Self {
        Self::Ready(Some(answer))
    }

    /// The one box of the stack.
    pub(crate) fn waiting(future: impl Future<Output = Answer> + 'static) -> Self {
        Self::Waiting(Box::pin(future))
    }
}

impl Future for AnswerFuture {
    type Output = Result<Answer, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            // Polled again after its answer was taken, it has nothing to say, as any finished future.
            Self::Ready(answer) => answer.take().map_or(Poll::Pending, |answer| Poll::Ready(Ok(answer))),
            Self::Waiting(future) => future.as_mut().poll(cx).map(Ok),
        }
    }
}

/// The stack as hyper calls it, for one connection.
#[derive(Debug)]
pub(crate) struct Entry {
    stack: Stack,
    connection: Rc<Connection>,
}

impl Entry {
    /// The entry of `connection`.
    pub(crate) fn new(connection: Rc<Connection>) -> Self {
        Self { stack: build(), connection }
    }
}

impl hyper::service::Service<Request<Incoming>> for Entry {
    type Response = Answer;
    type Error = Infallible;
    type Future = AnswerFuture;

    fn call(&self, request: Request<Incoming>) -> AnswerFuture {
        // Every stage is always ready, so readiness need not be asked for.
        self.stack.clone().call(Visit { request, trail: Trail::begin(&self.connection) })
    }
}
