//! The gateway started by a script that arranges something first and then becomes the gateway: same pid.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The script as a program of its own in `directory`.
pub(crate) fn wrapped(directory: &TempDir, script: &str) -> PathBuf {
    let path = directory.path().join("gateway");
    fs::write(&path, script).expect("the directory is ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    path
}

/// The beginning of a command line that makes a mount namespace of its own; `None` where the system forbids it.
pub(crate) fn own_mounts() -> Option<&'static str> {
    ["unshare --mount", "unshare --map-root-user --mount"]
        .into_iter()
        .find(|unshare| {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("{unshare} mount -t tmpfs none /mnt")]);
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        })
}
