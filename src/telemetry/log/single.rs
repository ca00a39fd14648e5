//! One line without the log thread and its queue, for a process that has nothing else to say. It is not
//! written where that would wait: what takes nothing now holds nobody up.

use std::fmt;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process;

use ::log::Level;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Sink;
use super::format::{Format, without_priority};
use super::syslog::send_once;
use super::zone;

/// Writes one line to where the log goes, or to stderr while there is no syslog.
#[expect(
    clippy::disallowed_methods,
    reason = "only while they take what is written"
)]
pub fn say(sink: &Sink, level: Level, text: fmt::Arguments<'_>) {
    zone::read();
    match sink {
        Sink::Stdout => write_if_ready(io::stdout(), &Format::Stdout.line(level, text)),
        Sink::Syslog(path) => {
            let pid = process::id();
            let line = Format::Syslog { pid }.line(level, text);
            if send_once(path, &line).is_err() {
                write_if_ready(io::stderr(), without_priority(&line));
            }
        }
    }
}

fn write_if_ready(mut output: impl Write + AsFd, line: &[u8]) {
    let mut wanted = [PollFd::new(output.as_fd(), PollFlags::POLLOUT)];
    let is_ready = poll(&mut wanted, PollTimeout::ZERO).is_ok()
        && wanted.iter().any(|it| it.any() == Some(true));
    if is_ready && output.write_all(line).is_ok() {
        output.flush().ok();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, pipe};

    use super::*;

    #[test]
    fn what_takes_nothing_holds_nobody_up() {
        let (mut reader, mut writer) = pipe().unwrap();
        write_if_ready(&writer, b"one line\n");
        let mut read = [0; 9];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"one line\n");
        writer.write_all(&vec![0; 1 << 16]).unwrap();
        write_if_ready(&writer, b"lost\n");
        drop(reader);
        write_if_ready(&writer, b"to nobody\n");
    }
}
