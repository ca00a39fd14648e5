//! What the gateway reads and writes in MCP's own bodies, one file per family of methods. Each
//! takes the raw `params` or `result` of an envelope, looks at the members it must know, and
//! changes those it must change in place.

pub mod attribution;
pub mod cancelled;
mod capabilities;
pub mod contents;
pub mod item;
pub mod lifecycle;
pub mod logging;
pub mod method;
pub mod progress;
pub mod request;
pub mod server_requests;
pub mod tools;
pub mod updated;
