//! Supervision for actors that must not stay dead: reusable, on plain ractor; it knows nothing of
//! MCP. An actor that supervises keeps a [`Supervisor`] in its state and is its [`SupervisorHooks`].
//!
//! | file | what |
//! |---|---|
//! | `decide`, `lives`, `wanted`, `added`, `asleep` | the decisions: [`Children`], a pure state machine, `event + now → effects` |
//! | `event` | what goes in and what comes out |
//! | `child`, `backoff` | one child's state; the numbers |
//! | `supervisor` | carries the effects out on ractor |
//! | `hooks` | what is asked of whoever uses it |
//! | `spawn` | how actors are started: plainly, or by a test that makes them fail |
//! | `faulty` | for tests: an actor that fails where its plan says |
//!
//! # What happens when a child ends
//!
//! | the child | ends by itself, in any way: clean exit, error, panic, kill, failed start | is asked to stop and is gone |
//! |---|---|---|
//! | **permanent** | restarted at once; those restarted with it are stopped and started after it; the sixth time within 30 s of any permanent children: give up, nothing is started any more | started again if its dependency fell, else it rests |
//! | **ladder**, first failures | waits 0.5 s, 1 s, 2 s … 60 s, ± 20 %, for ever; from the fifth in a row it is called crash-looping | started if its spec changed or its name came back, forgotten if its name went, else it rests |
//! | **ladder**, after 60 s ready | restarted at once, its ladder starts over | the same |
//! | **ladder**, its work was done, or it is to begin anew | the same | the same |
//! | **ladder**, it does not let the gateway in | waits for the ladder's last step, and counts as no failure; tried at once with each new wanted set | the same |
//! | **ladder**, it asked to wait | waits for that time, if the ladder's step is shorter | the same |
//! | **ladder**, nobody has a use for it | stopped in order: the column beside this | sleeps until it is woken, and is started then at once |
//! | **ladder**, its start ran into the deadline | as above, and if it was never ready the next start gets twice the time, up to 300 s | the same |
//! | any, after a shutdown began | rests | rests, or is forgotten |
//!
//! The kind of failure never decides whether there is a restart. Nor does it decide when, but for
//! those in the table: a clean exit that nobody asked for is else as wrong as a crash. The numbers are [`Settings`].
//!
//! # What ractor does, and how it is met
//!
//! - A failing `pre_start` raises no supervision event: the watch over the spawn's handle reports it.
//! - A kill comes as `ActorTerminated`: told apart by its reason.
//! - `ActorTerminated` carries the actor's state: it is dropped before anything else is done.
//! - `ActorFailed` is sent *before* the state is dropped: an instance counts as gone only when its
//!   task has ended, so that a successor never meets the process of its predecessor.
//! - A supervisor's end kills its children without `post_stop`: stopping them is a phase of the
//!   embedding actor ([`Supervisor::shut_down`] and what follows it), not of its `post_stop`.
//! - `spawn_linked` waits for `pre_start`: children are started with `spawn_linked_instant`.

mod added;
mod asleep;
mod backoff;
mod child;
mod decide;
mod event;
mod faulty;
mod hooks;
mod lives;
mod spawn;
mod supervisor;
mod wanted;
mod watched;

#[cfg(test)]
pub(crate) mod chaos;
#[cfg(test)]
mod tests;

pub use backoff::{Intensity, InvalidLadder, Ladder};
pub use child::{Failure, FailureKind, Name, Policy, Spec, Start, Status};
pub use decide::{Children, Settings};
pub use event::{ChildTimer, Effect, Event};
pub use faulty::{Fault, FaultPlan, Faulty, Moment};
pub use hooks::SupervisorHooks;
pub use spawn::{Plain, Spawn, Spawned, Started};
pub use supervisor::{Supervisor, Tick};
pub use wanted::{Begin, Diff, Want, Wanted};
pub use watched::Watched;
