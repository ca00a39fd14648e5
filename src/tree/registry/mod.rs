//! `RegistryActor`: what the servers offer, merged under `{server}__{tool}` into one immutable
//! route table that it pushes to root and to every session. It never relays a call.
//!
//! It owns the catalogues, fresh and kept, and the boot latch. Its death loses nothing: root
//! restarts it with the last table, and the upstreams tell it their catalogues again.

mod actor;
mod behind;
mod called;
mod catalogue;
mod cost;
mod decided;
mod gates;
mod handle;
mod held;
mod hold;
mod idle;
mod instructions;
mod job;
mod kept_catalogue;
mod last_seen;
mod merged;
mod message;
mod names;
mod page_names;
mod pages;
mod part;
mod prefixes;
mod qualifiers;
mod remark;
mod reports;
mod resources;
mod routes;
mod source;
mod state;
mod store;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
mod told;
mod unfit;

pub(crate) use actor::{Registry, RegistryArgs, naming};
pub(crate) use catalogue::{Abilities, Catalogue, Gap, Lessons};
pub use cost::Cost;
pub(crate) use handle::{RegistryHandle, Subscriber};
pub use held::Held;
pub use last_seen::LastSeen;
pub(in crate::tree) use last_seen::last_seen;
pub(crate) use merged::{Merged, Route};
pub use message::Approval;
pub(crate) use message::{ConfiguredServer, ServerState};
pub(crate) use pages::{Changes, Page};
pub(crate) use routes::{RouteState, Routes};
pub(crate) use source::Source;
pub(crate) use store::Store;
#[cfg(test)]
pub(in crate::tree) use table::Table;
