//! What a gateway behind a holder (`holder.rs`) tells the service manager: that listens to the process
//! which it has started, and so the holder passes on what its child says.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use nix::cmsg_space;
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, UnixAddr, UnixCredentials, bind, recvmsg, setsockopt,
};

use super::notify::{Notifier, NotifyState};

/// More than the gateway says at once.
const LONGEST: usize = 4096;
/// So many are passed on before anything else is looked at.
const AT_ONCE: usize = 64;

/// The socket that the gateway takes for the manager's.
#[derive(Debug)]
pub struct Relay {
    inbox: UnixDatagram,
    /// After an `@`, which says that there is no file.
    name: String,
    manager: Notifier,
}

impl Relay {
    /// To the manager that the environment names, if it names one.
    ///
    /// # Errors
    /// If there is no way to it.
    pub fn open() -> io::Result<Option<Self>> {
        let named = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let Some(named) = named else {
            return Ok(None);
        };
        let manager = Notifier::to(&named)?;
        let inbox = UnixDatagram::unbound()?;
        inbox.set_nonblocking(true)?;
        // A name that is free, by the kernel; see unix(7).
        bind(inbox.as_raw_fd(), &UnixAddr::new_unnamed())?;
        setsockopt(&inbox, PassCred, &true)?;
        let address = inbox.local_addr()?;
        let name = address.as_abstract_name().unwrap_or_default();
        Ok(Some(Self {
            name: format!("@{}", String::from_utf8_lossy(name)),
            inbox,
            manager,
        }))
    }

    /// Has `child` say it here. It is the one to feed the watchdog, which means this process.
    pub fn stand_between(&self, child: &mut Command) {
        child
            .env("NOTIFY_SOCKET", &self.name)
            .env_remove("WATCHDOG_PID");
    }

    /// Passes on what has come from the child, unless another has it; that it stops only if it does
    /// so for good.
    pub fn pass_on(&self, child: i32, is_last: bool) {
        let mut buffer = [0; LONGEST];
        // Anybody on this machine may write here: after so many it is somebody else's turn.
        for _ in 0..AT_ONCE {
            let Ok((length, sender)) = self.read(&mut buffer) else {
                return;
            };
            let text = buffer.get(..length).unwrap_or_default();
            let is_stop = text.starts_with(NotifyState::STOPPING.as_bytes());
            if sender == Some(child) && (is_last || !is_stop) {
                // As the gateway itself would find it: the manager may be gone, or busy.
                self.manager.try_send(text).ok();
            }
        }
    }

    /// One message, and whose it is.
    fn read(&self, buffer: &mut [u8]) -> nix::Result<(usize, Option<i32>)> {
        let mut parts = [IoSliceMut::new(buffer)];
        let mut space = cmsg_space!(UnixCredentials);
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let inbox = self.inbox.as_raw_fd();
        let message = recvmsg::<()>(inbox, &mut parts, Some(&mut space), flags)?;
        let sender = message.cmsgs()?.find_map(|said| {
            let ControlMessageOwned::ScmCredentials(sender) = said else {
                return None;
            };
            Some(sender.pid())
        });
        Ok((message.bytes, sender))
    }
}

impl AsFd for Relay {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inbox.as_fd()
    }
}
