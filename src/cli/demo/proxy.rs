//! The proxy of the demo: the same that `spillway run` runs, on threads of this process.

use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

use crate::cli::run::{Assembly, StartError};
use crate::control::boot::Boot;
use crate::control::signals::Request;

/// A running proxy; dropping it ends it at once.
pub(super) struct Embedded {
    requests: mpsc::Sender<Request>,
    control: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts a proxy with that configuration file, which it watches.
    pub(super) fn start(config: PathBuf) -> Result<Self, StartError> {
        let (requests, asked) = mpsc::channel(1);
        let (tell, begun) = oneshot::channel();
        let control = std::thread::Builder::new().name("spillway-control".to_owned()).spawn(move || {
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(StartError::Runtime(error)))),
            };
            runtime.block_on(serve(config, asked, tell));
        });
        let control = Some(control.map_err(StartError::Runtime)?);
        // A thread that ends without a word has panicked, and said why.
        begun.blocking_recv().unwrap_or_else(|gone| Err(StartError::Runtime(std::io::Error::other(gone))))?;
        Ok(Self { requests, control })
    }
}

async fn serve(config: PathBuf, asked: mpsc::Receiver<Request>, tell: oneshot::Sender<Result<(), StartError>>) {
    let started = Boot::load(&config)
        .map_err(StartError::from)
        .and_then(|boot| Assembly::build(boot, None, Default::default(), &config)?.start());
    match started {
        Err(error) => drop(tell.send(Err(error))),
        Ok((process, logs)) => {
            // Nobody listens when the demo ended meanwhile.
            let _ = tell.send(Ok(()));
            process.run(asked).await;
            logs.finish(Duration::ZERO);
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // Full or closed means that it is ending already.
        let _ = self.requests.try_send(Request::Stop);
        if let Some(control) = self.control.take() {
            // A panic of the thread has already been printed.
            let _ = control.join();
        }
    }
}
