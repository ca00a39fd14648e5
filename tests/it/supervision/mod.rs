//! The supervision of real processes by the real gateway: the twelve properties of Erlang's supervisors
//! (`properties`, `flat`), the ladder and the starts (`ladder`, `starts`), what callers see of a death
//! (`deaths`), and what is left of the dead (`leftovers`).

#![cfg(test)]

mod deaths;
mod flat;
mod ladder;
mod leftovers;
mod properties;
mod starts;

use std::time::Duration;

use crate::support::gateway::Gateway;

/// For steps that wait for the ladder, for starts and for stops; the machine may be busy.
const STEP: Duration = Duration::from_secs(20);
/// The first notification of a changed list.
const CHANGED: &str = "notifications/tools/list_changed";

/// The seconds until the next start and the number of failures, of each line that says so.
fn ladder_of(gateway: &Gateway, server: &str) -> Vec<(f32, u32)> {
    let start = format!("Server '{server}' is started again in ");
    let read = |line: &String| {
        let (_, rest) = line.split_once(&start)?;
        let (seconds, rest) = rest.split_once(" s (failure ")?;
        let failures = rest.split(' ').next()?;
        Some((seconds.parse().ok()?, failures.parse().ok()?))
    };
    gateway.logs().iter().filter_map(read).collect()
}
