//! Following the files that waiting pages are drawn from.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::actor::Policies;
use super::watch::Watch;
use crate::config::settings::Settings;

/// How soon the files of a new policy are watched.
const LOOK: Duration = Duration::from_millis(500);

/// Has the policy in force read again whenever a template it names may have changed. Does not end by itself.
pub(super) async fn follow(policies: Policies) {
    let mut watches = HashMap::new();
    let mut seen: Option<Arc<Settings>> = None;
    loop {
        let settings = Arc::clone(&policies.in_force().settings);
        if !seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &settings)) {
            watch(&mut watches, &settings, &policies);
            seen = Some(settings);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Watches what is named now, and no more what was.
fn watch(watches: &mut HashMap<PathBuf, Watch>, settings: &Settings, policies: &Policies) {
    let named: Vec<_> = settings.rooms.iter().filter_map(|room| room.template.clone()).collect();
    watches.retain(|path, _| named.contains(path));
    for path in named {
        if watches.contains_key(&path) {
            continue;
        }
        let (policies, file) = (policies.clone(), path.clone());
        let changed = move || {
            let file = file.clone();
            // What comes of it is in the log and in the status.
            policies.tell(move |reloader, now| drop(reloader.reread_named(&file, now)));
        };
        match Watch::start(&path, changed) {
            Ok(watch) => drop(watches.insert(path, watch)),
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "changes of this template go unnoticed; use SIGHUP");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fixture::{begin, policy, write};

    fn with_template(name: &str) -> String {
        policy("10/s") + &format!("room = \"sale\"\n[room.sale]\nactive_shoppers = 2\ntemplate = \"{name}\"\n")
    }

    #[tokio::test]
    async fn a_template_that_changes_is_read_again_also_after_another_took_its_place() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["first.html", "second.html"] {
            std::fs::write(dir.path().join(name), "0").unwrap();
        }
        write(&dir, &with_template("first.html"));
        let (reloader, _engine) = begin(&dir);
        let policies = Policies::start(reloader).unwrap();
        let following = tokio::spawn(follow(policies.clone()));
        let notices = async |name: &str| {
            let path = dir.path().join(name);
            let is_read = || {
                policies
                    .in_force()
                    .last_reload
                    .as_ref()
                    .is_some_and(|reload| reload.actor == path.display().to_string())
            };
            for round in 1.. {
                std::fs::write(&path, round.to_string()).unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
                if is_read() {
                    return;
                }
            }
        };
        notices("first.html").await;
        let text = with_template("second.html");
        policies.ask(move |reloader, now| reloader.put(&text, None, false, "me", now)).await.unwrap().unwrap();
        notices("second.html").await;
        following.abort();
    }
}
