//! Every limit of the port in one place, with the values of the plan. Tests shorten them.

use std::time::Duration;

/// What one client, or all of them together, may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one request's body.
    pub body: usize,
    /// Bytes of all bodies that were read and not yet handed on to a child.
    pub bodies_in_flight: usize,
    /// How deep arrays and objects of a message may be nested: deeper ones are harmless here, but
    /// fatal to servers that parse by recursion.
    pub depth: usize,
    /// Connections open at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// Time for a request's headers to arrive whole; also how long a connection may idle
    /// between two requests.
    pub header_time: Duration,
    /// Bytes of a request's headers.
    pub header_bytes: usize,
    /// Time in which a body must make progress, at least a KiB of it.
    pub body_time: Duration,
    /// Pause between the comments that keep a silent event stream alive.
    pub keepalive: Duration,
    /// How long a POST of Streamable HTTP waits for its answer before the reply becomes an event
    /// stream: shorter than what proxies take for a dead server.
    pub stream_after: Duration,
    /// Time for open connections to end by themselves when the listener stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 16 << 20,
            bodies_in_flight: 256 << 20,
            depth: 512,
            connections: 1024,
            header_time: Duration::from_secs(10),
            header_bytes: 64 << 10,
            body_time: Duration::from_secs(30),
            keepalive: Duration::from_secs(30),
            stream_after: Duration::from_secs(15),
            drain: Duration::from_millis(500),
        }
    }
}
