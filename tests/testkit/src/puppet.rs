//! The gateway as a process of its own that ends its actors on command. It is the test program once more, and
//! in it the very `program::run`, with a spawner that panics, fails and kills where the program's does not.
//! It takes a command a line on stdin and answers each with one line on stdout, between those of its log.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::{ChildStdin, Command};

use mcproxy::cli::Cli;
use tokio::runtime;

use super::chaos::{Chaos, How, Moment};
use super::output::Lines;

/// Set in the gateway, and nowhere else: its arguments, a line each.
const MARK: &str = "CHAOS_GATEWAY";
/// What the answers to commands begin with.
const REPLY: &str = "chaos: ";

/// The kinds of actors there are.
pub const KINDS: [&str; 7] = [
    "config", "registry", "sessions", "session", "requests", "listener", "upstream",
];

/// This test program once more, to run nothing but its test of this name, which does nothing but [`perform`].
pub fn program(test: &str, arguments: &[String]) -> Command {
    let this = std::env::current_exe().expect("the test has a file");
    let mut command = Command::new(this);
    command.args(["--exact", test, "--nocapture"]);
    command.env_clear();
    command.envs(std::env::var("PATH").map(|path| ("PATH", path)));
    command.env(MARK, arguments.join("\n"));
    command
}

/// Is the gateway and does not return. In a test that somebody runs it does nothing.
pub fn perform() {
    let Ok(arguments) = std::env::var(MARK) else {
        return;
    };
    let arguments = ["mcproxy"].into_iter().chain(arguments.lines());
    let cli = Cli::try_from(arguments.map(OsString::from)).expect("good arguments");
    let chaos = Chaos::default();
    let obeyed = chaos.clone();
    std::thread::spawn(move || obey(&obeyed));
    let code = mcproxy::program::run(&cli.run, chaos);
    let code = u8::from(code != std::process::ExitCode::SUCCESS) * 70;
    std::process::exit(code.into());
}

/// Its stdin and stdout, from outside.
pub struct Strings {
    stdin: ChildStdin,
    stdout: Lines,
    /// Commands so far.
    commands: usize,
}

impl Strings {
    pub fn new(stdin: ChildStdin, stdout: Lines) -> Self {
        Self {
            stdin,
            stdout,
            commands: 0,
        }
    }

    /// Sends a command; `false` when the gateway has gone.
    pub fn pull(&mut self, command: &str) -> bool {
        self.commands += 1;
        writeln!(self.stdin, "{command}").is_ok()
    }

    /// The answer to the last command, once it is there.
    pub fn reply(&self) -> Option<String> {
        let lines = self.stdout.all();
        let mut replies = lines.iter().filter_map(|line| line.strip_prefix(REPLY));
        replies
            .nth(self.commands.checked_sub(1)?)
            .map(str::to_owned)
    }
}

/// The answer to `alive` and to `spawned`: how many of each kind.
pub fn counts(reply: &str) -> BTreeMap<String, usize> {
    let pair = |word: &str| {
        let (kind, count) = word.split_once('=')?;
        Some((kind.to_owned(), count.parse().ok()?))
    };
    reply.split(' ').filter_map(pair).collect()
}

fn obey(chaos: &Chaos) {
    // Without a driver of its own for signals, which would pass those on that the gateway's does not see.
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime for the commands");
    for line in io::stdin().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        let reply = runtime.block_on(command(chaos, &words));
        let line = format!("{REPLY}{reply}\n");
        // Who gives no ear to it has gone.
        drop(io::stdout().write_all(line.as_bytes()));
    }
}

async fn command(chaos: &Chaos, words: &[&str]) -> String {
    match words {
        ["strike", "root", how] => strike_root(chaos, how_of(how)).await.to_string(),
        ["strike", kind, pick, how] => {
            let pick = pick.parse().expect("a number");
            let has_struck = chaos.strike_any(kind, pick, how_of(how)).await;
            has_struck.to_string()
        }
        ["spin", kind, pick] => {
            let pick = pick.parse().expect("a number");
            chaos.spin(kind, pick).await.to_string()
        }
        ["rest"] => {
            Chaos::rest();
            "true".to_owned()
        }
        ["ambush", kind, how] => {
            chaos.plan(kind_of(kind), Moment::Message, how_of(how));
            "true".to_owned()
        }
        ["alive"] => KINDS
            .map(|kind| format!("{kind}={}", chaos.alive(kind)))
            .join(" "),
        ["spawned"] => KINDS
            .map(|kind| format!("{kind}={}", chaos.spawned(kind)))
            .join(" "),
        ["struck"] => chaos.struck().to_string(),
        other => panic!("no such command: {other:?}"),
    }
}

/// It has no spawner to be wrapped by, but it starts all others: a spawn that panics does so in its hands.
async fn strike_root(chaos: &Chaos, how: How) -> bool {
    let Some(root) = chaos.root() else {
        return false;
    };
    match how {
        How::Kill => root.kill(),
        How::Error => root.stop(None),
        How::Hang | How::Spin => return false,
        How::Panic => {
            chaos.refuse("registry");
            return chaos.strike_any("registry", 0, How::Kill).await;
        }
    }
    true
}

fn how_of(word: &str) -> How {
    let is_it = |how: &How| format!("{how:?}") == word;
    let mut all = How::ALL.into_iter().chain([How::Spin]);
    all.find(is_it).expect("a way to end")
}

fn kind_of(word: &str) -> &'static str {
    let is_it = |kind: &&str| *kind == word;
    KINDS.into_iter().find(is_it).expect("a kind of actor")
}
