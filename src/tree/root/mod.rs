//! `RootSupervisor`: owns everything, has a policy per child, and no business of its own.
//!
//! It starts the children in order, takes the wanted set from the config actor, keeps the last
//! route table for the registry's successor, and stops the tree in phases. Nobody supervises it:
//! its end is the end of the program.
//!
//! | file | what |
//! |---|---|
//! | `actor`, `message`, `handle` | the actor, what it is told, how others tell it |
//! | `hooks`, `child_id`, `repeats` | its half of the supervision: what it keeps of its children, and what the log says of them |
//! | `starts`, `spawner`, `port` | how each child is started |
//! | `boot`, `servers`, `instances`, `routes`, `beat`, `shutdown` | what happens, from the first start to the last stop |
//! | `reload/` | what a configuration changes |
//! | `status/`, `answers`, `status_handle` | what is told of the tree, and to whom |
//! | `steering` | what the operator asks for |

mod actor;
mod answers;
mod beat;
mod boot;
mod child_id;
mod handle;
mod hooks;
mod instances;
mod message;
mod port;
mod reload;
mod repeats;
mod routes;
mod servers;
mod shutdown;
mod spawner;
mod starts;
mod status;
mod status_handle;
mod steering;
#[cfg(test)]
mod tests;

pub(crate) use actor::{Root, RootArgs};
pub(crate) use child_id::ChildId;
pub(crate) use handle::RootHandle;
pub(crate) use message::RootMsg;
pub(crate) use port::Served;
pub use reload::Changes;
pub(in crate::tree) use reload::configured;
pub use shutdown::ShutdownDelay;
pub use status::{
    CallsStatus, ConfigurationStatus, ProcessesStatus, ProfileStatus, ServerDetail, ServerStatus,
    ServerTools, Standing, StatusEvent, TreeStatus,
};
pub use status_handle::StatusHandle;
pub use steering::{Reading, Restarted, Steering};
