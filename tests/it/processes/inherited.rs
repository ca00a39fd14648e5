//! Whatever the gateway was started with, a server starts with three files, no signal ignored or blocked.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::json;

use super::SOON;
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::wait;

/// Starts the gateway with two files open, and signals ignored and blocked.
const WRAPPER: &str = "#!/bin/sh
trap '' HUP INT QUIT USR1 TSTP
exec 7</dev/null 9>/dev/null
exec env --block-signal=TERM,CHLD,USR2 MCPROXY \"$@\"
";

#[tokio::test]
async fn nothing_of_it_reaches_a_server() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let wrapper = directory.path().join("wrapper");
    let text = WRAPPER.replace("MCPROXY", &mcproxy().to_string_lossy());
    // In a process of its own: a descriptor open for writing here could reach another test's child.
    let mut writer = Command::new("/bin/sh");
    writer.args(["-c", r#"printf %s "$2" > "$1" && chmod 755 "$1""#, "sh"]);
    let written = writer.arg(&wrapper).arg(text).status();
    assert!(written.expect("every system has it").success());

    let plain = json!([{ "name": "s", "command": "sleep", "args": ["100071"] }]);
    let options = GatewayOptions {
        binary: Some(wrapper),
        ..GatewayOptions::new(plain.to_string())
    };
    let mut gateway = Gateway::start(options).await;
    let pid = gateway.pid();
    let given = fs::read_link(format!("/proc/{pid}/fd/7"));
    assert!(given.is_ok(), "else the test shows nothing");
    let child = wait::until("the server", SOON, async || gateway.child("sleep 100071")).await;
    let status = fs::read_to_string(format!("/proc/{}/status", child.pid)).expect("it runs");
    for field in ["SigBlk:", "SigIgn:"] {
        let mask = status.lines().find_map(|line| line.strip_prefix(field));
        let mask = u64::from_str_radix(mask.expect("proc(5)").trim(), 16).expect("a mask");
        // The C library's own two, 32 and 33, are not ours to judge.
        assert_eq!(mask & 0x7fff_ffff, 0, "{field} {mask:x}");
    }
    let open = fs::read_dir(format!("/proc/{}/fd", child.pid)).expect("it runs");
    let open = open.map(|entry| entry.expect("it runs").file_name());
    let expected = ["0", "1", "2"].map(Into::into);
    assert_eq!(open.collect::<BTreeSet<_>>(), BTreeSet::from(expected));
    assert_eq!(
        gateway.terminate().await.code(),
        Some(0),
        "SIGTERM is heard"
    );
}
