//! The gateway under test from outside: started, killed and started again at one address and one directory,
//! and everything that ever ran below it.

#![cfg(test)]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::support::output::Lines;
use crate::support::proc::{self, Process};
use crate::support::puppet::{self, Strings};
use crate::support::wait;
use crate::world::marker_of;

/// From exec to the port; what the one before left is ended before that.
const START: Duration = Duration::from_secs(20);
/// For what the process does at once, on a machine that does much else.
const STEP: Duration = Duration::from_secs(20);

/// Lines that are shown of the last life.
const END: usize = 150;

pub(crate) struct House {
    pub(crate) addr: SocketAddr,
    pub(crate) life: usize,
    child: Child,
    strings: Strings,
    stdout: Lines,
    stderr: Lines,
    home: TempDir,
    seen: Mutex<HashMap<(u32, u64), Process>>,
    /// What its former lives said.
    former: Vec<[Lines; 2]>,
}

impl House {
    /// Starts it with this configuration, and waits until it listens.
    pub(crate) async fn open(config: &str) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        fs::write(home.path().join("mcp-servers.json"), config).expect("it is ours");
        let addr = free_address();
        let (child, strings, stdout, stderr) = launch(&home, addr);
        let mut house = Self {
            addr,
            life: 1,
            child,
            strings,
            stdout,
            stderr,
            home,
            seen: Mutex::default(),
            former: Vec::new(),
        };
        house.listens().await;
        house
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        proc::send(self.pid(), signal);
    }

    /// Replaces the file in one step, as editors do.
    pub(crate) fn write_config(&self, text: &str) {
        let other = self.home.path().join("new");
        fs::write(&other, text).expect("the directory is ours");
        fs::rename(other, self.config_path()).expect("the directory is ours");
    }

    /// Writes over the file, as other editors do.
    pub(crate) fn tear_config(&self, text: &str) {
        fs::write(self.config_path(), text).expect("the directory is ours");
    }

    fn config_path(&self) -> PathBuf {
        self.home.path().join("mcp-servers.json")
    }

    /// Sends a command and waits for its answer; `None` when the gateway has gone.
    pub(crate) async fn command(&mut self, command: &str) -> Option<String> {
        if !self.strings.pull(command) {
            return None;
        }
        let what = format!("the answer to {command:?}");
        let reply = wait::until(&what, STEP, async || match self.strings.reply() {
            Some(reply) => Some(Some(reply)),
            None => self.exited().map(|_| None),
        });
        reply.await
    }

    /// How many actors of each kind are there.
    pub(crate) async fn alive(&mut self) -> BTreeMap<String, usize> {
        let reply = self.command("alive").await.expect("the gateway runs");
        puppet::counts(&reply)
    }

    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Waits for its end, and starts it again.
    pub(crate) async fn restart(&mut self) -> ExitStatus {
        let status = self.wait_exit().await;
        let (child, strings, stdout, stderr) = launch(&self.home, self.addr);
        let said = [&mut self.stdout, &mut self.stderr].map(std::mem::take);
        self.former.push(said);
        (self.child, self.strings, self.stdout, self.stderr) = (child, strings, stdout, stderr);
        self.life += 1;
        self.listens().await;
        status
    }

    pub(crate) async fn wait_exit(&mut self) -> ExitStatus {
        wait::until("the gateway to end", STEP, async || self.exited()).await
    }

    /// It says so in its log, but only what is of the crate `mcproxy` is logged, and here `main.rs` is not.
    async fn listens(&mut self) {
        wait::until("the gateway to listen", START, async || {
            if let Some(status) = self.exited() {
                self.dump();
                panic!("the gateway ended before it listened: {status}");
            }
            proc::listening(self.child.id())
        })
        .await;
    }

    /// Waits until this life has read its configuration. One that is broken then is another matter: it starts
    /// with no server, as it should.
    pub(crate) async fn configured(&self) {
        wait::until("the configuration to be read", STEP, async || {
            let is_it = |line: &str| line.contains("configuration: ").then_some(());
            self.stdout.find_map(0, is_it)
        })
        .await;
    }

    /// The processes of servers now, by the server's name.
    pub(crate) fn servers(&self) -> Vec<(String, Process)> {
        let mut servers: Vec<_> = self
            .below()
            .into_iter()
            .filter_map(|process| Some((marker_of(&process.command)?, process)))
            .collect();
        servers.sort_by_key(|(name, process)| (name.clone(), process.pid));
        servers
    }

    /// Everything below it now.
    pub(crate) fn below(&self) -> Vec<Process> {
        let all = proc::descendants(self.pid());
        let mut seen = self.seen.lock().expect("no panic inside");
        seen.extend(all.iter().map(|one| ((one.pid, one.started), one.clone())));
        all
    }

    /// What ever ran below it, in any of its lives, and still does.
    pub(crate) fn alive_of_all(&self) -> Vec<Process> {
        let seen = self.seen.lock().expect("no panic inside");
        seen.values()
            .filter(|one| one.is_alive())
            .cloned()
            .collect()
    }

    pub(crate) fn open_files(&self) -> Option<usize> {
        proc::open_files(self.pid())
    }

    /// What it said in all its lives into a directory, and the end of it into the output of the failing test.
    pub(crate) fn dump(&self) {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("chaos");
        drop(fs::create_dir_all(&directory));
        let last = [self.stdout.clone(), self.stderr.clone()];
        for (life, said) in self.former.iter().chain([&last]).enumerate() {
            let text = said
                .iter()
                .map(|lines| lines.all().join("\n"))
                .collect::<Vec<_>>();
            let file = directory.join(format!("{}-life{}.log", self.addr.port(), life + 1));
            drop(fs::write(&file, text.join("\n--- stderr\n")));
            eprintln!(
                "--- what the gateway said in life {}: {}",
                life + 1,
                file.display()
            );
        }
        for line in last.iter().flat_map(|lines| {
            let lines = lines.all();
            let end = lines.len().saturating_sub(END);
            lines.into_iter().skip(end)
        }) {
            eprintln!("{line}");
        }
    }

    /// What it said within a second of this time, in whatever life.
    pub(crate) fn said_around(&self, at: SystemTime) -> Vec<String> {
        let day = |time: SystemTime| {
            time.duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs()
                % 86_400
        };
        let around = (-1..=1).map(|second| day(at).saturating_add_signed(second));
        let stamps: Vec<String> = around
            .map(|s| format!(" {:02}:{:02}:{:02},", s / 3_600, s / 60 % 60, s % 60))
            .collect();
        let lives = self
            .former
            .iter()
            .map(|said| &said[0])
            .chain([&self.stdout]);
        let is_it = |line: &String| stamps.iter().any(|stamp| line.contains(stamp.as_str()));
        lives.flat_map(Lines::all).filter(is_it).collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if thread::panicking() {
            self.dump();
        }
        self.below();
        drop(self.child.kill());
        drop(self.child.wait());
        for process in self.alive_of_all() {
            process.signal(Signal::SIGKILL);
        }
    }
}

fn launch(home: &TempDir, addr: SocketAddr) -> (Child, Strings, Lines, Lines) {
    let path = |name: &str| home.path().join(name);
    let mut command = puppet::program("gateway_process", &[]);
    let mut child = command
        .env("TZ", "UTC")
        .env("MCPROXY_LOG", "true")
        .env("MCPROXY_LISTEN", addr.to_string())
        .env("MCPROXY_CONFIG", path("mcp-servers.json"))
        .env("MCPROXY_STATE_DIR", path("state"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the test can start itself");
    let stdin = child.stdin.take().expect("it is piped");
    let stdout = Lines::collect(child.stdout.take().expect("it is piped"));
    let stderr = Lines::collect(child.stderr.take().expect("it is piped"));
    (child, Strings::new(stdin, stdout.clone()), stdout, stderr)
}

/// A port that no connection of anybody takes while the gateway is away: below those that the kernel hands out.
fn free_address() -> SocketAddr {
    let ports = std::iter::repeat_with(|| fastrand::u16(20_000..32_000));
    let addresses = ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let mut free = addresses.filter(|addr| TcpListener::bind(addr).is_ok());
    free.next().expect("there are thousands")
}
