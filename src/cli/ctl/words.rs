//! The API's answers in words.

use std::fmt::Write;

use serde_json::Value as Json;

/// `/v1/status`.
pub(super) fn status(status: &Json) -> String {
    let mut out = String::new();
    let text = |key: &str| show(&status[key]);
    line(&mut out, "phase", &format!("{} since {}, version {}", text("phase"), text("started_at"), text("version")));
    line(&mut out, "process", &format!("{}, {} workers", text("pid"), text("workers")));
    let connections = &status["connections"];
    line(&mut out, "clients", &format!("{} of {}", show(&connections["open"]), show(&connections["max"])));
    let saturation = &status["saturation"];
    for short in list(&saturation["resources"]).filter(|resource| resource["number"] != 0) {
        line(&mut out, "short of", &format!("{}: {}", show(&short["resource"]), show(&short["level"])));
    }
    let policy = &status["policy"];
    let by = format!("revision {}, by {} at {}", text("revision"), show(&policy["actor"]), show(&policy["at"]));
    line(&mut out, "policy", &by);
    let last = &status["last_reload"];
    if last["result"] == "failure" {
        line(&mut out, "reload", &format!("failed at {}: {}", show(&last["at"]), show(&last["error"])));
    }
    for key in list(&status["needs_restart"]) {
        line(&mut out, "restart", &format!("needed for {}", show(key)));
    }
    for one in list(&status["overrides"]) {
        line(&mut out, "override", &format!("{} {}", show(&one["target"]), override_of(one)));
    }
    for origin in list(&status["origins"]) {
        let limit = if origin["limit"].is_null() { "any number".to_owned() } else { show(&origin["limit"]) };
        let (in_use, waiting) = (show(&origin["in_use"]), show(&origin["waiting"]));
        let found = &origin["adaptive"];
        let found = if found.is_null() { String::new() } else { format!("; {}", condition(found)) };
        line(
            &mut out,
            "origin",
            &format!("{}: {in_use} of {limit} at once, {waiting} wait{found}", show(&origin["name"])),
        );
        for route in slowest(&origin["adaptive"]) {
            line(&mut out, "", &slowness(route));
        }
    }
    for room in list(&status["rooms"]) {
        line(&mut out, "room", &format!("{}: {}", show(&room["name"]), show(&room["words"])));
    }
    store(&mut out, &status["room_store"]);
    out
}

/// `/v1/rooms`.
pub(super) fn rooms(rooms: &Json) -> String {
    let mut rows =
        vec![["ROOM", "STATE", "IN LINE", "INSIDE", "CALLED", "RATE", "LAST WAITS"].map(str::to_owned).to_vec()];
    for room in list(&rooms["rooms"]) {
        let inside = format!("{}/{}", show(&room["inside"]), show(&room["active_shoppers"]));
        let cells = [&room["name"], &room["state"], &room["waiting"]].map(show);
        let more = [inside, show(&room["called"]), show(&room["admit_rate"]), wait(&room["eta_seconds"])];
        rows.push(cells.into_iter().chain(more).collect());
    }
    let mut out = if rows.len() > 1 { table(&rows) } else { "there are no waiting rooms\n".to_owned() };
    store(&mut out, &rooms["store"]);
    out
}

/// `/v1/rooms/NAME`.
pub(super) fn room(room: &Json) -> String {
    let mut out = String::new();
    line(&mut out, "room", &format!("{}: {}", show(&room["name"]), show(&room["words"])));
    let (mode, cap, rate) = (show(&room["mode"]), show(&room["active_shoppers"]), show(&room["admit_rate"]));
    let now = room["admit_rate_per_second"].as_f64().map_or_else(String::new, |rate| format!(", now {rate:.1}/s"));
    line(
        &mut out,
        "terms",
        &format!("mode {mode}, at most {cap} inside, rate {rate}{now}, by {}", show(&room["order"])),
    );
    let counts = ["admitted", "abandoned", "completed"].map(|key| format!("{} {key}", show(&room[key])));
    line(&mut out, "so far", &counts.join(", "));
    for (key, name) in [("opens_at", "opens"), ("message", "message"), ("commitment", "draw")] {
        if !room[key].is_null() {
            line(&mut out, name, &show(&room[key]));
        }
    }
    if !room["override"].is_null() {
        line(&mut out, "override", &override_of(&room["override"]));
    }
    out
}

/// The answer to a change, made or tried out.
pub(super) fn changed(changed: &Json) -> String {
    let mut out = String::new();
    if changed["dry_run"] == true {
        out.push_str("nothing was changed; this would come of it:\n");
    } else {
        out.push_str(&room(changed));
    }
    if changed["kept"] == false {
        line(&mut out, "warning", "this is not kept over a restart now; the status says why");
    }
    if let Some(calls) = changed["calls"].as_u64() {
        line(&mut out, "called", &format!("{calls}, beside those the rate allows"));
    }
    if !changed["effect"].is_null() {
        out.push_str(&effect(&changed["effect"]));
    }
    out
}

/// How waits are and would be.
fn effect(effect: &Json) -> String {
    let mut rows = vec![vec!["POSITION".to_owned(), "WAITS NOW".to_owned(), "THEN".to_owned()]];
    let row = |name: String, at: &Json| vec![name, wait(&at["now"]), wait(&at["then"])];
    rows.extend(list(&effect["positions"]).map(|at| row(show(&at["position"]), at)));
    let last = &effect["last"];
    if !last.is_null() {
        rows.push(row(format!("last ({})", show(&last["position"])), last));
    }
    let calls = &effect["calls_per_second"];
    let [now, then] =
        ["now", "then"].map(|key| calls[key].as_f64().map_or("-".to_owned(), |rate| format!("{rate:.1}")));
    rows.push(vec!["calls a second".to_owned(), now, then]);
    table(&rows)
}

fn store(out: &mut String, store: &Json) {
    if store["healthy"] == false {
        let trouble = show(&store["trouble"]);
        line(out, "warning", &format!("what happens in the rooms is not kept over a restart: {trouble}"));
    }
}

fn override_of(one: &Json) -> String {
    let set = if one["state"].is_null() { show(&one["set"]) } else { show(&one["state"]) };
    let by = show(&one["actor"]);
    let reason = one["reason"].as_str().map_or_else(String::new, |reason| format!(", {reason:?}"));
    let end = one["until"].as_str().map_or_else(String::new, |until| format!(", until {until}"));
    format!("{set} by {by}{reason}{end}")
}

/// What is known of an origin of adaptive capacity.
fn condition(found: &Json) -> String {
    let since =
        found["since_seconds"].as_f64().map_or_else(String::new, |since| format!(" for {}", span(since as u64)));
    let cause = found["cause"].as_str().map_or_else(String::new, |cause| format!(", by {cause}"));
    let begin = found["begin_rate_per_second"].as_f64();
    let begin = begin.map_or_else(String::new, |rate| format!(", {rate:.1} shoppers a second may begin"));
    let shadow = if found["enforce"] == false { ", in shadow" } else { "" };
    format!("{}{since}{cause}{begin}{shadow}", show(&found["state"]))
}

/// Routes that take much longer than at rest are few, and come first.
const SLOWEST: usize = 5;
/// Times of what it takes at rest from which a route is slow.
const SLOW: f64 = 1.5;

fn slowest(found: &Json) -> Vec<&Json> {
    let ratio = |route: &Json| route["ratio"].as_f64().unwrap_or(0.0);
    let mut routes: Vec<_> = list(&found["routes"]).filter(|route| ratio(route) >= SLOW).collect();
    routes.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    routes.truncate(SLOWEST);
    routes
}

fn slowness(route: &Json) -> String {
    let number = |key: &str| route[key].as_f64().unwrap_or(0.0);
    let (ratio, baseline) = (number("ratio"), number("baseline_ms"));
    format!("route {} takes {ratio:.1} times its {baseline:.0} ms at rest", show(&route["route"]))
}

/// An estimate in seconds.
fn wait(estimate: &Json) -> String {
    match (estimate["likely"].as_u64(), estimate["late"].as_u64()) {
        (Some(likely), Some(late)) => format!("{}-{}", span(likely), span(late)),
        (Some(likely), None) => span(likely),
        (None, _) => "-".to_owned(),
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}min", (seconds + 30) / 60),
        _ => format!("{}h", (seconds + 1_800) / 3_600),
    }
}

fn list(value: &Json) -> impl Iterator<Item = &Json> {
    value.as_array().into_iter().flatten()
}

/// Text as it is, nothing as a dash, anything else as JSON.
fn show(value: &Json) -> String {
    match value {
        Json::Null => "-".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn line(out: &mut String, name: &str, text: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{name:<9} {text}");
}

/// Columns as wide as their widest cell.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let length = |cell: &String| cell.chars().count();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(length).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_effect_is_a_table() {
        let at = |position: u32, now: Option<u32>, then: u32| json!({ "position": position, "now": { "likely": now, "late": now }, "then": { "likely": then, "late": then * 2 } });
        let answer = json!({ "dry_run": true, "effect": {
            "waiting": 812,
            "calls_per_second": { "now": null, "then": 10.0 },
            "last": at(812, None, 82),
            "positions": [at(100, Some(95), 11), at(10_000, None, 1_001)],
        }});
        let expected = "nothing was changed; this would come of it:\n\
            POSITION        WAITS NOW  THEN\n\
            100             95s-95s    11s-22s\n\
            10000           -          17min-33min\n\
            last (812)      -          82s-3min\n\
            calls a second  -          10.0\n";
        assert_eq!(changed(&answer), expected);
    }

    #[test]
    fn what_is_missing_is_a_dash_and_never_a_panic() {
        for empty in [
            json!({}),
            json!(null),
            json!([1]),
            json!({"rooms": [{}], "overrides": [{}], "origins": [{"adaptive": {"routes": [{}, 1]}}]}),
        ] {
            assert!(!status(&empty).is_empty());
            assert!(!rooms(&empty).is_empty());
            assert!(!room(&empty).is_empty());
            assert!(!changed(&empty).is_empty());
        }
    }

    #[test]
    fn an_origin_says_how_it_is_and_which_routes_are_slow() {
        let route = |name: &str, ratio: f64| json!({ "route": name, "baseline_ms": 80.0, "ratio": ratio });
        let adaptive = json!({
            "enforce": true, "state": "overloaded", "cause": "errors", "since_seconds": 12.9, "begin_rate_per_second": 4.25,
            "routes": [route("cart", 1.6), route("home", 1.1), route("pay", 7.0)],
        });
        let origin = json!({ "name": "shop", "limit": 40, "in_use": 38, "waiting": 9, "adaptive": adaptive });
        let text = status(&json!({ "origins": [origin] }));
        let expected = "origin    shop: 38 of 40 at once, 9 wait; overloaded for 12s, by errors, 4.2 shoppers a second may begin\n          \
            route pay takes 7.0 times its 80 ms at rest\n          route cart takes 1.6 times its 80 ms at rest\n";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn trouble_of_the_store_is_said() {
        let text = rooms(&json!({ "rooms": [], "store": { "healthy": false, "trouble": "no space left" } }));
        assert!(text.contains("there are no waiting rooms\n") && text.contains("restart: no space left"), "{text}");
    }
}
