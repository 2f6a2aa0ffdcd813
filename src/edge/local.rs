//! Spawning on the worker's own thread.

use std::future::Future;

/// Runs hyper's HTTP/2 streams as tasks of the worker they arrived on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalExecutor;

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        // Detached: a stream's task ends with its stream.
        drop(tokio::task::spawn_local(async move {
            future.await;
        }));
    }
}
