//! What of a new policy must wait for a restart.

use crate::config::settings::Settings;

/// Replaces in `wanted` what cannot change while running by what is in force since the start, and says what that was.
///
/// Listeners keep their number and their order, which is that of the sockets: one that is new waits, one that was taken out
/// stays as it is, and one that stays takes its new settings.
#[must_use]
pub(super) fn hold_back(wanted: &mut Settings, started: &Settings) -> Vec<String> {
    let mut waiting = Vec::new();
    keep(&mut waiting, "server.workers", &mut wanted.server.workers, &started.server.workers);
    keep(&mut waiting, "server.state_dir", &mut wanted.server.state_dir, &started.server.state_dir);
    keep(&mut waiting, "log.format", &mut wanted.log.format, &started.log.format);
    keep(&mut waiting, "admin.address", &mut wanted.admin.address, &started.admin.address);
    keep(&mut waiting, "admin.token_file", &mut wanted.admin.token_file, &started.admin.token_file);
    hold_back_listeners(&mut waiting, wanted, started);
    waiting
}

fn keep<T: PartialEq + Clone>(waiting: &mut Vec<String>, key: &str, wanted: &mut T, started: &T) {
    if wanted != started {
        started.clone_into(wanted);
        waiting.push(key.to_owned());
    }
}

fn hold_back_listeners(waiting: &mut Vec<String>, wanted: &mut Settings, started: &Settings) {
    let mut asked = std::mem::take(&mut wanted.listeners);
    for old in &started.listeners {
        let same = asked.iter().position(|new| new.address == old.address);
        wanted.listeners.push(match same {
            Some(index) => asked.remove(index),
            None => {
                waiting.push(format!("listener {} (taken out)", old.address));
                old.clone()
            }
        });
    }
    waiting.extend(asked.iter().map(|new| format!("listener {} (new)", new.address)));
}
