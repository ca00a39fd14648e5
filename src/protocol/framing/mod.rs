//! How messages travel: [`sse`] towards clients, [`events`] from servers, and [`recover`] for a line of a server that came in
//! a shape that cannot be used. Reading lines is the process's business.

pub mod events;
pub mod recover;
pub mod sse;
