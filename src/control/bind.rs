//! Makes the socket. Whoever makes or removes one in a directory has that directory locked meanwhile;
//! what nobody answers on any more is of a gateway that was killed, and goes.

#![expect(
    clippy::disallowed_methods,
    reason = "runs where it may block: beside the workers, or as the program ends"
)]

use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::unistd::geteuid;
use socket2::{Domain, SockAddr, Socket, Type};

use super::find::{answers, sockets};

const OURS_ALONE: u32 = 0o700;
/// Who waits longer than the acceptor needs is sent away by the kernel.
const BACKLOG: i32 = 64;
/// How often, and after what pause, a lock is tried that another holds for a moment.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// A bound control socket; its name goes with it.
#[derive(Debug)]
pub struct ControlSocket {
    listener: Arc<UnixListener>,
    path: PathBuf,
    identity: (u64, u64),
}

impl ControlSocket {
    /// What accepts. It does not block.
    #[must_use]
    pub fn listener(&self) -> Arc<UnixListener> {
        Arc::clone(&self.listener)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ControlSocket {
    /// What has its name by now may be another's, and stays then. Without the lock at once it is left to
    /// whoever holds that: nobody answers on it.
    fn drop(&mut self) {
        let Some(directory) = self.path.parent() else {
            return;
        };
        let is_ours = |data: Metadata| identity(&data) == self.identity;
        if let Ok(_lock) = lock(directory, 1)
            && fs::symlink_metadata(&self.path).is_ok_and(is_ours)
            && let Err(error) = fs::remove_file(&self.path)
        {
            log::debug!("{} stays: {error}", self.path.display());
        }
    }
}

/// Binds `name` in the first of `places` that can be used. Blocks.
///
/// # Errors
/// Why none can: a line for each.
pub fn bind(places: &[PathBuf], name: &str) -> Result<ControlSocket, String> {
    let mut complaints = Vec::new();
    for place in places {
        match bind_in(place, name) {
            Ok(socket) => return Ok(socket),
            Err(error) => complaints.push(format!("{}: {error}", place.join(name).display())),
        }
    }
    if complaints.is_empty() {
        complaints.push("neither XDG_RUNTIME_DIR nor a state directory names a place".to_owned());
    }
    Err(complaints.join("; "))
}

fn bind_in(directory: &Path, name: &str) -> io::Result<ControlSocket> {
    let path = directory.join(name);
    let address = SockAddr::unix(&path)?;
    close(directory)?;
    let _lock = lock(directory, TRIES)?;
    for stale in sockets(directory)? {
        if !answers(&stale).unwrap_or(true) {
            fs::remove_file(&stale)?;
        }
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
    let bound = socket.bind(&address);
    bound.map_err(|error| {
        if error.kind() == io::ErrorKind::AddrInUse {
            io::Error::other("another gateway answers there")
        } else {
            error
        }
    })?;
    // Before it listens nobody can connect, whatever the umask was.
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)?;
    let identity = identity(&fs::symlink_metadata(&path)?);
    Ok(ControlSocket {
        listener: Arc::new(socket.into()),
        path,
        identity,
    })
}

/// Makes `directory` if it is missing, and closes it to others.
fn close(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(OURS_ALONE).create(directory)?;
    let data = open(directory)?.metadata()?;
    if data.uid() != geteuid().as_raw() {
        return Err(io::Error::other("its directory belongs to another user"));
    }
    if data.permissions().mode() & 0o777 != OURS_ALONE {
        open(directory)?.set_permissions(Permissions::from_mode(OURS_ALONE))?;
    }
    Ok(())
}

/// The directory itself, and nothing that a link in its place leads to.
fn open(directory: &Path) -> io::Result<File> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    let mut options = File::options();
    options
        .read(true)
        .custom_flags(flags.bits())
        .open(directory)
}

fn lock(directory: &Path, tries: u32) -> io::Result<Flock<File>> {
    let mut file = open(directory)?;
    for left in (0..tries).rev() {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((_, error)) if left == 0 => return Err(error.into()),
            Err((same, _)) => file = same,
        }
        sleep(PAUSE);
    }
    Err(io::ErrorKind::WouldBlock.into())
}

fn identity(data: &Metadata) -> (u64, u64) {
    (data.dev(), data.ino())
}
