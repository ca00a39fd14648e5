//! What a test's gateway is started with.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::gateway::mcproxy;
use super::puppet;

/// What to run. Arguments given here replace the usual ones of the same name.
#[derive(Default)]
pub struct GatewayOptions {
    /// Text of `mcp-servers.json`; `None` keeps what is there, or leaves it missing.
    pub config: Option<String>,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Directory of the configuration and the state, kept by the caller; else a temporary one.
    pub home: Option<PathBuf>,
    /// Another binary than the one under test.
    pub binary: Option<PathBuf>,
    /// Not the binary, but this test program once more with its test of this name: see `puppet`.
    pub puppet: Option<&'static str>,
    /// Sockets that a service manager passes (one or two); the second takes the place of stderr.
    pub passed: Vec<OwnedFd>,
    /// Log to the syslogd at this socket, not to stdout.
    pub syslog: Option<PathBuf>,
    /// Nothing that it says arrives, so that only the kernel knows where it listens.
    pub is_silent: bool,
}

impl GatewayOptions {
    pub fn new(config: impl Into<String>) -> Self {
        Self {
            config: Some(config.into()),
            ..Self::default()
        }
    }

    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn binary(mut self, binary: PathBuf) -> Self {
        self.binary = Some(binary);
        self
    }

    pub fn puppet(mut self, test: &'static str) -> Self {
        self.puppet = Some(test);
        self
    }

    pub fn syslog(mut self, socket: &Path) -> Self {
        self.syslog = Some(socket.to_owned());
        self.is_silent = true;
        self
    }

    pub fn home(mut self, home: &Path) -> Self {
        self.home = Some(home.to_owned());
        self
    }
}

/// What runs a gateway with these options; its pid is the one to name.
pub fn command(home: &Path, options: &GatewayOptions) -> Command {
    let arguments = arguments(home, options);
    if let Some(test) = options.puppet {
        return puppet::program(test, &arguments);
    }
    let binary = options.binary.as_deref().unwrap_or(mcproxy());
    let mut command = match options.passed.len() {
        0 => Command::new(binary),
        sockets => with_sockets(binary, sockets),
    };
    clean_environment(&mut command);
    command.args(arguments);
    command
}

/// `binary`, to which so many sockets are passed: as stdin and stderr, which a shell puts where
/// `sd_listen_fds(3)` has them. The shell becomes the gateway.
fn with_sockets(binary: &Path, sockets: usize) -> Command {
    let second = if sockets > 1 { "4<&2 2>/dev/null" } else { "" };
    let script = format!(
        "exec 3<&0 </dev/null {second}; LISTEN_FDS={sockets} LISTEN_PID=$$ exec \"$0\" \"$@\""
    );
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).arg(binary);
    command
}

fn arguments(home: &Path, options: &GatewayOptions) -> Vec<String> {
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
fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let systemd = matches!(
            &*text,
            "NOTIFY_SOCKET"
                | "STATE_DIRECTORY"
                | "RUNTIME_DIRECTORY"
                | "XDG_RUNTIME_DIR"
                | "JOURNAL_STREAM"
        );
        if systemd || text.starts_with("MCPROXY_") {
            command.env_remove(&name);
        }
    }
}
