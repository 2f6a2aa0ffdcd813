//! What the service manager is told, when there is one.

use sd_notify::NotifyState;

/// Requests are answered.
pub(super) fn ready(revision: u64) {
    let status = format!("serving, revision {revision}");
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// The policy is being read again; [`ready`] follows, whatever comes of it.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "the service manager is not told of the reload"),
    }
}

/// Open requests are being finished.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// Another process carries on; this one ends when its requests have.
pub(super) fn succeeded_by(pid: u32) {
    tell(&[NotifyState::MainPid(pid)]);
}

fn tell(news: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(news) {
        tracing::debug!(%error, "the service manager cannot be told");
    }
}
