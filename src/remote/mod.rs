//! One remote server: what a child process is to `process`, by HTTP. Each message that is written is a
//! POST; what it is answered with, and what the server says by itself on a stream of its own, comes back as lines.
//! It knows MCP as far as the transports do, and no actor.
//!
//! | file | what |
//! |---|---|
//! | `server` | the handle: written to, stopped, dropped |
//! | `course` | the task behind it: which message goes when |
//! | `link` | what all requests of a life share: the address, the session, the revision; how one is sent |
//! | `described` | what a message without a handshake says in its headers too |
//! | `post` | one message and its answer |
//! | `answers` | whether what came is the answer |
//! | `streams` | the stream of what the server says by itself, and the one of HTTP+SSE |
//! | `reading` | bodies and events, no faster than they are handled, and no larger than allowed |
//! | `refusal` | what a status means |
//! | `secrets` | what it was sent that is nobody else's |
//! | `output` | what the owner is told |
//! | `pools` | the connections, which all servers share |
//! | `via` | finds a gateway that is its own server, through others too |

mod answers;
mod course;
mod described;
mod link;
mod output;
mod pools;
mod post;
mod reading;
mod refusal;
mod secrets;
mod server;
mod streams;
#[cfg(test)]
mod tests;
pub mod via;

pub use output::{End, Output, Unanswered};
pub use secrets::Secrets;
pub use server::{Limits, Place, Remote, connect};
