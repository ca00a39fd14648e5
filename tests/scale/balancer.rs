//! A balancer as an operator runs it: Debian's program, with the configuration of `packaging/scale` in which only the
//! addresses are others. `tests/run` unpacks what is not installed.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::unistd::geteuid;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::support::wait;

/// Where `tests/run` unpacks Debian's packages.
const UNPACKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scale/.debian");
/// The addresses in the configurations.
const NODES: [&str; 3] = ["127.0.0.1:12011", "127.0.0.1:12012", "127.0.0.1:12013"];
const SOON: Duration = Duration::from_secs(20);

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Haproxy,
    Nginx,
}

/// A running balancer; it ends with this.
pub(crate) struct Balancer {
    child: Child,
    addr: SocketAddr,
    _home: TempDir,
}

impl Balancer {
    /// One in front of `nodes`.
    pub(crate) async fn start(kind: Kind, nodes: [SocketAddr; 3]) -> Self {
        Self::start_with(kind, nodes, &[]).await
    }

    /// The same where these parts of its configuration are others.
    pub(crate) async fn start_with(
        kind: Kind,
        nodes: [SocketAddr; 3],
        changes: &[(&str, &str)],
    ) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let addr = free();
        let (text, own) = match kind {
            Kind::Haproxy => (
                include_str!("../../packaging/scale/haproxy.cfg"),
                ("bind :12009", format!("bind {addr}")),
            ),
            Kind::Nginx => (
                include_str!("../../packaging/scale/nginx.conf"),
                ("listen 12009", format!("listen {addr}")),
            ),
        };
        let mut text = replaced(text, own.0, &own.1);
        for (written, node) in NODES.iter().zip(nodes) {
            text = replaced(&text, written, &node.to_string());
        }
        for (from, to) in changes {
            text = replaced(&text, from, to);
        }
        Self::run(kind, home, addr, &text).await
    }

    /// One with this configuration, which has it listen at `addr`.
    pub(crate) async fn run(kind: Kind, home: TempDir, addr: SocketAddr, text: &str) -> Self {
        let mut command = command(kind, home.path(), text);
        let said = fs::File::create(home.path().join("said")).expect("the directory is ours");
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        let balancer = Self {
            child,
            addr,
            _home: home,
        };
        let what = format!("{kind:?} to listen");
        wait::until(&what, SOON, async || TcpStream::connect(addr).await.ok()).await;
        balancer
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // Not SIGKILL: its workers end with it.
        let pid = i32::try_from(self.child.id()).expect("it fits");
        let asked = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(pid),
            nix::sys::signal::Signal::SIGTERM,
        );
        if asked.is_err() || self.child.wait().is_err() {
            eprintln!("the balancer has gone before");
        }
    }
}

fn command(kind: Kind, home: &Path, text: &str) -> Command {
    let config = home.join("config");
    let mut command = program(kind);
    match kind {
        Kind::Haproxy => {
            fs::write(&config, text).expect("the directory is ours");
            command.arg("-db").arg("-f").arg(config);
        }
        Kind::Nginx => {
            fs::write(home.join("mcproxy.conf"), text).expect("the directory is ours");
            fs::write(&config, around(home)).expect("the directory is ours");
            command.arg("-e").arg("stderr").arg("-p").arg(home);
            command.arg("-c").arg(config);
        }
    }
    command
}

/// What Debian has around the files in `conf.d`, for an nginx that is no service.
fn around(home: &Path) -> String {
    let user = if geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    let home = home.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {home}/{kind};\n"))
        .concat();
    format!(
        "daemon off; {user} pid {home}/pid; error_log stderr; worker_processes 1;\n\
         worker_shutdown_timeout 1s; events {{ worker_connections 1024; }}\n\
         http {{ access_log off; {temporary} include {home}/mcproxy.conf; }}\n"
    )
}

/// The program that is installed, or the one that was unpacked, with the libraries beside it.
fn program(kind: Kind) -> Command {
    let name = match kind {
        Kind::Haproxy => "haproxy",
        Kind::Nginx => "nginx",
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let mut programs = folders.map(|folder| folder.join(name));
    if let Some(installed) = programs.find(|path| path.is_file()) {
        return Command::new(installed);
    }
    let unpacked = Path::new(UNPACKED);
    let mut command = Command::new(unpacked.join("usr/sbin").join(name));
    let libraries = fs::read_dir(unpacked.join("usr/lib")).map(|folders| {
        let folders = folders.flatten().map(|folder| folder.path());
        folders
            .filter(|path| path.to_string_lossy().ends_with("-linux-gnu"))
            .collect::<Vec<PathBuf>>()
    });
    let libraries = libraries.unwrap_or_default();
    let libraries = std::env::join_paths(libraries).expect("no colon in them");
    command.env("LD_LIBRARY_PATH", libraries);
    command
}

/// `text` with `to` for each `from`, which is in it.
pub(crate) fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no {from:?} in {text}");
    text.replace(from, to)
}

/// A port that nobody has. The balancer takes it a moment later.
pub(crate) fn free() -> SocketAddr {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    socket.local_addr().expect("it is bound")
}
