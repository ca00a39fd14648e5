//! How the gateway of a test is started: its arguments, its environment, and the sockets that a service
//! manager would pass to it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::GatewayOptions;

/// `binary`, to which so many sockets are passed: as stdin and stderr, which a shell puts where
/// `sd_listen_fds(3)` has them. It becomes the gateway, so its pid is the one to name.
pub(super) fn command(binary: &Path, sockets: usize) -> Command {
    if sockets == 0 {
        return Command::new(binary);
    }
    let second = if sockets > 1 { "4<&2 2>/dev/null" } else { "" };
    let script = format!(
        "exec 3<&0 </dev/null {second}; LISTEN_FDS={sockets} LISTEN_PID=$$ exec \"$0\" \"$@\""
    );
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).arg(binary);
    command
}

pub(super) fn arguments(home: &Path, options: &GatewayOptions) -> Vec<String> {
    let path = |name: &str| home.join(name).to_string_lossy().into_owned();
    let syslog = |path: &PathBuf| ("--syslog-socket", Some(path.display().to_string()));
    let usual = [
        options.syslog.as_ref().map_or(("--log", None), syslog),
        ("--listen", Some("127.0.0.1:0".to_owned())),
        ("--config", Some(path("mcp-servers.json"))),
        ("--state-dir", Some(path("state"))),
    ];
    let given = |name: &str| {
        options
            .args
            .iter()
            .any(|arg| arg.split('=').next() == Some(name))
    };
    let mut arguments = Vec::new();
    for (name, value) in usual {
        if !given(name) {
            arguments.push(name.to_owned());
            arguments.extend(value);
        }
    }
    arguments.extend(options.args.iter().cloned());
    arguments
}

/// Settings of whoever runs the tests must not reach the gateway.
pub(super) fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let systemd = matches!(
            &*text,
            "NOTIFY_SOCKET" | "STATE_DIRECTORY" | "JOURNAL_STREAM"
        );
        if systemd || text.starts_with("MCPROXY_") {
            command.env_remove(&name);
        }
    }
}
