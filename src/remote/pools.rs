//! The pools of connections. All remote servers share them, and who has no remote server has none: no
//! certificates are read, and nothing is kept.

use std::sync::OnceLock;

use url::Url;

use crate::client::{ClientError, Pool, is_loopback};

/// With encryption or without, by a proxy or past every one.
static POOLS: [OnceLock<Pool>; 4] = [const { OnceLock::new() }; 4];

/// The pool for a server at `url`. The first one reads the machine's certificates: call it beside the workers.
pub(super) fn pool(url: &Url) -> Result<Pool, ClientError> {
    let at = usize::from(url.scheme() == "http") + 2 * usize::from(is_loopback(url));
    let Some(place) = POOLS.get(at) else {
        return Pool::new(url, None);
    };
    if let Some(pool) = place.get() {
        return Ok(pool.clone());
    }
    let pool = Pool::new(url, None)?;
    Ok(place.get_or_init(|| pool).clone())
}
