//! `mcproxy demo-server`: a real stdio MCP server in the binary, so that the gateway can be tried
//! with nothing else installed. It speaks to the gateway only over its pipes. stdout carries MCP and nothing else; stderr one line at the start.

#![expect(
    clippy::disallowed_methods,
    reason = "a program of its own, with threads and no workers"
)]

mod rpc;
mod server;
#[cfg(test)]
mod tests;
mod tools;

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Messages that may wait in either direction; a client that does not read is not read from.
const QUEUED: usize = 64;
/// How long the last answers may take to be written when stdin has ended.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves stdin and stdout until stdin ends, which also ends calls in flight.
#[must_use]
pub fn run() -> ExitCode {
    say(concat!(env!("CARGO_PKG_VERSION"), " serves MCP on stdio"));
    match serve_pipes(BufReader::new(io::stdin()), io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("stopped: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Two threads for the blocking pipes, and a single-threaded runtime between them. Returns when
/// the input has ended or the output was closed; a reader that is still in a read is left there.
fn serve_pipes(
    input: impl BufRead + Send + 'static,
    output: impl Write + Send + 'static,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let (line_sender, lines) = channel(QUEUED);
    let (answer_sender, answers) = channel(QUEUED);
    let (written_sender, written) = std::sync::mpsc::channel();
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || read_lines(input, &line_sender))?;
    thread::Builder::new()
        .name("stdout".to_owned())
        .spawn(move || {
            // A failed write closes the channel, which ends the server: its client went away.
            let failed = write_lines(output, answers).err();
            written_sender.send(failed).ok();
        })?;
    runtime.block_on(server::serve(lines, answer_sender));
    match written.recv_timeout(FAREWELL) {
        Ok(None) => Ok(()),
        Ok(Some(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Ok(Some(error)) => Err(error),
        Err(_) => Err(io::Error::other("the last answers were not read")),
    }
}

/// One line per message, until the input ends or the server has. There is no limit on a line:
/// whoever writes here has started this process.
fn read_lines(input: impl BufRead, lines: &Sender<Bytes>) {
    for line in input.split(b'\n') {
        let Ok(line) = line else { return };
        if lines.blocking_send(line.into()).is_err() {
            return;
        }
    }
}

fn write_lines(mut output: impl Write, mut answers: Receiver<Bytes>) -> io::Result<()> {
    while let Some(answer) = answers.blocking_recv() {
        output.write_all(&answer)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}

/// stderr may be closed: then nobody wanted to know.
#[expect(
    clippy::disallowed_methods,
    reason = "a program of its own, without a runtime"
)]
fn say(text: &str) {
    writeln!(io::stderr(), "mcproxy demo-server: {text}").ok();
}
