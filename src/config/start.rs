//! When a server runs: `start`, and `idle_timeout` for one that is started on demand. An entry's own word
//! stands above what the gateway says for all.

use std::time::Duration;

use super::amount::time_with_unit;
use super::error::quoted;
use super::model::IDLE_TIMEOUT;
use super::notes::{Finding, Notes};
use super::values::{self, Fields};

/// What the fields are called.
pub(super) const NAMES: [&str; 2] = ["start", "idle_timeout"];

/// A shorter time would have a server stop between two calls of one client, in seconds.
const SHORTEST: f64 = 0.1;

/// What is said can't be used.
#[derive(Debug, Clone, Copy)]
struct Unclear;

/// What holds for the entries that do not say it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Starting {
    is_on_demand: Result<bool, Unclear>,
    idle_timeout: Result<Duration, Unclear>,
}

/// When the server of an entry runs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Start {
    /// After how long without use it sleeps, if it does.
    pub(super) idle_timeout: Option<Duration>,
    /// Whether that stands for what the gateway says, and can't be used.
    pub(super) is_unclear: bool,
}

impl Default for Starting {
    fn default() -> Self {
        Self {
            is_on_demand: Ok(false),
            idle_timeout: Ok(IDLE_TIMEOUT),
        }
    }
}

impl Starting {
    /// What the gateway says for all.
    pub(super) fn of_gateway(fields: &Fields<'_>, notes: &mut Notes) -> Self {
        Self::default().read(fields, notes)
    }

    /// When the server of an entry runs.
    pub(super) fn of_entry(self, fields: &Fields<'_>, notes: &mut Notes) -> Start {
        let own = self.read(fields, notes);
        let is_always = matches!(own.is_on_demand, Ok(false));
        if let Some(field) = fields.get("idle_timeout").filter(|_| is_always) {
            let what = "'idle_timeout' has no effect without \"start\": \"on-demand\"";
            let help = "the server runs always; add \"start\": \"on-demand\", or leave it out";
            notes.add(Finding::warning(field.at, what).help(help));
        }
        let (idle_timeout, is_unclear) = match (own.is_on_demand, own.idle_timeout) {
            (Ok(true), Ok(time)) => (Some(time), false),
            (Ok(true), Err(Unclear)) => (Some(IDLE_TIMEOUT), true),
            (Ok(false), _) => (None, false),
            (Err(Unclear), _) => (None, true),
        };
        Start {
            idle_timeout,
            is_unclear,
        }
    }

    fn read(self, fields: &Fields<'_>, notes: &mut Notes) -> Self {
        Self {
            is_on_demand: is_on_demand(fields, notes).unwrap_or(self.is_on_demand),
            idle_timeout: idle_timeout(fields, notes).unwrap_or(self.idle_timeout),
        }
    }
}

fn is_on_demand(fields: &Fields<'_>, notes: &mut Notes) -> Option<Result<bool, Unclear>> {
    let field = fields.get("start")?;
    let said = match values::text(&field, "start", notes) {
        Some("always") => Ok(false),
        Some("on-demand") => Ok(true),
        Some(other) => {
            let what = format!("'start' is {}, which is not known", quoted(other));
            let help = r#"write "always" (it runs all the time) or "on-demand" (while it is used)"#;
            notes.add(Finding::error(field.at, what).help(help));
            Err(Unclear)
        }
        None => Err(Unclear),
    };
    Some(said)
}

fn idle_timeout(fields: &Fields<'_>, notes: &mut Notes) -> Option<Result<Duration, Unclear>> {
    let field = fields.get("idle_timeout")?;
    if let Some(text) = field.value.as_string_lit()
        && time_with_unit(&text.value).is_none()
    {
        let what = format!(
            "'idle_timeout' is {}, which is no time",
            quoted(&text.value)
        );
        let help = r#"write seconds, such as 600, or with a unit, such as "10m"; one that never sleeps has "start": "always""#;
        notes.add(Finding::error(field.at, what).help(help));
        return Some(Err(Unclear));
    }
    let help = "a server that stops between two calls is started for each";
    let time = values::seconds_from(&field, "idle_timeout", (SHORTEST, help), notes);
    Some(time.ok_or(Unclear))
}
