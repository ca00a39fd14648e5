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
    /// Where it keeps what lasts, if it does.
    #[serde(default)]
    pub state_directory: Option<PathBuf>,
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
    let is_ours = is_ours(owner, geteuid().as_raw());
    Ok(Surroundings { is_ours, ..answer })
}

/// Whether who asks, `own`, may start what `owner` says. Root may nothing on anybody's word: what it starts can do
/// anything.
fn is_ours(owner: u32, own: u32) -> bool {
    owner == own && owner != 0
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    #[test]
    fn nobody_starts_what_another_says_and_root_starts_nothing() {
        for (owner, own, expected) in [
            (1000, 1000, true),
            (1001, 1000, false),
            (0, 1000, false),
            (1000, 0, false),
            (0, 0, false),
        ] {
            assert_eq!(is_ours(owner, own), expected, "{owner} {own}");
        }
    }

    /// Whoever answers is whose word it is, even if the socket is another's by the time of the answer.
    #[tokio::test]
    async fn what_is_asked_is_who_was_reached_first() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let place = path.clone();
        let first = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            fs::remove_file(&place).unwrap();
            let second = UnixListener::bind(&place).unwrap();
            second.set_nonblocking(true).unwrap();
            let answer = r#"{"configuration":"first","directory":"/","environment":{}}"#;
            let length = answer.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{answer}"
            )
            .unwrap();
            second
        });
        let answer = ask(&path).await.unwrap();
        let second = first.join().unwrap();
        assert_eq!(answer.configuration, Path::new("first"));
        assert_eq!(answer.is_ours, !geteuid().is_root());
        assert!(second.accept().is_err(), "nobody has come to it");
    }
}
