//! `RootSupervisor`: owns everything, has a policy per child, and no business of its own.
//!
//! It starts the children in order, takes the wanted set from the config actor, keeps the last
//! route table for the registry's successor, and stops the tree in phases. Nobody supervises it:
//! its end is the end of the program.

mod actor;
mod beat;
mod book;
mod boot;
mod definitions;
mod detail;
mod events;
mod figures;
mod gaps;
mod handle;
mod hooks;
mod instances;
mod limits;
mod message;
mod port;
mod profiles;
mod reload;
mod repeats;
mod servers;
mod serving;
mod shutdown;
mod spawner;
mod standing;
mod starts;
mod status;
mod steering;
#[cfg(test)]
mod tests;

pub(crate) use actor::{Root, RootArgs};
pub use detail::{ServerDetail, ServerTools};
pub use events::StatusEvent;
pub use figures::{CallsStatus, ProcessesStatus};
pub(crate) use handle::RootHandle;
pub(crate) use message::{ChildId, RootMsg};
pub(crate) use port::Served;
pub use profiles::ProfileStatus;
pub use reload::Changes;
pub(in crate::tree) use reload::configured;
pub use shutdown::ShutdownDelay;
pub use standing::Standing;
pub use status::{ConfigurationStatus, ServerStatus, StatusHandle, TreeStatus};
pub use steering::{Reading, Restarted, Steering};
