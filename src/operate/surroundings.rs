//! What the running gateway has around it: for commands that a shell would mislead.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::USAGE;
use super::gateway::{Failed, Gateway, look};
use super::screen::shown;
use crate::control;

/// Its file, its working directory and its environment.
#[derive(Deserialize)]
pub struct Surroundings {
    /// The configuration in use.
    pub configuration: PathBuf,
    /// Where it runs.
    pub directory: PathBuf,
    /// With secrets: only its own user is told.
    pub environment: BTreeMap<String, String>,
    /// Whether it runs as who asks, and that is not root: what it says may be started then.
    #[serde(skip)]
    pub is_ours: bool,
}

/// The file of the gateway that runs here, as it may be shown, if it is another than `path`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "for a verb without workers")]
pub fn other_file(path: &Path, state_dir: Option<&Path>) -> Option<String> {
    let around = surroundings(state_dir).ok()??;
    let used = around.directory.join(around.configuration);
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    (real(&used) != real(path)).then(|| shown(&used.display().to_string()))
}

/// Where the gateway that runs here listens, if there is one and no other.
#[must_use]
pub fn address(state_dir: Option<&Path>) -> Option<SocketAddr> {
    control::address(&look(state_dir).ok()?)
}

/// Those of the one that runs here, if one does that may be asked.
///
/// # Errors
/// Several do, in words.
#[expect(clippy::disallowed_methods, reason = "for a verb without workers")]
pub fn surroundings(state_dir: Option<&Path>) -> Result<Option<Surroundings>, String> {
    let found = look(state_dir).and_then(|socket| {
        let gateway = Gateway::local(Some(&socket), state_dir)?;
        Ok((fs::metadata(&socket)?.uid(), gateway))
    });
    let (owner, gateway) = match found {
        Ok(found) => found,
        Err(Failed::Said { code: USAGE, .. }) => {
            let words = "several gateways run here: name the file that is meant";
            return Err(words.to_owned());
        }
        Err(_) => return Ok(None),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    // One that does not answer is looked at by other commands.
    let answer = runtime.block_on(gateway.find_at("control/environment"));
    let answer: Option<Surroundings> = answer.unwrap_or_default();
    Ok(answer.map(|answer| Surroundings {
        is_ours: owner == nix::unistd::geteuid().as_raw() && owner != 0,
        ..answer
    }))
}
