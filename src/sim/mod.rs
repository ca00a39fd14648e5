//! A deterministic simulation of the whole tree: the real actors with their real state machines, on
//! one thread, in simulated time, in an order that a seed decides. In the place of processes there
//! are servers in memory that misbehave as real ones do, in the place of HTTP clients that call the
//! sessions' handles, in the place of the file a director that rewrites the configuration and
//! strikes actors down. Nothing else is replaced, and the program carries no hook for it but the one
//! through which servers are started.
//!
//! | file | what |
//! |---|---|
//! | `world` | the dice, the trace, the complaints |
//! | `actors` | delays and faults of actors |
//! | `child`, `server` | servers in memory |
//! | `clients`, `requests`, `calls` | clients with sessions and without, and what they may hear |
//! | `ladder` | when servers may start, what must not be kept of them |
//! | `director` | one run from its start to its end |
//! | `seeds` | the tests |

mod actors;
mod calls;
mod child;
mod clients;
mod director;
mod ladder;
mod requests;
mod seeds;
mod server;
mod world;

/// How many calls a server may have in flight.
const PERMITS: usize = 128;

/// The servers there may be, in the order of the configuration.
const SERVERS: [&str; 6] = ["g0", "gd", "f0", "fd", "i0", "id"];

/// A good server does nothing wrong, is configured all the time, and all calls of it succeed.
fn is_good(server: &str) -> bool {
    server.starts_with('g')
}

/// It sleeps when nobody has used it for a moment.
fn is_on_demand(server: &str) -> bool {
    server.ends_with('d')
}

/// Each session has its own process of it.
fn is_isolated(server: &str) -> bool {
    server.starts_with('i')
}
