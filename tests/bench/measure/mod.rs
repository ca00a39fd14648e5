//! What is measured, one file per kind of figure. Each starts gateways of its own, so that none sees what
//! another left behind.

pub(crate) mod crash;
pub(crate) mod growth;
pub(crate) mod memory;
pub(crate) mod page;
pub(crate) mod profiles;
pub(crate) mod remote;
pub(crate) mod speed;
pub(crate) mod start;
