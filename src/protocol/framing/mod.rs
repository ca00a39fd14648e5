//! How messages travel: [`sse`] towards clients, and [`recover`] for a line of a server that came in
//! a shape that cannot be used. Reading lines is the process's business.

pub mod recover;
pub mod sse;
