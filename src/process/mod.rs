//! One child process: how it is started, what it says, how it is told something, how it ends.
//!
//! Knows the operating system and nothing of MCP or of actors: what happens is delivered as
//! [`Output`] to a closure, which an actor turns into messages to itself.
//!
//! | file | what it is |
//! |---|---|
//! | `command.rs`, `environment.rs` | what to run, and what the child may see of our environment |
//! | `spawn.rs`, `error.rs` | starting it; the handle; why it could not be started |
//! | `pipes/` | stdin, stdout and stderr, a task each |
//! | `lines.rs` | bytes to lines, pure |
//! | `group.rs` | its process group, and all groups alive |
//! | `exit.rs`, `stop.rs` | how it ends by itself, and how it is ended |

mod command;
mod environment;
mod error;
mod exit;
mod group;
mod lines;
mod output;
mod pipes;
mod spawn;
mod stop;
#[cfg(test)]
mod tests;

pub use command::Command;
pub use environment::environment;
pub use error::SpawnError;
pub use exit::describe;
pub use group::Groups;
pub use nix::sys::signal::Signal;
pub use output::{LinePermit, Output, StdinFailure, UnusableLine};
pub use spawn::{Limits, Process, spawn};
pub use stop::{Grace, StopReport};
