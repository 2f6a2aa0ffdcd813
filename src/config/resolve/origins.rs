//! `[origin.NAME]`.

use std::collections::HashMap;

use super::collection::Collection;
use super::files::Files;
use crate::config::decode::At;
use crate::config::file::{Ejection, HealthCheck, Origin};
use crate::config::problem::Problems;
use crate::config::settings::{EjectionSettings, HealthCheckSettings, OriginSettings, ServerUrl};
use crate::config::values::{ByName, Named, Several};

pub(super) fn all(
    typed: Option<&At<ByName<Origin>>>,
    files: Files<'_>,
    problems: &mut Problems<'_>,
) -> Collection<OriginSettings> {
    let mut origins = Collection::new("origin", typed.is_some());
    let Some(typed) = typed else { return origins };
    if typed.value.0.is_empty() {
        problems.add(typed.place, "at least one is needed", None);
    }
    for Named { name, value } in &typed.value.0 {
        let settings = value.as_ref().and_then(|origin| settings(&name.value, origin, files, problems));
        origins.define(&name.value, name.place, settings, problems);
    }
    origins
}

fn settings(name: &str, typed: &Origin, files: Files<'_>, problems: &mut Problems<'_>) -> Option<OriginSettings> {
    let servers = servers(typed.servers.as_ref(), problems);
    let ca_file = typed.ca_file.as_ref().map(|path| files.readable(path, problems));
    let health_check = typed.health_check.as_ref();
    Some(OriginSettings {
        name: name.to_owned(),
        servers: servers?,
        h2: typed.h2.value,
        ca_file,
        health_check: health_check.and_then(|at| self::health_check(&at.value)),
        ejection: ejection(&typed.ejection),
        slow_start: typed.slow_start.value.0,
        connect_timeout: typed.connect_timeout.value.0,
        response_timeout: typed.response_timeout.value.0,
        body_timeout: typed.body_timeout.value.0,
        idle_timeout: typed.idle_timeout.value.0,
        max_connections: typed.max_connections.value.0 as usize,
        retry_budget: typed.retry_budget.value.fraction(),
        capacity: typed.capacity.value.0,
    })
}

fn servers(typed: Option<&At<Several<At<ServerUrl>>>>, problems: &mut Problems<'_>) -> Option<Vec<ServerUrl>> {
    let typed = &typed?.value.0;
    let mut lines = HashMap::new();
    for server in typed {
        if let Some(line) = lines.insert(&server.value, problems.line(server.place)) {
            let message = format!("{} is already on line {line}", server.value);
            problems.add(server.place, message, None);
        }
    }
    Some(typed.iter().map(|at| at.value.clone()).collect())
}

fn health_check(typed: &HealthCheck) -> Option<HealthCheckSettings> {
    Some(HealthCheckSettings {
        path: typed.path.as_ref()?.value.0.clone(),
        every: typed.every.value.0,
        timeout: typed.timeout.value.0,
        healthy_after: typed.healthy_after.value.0,
        unhealthy_after: typed.unhealthy_after.value.0,
    })
}

fn ejection(typed: &Ejection) -> EjectionSettings {
    EjectionSettings {
        failures: typed.failures.value.0,
        base: typed.base.value.0,
        max_ejected: typed.max_ejected.value.fraction(),
    }
}
