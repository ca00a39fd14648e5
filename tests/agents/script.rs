//! What the model does in every run, step by step: what happens before it asks for a tool, which tool that is, and
//! what a right answer says.

use std::time::Duration;

use serde_json::{Value, json};

/// What is done before the call goes out, or while it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    Nothing,
    /// The file gets one more server.
    Add,
    /// The file loses it.
    Remove,
    Pause(Duration),
    /// `kill -9` of this server.
    KillServer(&'static str),
    /// SIGTERM, and after the pause a start.
    Restart(Duration),
    /// SIGKILL, and after the pause a start.
    Crash(Duration),
    /// SIGKILL; the start comes after the pause, while the call waits.
    Away(Duration),
    /// SIGTERM while the call runs, and a start.
    RestartInCall,
    /// SIGKILL when the call has run for a while, and after a second a start.
    CrashInCall,
}

/// One call of the model.
pub(crate) struct Step {
    /// What a cell of the table of expectations is called.
    pub(crate) name: &'static str,
    pub(crate) deed: Deed,
    pub(crate) server: &'static str,
    /// Seconds that the call takes, if it is to take any.
    pub(crate) lasts: Option<u32>,
    /// A server whose tools are not to be offered any more.
    pub(crate) is_without: Option<&'static str>,
}

/// What a call says that was lost with the gateway.
const LOST: &str = "may or may not have taken effect";
/// What is added; the sums are like nothing else.
const A: u64 = 31_415_926;
const B: u64 = 27_182_818;
const SECOND: Duration = Duration::from_secs(1);

pub(crate) const SCRIPT: [Step; 24] = [
    step("call", Deed::Nothing),
    step("edit", Deed::Add),
    on("late", "added", Deed::Nothing),
    step("remove", Deed::Remove),
    // Who hears of a change by the answer to a call asks for the list after it.
    step("asks", Deed::Pause(SECOND)),
    Step {
        is_without: Some("late"),
        ..step("removed", Deed::Nothing)
    },
    on("second", "server killed", Deed::KillServer("second")),
    on("second", "server back", Deed::Nothing),
    step("SIGTERM", Deed::Restart(Duration::ZERO)),
    step("after it", Deed::Nothing),
    step("SIGTERM, a pause", Deed::Restart(SECOND)),
    step("after that", Deed::Nothing),
    step("SIGKILL", Deed::Crash(SECOND)),
    step("after SIGKILL", Deed::Nothing),
    step("away", Deed::Away(Duration::from_secs(4))),
    step("no longer away", Deed::Nothing),
    step("a while later", Deed::Pause(Duration::from_secs(3))),
    lasting("SIGTERM in a call", 2, Deed::RestartInCall),
    step("after the call", Deed::Nothing),
    lasting("SIGKILL in a call", 6, Deed::CrashInCall),
    step("after the loss", Deed::Nothing),
    step("edit again", Deed::Add),
    step("asks for it", Deed::Pause(SECOND)),
    on("late", "added again", Deed::Nothing),
];

const fn step(name: &'static str, deed: Deed) -> Step {
    on("first", name, deed)
}

const fn on(server: &'static str, name: &'static str, deed: Deed) -> Step {
    Step {
        name,
        deed,
        server,
        lasts: None,
        is_without: None,
    }
}

const fn lasting(name: &'static str, seconds: u32, deed: Deed) -> Step {
    Step {
        lasts: Some(seconds),
        ..step(name, deed)
    }
}

impl Step {
    /// Whether a program calls this step's tool so: each has its own prefix, and some write `-` as `_`.
    pub(crate) fn is_tool(&self, name: &str) -> bool {
        let tool = if self.lasts.is_some() { "wait" } else { "add" };
        name.ends_with(&format!("{}__{tool}", self.server))
    }

    /// Unlike those of any other step: a model that calls the same again and again is stopped.
    pub(crate) fn arguments(&self) -> Value {
        match self.lasts {
            Some(seconds) => json!({ "seconds": seconds }),
            None => json!({ "a": A, "b": self.addend() }),
        }
    }

    /// What a right answer has in it, and no error that repeats what was asked.
    pub(crate) fn answer(&self) -> String {
        match (self.deed, self.lasts) {
            (Deed::CrashInCall, _) => LOST.to_owned(),
            (_, Some(seconds)) => format!("waited {seconds} seconds"),
            (_, None) => (A + self.addend()).to_string(),
        }
    }

    fn addend(&self) -> u64 {
        let place = SCRIPT.iter().position(|step| step.name == self.name);
        let place = place.and_then(|place| u64::try_from(place).ok());
        B + place.unwrap_or_default()
    }
}
