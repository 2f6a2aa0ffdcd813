//! Names of servers: asked for again when their answer expires, the last good answer kept when that fails.

use std::future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;

use super::live::{Origin, literal};
use crate::clock;
use crate::config::settings::OriginSettings;

/// The least and longest time an answer is believed, whatever its TTL.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);
/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Asks DNS. Cheap to clone.
#[derive(Clone)]
pub struct Resolver(TokioResolver);

impl Resolver {
    /// As the system is configured (`/etc/resolv.conf`, `/etc/hosts`).
    ///
    /// # Errors
    /// The system's configuration cannot be used.
    pub fn system() -> Result<Self, NetError> {
        let mut builder = TokioResolver::builder_tokio()?;
        bound(builder.options_mut());
        Ok(Self(builder.build()?))
    }

    /// Asking these servers.
    ///
    /// # Errors
    /// The configuration cannot be used.
    pub fn with_config(config: ResolverConfig) -> Result<Self, NetError> {
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        bound(builder.options_mut());
        Ok(Self(builder.build()?))
    }

    /// The addresses of `name` in a stable order, and how long to believe them.
    async fn lookup(&self, name: &str) -> Result<(Vec<IpAddr>, Duration), NetError> {
        let answer = self.0.lookup_ip(name).await?;
        let mut addresses: Vec<_> = answer.iter().collect();
        addresses.sort_unstable();
        addresses.dedup();
        Ok((addresses, answer.valid_until().saturating_duration_since(Instant::now())))
    }
}

/// The cache must not hold an answer longer than we believe it.
fn bound(options: &mut ResolverOpts) {
    options.positive_max_ttl = Some(LONGEST);
    options.negative_max_ttl = Some(SHORTEST);
}

/// Keeps the names of `origin` resolved; never ends.
pub(super) async fn keep(origin: &Arc<Origin>, settings: &OriginSettings, resolver: &Resolver) {
    let mut names: Vec<_> = settings.servers.iter().filter(|url| literal(url).is_none()).map(|url| &url.host).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        origin.set_resolved();
        return future::pending().await;
    }
    let unasked = AtomicUsize::new(names.len());
    join_all(names.iter().map(|name| keep_name(origin, name, resolver, &unasked))).await;
}

async fn keep_name(origin: &Origin, name: &str, resolver: &Resolver, unasked: &AtomicUsize) {
    let mut asked = false;
    let mut pause = SHORTEST;
    loop {
        let wait = match resolver.lookup(name).await {
            Ok((addresses, believed)) if !addresses.is_empty() => {
                origin.answer(name, addresses, clock::now());
                pause = SHORTEST;
                believed.clamp(SHORTEST, LONGEST)
            }
            failed => {
                let why = failed.err().map_or_else(|| "no addresses".to_owned(), |error| error.to_string());
                tracing::warn!(origin = origin.name(), name, why, "name does not resolve; its last addresses are kept");
                let wait = pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
                wait
            }
        };
        if !std::mem::replace(&mut asked, true) && unasked.fetch_sub(1, Ordering::Relaxed) == 1 {
            origin.set_resolved();
        }
        tokio::time::sleep(wait).await;
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}
