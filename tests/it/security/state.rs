//! What the gateway keeps on disk is its own user's alone, whatever the umask; what was open is closed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::SOON;
use crate::support::both::ready;
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::servers::fixtures;
use crate::support::streamable::Endpoint;
use crate::support::wait;

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).expect("it is there");
    metadata.permissions().mode() & 0o777
}

/// Everything below a directory, itself first.
fn all(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![directory.to_owned()];
    let mut at = 0;
    while let Some(path) = found.get(at).cloned() {
        let inside = fs::read_dir(path).into_iter().flatten().flatten();
        found.extend(inside.map(|entry| entry.path()));
        at += 1;
    }
    found
}

/// Starts the gateway by a script that sets the umask to 0, and has it write all that it keeps.
async fn start(home: &Path) -> Gateway {
    let script = home.join("open");
    let text = format!("#!/bin/sh\numask 0\nexec {} \"$@\"\n", mcproxy().display());
    fs::write(&script, text).expect("the directory is ours");
    fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("it is ours");
    let mut options = GatewayOptions::new(fixtures(&[("fx", &[])])).home(home);
    options.binary = Some(script);
    let gateway = Gateway::start(options).await;
    ready(&gateway).await;
    Endpoint::initialized(gateway.addr(), "2025-11-25").await;
    wait::until("a kept catalogue", SOON, async || {
        gateway.kept("catalogues/fx.json").exists().then_some(())
    })
    .await;
    gateway
}

fn assert_closed(state: &Path) {
    let all = all(state);
    for name in ["session.key", "last-configuration", "fx.json", "lives"] {
        assert!(
            all.iter().any(|path| path.ends_with(name)),
            "{name}: {all:?}"
        );
    }
    for path in all.iter().filter(|path| *path != state) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(path), expected, "{}", path.display());
    }
}

#[tokio::test]
async fn state_files_are_private_whatever_the_umask() {
    let home = tempfile::tempdir().expect("a directory");
    let gateway = start(home.path()).await;
    assert_closed(&gateway.state_dir());
    assert_eq!(mode(&gateway.state_dir()), 0o700);
    assert!(!gateway.logs().iter().any(|line| line.contains("[WARN]")));
}

#[tokio::test]
async fn state_files_that_are_open_are_closed_and_that_is_said() {
    let home = tempfile::tempdir().expect("a directory");
    let state = start(home.path()).await.state_dir();
    for path in all(&state) {
        let open = if path.is_dir() { 0o777 } else { 0o666 };
        fs::set_permissions(&path, Permissions::from_mode(open)).expect("it is ours");
    }
    let gateway = start(home.path()).await;
    assert_closed(&state);
    gateway.wait_for_log("were open to other users", SOON).await;
    let line = gateway.wait_for_log("chmod go-w", SOON).await;
    assert!(line.contains("[WARN]"), "{line}");
}
