//! Whether what is in a directory is what its owner has put there: nobody else may write to it, nor swap it, or a
//! link to it, for another on the way from the root.

#![expect(clippy::disallowed_methods, reason = "runs where it may block")]

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use nix::unistd::geteuid;

/// As many as the kernel follows.
const LINKS: u32 = 40;
/// Write permission of the group or of all.
const OTHERS: u32 = 0o022;
/// Only its owner renames or removes what is in such a directory.
const STICKY: u32 = 0o1000;

/// Fails, with words, where others could have put something at `path`.
pub(super) fn check(path: &Path) -> io::Result<()> {
    let mut links = LINKS;
    let place = follow(&std::path::absolute(path)?, &mut links)?;
    if is_open(&fs::symlink_metadata(&place)?) {
        return Err(open(&place));
    }
    Ok(())
}

/// Where `path` leads, each step looked at.
fn follow(path: &Path, links: &mut u32) -> io::Result<PathBuf> {
    let mut at = PathBuf::from("/");
    for part in path.components() {
        let name = match part {
            Component::Normal(name) => name,
            Component::ParentDir => {
                at.pop();
                continue;
            }
            Component::Prefix(_) | Component::RootDir | Component::CurDir => continue,
        };
        let next = at.join(name);
        let (around, data) = (fs::symlink_metadata(&at)?, fs::symlink_metadata(&next)?);
        let is_kept = around.mode() & STICKY != 0 && [geteuid().as_raw(), 0].contains(&data.uid());
        if is_open(&around) && !is_kept {
            return Err(open(&at));
        }
        at = if data.is_symlink() {
            *links = links.checked_sub(1).ok_or_else(too_many)?;
            follow(&at.join(fs::read_link(&next)?), links)?
        } else {
            next
        };
    }
    Ok(at)
}

fn is_open(data: &Metadata) -> bool {
    data.mode() & OTHERS != 0
}

fn open(directory: &Path) -> io::Error {
    let words = format!(
        "not looked at, because others may write to {}",
        directory.display()
    );
    io::Error::other(words)
}

fn too_many() -> io::Error {
    io::Error::other("too many links")
}
