//! Policies for tests, written as an operator writes them.

use std::path::Path;
use std::sync::Arc;

use super::Policy;
use crate::config::{self, Problem};

/// What every file has; `checkout` before `browse`.
const BASE: &str = r#"
[[listener]]
address = "127.0.0.1:8080"
[client]
trusted_proxies = ["10.0.0.0/8"]
shopper_cookie = "sid"
[origin.shop]
servers = ["http://127.0.0.1:9000"]
capacity = { mode = "fixed", limit = 200 }
[[class]]
name = "checkout"
guaranteed = "30%"
max_wait = "2s"
[[class]]
name = "browse"
max_wait = "250ms"
[limit.per-client]
key = "client-ip"
rate = "20/s"
burst = 40
[limit.by-header]
key = "header:x-api-key"
rate = "5/min"
burst = 7
mode = "shadow"
[limit.by-cookie]
key = "cookie:x-api-key"
rate = "5/min"
burst = 5
[limit.shopper]
key = "shopper"
rate = "1/s"
burst = 1
[limit.all]
key = "global"
rate = "200/s"
burst = 200
"#;

/// The policy of [`BASE`] with these routes.
pub(crate) fn compile(routes: &str) -> Result<Policy, Vec<Problem>> {
    let settings = config::load(&format!("{BASE}{routes}"), Path::new("."))?;
    Policy::compile(Arc::new(settings), 7)
}

/// The same for routes that are right.
pub(crate) fn policy(routes: &str) -> Policy {
    compile(routes).expect("the routes are right")
}

/// A `[[route]]` named after what is in `more`.
pub(crate) fn route(name: &str, path: &str, more: &str) -> String {
    format!("[[route]]\nname = {name:?}\npath = {path:?}\nclass = \"browse\"\norigin = \"shop\"\n{more}\n")
}
