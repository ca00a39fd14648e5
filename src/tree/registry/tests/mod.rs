//! Tests of the registry: the merge as plain state, and the actor through its handle.

mod actor;
mod apps;
mod asleep;
mod boot;
mod claims;
mod hold;
mod idle;
mod merge;
mod names;
mod offers;
mod profile_resources;
mod profiles;
mod store;
mod views;
