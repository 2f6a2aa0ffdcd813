use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::control::fixture::{self, Recorder, at, policy, write};
use crate::control::overrides::ServerState;

/// A proxy's directory, and the process in it.
struct Proxy {
    dir: TempDir,
    engine: Recorder,
    reloader: Reloader,
}

impl Proxy {
    fn start(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write(&dir, text);
        Self::begin(dir)
    }

    fn restart(self) -> Self {
        Self::begin(self.dir)
    }

    fn begin(dir: TempDir) -> Self {
        let (reloader, engine) = fixture::begin(&dir);
        Self { dir, engine, reloader }
    }

    fn write(&self, text: &str) {
        write(&self.dir, text);
    }

    fn view(&self) -> Arc<InForce> {
        self.reloader.in_force().load_full()
    }

    fn revision(&self) -> (u64, Source) {
        let view = self.view();
        (view.revision.number, view.revision.source)
    }

    fn put(&mut self, text: &str) -> Result<Change, Refusal> {
        self.reloader.put(text, None, false, "127.0.0.1", at(1))
    }

    fn limit(&mut self, set: serde_json::Value, until: Option<i64>) -> Result<(), Refusal> {
        self.set(Target::Limit("login".into()), set, None, until)
    }

    fn set(
        &mut self,
        target: Target,
        set: serde_json::Value,
        state: Option<ServerState>,
        until: Option<i64>,
    ) -> Result<(), Refusal> {
        self.reloader.set_override(Override {
            target,
            set: serde_json::from_value(set).unwrap(),
            state,
            until: until.map(at),
            reason: Some("a test".into()),
            actor: "127.0.0.1".into(),
            since: at(0),
        })
    }
}

#[test]
fn a_changed_file_is_a_new_revision_and_the_same_text_is_none() {
    let mut proxy = Proxy::start(&policy("10/s"));
    assert_eq!(proxy.revision(), (1, Source::File));
    assert_eq!(proxy.reloader.reread(Source::File, at(1)), Ok(Change::None));
    proxy.write(&policy("20/s"));
    assert_eq!(proxy.reloader.reread(Source::File, at(2)), Ok(Change::Revision(2)));
    assert_eq!(proxy.engine.rate(), 20.0);
    assert_eq!(proxy.view().revisions.len(), 2);
    assert_eq!(proxy.restart().revision(), (2, Source::File));
}

#[test]
fn a_bad_file_leaves_what_was_in_force_and_says_why_once() {
    let mut proxy = Proxy::start(&policy("10/s"));
    proxy.write(&policy("10 per s"));
    let refused = proxy.reloader.reread(Source::File, at(1)).unwrap_err();
    assert!(matches!(&refused, Refusal::Wrong(problems) if problems[0].key == "limit.login.rate"), "{refused}");
    assert_eq!(proxy.reloader.reread(Source::File, at(2)), Ok(Change::None));
    assert_eq!((proxy.revision(), proxy.engine.rate()), ((1, Source::File), 10.0));
    assert!(proxy.view().last_reload.as_ref().unwrap().outcome.is_err());
    proxy.write(&policy("10/s"));
    assert_eq!(proxy.reloader.reread(Source::File, at(3)), Ok(Change::None));
    assert!(proxy.view().last_reload.as_ref().unwrap().outcome.is_ok());
    assert_eq!(proxy.engine.0.lock().unwrap().attempts.len(), 2);
}

#[test]
fn what_cannot_be_built_is_not_in_force_either() {
    let mut proxy = Proxy::start(&policy("10/s"));
    proxy.engine.0.lock().unwrap().refuses = true;
    proxy.write(&policy("20/s"));
    assert!(proxy.reloader.reread(Source::File, at(1)).is_err());
    assert!(proxy.put(&policy("30/s")).is_err());
    assert_eq!((proxy.engine.commits(), proxy.engine.rate(), proxy.revision()), (1, 10.0, (1, Source::File)));
    assert_eq!(proxy.view().revisions.len(), 1);
}

#[test]
fn a_file_that_is_gone_is_said_and_hurts_nobody() {
    let mut proxy = Proxy::start(&policy("10/s"));
    fs::remove_file(proxy.dir.path().join("shop.toml")).unwrap();
    let refused = proxy.reloader.reread(Source::File, at(1)).unwrap_err();
    assert!(refused.to_string().starts_with("cannot read "), "{refused}");
    assert_eq!(proxy.engine.rate(), 10.0);
}

#[test]
fn hup_reads_again_what_the_file_names_even_if_the_text_is_the_same() {
    let mut proxy = Proxy::start(&policy("10/s"));
    assert_eq!(proxy.reloader.reread(Source::Hup, at(1)), Ok(Change::Reread));
    assert_eq!((proxy.engine.commits(), proxy.revision()), (2, (1, Source::File)));
}

#[test]
fn a_policy_put_by_the_api_outlives_a_restart_until_the_file_changes() {
    let mut proxy = Proxy::start(&policy("10/s"));
    assert_eq!(proxy.put(&policy("30/s")), Ok(Change::Revision(2)));
    assert_eq!(proxy.put(&policy("30/s")), Ok(Change::None));
    let mut proxy = proxy.restart();
    assert_eq!((proxy.revision(), proxy.engine.rate()), ((2, Source::Api), 30.0));
    assert_eq!(proxy.reloader.reread(Source::File, at(1)), Ok(Change::None));
    proxy.write(&policy("40/s"));
    let proxy = proxy.restart();
    assert_eq!((proxy.revision(), proxy.engine.rate()), ((3, Source::File), 40.0));
}

#[test]
fn the_file_comes_back_into_force_by_hup_or_by_a_change() {
    let mut proxy = Proxy::start(&policy("10/s"));
    proxy.put(&policy("30/s")).unwrap();
    assert_eq!(proxy.reloader.reread(Source::Hup, at(1)), Ok(Change::Revision(3)));
    assert_eq!(proxy.engine.rate(), 10.0);
    proxy.put(&policy("30/s")).unwrap();
    proxy.write(&policy("11/s"));
    assert_eq!(proxy.reloader.reread(Source::File, at(2)), Ok(Change::Revision(5)));
    assert_eq!(proxy.engine.rate(), 11.0);
}

#[test]
fn a_file_changed_and_changed_back_does_not_undo_what_came_by_the_api() {
    let mut proxy = Proxy::start(&policy("10/s"));
    proxy.put(&policy("30/s")).unwrap();
    proxy.write("half a fi");
    assert!(proxy.reloader.reread(Source::File, at(1)).is_err());
    proxy.write(&policy("10/s"));
    assert_eq!(proxy.reloader.reread(Source::File, at(2)), Ok(Change::None));
    assert_eq!(proxy.engine.rate(), 30.0);
    assert_eq!(proxy.restart().engine.rate(), 30.0);
}

#[test]
fn the_file_catching_up_with_the_api_is_no_new_revision() {
    let mut proxy = Proxy::start(&policy("10/s"));
    proxy.put(&policy("30/s")).unwrap();
    proxy.write(&policy("30/s"));
    assert_eq!(proxy.reloader.reread(Source::File, at(1)), Ok(Change::None));
    let proxy = proxy.restart();
    assert_eq!((proxy.revision().0, proxy.engine.rate()), (2, 30.0));
}

#[test]
fn a_put_over_another_change_is_stale_and_a_dry_run_changes_nothing() {
    let mut proxy = Proxy::start(&policy("10/s"));
    let before = vec![fingerprint(&policy("10/s"))];
    let mut put = |text: &str, dry_run| proxy.reloader.put(text, Some(&before), dry_run, "127.0.0.1", at(1));
    assert_eq!(put(&policy("20/s"), true), Ok(Change::Revision(2)));
    assert!(matches!(put(&policy("wrong"), true), Err(Refusal::Wrong(_))));
    assert_eq!(put(&policy("20/s"), false), Ok(Change::Revision(2)));
    assert_eq!(put(&policy("30/s"), false), Err(Refusal::Stale));
    assert_eq!(proxy.engine.commits(), 2);
    assert_eq!(proxy.engine.0.lock().unwrap().attempts.len(), 1);
}

#[test]
fn a_restored_revision_is_in_force_over_restarts() {
    let mut proxy = Proxy::start(&policy("10/s"));
    proxy.put(&policy("20/s")).unwrap();
    assert_eq!(proxy.reloader.restore(9, "127.0.0.1", at(1)), Err(Refusal::NoRevision(9)));
    assert_eq!(proxy.reloader.restore(1, "127.0.0.1", at(1)), Ok(Change::Revision(3)));
    let proxy = proxy.restart();
    assert_eq!((proxy.revision(), proxy.engine.rate()), ((3, Source::Restore), 10.0));
}

#[test]
fn what_needs_a_restart_waits_and_the_rest_takes_effect() {
    let mut proxy = Proxy::start(&policy("10/s"));
    let moved =
        policy("20/s").replace("workers = 2", "workers = 3").replace(":8080", ":8081").replace(":9900", ":9901");
    assert_eq!(proxy.put(&moved), Ok(Change::Revision(2)));
    let settings = proxy.engine.settings();
    assert_eq!((settings.server.workers, settings.listeners[0].address.port()), (2, 8080));
    assert_eq!(settings.limits[0].rate.per_second(), 20.0);
    let waiting =
        ["server.workers", "admin.address", "listener 127.0.0.1:8080 (taken out)", "listener 127.0.0.1:8081 (new)"];
    assert_eq!(proxy.view().needs_restart, waiting);
    let proxy = proxy.restart();
    assert_eq!(proxy.engine.settings().listeners[0].address.port(), 8081);
    assert!(proxy.view().needs_restart.is_empty());
}

#[test]
fn an_override_holds_over_reloads_and_restarts_and_ends_by_itself() {
    let mut proxy = Proxy::start(&policy("10/s"));
    proxy.limit(json!({"rate": "1/min"}), Some(100)).unwrap();
    proxy.limit(json!({"burst": 2}), None).unwrap();
    proxy.write(&policy("20/s"));
    proxy.reloader.reread(Source::File, at(1)).unwrap();
    let mut proxy = proxy.restart();
    assert_eq!((proxy.engine.rate(), proxy.engine.settings().limits[0].burst), (1.0 / 60.0, 2));
    assert_eq!(proxy.reloader.next_end(), Some(at(100)));
    proxy.reloader.end_overrides(at(99));
    assert_eq!(proxy.engine.rate(), 1.0 / 60.0);
    proxy.reloader.end_overrides(at(100));
    assert_eq!((proxy.engine.rate(), proxy.engine.settings().limits[0].burst), (20.0, 5));
    assert_eq!(proxy.reloader.next_end(), None);
    assert_eq!(proxy.restart().engine.rate(), 20.0);
}

#[test]
fn an_override_is_held_to_the_rules_of_the_file() {
    let mut proxy = Proxy::start(&policy("10/s"));
    for (set, key) in [
        (json!({"rate": "fast"}), "limit.login.rate"),
        (json!({"rate": 20}), "limit.login.rate"),
        (json!({"burst": 0}), "limit.login.burst"),
        (json!({"mode": "shadwo"}), "limit.login.mode"),
    ] {
        let refused = proxy.limit(set.clone(), None).unwrap_err();
        assert!(matches!(&refused, Refusal::Wrong(problems) if problems[0].key == key), "{set}: {refused}");
    }
    assert!(matches!(proxy.limit(json!({}), Some(100)), Err(Refusal::Wrong(_))), "an override that sets nothing");
    let nowhere = proxy.set(Target::Limit("logout".into()), json!({"burst": 2}), None, None);
    assert!(matches!(nowhere, Err(Refusal::Wrong(_))));
    assert_eq!(proxy.engine.commits(), 1);
}

#[test]
fn overrides_of_capacity_and_servers_are_dropped_again() {
    let mut proxy = Proxy::start(&policy("10/s"));
    let capacity = json!({"capacity": {"mode": "fixed", "limit": 7}});
    let server = |server: &str| Target::Server { origin: "shop".into(), server: server.into() };
    proxy.set(Target::Origin("shop".into()), capacity, None, None).unwrap();
    proxy.set(server("127.0.0.1:9001"), json!({}), Some(ServerState::Drain), None).unwrap();
    assert!(proxy.set(server("127.0.0.1:9002"), json!({}), Some(ServerState::Drain), None).is_err());
    let mut proxy = proxy.restart();
    let effective = proxy.engine.0.lock().unwrap().in_force.clone().unwrap().0;
    assert_eq!(effective.settings.origins[0].capacity, crate::config::settings::CapacitySettings::Fixed { limit: 7 });
    assert_eq!(effective.servers, [("shop".to_owned(), "127.0.0.1:9001".to_owned(), ServerState::Drain)]);
    assert!(proxy.reloader.drop_override(&server("127.0.0.1:9001"), "me").unwrap().is_some());
    assert!(proxy.reloader.drop_override(&server("127.0.0.1:9001"), "me").unwrap().is_none());
    assert!(proxy.engine.0.lock().unwrap().in_force.as_ref().unwrap().0.servers.is_empty());
}

#[test]
fn an_override_whose_limit_is_gone_sleeps_until_it_is_back() {
    let mut proxy = Proxy::start(&policy("10/s"));
    proxy.limit(json!({"rate": "1/min"}), None).unwrap();
    let without = policy("10/s").replace("[limit.login]", "[limit.other]").replace("[\"login\"]", "[\"other\"]");
    proxy.put(&without).unwrap();
    assert_eq!(proxy.view().dormant, [Target::Limit("login".into())]);
    assert_eq!(proxy.engine.rate(), 10.0);
    proxy.put(&policy("20/s")).unwrap();
    assert!(proxy.view().dormant.is_empty());
    assert_eq!(proxy.engine.rate(), 1.0 / 60.0);
}

#[test]
fn an_override_does_not_move_the_lines_of_the_file() {
    let mut proxy = Proxy::start(&policy("10/s"));
    let before = proxy.engine.settings().routes[0].line;
    proxy.limit(json!({"mode": "shadow"}), None).unwrap();
    assert_eq!(proxy.engine.settings().routes[0].line, before);
}

#[test]
fn nothing_changes_while_another_process_takes_over() {
    let mut proxy = Proxy::start(&policy("10/s"));
    proxy.limit(json!({"rate": "1/min"}), Some(10)).unwrap();
    proxy.reloader.freeze();
    proxy.write(&policy("20/s"));
    assert_eq!(proxy.reloader.reread(Source::File, at(1)), Err(Refusal::HandingOver));
    assert_eq!(proxy.put(&policy("30/s")), Err(Refusal::HandingOver));
    assert_eq!(proxy.limit(json!({"burst": 9}), None), Err(Refusal::HandingOver));
    proxy.reloader.end_overrides(at(20));
    assert_eq!(proxy.engine.commits(), 2);
    proxy.reloader.thaw(at(21));
    proxy.reloader.end_overrides(at(21));
    assert_eq!(proxy.engine.rate(), 20.0);
}

#[test]
fn the_api_cannot_put_what_cannot_be_kept() {
    let mut proxy = Proxy::start(&policy("10/s"));
    let revisions = proxy.dir.path().join("state/revisions");
    fs::remove_dir_all(&revisions).unwrap();
    fs::write(&revisions, "no directory").unwrap();
    assert!(matches!(proxy.put(&policy("20/s")), Err(Refusal::NotKept(_))));
    assert_eq!(proxy.engine.rate(), 10.0);
    proxy.write(&policy("30/s"));
    assert_eq!(proxy.reloader.reread(Source::File, at(1)), Ok(Change::Revision(2)));
    assert_eq!(proxy.engine.rate(), 30.0);
}

#[test]
fn a_start_that_cannot_be_built_says_whose_text_it_is() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir, &policy("10/s"));
    let engine = Recorder::default();
    engine.0.lock().unwrap().refuses = true;
    let boot = Boot::load(&dir.path().join("shop.toml")).unwrap();
    let error = Reloader::start(boot, Box::new(engine), at(0)).unwrap_err();
    assert!(error.to_string().starts_with("revision 1 (file by "), "{error}");
    assert_eq!(error.problems.len(), 1);
}

#[test]
fn a_state_directory_nobody_can_write_to_ends_the_start() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir, &policy("10/s"));
    fs::write(dir.path().join("state"), "a file").unwrap();
    fs::set_permissions(dir.path().join("state"), fs::Permissions::from_mode(0o400)).unwrap();
    let error = Boot::load(&dir.path().join("shop.toml")).unwrap_err();
    assert!(error.to_string().starts_with("cannot keep state in "), "{error}");
}
