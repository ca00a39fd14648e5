//! What servers start outside of their process groups, and what the gateway was started with: none of it
//! stays, none of it is passed on, and nothing else is touched.

#![cfg(test)]

mod ended;
mod first;
mod former;
mod inherited;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::fleet::{Entry, script};
use crate::support::gateway::{Gateway, fixture_server};
use crate::support::proc::Process;
use crate::support::wait;

/// What a busy machine may need to start something.
const SOON: Duration = Duration::from_secs(10);
/// The promise, and a moment for the test to see it.
const GONE: Duration = Duration::from_millis(2500);

/// Sleeps so long that nothing else on the machine does: the name by which a process is found.
fn sleep(of: &str, kind: u32) -> String {
    let number = of.bytes().fold(0, |sum, byte| sum + u32::from(byte));
    format!("sleep {}", 100_000 + number * 10 + kind)
}

/// A server that answers, `of` its name, with five processes of its own: three in sessions of theirs, of
/// which two are orphans and one has no environment, one in the group without environment, and an orphan
/// that ignores SIGTERM.
fn with_family(name: &str, flags: &str) -> Entry {
    let program = fixture_server().display();
    let [attached, orphan, nameless, inside, stubborn] = [1, 2, 3, 4, 5].map(|k| sleep(name, k));
    let quiet = "</dev/null >/dev/null 2>&1";
    let text = format!(
        "setsid {attached} {quiet} & \
         (setsid {orphan} {quiet} &) ; \
         (env -i setsid {nameless} {quiet} &) ; \
         env -i {inside} {quiet} & \
         (setsid sh -c 'trap \"\" TERM; {stubborn} & wait' {quiet} &) ; \
         exec '{program}' '--marker=({name})' {flags}"
    );
    script(name, &text)
}

/// The processes of the server's family, once all of them are what they are meant to be.
async fn family(gateway: &Gateway, name: &str) -> Vec<Process> {
    wait::until(&format!("the family of {name}"), SOON, async || {
        let all = gateway.children();
        let found = [1, 2, 3, 4, 5].map(|kind| {
            let wanted = sleep(name, kind);
            let found = all.iter().find(|process| process.command == wanted);
            found.cloned()
        });
        found.into_iter().collect::<Option<Vec<_>>>()
    })
    .await
}

async fn gone(processes: &[Process]) {
    let mut left = Vec::new();
    wait::until("the end of a family", GONE, async || {
        left = processes
            .iter()
            .filter(|process| process.is_alive())
            .collect();
        left.is_empty().then_some(())
    })
    .await;
}

/// A process of the test's own, ended with it.
struct Bystander(Child);

impl Bystander {
    fn start(command: &str, marker: Option<&str>) -> Self {
        let mut words = command.split(' ');
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).stdin(Stdio::null());
        if let Some(marker) = marker {
            command.env("MCPROXY_CHILD", marker);
        }
        Self(command.spawn().expect("it starts"))
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().expect("it is ours").is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
