//! mcproxy: stdio MCP servers as supervised children, merged behind one HTTP port.
//!
//! The map, from the outside in:
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the verbs of the command line |
//! | [`client`] | an MCP client: connects to a server by its URL |
//! | [`control`] | the control socket: where a gateway has it, and where commands look for it |
//! | [`config`] | `mcp-servers.json`: from what the user wrote to what the program trusts |
//! | [`http`] | the port: listener, routes, Host and Origin rules, Streamable HTTP and HTTP+SSE |
//! | [`tree`] | the supervision tree: root, config, registry, upstreams, sessions |
//! | [`supervise`] | reusable supervision on ractor; knows nothing of MCP |
//! | [`edit`] | changes JSON files that people write, and keeps what else is in them |
//! | [`import`] | from the files of other programs to a configuration |
//! | [`operate`] | the commands against a running gateway |
//! | [`program`] | from the command line to the exit code: everything below, put together |
//! | [`process`] | one child process: spawn, pipes, process group, stop |
//! | [`remote`] | one remote server: its transports, what can go wrong with them |
//! | [`protocol`] | MCP and JSON-RPC on the wire, pure |
//! | [`service`] | the service manager: what it is told, the sockets it passes |
//! | [`telemetry`] | logging, metrics, readiness |
//! | [`state_dir`] | the state directory: who reads and replaces the files in it |
//! | [`files`] | opens files that others can touch |
//! | `throttle` | how much of what others cause reaches the log |
//! | `sim` | the whole tree in simulated time, for tests |
//! | `testing` | parts of a real tree, for tests of those beside them |
//! | `fuzzing` | what must hold of whatever others write; for tests and the fuzzer only |
//! | [`turn`] | whose turn it is on a worker, for the watchdog |
//! | [`ids`] | names and numbers with checked constructors |

// A terminal may stop for good: only threads of its own write to it.
#![cfg_attr(not(any(test, fuzzing)), deny(clippy::print_stderr))]
#![cfg_attr(
    any(test, fuzzing),
    allow(clippy::disallowed_methods, reason = "tests may block")
)]

pub mod cli;
pub mod client;
pub mod config;
pub mod control;
pub mod edit;
pub mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod http;
pub mod ids;
pub mod import;
pub mod operate;
pub mod process;
pub mod program;
pub mod protocol;
pub mod remote;
pub mod service;
#[cfg(test)]
mod sim;
pub mod state_dir;
pub mod supervise;
pub mod telemetry;
#[cfg(test)]
mod testing;
mod throttle;
pub mod tree;
pub mod turn;
