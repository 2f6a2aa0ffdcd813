//! A thread with a runtime of its own.

use std::io;
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use tokio::task::LocalSet;

/// A named thread that runs one future, which may spawn others locally. Dropping it asks the future to end and waits.
#[derive(Debug)]
pub struct Background {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Resolves when the owner of the [`Background`] wants it to end.
pub type Stop = oneshot::Receiver<()>;

impl Background {
    /// Starts `work` on a new thread.
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub fn start<F>(name: &str, work: impl FnOnce(Stop) -> F + Send + 'static) -> io::Result<Self>
    where
        F: Future<Output = ()>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            LocalSet::new().block_on(&runtime, async move { work(stopped).await });
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already been printed.
            let _ = thread.join();
        }
    }
}
