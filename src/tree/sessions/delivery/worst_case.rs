//! What all clients together can have the gateway hold, computed from the limits: the documents'
//! figures, held against it.

use super::{load, replay};
use crate::config::model::Limits;

/// Of an id and a progress token, and of a name or URI, each as long as it may be (`protocol`).
const CALL: usize = 2 * 1024 + 8 * 1024;
/// Of a connection: hyper's buffers, the socket, the task.
const CONNECTION: usize = 140 * 1024;
/// Beside its own bytes a catalogue is in what it came from and in the merged one.
const COPIES: usize = 3;

fn parts(limits: &Limits) -> [(usize, &'static str); 6] {
    let sessions = limits.max_sessions;
    let outgoing = limits.max_outgoing_total_bytes + sessions * load::FAIR;
    [
        (outgoing, "that waits to be read"),
        (sessions * replay::BYTES, "for streams to be resumed"),
        (
            sessions * limits.max_calls_per_session * CALL,
            "of names and ids of calls",
        ),
        (limits.max_bodies_in_flight_bytes, "of bodies"),
        (limits.max_subscriptions_bytes, "of subscriptions"),
        (limits.max_connections * CONNECTION, "of connections"),
    ]
}

/// An amount as a reader takes it in: `1.1 GiB`, `140 MiB`.
fn about(bytes: usize) -> String {
    let mebibytes = bytes >> 20;
    let tenths = (mebibytes * 10 + 512) / 1024;
    match (tenths / 10, tenths % 10) {
        _ if mebibytes < 512 => format!("{mebibytes} MiB"),
        (whole, 0) => format!("{whole} GiB"),
        (whole, tenths) => format!("{whole}.{tenths} GiB"),
    }
}

#[test]
fn the_readme_says_what_the_limits_come_to() {
    let limits = Limits::default();
    let parts = parts(&limits);
    let all = about(parts.iter().map(|(bytes, _)| bytes).sum());
    let parts = parts.map(|(bytes, what)| format!("{} {what}", about(bytes)));
    let parts = parts.join(", ");
    let line = limits.max_line_bytes;
    let server = about(2 * line + COPIES * limits.max_catalogue_bytes);
    let line = about(line);
    let said = format!(
        "In the worst case, with these defaults, all clients together can have the gateway hold about {all} ({parts}), beside \
         answers that are on their way, and each server or instance about {server} (two lines of {line} and three copies of its \
         catalogue)."
    );
    let page = include_str!("../../../../docs/limits.md").replace('\n', " ");
    assert!(page.contains(&said), "docs/limits.md lacks: {said}");
}
