//! When a server runs: `start`, and `idle_timeout` for one that is started on demand. An entry's own word
//! stands above what the gateway says for all.

use std::time::Duration;

use super::error::quoted;
use super::model::IDLE_TIMEOUT;
use super::notes::{Finding, Notes};
use super::values::{self, Fields};

/// What the fields are called.
pub(super) const NAMES: [&str; 2] = ["start", "idle_timeout"];

/// A shorter time would have a server stop between two calls of one client.
const SHORTEST: Duration = Duration::from_millis(100);

/// What holds for the entries that do not say it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Starting {
    is_on_demand: bool,
    idle_timeout: Duration,
}

impl Default for Starting {
    fn default() -> Self {
        Self {
            is_on_demand: false,
            idle_timeout: IDLE_TIMEOUT,
        }
    }
}

impl Starting {
    /// What the gateway says for all. What of it can't be used is as if it were not there.
    pub(super) fn of_gateway(fields: &Fields<'_>, notes: &mut Notes) -> Self {
        Self::default().read(fields, notes)
    }

    /// After how long without use the server of an entry sleeps, if it does.
    pub(super) fn of_entry(self, fields: &Fields<'_>, notes: &mut Notes) -> Option<Duration> {
        let own = self.read(fields, notes);
        if let Some(field) = fields.get("idle_timeout").filter(|_| !own.is_on_demand) {
            let what = "'idle_timeout' has no effect without \"start\": \"on-demand\"";
            let help = "the server runs always; add \"start\": \"on-demand\", or leave it out";
            notes.add(Finding::warning(field.at, what).help(help));
        }
        own.is_on_demand.then_some(own.idle_timeout)
    }

    fn read(self, fields: &Fields<'_>, notes: &mut Notes) -> Self {
        Self {
            is_on_demand: is_on_demand(fields, notes).unwrap_or(self.is_on_demand),
            idle_timeout: idle_timeout(fields, notes).unwrap_or(self.idle_timeout),
        }
    }
}

fn is_on_demand(fields: &Fields<'_>, notes: &mut Notes) -> Option<bool> {
    let field = fields.get("start")?;
    match values::text(&field, "start", notes)? {
        "always" => Some(false),
        "on-demand" => Some(true),
        other => {
            let what = format!("'start' is {}, which is not known", quoted(other));
            let help = r#"write "always" (it runs all the time) or "on-demand" (while it is used)"#;
            notes.add(Finding::error(field.at, what).help(help));
            None
        }
    }
}

fn idle_timeout(fields: &Fields<'_>, notes: &mut Notes) -> Option<Duration> {
    let field = fields.get("idle_timeout")?;
    let time = values::seconds(&field, "idle_timeout", notes)?;
    if time < SHORTEST {
        let what = "'idle_timeout' must be at least 0.1 seconds";
        let help = "a server that stops between two calls is started for each";
        notes.add(Finding::error(field.at, what).help(help));
        return None;
    }
    Some(time)
}
