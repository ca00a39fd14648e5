//! The gateway ends and is started again: nobody is refused, whatever the reason.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{SOON, VERSION, gateway_after, gateway_of, options, program_of, rest_of, start};
use crate::service::{Tally, come_and_go};
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::http;
use crate::support::servers::{fixtures, text_of};
use crate::support::streamable::Endpoint;
use crate::support::syslogd::Syslogd;
use crate::support::wait;

const FAILED: &str =
    "[ERROR] The gateway was killed by signal 9 (SIGKILL); it is started again in ";

#[tokio::test]
async fn one_that_is_killed_is_started_again_later_and_later() {
    let holder = start("[]").await;
    let mut pid = 0;
    for pause in ["200ms", "400ms", "800ms"] {
        let gateway = gateway_after(&holder, pid).await;
        pid = gateway.pid;
        gateway.signal(Signal::SIGKILL);
        // Whoever comes meanwhile waits.
        assert_eq!(http::get(holder.addr(), "/healthz").await.status, 200);
        let said = holder.wait_for_log(&format!("{FAILED}{pause}"), SOON).await;
        assert!(said.ends_with(pause), "{said}");
    }
    let said = holder.logs().into_iter();
    assert_eq!(said.filter(|line| line.contains("ERROR")).count(), 3);
}

/// Eight clients that come and go, until they are told what has happened.
struct Clients {
    tally: Arc<Tally>,
    tasks: JoinSet<()>,
}

impl Clients {
    fn of(holder: &Gateway) -> Self {
        let tally = Arc::new(Tally::default());
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            tasks.spawn(come_and_go(holder.addr(), tally.clone()));
        }
        Self { tally, tasks }
    }

    async fn are_served(&self) {
        let before = self.tally.answered.load(Ordering::Relaxed);
        wait::until("clients to be served", SOON, async || {
            (self.tally.answered.load(Ordering::Relaxed) > before + 100).then_some(())
        })
        .await;
    }

    /// How many were cut off, and refused.
    async fn end(mut self) -> (usize, usize) {
        self.tally.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("no panic");
        }
        let count = |of: &std::sync::atomic::AtomicUsize| of.load(Ordering::Relaxed);
        (count(&self.tally.cut), count(&self.tally.refused))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_that_is_asked_for_loses_nobody() {
    let holder = start(fixtures(&[("fx", &[])])).await;
    let session = Endpoint::initialized(holder.addr(), VERSION).await;
    let clients = Clients::of(&holder);
    let mut pid = 0;
    for _ in 0..3 {
        clients.are_served().await;
        let gateway = gateway_after(&holder, pid).await;
        holder.wait_for_log("Server 'fx' started", SOON).await;
        let stream = session.listen().await;
        let mark = holder.log_mark();
        pid = gateway.pid;
        holder.signal(Signal::SIGUSR2);
        // Sent twice, it is one.
        holder.signal(Signal::SIGUSR2);
        holder
            .wait_for_log_after(mark, "[INFO] Restarting the gateway; its port stays", SOON)
            .await;
        let said = rest_of(stream.into_pieces()).await;
        assert!(said.ends_with("retry: 1000\ndata: \n\n"), "{said}");
        gateway_after(&holder, pid).await;
        let answer = session.call_tool("fx__echo", r#"{"text":"x"}"#).await;
        assert_eq!(text_of(&answer), "x");
    }
    clients.are_served().await;
    assert_eq!(clients.end().await, (0, 0), "cut off, and refused");
    let logs = holder.logs();
    let restarts = logs
        .iter()
        .filter(|line| line.contains("Restarting"))
        .count();
    assert_eq!(restarts, 3, "{logs:?}");
    assert!(!logs.iter().any(|line| line.contains("Second signal")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_refused_when_it_is_killed() {
    let holder = start("[]").await;
    let clients = Clients::of(&holder);
    let mut pid = 0;
    for _ in 0..3 {
        clients.are_served().await;
        let gateway = gateway_after(&holder, pid).await;
        pid = gateway.pid;
        gateway.signal(Signal::SIGKILL);
    }
    clients.are_served().await;
    let (cut, refused) = clients.end().await;
    assert_eq!(refused, 0);
    assert!(cut <= 3 * 8, "{cut}: only what was being served");
}

#[tokio::test]
async fn an_upgraded_program_is_what_a_restart_starts() {
    let home = TempDir::new().expect("a temporary directory");
    let program = home.path().join("mcproxy-here");
    fs::copy(mcproxy(), &program).expect("there is room");
    let config = json!([{ "name": "demo", "command": "mcproxy", "args": ["demo-server"] }]);
    let options = options(config.to_string()).binary(program.clone());
    let holder = Gateway::start(options).await;
    let first = gateway_of(&holder).await;
    assert_eq!(program_of(first.pid), program);

    let newer = home.path().join("newer");
    fs::copy(mcproxy(), &newer).expect("there is room");
    fs::rename(&newer, &program).expect("the directory is ours");
    holder.signal(Signal::SIGUSR2);
    let second = gateway_after(&holder, first.pid).await;
    assert_eq!(program_of(second.pid), program, "not one that is deleted");

    // Half an upgrade: what it started with is still there.
    fs::write(&newer, "no program").expect("the directory is ours");
    fs::rename(&newer, &program).expect("the directory is ours");
    let mark = holder.log_mark();
    holder.signal(Signal::SIGUSR2);
    let third = gateway_after(&holder, second.pid).await;
    holder
        .wait_for_log_after(mark, "Server 'demo' started", SOON)
        .await;
    assert!(
        program_of(third.pid)
            .to_string_lossy()
            .ends_with(" (deleted)")
    );
}

#[tokio::test]
async fn sockets_that_were_passed_are_handed_on() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let mut options = options("[]");
    options.passed.push(datagrams.into());
    options
        .passed
        .push(socket.try_clone().expect("a descriptor").into());
    let mut holder = Gateway::start(options).await;
    assert_eq!(holder.addr(), address, "not what --listen says");
    holder.wait_for_log("--listen is not used", SOON).await;
    let first = gateway_of(&holder).await;
    first.signal(Signal::SIGKILL);
    gateway_after(&holder, first.pid).await;
    assert_eq!(http::get(address, "/healthz").await.status, 200);
    let said = holder.logs();
    let unusable = said.iter().filter(|line| line.contains("can't be served"));
    assert_eq!(unusable.count(), 1, "{said:?}");

    // Whoever passed it has it still: newcomers wait for the next holder.
    let session = Endpoint::initialized(address, VERSION).await;
    let stream = session.listen().await.into_pieces();
    assert_eq!(holder.terminate().await.code(), Some(0));
    let said = rest_of(stream).await;
    assert!(said.ends_with("retry: 1000\ndata: \n\n"), "{said}");
    std::net::TcpStream::connect(address).expect("the port is not the holder's to close");
}

#[tokio::test]
async fn syslog_has_its_lines_too() {
    let home = TempDir::new().expect("a temporary directory");
    let path = home.path().join("log");
    let syslogd = Syslogd::start(&path);
    let options = GatewayOptions::new("[]").arg("--hold-port").syslog(&path);
    let holder = Gateway::launch(options);
    syslogd.wait_for("Listening on http://").await;
    gateway_of(&holder).await.signal(Signal::SIGKILL);
    let said = syslogd.wait_for("it is started again in 200ms").await;
    let of_holder = format!(
        " mcp-gateway[{}]: [ERROR] The gateway was killed",
        holder.pid()
    );
    assert!(
        said.starts_with("<27>") && said.contains(&of_holder),
        "{said}"
    );
}
