//! One child process: how it is started, what it says, how it is told something, how it ends.
//!
//! Knows the operating system and nothing of MCP or of actors: what happens is delivered as
//! [`Output`] to a closure, which an actor turns into messages to itself.
//!
//! | file | what it is |
//! |---|---|
//! | `command.rs`, `environment.rs` | what to run, and what the child may see of our environment |
//! | `spawn.rs`, `error.rs` | starting it; the handle; why it could not be started |
//! | `starts.rs` | that a start may hang |
//! | `pipes/` | stdin, stdout and stderr, a task each |
//! | `lines.rs` | bytes to lines, pure |
//! | `group.rs` | its process group, and all groups alive |
//! | `exit.rs`, `stop.rs` | how it ends by itself, and how it is ended |
//! | `leftovers.rs`, `reaper.rs` | what it started and left behind: ended, reaped |
//! | `orphans.rs` | what forks anew faster than one can look |
//! | `former.rs` | the same for a gateway that was killed, at the start of the next |
//! | `proof.rs` | whether that gateway is dead |
//! | `life.rs`, `look.rs`, `kin.rs` | who belongs to whom: the marker, `/proc`, kinship |
//! | `usage.rs` | what the processes of each child use of memory and cores |
//! | `inherited.rs` | what the gateway itself was started with, kept from children |

#[cfg(any(test, fuzzing))]
pub(crate) mod checks;
mod command;
mod environment;
mod error;
mod exit;
mod gateway_run;
mod group;
mod inherited;
mod leftovers;
mod lineage;
mod lines;
mod orphans;
mod output;
mod pipes;
mod previous_runs;
mod procfs;
mod proof;
mod reaper;
mod script;
mod spawn;
mod starts;
mod stop;
#[cfg(test)]
mod tests;
mod usage;

pub use command::Command;
pub use environment::{environment, is_passed_on};
pub use error::SpawnError;
pub use exit::describe;
pub use group::Groups;
pub use inherited::{keep_descriptors, keep_ignored_signals, unblock_signals};
pub use leftovers::end_all;
pub use nix::sys::signal::Signal;
pub use output::{Budget, LinePermit, Output, StdinFailure, UnusableLine};
pub use pipes::printable;
pub use previous_runs::Record;
pub use procfs::adopted_from_servers;
pub use reaper::{adopt_orphans, reap_orphans};
pub use script::oddity;
pub use spawn::{Limits, Process, spawn};
pub use starts::start;
pub use stop::{Grace, StopReport};
pub use usage::Usage;
