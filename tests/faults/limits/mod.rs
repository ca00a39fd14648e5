//! Every limit that somebody outside can run into is reached by force: the answer is the documented one, the
//! gateway's memory stays below a figure that follows from the limit, and the bystanders notice nothing. Where a row
//! of the matrix does that already, the table names the row. The settings themselves are the gateway's own table.

mod catalogues;
mod connections;
mod sessions;
mod table;
mod totals;
mod traffic;
mod words;

use mcproxy::config::limits::{Row, TABLE};

use super::rows::Named;
use super::stage::Stage;
use crate::support::proc;
pub(crate) use table::{check, tests, written};

const MIB: i64 = 1 << 20;
/// The code of "busy".
const BUSY: i64 = -32003;

/// Where a limit is reached.
#[derive(Clone, Copy)]
enum Reached {
    /// By its own test, set to this.
    Here(&'static str),
    /// By these rows of the matrix.
    Rows(&'static [u16]),
}

/// Where each is reached, in the order of the gateway's table.
#[rustfmt::skip]
const REACHED: &[(&str, Reached)] = &[
    ("max_connections", Reached::Here("40")),
    ("max_sessions", Reached::Here("50")),
    ("session_idle_timeout", Reached::Here("1")),
    ("header_timeout", Reached::Rows(&[32, 33])),
    ("body_timeout", Reached::Rows(&[34])),
    ("max_header_bytes", Reached::Here("16KiB")),
    ("max_body_bytes", Reached::Rows(&[29, 30])),
    ("max_bodies_in_flight_bytes", Reached::Here("12MiB")),
    ("max_batch_length", Reached::Rows(&[31])),
    ("max_nesting_depth", Reached::Rows(&[29])),
    ("max_calls_per_server", Reached::Here("8")),
    ("max_calls_per_session", Reached::Here("16")),
    ("max_outgoing_bytes", Reached::Rows(&[35])),
    ("max_outgoing_total_bytes", Reached::Here("4MiB")),
    ("slow_client_timeout", Reached::Rows(&[35])),
    ("keepalive_interval", Reached::Rows(&[40])),
    ("peer_timeout", Reached::Rows(&[36])),
    ("max_subscriptions_per_session", Reached::Here("10")),
    ("max_questions_per_session", Reached::Here("4")),
    ("max_line_bytes", Reached::Rows(&[10, 11])),
    ("max_stderr_line_bytes", Reached::Rows(&[25])),
    ("stderr_lines_per_second", Reached::Rows(&[24])),
    ("stdin_timeout", Reached::Rows(&[19])),
    ("max_catalogue_items", Reached::Here("2000, for real 10000")),
    ("max_catalogue_bytes", Reached::Here("256KiB")),
    ("max_instructions_bytes", Reached::Here("4KiB")),
    ("max_servers", Reached::Here("20")),
    ("restart_delay", Reached::Rows(&[1, 4])),
    ("max_restart_delay", Reached::Rows(&[4])),
    ("stable_after", Reached::Rows(&[4])),
    ("drain_timeout", Reached::Rows(&[49])),
    ("max_subscriptions_bytes", Reached::Here("64KiB")),
    ("max_instances", Reached::Here("3")),
    ("connection_idle_timeout", Reached::Rows(&[220])),
    ("first_list_timeout", Reached::Rows(&[250])),
    ("readiness_timeout", Reached::Rows(&[250])),
    ("shutdown_delay", Reached::Rows(&[249])),
];

/// The limit of this name, and its number in the gateway's table.
fn limit(name: &str) -> (usize, &'static Row) {
    let found = TABLE.iter().enumerate().find(|(_, row)| row.name == name);
    let (index, row) = found.expect("a limit of the gateway");
    (index + 1, row)
}

/// A limit by its name.
impl Named for &str {
    fn test(&self) -> String {
        let (number, row) = limit(self);
        format!("l{number:02}_{}", row.name)
    }
}

/// The gateway's memory from a moment on.
struct Memory {
    pid: u32,
    before: u64,
}

impl Memory {
    fn watch(stage: &Stage) -> Self {
        let pid = stage.gateway.pid();
        proc::forget_peak(pid);
        let before = proc::rss(pid).expect("it runs");
        Self { pid, before }
    }

    /// Demands that there never were more than so many bytes more.
    fn at_most(&self, stage: &mut Stage, bytes: i64) {
        let peak = proc::peak_rss(self.pid).expect("it runs");
        let more =
            i64::try_from(peak).expect("it fits") - i64::try_from(self.before).expect("it fits");
        stage.memory("more at the peak", more, bytes);
    }
}
