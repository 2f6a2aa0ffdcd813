//! Letting the operators' thread run when the workers have taken every core.

use std::sync::OnceLock;

/// How much nicer the kernel is to this thread than to a worker: enough to be next whenever it wakes.
const NICER: i32 = -10;

/// What the process was started with.
static USUAL: OnceLock<i32> = OnceLock::new();

/// Raises the priority of the calling thread, and of threads it starts from now on. Without the right to (root,
/// `CAP_SYS_NICE`, `LimitNICE=`) everything stays as it is, which is only a little slower.
pub fn raise() {
    let usual = *USUAL.get_or_init(|| rustix::process::getpriority_process(None).unwrap_or(0));
    set(usual.saturating_add(NICER));
}

/// Gives the calling thread the priority the process was started with: a process it starts must not inherit another.
pub fn restore() {
    if let Some(usual) = USUAL.get() {
        set(*usual);
    }
}

fn set(nice: i32) {
    // On Linux the calling process, to these calls, is the calling thread.
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::debug!(%error, nice, "the priority of this thread stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_thread_itself_is_raised_and_its_children_can_go_back() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let (raised, child) = std::thread::scope(|scope| {
            let raised = scope.spawn(|| {
                raise();
                let child = std::thread::scope(|inner| inner.spawn(|| (restore(), nice()).1).join().unwrap());
                (nice(), child)
            });
            raised.join().unwrap()
        });
        assert!(raised == before || raised == before + NICER, "{raised}");
        assert_eq!((child, nice()), (before, before));
    }
}
