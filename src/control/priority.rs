//! Letting the operators' thread run when the workers have taken every core.

/// How much nicer the kernel is to this thread than to a worker: enough to be next whenever it wakes.
const NICE: i32 = -10;

/// Raises the priority of the calling thread, and of threads it starts from now on. Without the right to (root,
/// `CAP_SYS_NICE`, `LimitNICE=`) everything stays as it is, which is only a little slower.
pub fn raise() {
    // On Linux "the calling process" is the calling thread.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "the control thread runs at the priority of the workers");
    }
}
