//! Settings as a file, every key spelt out.

use std::fmt::{self, Display, Write};
use std::time::Duration;

use spillway::config::settings::*;

/// The text; sets the lines of the routes to where they came to stand.
pub(super) fn file(settings: &mut Settings) -> String {
    let mut text = String::new();
    tables(settings, &mut text).unwrap();
    for route in &settings.routes {
        self::route(route, settings, &mut text).unwrap();
    }
    let headers = text.lines().enumerate().filter(|(_, line)| *line == "[[route]]");
    for (route, (index, _)) in settings.routes.iter_mut().zip(headers) {
        route.line = index + 1;
    }
    text
}

fn tables(settings: &Settings, out: &mut String) -> fmt::Result {
    server(&settings.server, &settings.log, out)?;
    client(&settings.client, out)?;
    writeln!(out, "[admin]\naddress = \"{}\"", settings.admin.address)?;
    for listener in &settings.listeners {
        writeln!(out, "[[listener]]\naddress = \"{}\"", listener.address)?;
        writeln!(out, "proxy_protocol_from = {}", list(&listener.proxy_protocol_from))?;
    }
    settings.origins.iter().try_for_each(|origin| self::origin(origin, out))?;
    settings.classes.iter().try_for_each(|class| self::class(class, out))?;
    settings.limits.iter().try_for_each(|limit| self::limit(limit, out))?;
    settings.rooms.iter().try_for_each(|room| self::room(room, out))
}

fn server(server: &ServerSettings, log: &LogSettings, out: &mut String) -> fmt::Result {
    writeln!(out, "[server]\nworkers = {}\nstate_dir = {:?}", server.workers, server.state_dir)?;
    writeln!(out, "drain_timeout = {}", length(server.drain_timeout))?;
    writeln!(out, "max_connections = {}", server.max_connections)?;
    writeln!(out, "max_connections_per_client = {}", server.max_connections_per_client)?;
    writeln!(out, "max_handshakes = {}", server.max_handshakes)?;
    if let Some(max_memory) = server.max_memory {
        writeln!(out, "max_memory = \"{max_memory}B\"")?;
    }
    writeln!(out, "[log]\nlevel = {:?}\nformat = \"{}\"", log.level, log.format)?;
    match &log.access {
        None => writeln!(out, "access = \"off\""),
        Some(AccessLog::Stdout) => writeln!(out, "access = \"stdout\""),
        Some(AccessLog::File(path)) => writeln!(out, "access = {path:?}"),
    }
}

fn client(client: &ClientSettings, out: &mut String) -> fmt::Result {
    writeln!(out, "[client]\ntrusted_proxies = {}", list(&client.trusted_proxies))?;
    if let Some(cookie) = &client.shopper_cookie {
        writeln!(out, "shopper_cookie = \"{cookie}\"")?;
    }
    writeln!(out, "header_timeout = {}", length(client.header_timeout))?;
    writeln!(out, "idle_timeout = {}", length(client.idle_timeout))?;
    writeln!(out, "body_timeout = {}", length(client.body_timeout))?;
    writeln!(out, "least_body_rate = \"{}B\"", client.least_body_rate)?;
    writeln!(out, "max_uri = \"{}B\"\nmax_body = \"{}B\"", client.max_uri, client.max_body)
}

fn origin(origin: &OriginSettings, out: &mut String) -> fmt::Result {
    writeln!(out, "[origin.\"{}\"]\nservers = {}", origin.name, list(&origin.servers))?;
    writeln!(out, "h2 = {}", origin.h2)?;
    writeln!(out, "slow_start = {}", length(origin.slow_start))?;
    writeln!(out, "connect_timeout = {}", length(origin.connect_timeout))?;
    writeln!(out, "response_timeout = {}", length(origin.response_timeout))?;
    writeln!(out, "body_timeout = {}", length(origin.body_timeout))?;
    writeln!(out, "idle_timeout = {}", length(origin.idle_timeout))?;
    writeln!(out, "max_connections = {}", origin.max_connections)?;
    writeln!(out, "retry_budget = {}", share(origin.retry_budget))?;
    match origin.capacity {
        CapacitySettings::Unlimited => writeln!(out, "capacity = {{ mode = \"unlimited\" }}")?,
        CapacitySettings::Fixed { limit } => writeln!(out, "capacity = {{ mode = \"fixed\", limit = {limit} }}")?,
        CapacitySettings::Adaptive { min, max, enforce } => {
            writeln!(out, "capacity = {{ mode = \"adaptive\", min = {min}, max = {max}, enforce = {enforce} }}")?;
        }
    }
    let ejection = &origin.ejection;
    writeln!(out, "[origin.\"{}\".ejection]\nfailures = {}", origin.name, ejection.failures)?;
    writeln!(out, "base = {}\nmax_ejected = {}", length(ejection.base), share(ejection.max_ejected))?;
    let Some(check) = &origin.health_check else { return Ok(()) };
    writeln!(out, "[origin.\"{}\".health_check]\npath = {:?}", origin.name, check.path)?;
    writeln!(out, "every = {}\ntimeout = {}", length(check.every), length(check.timeout))?;
    writeln!(out, "healthy_after = {}\nunhealthy_after = {}", check.healthy_after, check.unhealthy_after)
}

fn class(class: &ClassSettings, out: &mut String) -> fmt::Result {
    writeln!(out, "[[class]]\nname = \"{}\"\nguaranteed = {}", class.name, share(class.guaranteed))?;
    writeln!(out, "max_wait = {}\nmax_waiting = {}", length(class.max_wait), class.max_waiting)?;
    match class.latency_goal {
        Some(goal) => writeln!(out, "latency_goal = {}", length(goal)),
        None => Ok(()),
    }
}

fn limit(limit: &LimitSettings, out: &mut String) -> fmt::Result {
    writeln!(out, "[limit.\"{}\"]\nkey = \"{}\"\nrate = \"{}\"", limit.name, limit.key, limit.rate)?;
    writeln!(out, "burst = {}\nmode = \"{}\"\nmax_keys = {}", limit.burst, limit.mode, limit.max_keys)
}

fn room(room: &RoomSettings, out: &mut String) -> fmt::Result {
    writeln!(out, "[room.\"{}\"]\nmode = \"{}\"", room.name, room.mode)?;
    writeln!(out, "active_shoppers = {}\nadmit_rate = \"{}\"", room.active_shoppers, room.admit_rate)?;
    writeln!(out, "session = {}\nclaim = {}", length(room.session), length(room.claim))?;
    writeln!(out, "order = \"{}\"", room.order)?;
    if let Some(opens) = room.opens {
        writeln!(out, "opens = \"{opens}\"")?;
    }
    texts("title", &room.title, out)?;
    texts("message", &room.message, out)?;
    match room.joins_per_client {
        None => writeln!(out, "joins_per_client = \"off\"")?,
        Some(rate) => writeln!(out, "joins_per_client = \"{rate}\"")?,
    }
    writeln!(out, "joins_burst = {}\nproof_of_work = \"{}\"", room.joins_burst, room.proof_of_work)?;
    writeln!(out, "bind_network = {}", room.bind_network)
}

fn texts(key: &str, texts: &Texts, out: &mut String) -> fmt::Result {
    match texts.0.as_slice() {
        [] => Ok(()),
        [(tag, text)] if tag.is_empty() => writeln!(out, "{key} = {text:?}"),
        several => {
            let pairs: Vec<String> = several.iter().map(|(tag, text)| format!("{tag} = {text:?}")).collect();
            writeln!(out, "{key} = {{ {} }}", pairs.join(", "))
        }
    }
}

fn route(route: &RouteSettings, settings: &Settings, out: &mut String) -> fmt::Result {
    writeln!(out, "[[route]]\nname = \"{}\"\npath = \"{}\"", route.name, route.path)?;
    if let Some(host) = &route.host {
        writeln!(out, "host = \"{host}\"")?;
    }
    if !route.methods.is_empty() {
        writeln!(out, "methods = {}", list(&route.methods))?;
    }
    writeln!(out, "class = \"{}\"", settings.classes[route.class].name)?;
    writeln!(out, "origin = \"{}\"", settings.origins[route.origin].name)?;
    let limits = route.limits.iter().map(|index| &settings.limits[*index].name);
    writeln!(out, "limits = {}", list(limits))?;
    if let Some(room) = route.room {
        writeln!(out, "room = \"{}\"", settings.rooms[room].name)?;
    }
    if let Some(room) = route.completes {
        writeln!(out, "completes = \"{}\"", settings.rooms[room].name)?;
    }
    writeln!(out, "journey = {}\nmax_body = \"{}B\"", route.journey, route.max_body)?;
    match route.response_timeout {
        Some(limit) => writeln!(out, "response_timeout = {}", length(limit)),
        None => Ok(()),
    }
}

fn list(items: impl IntoIterator<Item = impl Display>) -> String {
    let quoted: Vec<String> = items.into_iter().map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

/// In parts, as in "2d3h4m5s6ms".
fn length(length: Duration) -> String {
    let millis = length.as_millis();
    let (days, hours, minutes) = (millis / 86_400_000, millis / 3_600_000 % 24, millis / 60_000 % 60);
    format!("\"{days}d{hours}h{minutes}m{}s{}ms\"", millis / 1_000 % 60, millis % 1_000)
}

fn share(share: f64) -> String {
    format!("\"{:.2}%\"", share * 100.0).replace("100.00%", "100%")
}
