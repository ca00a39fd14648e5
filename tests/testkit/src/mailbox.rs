//! What a service manager hears: the socket that `NOTIFY_SOCKET` names, read all the time.

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// What a busy machine may need to say something.
pub const SOON: Duration = Duration::from_secs(15);

/// The socket that `NOTIFY_SOCKET` names, read all the time.
pub struct Mailbox {
    pub name: OsString,
    pub mail: UnboundedReceiver<(Instant, String)>,
    _reader: JoinSet<()>,
    _directory: TempDir,
}

impl Mailbox {
    /// At a path of its own.
    pub fn open() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a new path");
        Self::read(socket, path.into(), directory)
    }

    /// With a name and no file.
    pub fn open_abstract() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let name = directory.path().to_string_lossy().into_owned();
        let address = SocketAddr::from_abstract_name(&name).expect("a short name");
        let socket = UnixDatagram::bind_addr(&address).expect("a new name");
        Self::read(socket, format!("@{name}").into(), directory)
    }

    fn read(socket: UnixDatagram, name: OsString, directory: TempDir) -> Self {
        socket.set_nonblocking(true).expect("a socket");
        let socket = tokio::net::UnixDatagram::from_std(socket).expect("a socket");
        let (sender, mail) = mpsc::unbounded_channel();
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(length) = socket.recv(&mut buffer).await {
                let text =
                    String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
                if sender.send((Instant::now(), text)).is_err() {
                    return;
                }
            }
        });
        Self {
            name,
            mail,
            _reader: reader,
            _directory: directory,
        }
    }

    pub fn name(&self) -> &str {
        self.name.to_str().expect("text")
    }

    /// The next of all.
    pub async fn next(&mut self) -> (Instant, String) {
        let mail = timeout(SOON, self.mail.recv()).await;
        mail.expect("there is mail in time").expect("it is open")
    }

    /// The next that begins so.
    pub async fn next_of(&mut self, beginning: &str) -> (Instant, String) {
        let found = timeout(SOON, async {
            loop {
                let (when, text) = self.mail.recv().await.expect("it is open");
                if text.starts_with(beginning) {
                    return (when, text);
                }
            }
        });
        let Ok(found) = found.await else {
            panic!("waited {SOON:?} in vain for {beginning}");
        };
        found
    }

    /// The next but the lines for people and the watchdog's food, which come at any time.
    pub async fn next_word(&mut self) -> String {
        loop {
            let (_, text) = self.next().await;
            if !text.starts_with("STATUS=") && text != "WATCHDOG=1" {
                return text;
            }
        }
    }

    /// Waits for this line for people.
    pub async fn next_status(&mut self, line: &str) {
        while self.next_of("STATUS=").await.1 != format!("STATUS={line}") {}
    }

    /// Everything that has come until now.
    pub fn read_all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok((_, text)) = self.mail.try_recv() {
            all.push(text);
        }
        all
    }
}
