//! Places that no watch on the directory hears from: a single file mounted into a container, and a
//! path of which a part further up is replaced.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Bench, POLLED, SOON, file, server};
use crate::support::gateway::{GatewayOptions, mcproxy};
use crate::support::wait;

/// Whether this machine lets us mount in a namespace of our own.
fn can_mount() -> bool {
    Command::new("unshare")
        .args(["-Urm", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A container engine mounts the file itself, and the host writes in place: the directory inside
/// hears nothing of it. Where mounting is forbidden a second name of the same inode does as well.
#[tokio::test]
async fn a_single_file_that_is_mounted() {
    let (home, host) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let outside = host.path().join("mcp-servers.json");
    let inside = home.path().join("mcp-servers.json");
    fs::write(&outside, file(&[server("stays")])).unwrap();
    let mut options = GatewayOptions::default().home(home.path());
    if can_mount() {
        fs::write(&inside, "").unwrap();
        let script = host.path().join("mount-and-run");
        let text = format!(
            "#!/bin/sh\nexec unshare -Urm sh -c 'mount --bind {} {} && exec {} \"$@\"' sh \"$@\"\n",
            outside.display(),
            inside.display(),
            mcproxy().display()
        );
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        options.binary = Some(script);
    } else {
        eprintln!("mounting is forbidden here: a hard link stands in for the mount");
        fs::hard_link(&outside, &inside).unwrap();
    }
    let bench = Bench::boot(options, &["stays"]).await;
    let before = bench.process("stays");
    let with_both = file(&[server("stays"), server("comes")]);
    let save = || fs::write(&outside, with_both).unwrap();
    bench.reload(save, "+1 (comes) ~0 -0 =1", POLLED).await;
    let save = || fs::write(&outside, file(&[server("stays")])).unwrap();
    bench.reload(save, "+0 ~0 -1 (comes) =1", POLLED).await;
    assert_eq!(bench.process("stays"), before);
}

/// Nothing is heard of it, but the poll sees it, and the new place is watched from then on, even
/// if the file in it says the same.
#[tokio::test]
async fn a_directory_further_up_replaced() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("up/conf");
    let path = directory.join("mcp-servers.json");
    let text = file(&[server("stays")]);
    let make = || {
        fs::create_dir_all(&directory).unwrap();
        fs::write(&path, &text).unwrap();
        fs::metadata(&directory).unwrap().ino()
    };
    make();
    let options = GatewayOptions::default()
        .home(home.path())
        .arg("--config")
        .arg(path.display().to_string());
    let bench = Bench::boot(options, &["stays"]).await;

    fs::rename(home.path().join("up"), home.path().join("old")).unwrap();
    let inode = make();
    let pid = bench.gateway.pid();
    wait::until("the new directory to be watched", POLLED, async || {
        is_watched(pid, inode).then_some(())
    })
    .await;
    let with_both = file(&[server("stays"), server("comes")]);
    let save = || fs::write(&path, with_both).unwrap();
    bench.reload(save, "+1 (comes) ~0 -0 =1", SOON).await;
}

/// Whether a process has an inotify watch on this inode; see proc(5).
fn is_watched(pid: u32, inode: u64) -> bool {
    let wanted = format!("ino:{inode:x} ");
    let is_in = |file: &Path| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines()
            .any(|line| line.starts_with("inotify ") && line.contains(&wanted))
    };
    let files = fs::read_dir(format!("/proc/{pid}/fdinfo"));
    files.is_ok_and(|files| files.flatten().any(|entry| is_in(&entry.path())))
}
