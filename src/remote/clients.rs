//! The pools of connections. All remote servers share them, and who has no remote server has none: no
//! certificates are read, and nothing is kept.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, Url};

use crate::client::{ClientError, builder, is_loopback};

/// Many servers close a connection that has had nothing to do for five seconds (Node, Uvicorn). A request that
/// meets this end could have been read: so it is never sent on a connection that is nearly that old.
const IDLE: Duration = Duration::from_secs(4);
/// So many connections to one place are kept for the next requests.
const KEPT: usize = 64;
/// A peer that has gone without a word is noticed by then: three probes more follow.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// With encryption or without, by a proxy or past every one.
static CLIENTS: [OnceLock<Client>; 4] = [const { OnceLock::new() }; 4];

/// The pool for a server at `url`. The first one reads the machine's certificates: call it beside the workers.
pub(super) fn client(url: &Url) -> Result<Client, ClientError> {
    let at = usize::from(url.scheme() == "http") + 2 * usize::from(is_loopback(url));
    let Some(place) = CLIENTS.get(at) else {
        return build(url);
    };
    if let Some(client) = place.get() {
        return Ok(client.clone());
    }
    let client = build(url)?;
    Ok(place.get_or_init(|| client).clone())
}

fn build(url: &Url) -> Result<Client, ClientError> {
    let builder = builder(url)
        .http1_only()
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(KEPT)
        .tcp_keepalive(KEEPALIVE)
        .tcp_nodelay(true);
    let built = builder.build();
    built.map_err(|error| ClientError::of_builder(&error))
}
