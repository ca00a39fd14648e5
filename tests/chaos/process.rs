//! The gateway as a process of its own that ends its actors on command. It is this test program once more, and
//! in it the very `program::run`, with a spawner that panics, fails and kills where the program's does not.
//! It takes a command a line on stdin and answers each with one line on stdout, between those of its log.

#![cfg(test)]

use std::io::{self, Write as _};

use mcproxy::cli::Cli;
use tokio::runtime::Runtime;

use crate::support::chaos::{Chaos, How, Moment};

/// Set in the gateway, and nowhere else.
pub(crate) const MARK: &str = "CHAOS_GATEWAY";
/// What the answers to commands begin with.
pub(crate) const REPLY: &str = "chaos: ";

/// The kinds of actors there are.
pub(crate) const KINDS: [&str; 6] = [
    "config", "registry", "sessions", "session", "listener", "upstream",
];

/// As a test that somebody runs it says nothing; see the module.
#[test]
fn gateway_process() {
    if std::env::var_os(MARK).is_none() {
        return;
    }
    let cli = Cli::try_from(["mcproxy".into()]).expect("its settings are variables");
    let chaos = Chaos::default();
    let obeyed = chaos.clone();
    std::thread::spawn(move || obey(&obeyed));
    let code = mcproxy::program::run(&cli.run, chaos);
    let code = u8::from(code != std::process::ExitCode::SUCCESS) * 70;
    std::process::exit(code.into());
}

fn obey(chaos: &Chaos) {
    let runtime = Runtime::new().expect("a runtime for the commands");
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
        ["ambush", kind, how] => {
            chaos.plan(kind_of(kind), Moment::Message, how_of(how));
            "true".to_owned()
        }
        ["struck"] => chaos.struck().to_string(),
        ["alive"] => {
            let count = |kind| format!("{kind}={}", chaos.alive(kind));
            KINDS.map(count).join(" ")
        }
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
        How::Hang => return false,
        How::Panic => {
            chaos.refuse("registry");
            return chaos.strike_any("registry", 0, How::Kill).await;
        }
    }
    true
}

fn how_of(word: &str) -> How {
    let is_it = |how: &How| format!("{how:?}") == word;
    How::ALL.into_iter().find(is_it).expect("a way to end")
}

fn kind_of(word: &str) -> &'static str {
    let is_it = |kind: &&str| *kind == word;
    KINDS.into_iter().find(is_it).expect("a kind of actor")
}
