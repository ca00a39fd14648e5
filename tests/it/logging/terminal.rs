//! What somebody at a terminal sees: a banner that says where and how, and each server as it
//! becomes ready or fails.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use nix::pty::openpty;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::{PATIENCE, address, one_server};
use crate::support::gateway::mcproxy;
use crate::support::output::Lines;
use crate::support::{proc, wait};

/// A gateway whose stderr is a terminal. Its log goes elsewhere.
struct Session {
    child: Child,
    screen: Lines,
    home: TempDir,
}

impl Session {
    fn start(config: &str, env: &[(&str, &str)]) -> Self {
        Self::with(config, env, |command, _| {
            command.arg("--log").stdout(Stdio::null());
        })
    }

    /// `finish` adds to the command; it may give it the terminal.
    fn with(config: &str, env: &[(&str, &str)], finish: impl FnOnce(&mut Command, &File)) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mcp-servers.json");
        std::fs::write(&path, config).unwrap();
        let terminal = openpty(None, None).unwrap();
        let mut command = Command::new(mcproxy());
        command
            .args(["--listen", "127.0.0.1:0", "--config"])
            .arg(&path)
            .arg("--state-dir")
            .arg(home.path().join("state"))
            .env_remove("NO_COLOR")
            .envs(env.iter().copied())
            .stdin(Stdio::null());
        let slave = File::from(terminal.slave);
        finish(&mut command, &slave);
        let child = command.stderr(slave).spawn().unwrap();
        let screen = Lines::collect(File::from(terminal.master));
        Self {
            child,
            screen,
            home,
        }
    }

    async fn shows(&self, part: &str) -> String {
        wait::until(&format!("{part:?} on the screen"), PATIENCE, async || {
            self.screen
                .find_map(0, |line| line.contains(part).then(|| line.to_owned()))
        })
        .await
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        proc::send(self.child.id(), Signal::SIGTERM);
        let ended = wait::poll_blocking(PATIENCE, || self.child.try_wait().ok()?);
        if ended.is_none() {
            self.child.kill().ok();
        }
    }
}

#[tokio::test]
async fn the_banner_says_where_and_how() {
    let session = Session::start(&one_server("demo", &[]), &[("TERM", "dumb")]);
    let ready = session.shows("ready").await;
    assert_eq!(ready, "✓ demo ready (13 tools)");
    let addr = address(session.child.id()).await;
    let path = session.home.path().join("mcp-servers.json");
    let title = concat!("mcproxy ", env!("CARGO_PKG_VERSION"));
    let screen = session.screen.all();
    let expected = [
        title.to_owned(),
        format!("  url      http://{addr}/mcp"),
        format!("  sse      http://{addr}/sse"),
        format!("  connect  claude mcp add --transport http mcproxy http://{addr}/mcp"),
        format!("  config   {}", path.display()),
        "  Ctrl-C stops.".to_owned(),
    ];
    assert_eq!(screen[..6], expected);
}

#[tokio::test]
async fn a_server_that_fails_is_seen_too() {
    let config = r#"[{ "name": "lost", "command": "/nowhere/lost" }]"#;
    let session = Session::start(config, &[("TERM", "dumb")]);
    let line = session.shows("✗ ").await;
    assert!(line.starts_with("✗ lost: "), "{line}");
    assert!(line.contains("/nowhere/lost"), "{line}");
}

#[tokio::test]
async fn colours_are_for_those_who_want_them() {
    let config = one_server("demo", &[]);
    let coloured = Session::start(&config, &[("TERM", "xterm")]);
    assert!(coloured.shows("ready").await.starts_with("\u{1b}[32m✓"));
    let plain = Session::start(&config, &[("TERM", "xterm"), ("NO_COLOR", "1")]);
    plain.shows("ready").await;
    assert!(!plain.screen.all().concat().contains('\u{1b}'));
}

/// A good server, and one that can't be started.
const TWO: &str = r#"[{ "name": "lost", "command": "/nowhere/lost" },
    { "name": "demo", "command": "mcproxy", "args": ["demo-server"] }]"#;

/// Each event is there once, and no line is in another.
async fn is_said_once(session: Session, banner: bool) {
    session.shows("'lost' is started again in").await;
    session.shows("'demo' started").await;
    session.shows("Ctrl-C stops.").await;
    let screen = session.screen.all();
    let failures = screen.iter().filter(|line| line.contains("/nowhere/lost"));
    let failures: Vec<&String> = failures
        .filter(|line| !line.contains("times now"))
        .collect();
    assert_eq!(failures.len(), 1, "{screen:#?}");
    let all = screen.join("\n");
    assert!(!all.contains('✓') && !all.contains('✗'), "{all}");
    let is_whole = |line: &&String| {
        let stamps = line.matches("] ").count();
        let is_of_banner = line.starts_with("  ") || line.starts_with("mcproxy ");
        (stamps == 1 && !line.contains("  url")) || is_of_banner
    };
    let torn: Vec<&String> = screen.iter().filter(|line| !is_whole(line)).collect();
    assert!(!banner || torn.is_empty(), "{torn:#?}");
}

#[tokio::test]
async fn a_log_on_the_terminal_says_each_event_once() {
    let session = Session::with(TWO, &[("TERM", "dumb")], |command, terminal| {
        let terminal = terminal.try_clone().unwrap();
        command.arg("--log").stdout(terminal);
    });
    is_said_once(session, true).await;
}

#[tokio::test]
async fn so_does_one_that_goes_there_because_there_is_no_syslog() {
    let session = Session::with(TWO, &[("TERM", "dumb")], |command, _| {
        command.args(["--syslog-socket", "/nowhere/log"]);
        command.stdout(Stdio::null());
    });
    is_said_once(session, false).await;
}
