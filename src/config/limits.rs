//! Every limit of the gateway, in one table: from it come the settings of the `gateway` object,
//! the flags and variables of the command line and what the rest of the program reads. The JSON
//! schema and the documents are held against it by tests.

use std::collections::BTreeMap;
use std::time::Duration;

use super::amount::{Amount, Unit, mib, s};

/// One row of the table. Amounts are counts, bytes or milliseconds.
#[derive(Debug)]
pub struct Row {
    /// What the file calls it.
    pub name: &'static str,
    /// How it is written.
    pub unit: Unit,
    /// What it is if nobody says anything.
    pub default: u64,
    /// The least that can be meant.
    pub least: u64,
    /// The most.
    pub most: u64,
    /// What it limits.
    pub what: &'static str,
    /// What happens when it is reached.
    pub over: &'static str,
}

/// What the instructions of all servers may have together: clients cut what is longer, so that no more
/// arrives from the later ones than from the first. No limit that protects the gateway, hence not in the table.
pub(super) const INSTRUCTIONS_BUDGET: Row = Row {
    name: "instructions_budget",
    unit: Unit::Bytes,
    default: 2 * KIB,
    least: 0,
    most: 64 * MIB,
    what: "The instructions of all servers together",
    over: "each gets a fair share",
};
/// Where Claude Code cuts them.
pub const INSTRUCTIONS_READ: usize = 2048;

type Count = usize;
type Bytes = usize;
type Seconds = Duration;

macro_rules! limits {
    ($(#[doc = $what:literal] $name:ident: $unit:ident = $default:expr, $least:expr => $most:expr, $over:literal;)*) => {
        /// All limits.
        pub const TABLE: &[Row] = &[$(Row {
            name: stringify!($name),
            unit: Unit::$unit,
            default: $default,
            least: $least,
            most: $most,
            what: $what.trim_ascii_start(),
            over: $over,
        }),*];

        /// The limits that hold.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits {
            $(#[doc = $what] pub $name: $unit,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: Amount::of($default)),* }
            }
        }

        impl Limits {
            pub(super) fn amount(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($name) => Some(self.$name.amount()),)*
                    _ => None,
                }
            }

            fn set(&mut self, name: &str, amount: u64) {
                match name {
                    $(stringify!($name) => self.$name = Amount::of(amount),)*
                    _ => {}
                }
            }
        }
    };
}

const KIB: u64 = 1 << 10;
const MIB: u64 = mib(1);
const GIB: u64 = mib(1024);

limits! {
    /// Connections that are open at once
    max_connections: Count = 1024, 1 => 1_000_000, "one that is idle makes room; where none is, further ones wait in the kernel's queue; a sixteenth is for clients with fewer than their part";
    /// Sessions, of both transports together
    max_sessions: Count = 1000, 1 => 1_000_000, "one that is idle makes room: of who has most, the one that is so for longest; where none is, 503";
    /// How long a session of `/mcp` may have nothing to do
    session_idle_timeout: Seconds = s(86_400), s(1) => s(31_536_000), "it ends; its client can go on with its id";
    /// Time for the headers of a request to arrive, and for its first byte on a new connection
    header_timeout: Seconds = s(10), 10 => s(3600), "the connection is closed";
    /// Time without progress in the body of a request
    body_timeout: Seconds = s(30), 10 => s(3600), "408, closed";
    /// Headers of a request
    max_header_bytes: Bytes = 64 * KIB, KIB => MIB, "431, closed";
    /// Body of a request
    max_body_bytes: Bytes = 16 * MIB, KIB => GIB, "413";
    /// Bodies, together, that are read and not yet with their servers
    max_bodies_in_flight_bytes: Bytes = 256 * MIB, KIB => 64 * GIB, "503 with `Retry-After`; the last eighth is for bodies of up to 64 KiB, a sixteenth for clients with less than their part";
    /// Messages of a batch
    max_batch_length: Count = 100, 1 => 10_000, "error −32600";
    /// How deep a message of a client may be nested
    max_nesting_depth: Count = 100, 8 => 10_000, "error −32600";
    /// Calls in flight at a server
    max_calls_per_server: Count = 128, 1 => 100_000, "\"busy\"; the last sixteenth is for clients with fewer than their part, the one before it for sessions too";
    /// Calls without an answer of a session
    max_calls_per_session: Count = 64, 1 => 100_000, "\"busy\"";
    /// What waits for a client to read it, of a session
    max_outgoing_bytes: Bytes = 8 * MIB, 64 * KIB => GIB, "notifications are left out and requests refused; then `slow_client_timeout`";
    /// What waits for all clients to read it, together
    max_outgoing_total_bytes: Bytes = GIB, 64 * KIB => 64 * GIB, "the same for each session with more than 64KiB waiting";
    /// How long a client with so much waiting may read nothing
    slow_client_timeout: Seconds = s(5), 100 => s(3600), "its session is ended";
    /// How long an event stream may be silent
    keepalive_interval: Seconds = s(30), 100 => s(3600), "a comment is sent on it";
    /// How long a client's machine may acknowledge nothing
    peer_timeout: Seconds = s(60), s(1) => s(3600), "the connection is closed";
    /// Resources that a session subscribed to
    max_subscriptions_per_session: Count = 1000, 1 => 100_000, "\"busy\"";
    /// Questions of servers before one client
    max_questions_per_session: Count = 64, 1 => 10_000, "\"busy\", to the server";
    /// A line of a server
    max_line_bytes: Bytes = 64 * MIB, KIB => GIB, "discarded; its call gets an error";
    /// A line of a server's stderr
    max_stderr_line_bytes: Bytes = 8 * KIB, 80 => MIB, "cut";
    /// Lines of a server's stderr that reach the log, after five seconds' worth at once
    stderr_lines_per_second: Count = 20, 1 => 10_000, "left out, counted and summed up in a line";
    /// How long a server may read nothing of what it is sent
    stdin_timeout: Seconds = s(10), 100 => s(3600), "it hangs, and is restarted";
    /// Tools, prompts, resources and templates of a server, together
    max_catalogue_items: Count = 10_000, 1 => 1_000_000, "the first are kept, and a warning says so";
    /// Tools, prompts, resources and templates of a server, together, in bytes
    max_catalogue_bytes: Bytes = 16 * MIB, KIB => GIB, "the first are kept, and a warning says so";
    /// The instructions of a server
    max_instructions_bytes: Bytes = 64 * KIB, 0 => 64 * MIB, "cut, and a warning says so";
    /// Servers that are run
    max_servers: Count = 256, 1 => 10_000, "further entries are refused";
    /// How long a server that ended waits for its restart; doubles with each failure
    restart_delay: Seconds = 500, 10 => s(3600), "";
    /// How long a server waits for its restart at most
    max_restart_delay: Seconds = s(60), 10 => s(86_400), "";
    /// After how long without a failure the delay of a server's restart starts over
    stable_after: Seconds = s(60), 100 => s(86_400), "";
    /// Time for the calls of a server that was changed or removed
    drain_timeout: Seconds = s(5), 0 => s(3600), "they get an error, and it is stopped";
    /// Subscriptions of all clients, together
    max_subscriptions_bytes: Bytes = 256 * MIB, 64 * KIB => 64 * GIB, "\"busy\"; as for `max_calls_per_server`";
    /// Sessions' own instances of isolated servers, together
    max_instances: Count = 256, 1 => 10_000, "one that is not used makes room: of who has most, the one that is so for longest; where none is, \"busy\"";
    /// How long a connection on which all was answered may wait for its next request
    connection_idle_timeout: Seconds = s(180), 10 => s(86_400), "it is closed; before that, if connections run short";
    /// How long after its start the gateway answers no list while servers are in their first start
    first_list_timeout: Seconds = s(8), 0 => s(3600), "lists are without those that are late; a warning names them, and clients are told when they come";
    /// How long `/readyz` waits for servers in their first start
    readiness_timeout: Seconds = s(60), 0 => s(3600), "200 all the same, and a warning names them";
    /// How long the gateway, told to stop, serves on and is unready, so that a balancer sends nobody any more
    shutdown_delay: Seconds = 0, 0 => s(300), "then it stops; the next gateway on the same socket does not wait for it";
}

/// What somebody says about limits: the file, or the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given(BTreeMap<&'static str, Wish>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Be(u64),
    /// What was written can't be used.
    StayAsItWas,
}

impl Given {
    /// Says that the limit of `row` is to be `amount`, which is within its bounds.
    pub fn set(&mut self, row: &Row, amount: u64) {
        self.0.insert(row.name, Wish::Be(amount));
    }

    /// Says something about the limit of `row` that can't be used.
    pub(super) fn keep(&mut self, row: &Row) {
        self.0.insert(row.name, Wish::StayAsItWas);
    }
}

impl Limits {
    /// These limits with what is `given` in their place. Where that can't be used it is as it was
    /// in `former`.
    #[must_use]
    pub fn with(&self, given: &Given, former: &Self) -> Self {
        let mut limits = self.clone();
        for (name, wish) in &given.0 {
            let amount = match wish {
                Wish::Be(amount) => Some(*amount),
                Wish::StayAsItWas => former.amount(name),
            };
            if let Some(amount) = amount {
                limits.set(name, amount);
            }
        }
        limits
    }

    /// What is another in `new`, for the log: `max_sessions 1000 -> 500`.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Vec<String> {
        let change = |row: &Row| {
            let (from, to) = (self.amount(row.name)?, new.amount(row.name)?);
            let (from_text, to_text) = (row.unit.show(from), row.unit.show(to));
            (from != to).then(|| format!("{} {from_text} -> {to_text}", row.name))
        };
        TABLE.iter().filter_map(change).collect()
    }
}
