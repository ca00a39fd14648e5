//! `--log`: lines on stdout, for containers and for `journalctl` through a unit's stdout.

use std::io::Write;

use super::queue::Output;

/// Writes each line at once. A reader that went away (EPIPE, a closed stdout) is not an error of
/// the gateway's: it works on without a log.
pub(super) struct Stdout<W>(pub(super) W);

impl<W: Write + Send + 'static> Output for Stdout<W> {
    fn write(&mut self, line: &[u8]) {
        if self.0.write_all(line).is_ok() {
            self.0.flush().ok();
        }
    }
}
