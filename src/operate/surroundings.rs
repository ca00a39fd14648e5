//! What the running gateway has around it: for commands that a shell would mislead.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use nix::unistd::geteuid;
use serde::Deserialize;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::gateway::{LOOK, look, search};
use super::screen::shown;
use crate::control::{self, Search};

/// The bytes of an answer. The kernel lets an environment have less.
const MOST: usize = 8 << 20;

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

/// Those of the one that runs here, if one does.
///
/// # Errors
/// Why it cannot be asked, in words.
pub fn surroundings(state_dir: Option<&Path>) -> Result<Option<Surroundings>, String> {
    let Search {
        answering, closed, ..
    } = search(state_dir);
    let socket = match &*answering {
        [socket] => socket,
        [] if closed.is_empty() => return Ok(None),
        [] => {
            return Err(format!(
                "no gateway here can be asked ({})",
                closed.join("; ")
            ));
        }
        _ => return Err("several gateways run here: name the file that is meant".to_owned()),
    };
    let failed = |error: &dyn Display| {
        let shown = socket.display();
        format!("the gateway at {shown} does not say what it has around it ({error})")
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    match runtime.block_on(async { timeout(LOOK, ask(socket)).await }) {
        Ok(Ok(answer)) => Ok(Some(answer)),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(failed(&format_args!(
            "no answer within {} s",
            LOOK.as_secs()
        ))),
    }
}

/// Asks whoever listens there. Who that is holds for this very connection, whatever is at `socket` by then.
async fn ask(socket: &Path) -> Result<Surroundings, Box<dyn Error + Send + Sync>> {
    let stream = UnixStream::connect(socket).await?;
    let owner = stream.peer_cred()?.uid();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let request = Request::get("/control/environment").header(HOST, "localhost");
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?);
    let answer = answer.await?;
    if !answer.status().is_success() {
        return Err(answer.status().to_string().into());
    }
    let body = Limited::new(answer, MOST).collect().await?.to_bytes();
    let answer: Surroundings = serde_json::from_slice(&body)?;
    let is_ours = owner == geteuid().as_raw() && owner != 0;
    Ok(Surroundings { is_ours, ..answer })
}
