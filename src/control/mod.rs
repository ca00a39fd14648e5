//! The control socket: where a gateway has it, and where the commands look for it. It stands in a
//! directory that only the gateway's user may enter, and is called as the gateway's first address, so
//! that those that run side by side have one each.

mod bind;
mod find;
#[cfg(test)]
mod tests;
mod trust;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use self::bind::{ControlSocket, bind};
pub use self::find::{Search, search};

/// What the names of control sockets end in.
const SUFFIX: &str = ".sock";
/// Below a directory that is the gateway's already.
const FOLDER: &str = "control";

/// The service of `packaging/`, as a shell sees it, which has not the service's environment.
const PACKAGED: [&str; 2] = ["/run/mcp-gateway", "/var/lib/mcp-gateway"];

/// The directories in which a gateway may have its socket; the first that can be used is. `control` below
/// systemd's `RUNTIME_DIRECTORY` (the first, where it lists several), `mcproxy` below `XDG_RUNTIME_DIR`,
/// the state directory's name with `.control`, `control` below that.
#[must_use]
pub fn places(env: &dyn Fn(&str) -> Option<OsString>, state_dir: Option<&Path>) -> Vec<PathBuf> {
    let set = |name| env(name).filter(|value| !value.is_empty());
    let of_service = set("RUNTIME_DIRECTORY")
        .and_then(|list| std::env::split_paths(&list).next())
        .map(|directory| directory.join(FOLDER));
    let of_user = set("XDG_RUNTIME_DIR").map(|directory| PathBuf::from(directory).join("mcproxy"));
    // Beside it first: a copy of the state directory, as a backup makes one, would trip over a socket.
    let beside_state = state_dir.map(beside);
    let of_state = state_dir.map(|directory| directory.join(FOLDER));
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    let of_user = of_user.filter(|path| path.is_absolute());
    let states = [beside_state, of_state].map(|place| place.map(absolute));
    [of_service, of_user]
        .into_iter()
        .chain(states)
        .flatten()
        .collect()
}

/// The directory that is called so with `.control` behind it.
fn beside(directory: &Path) -> PathBuf {
    // Without a slash at its end.
    let mut path = directory.components().collect::<PathBuf>().into_os_string();
    path.push(".");
    path.push(FOLDER);
    path.into()
}

/// Those in which commands look: the same, and those of the packaged service.
#[must_use]
pub fn searched(mut places: Vec<PathBuf>) -> Vec<PathBuf> {
    for packaged in PACKAGED {
        let packaged = Path::new(packaged).join(FOLDER);
        if !places.contains(&packaged) {
            places.push(packaged);
        }
    }
    places
}

/// What the socket of the gateway that listens there is called.
#[must_use]
pub fn name(address: SocketAddr) -> String {
    format!("{address}{SUFFIX}")
}

/// The address that a socket is called by.
#[must_use]
pub fn address(socket: &Path) -> Option<SocketAddr> {
    let name = socket.file_name()?.to_str()?;
    name.strip_suffix(SUFFIX)?.parse().ok()
}
