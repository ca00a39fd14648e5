//! The three pipes of a child, a task each. They have no state worth supervising: each ends with
//! its pipe, or when the [`Process`](super::Process) that holds it is dropped.

mod printable;
mod stderr;
mod stdin;
mod stdout;

pub use printable::printable;
pub(super) use stderr::drain;
pub(super) use stdin::write;
pub(super) use stdout::read;
