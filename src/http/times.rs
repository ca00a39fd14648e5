//! The times of the port that are no settings. Tests shorten them.

use std::time::Duration;

/// How long what takes.
#[derive(Debug, Clone)]
pub struct Times {
    /// How long a POST of Streamable HTTP waits for its answer before the reply becomes an event
    /// stream: shorter than what proxies take for a dead server.
    pub stream_after: Duration,
    /// The same where a stream can be resumed before anything was said on it: what is lost with the
    /// gateway is then asked for again and answered, and nobody sees a connection break off.
    pub resumable_after: Duration,
    /// Time for open connections to end by themselves when the listener stops.
    pub drain: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            stream_after: Duration::from_secs(15),
            resumable_after: Duration::from_secs(1),
            drain: Duration::from_millis(500),
        }
    }
}
