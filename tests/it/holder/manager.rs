//! A service manager that listens to the process which it has started, and that is the holder.

use std::io::IoSliceMut;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use nix::cmsg_space;
use nix::sys::signal::Signal;
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt};
use tempfile::TempDir;

use super::{SOON, gateway_after, gateway_of, options};
use crate::support::gateway::Gateway;
use crate::support::wait;

/// The socket that `NOTIFY_SOCKET` names.
struct Manager(UnixDatagram);

impl Manager {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a new path");
        socket.set_nonblocking(true).expect("a socket");
        setsockopt(&socket, PassCred, &true).expect("a socket");
        Self(socket)
    }

    /// The next message, and whose it is.
    fn read(&self) -> Option<(String, u32)> {
        let mut buffer = [0; 4096];
        let mut space = cmsg_space!(UnixCredentials);
        let (length, sender) = {
            let mut parts = [IoSliceMut::new(&mut buffer)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let inbox = self.0.as_raw_fd();
            let message = recvmsg::<()>(inbox, &mut parts, Some(&mut space), flags).ok()?;
            let mut said = message.cmsgs().expect("there is room");
            let sender = said.find_map(|said| {
                let ControlMessageOwned::ScmCredentials(sender) = said else {
                    return None;
                };
                Some(sender.pid())
            });
            (message.bytes, sender.expect("it was asked for"))
        };
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        Some((text, sender.cast_unsigned()))
    }

    /// Waits for a message that begins so; all until then, which `holder` has sent.
    async fn hears(&self, holder: &Gateway, word: &str) -> Vec<String> {
        let mut heard = Vec::new();
        wait::until(word, SOON, async || {
            while let Some((text, sender)) = self.read() {
                assert_eq!(
                    sender,
                    holder.pid(),
                    "systemd takes no other's word: {text}"
                );
                heard.push(text);
                if heard.last().is_some_and(|text| text.starts_with(word)) {
                    return Some(());
                }
            }
            None
        })
        .await;
        heard
    }
}

#[tokio::test]
async fn it_hears_what_the_gateway_says() {
    let home = TempDir::new().expect("a temporary directory");
    let path = home.path().join("notify");
    let manager = Manager::at(&path);
    // Whoever starts it names it so; a shell's number is the one that its exec keeps.
    let watchdog = Duration::from_secs(2).as_micros().to_string();
    let options = options("[]")
        .env("NOTIFY_SOCKET", path.to_str().expect("text"))
        .env("WATCHDOG_PID", "1")
        .env("WATCHDOG_USEC", &watchdog);
    let mut holder = Gateway::start(options).await;
    manager.hears(&holder, "READY=1").await;
    manager.hears(&holder, "STATUS=no servers").await;
    manager.hears(&holder, "WATCHDOG=1").await;
    holder.sighup();
    manager.hears(&holder, "RELOADING=1").await;
    manager.hears(&holder, "READY=1").await;

    // It stays up while one gateway takes the place of another.
    let first = gateway_of(&holder).await;
    holder.signal(Signal::SIGUSR2);
    let second = gateway_after(&holder, first.pid).await;
    let heard = manager.hears(&holder, "READY=1").await;
    assert!(
        !heard.iter().any(|text| text.contains("STOPPING")),
        "{heard:?}"
    );
    second.signal(Signal::SIGKILL);
    gateway_after(&holder, second.pid).await;
    manager.hears(&holder, "READY=1").await;
    manager.hears(&holder, "WATCHDOG=1").await;

    holder.signal(Signal::SIGTERM);
    manager.hears(&holder, "STOPPING=1").await;
    assert_eq!(holder.wait_exit(SOON).await.code(), Some(0));
}
