//! `mcproxy demo-server`: a real stdio MCP server in the binary, so that the gateway can be tried
//! with nothing else installed. It shares no code with the gateway and speaks to it only over its
//! pipes. stdout carries MCP and nothing else; stderr one line at the start.

mod rpc;
mod server;
#[cfg(test)]
mod tests;
mod tools;

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Messages that may wait in either direction; a client that does not read is not read from.
const QUEUED: usize = 64;
/// How long the last answers may take to be written when stdin has ended.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves stdin and stdout until stdin ends, which also ends calls in flight.
pub fn run() -> ExitCode {
    match serve_stdio() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("cannot run: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Two threads for the blocking pipes, and a single-threaded runtime between them.
fn serve_stdio() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let (line_sender, lines) = channel(QUEUED);
    let (answer_sender, answers) = channel(QUEUED);
    let (written_sender, written) = std::sync::mpsc::channel::<()>();
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || read_lines(io::stdin().lock(), &line_sender))?;
    thread::Builder::new()
        .name("stdout".to_owned())
        .spawn(move || {
            // A client that went away ends the server through the closed channel.
            write_lines(io::stdout().lock(), answers).ok();
            drop(written_sender);
        })?;
    say(concat!(env!("CARGO_PKG_VERSION"), " serves MCP on stdio"));
    runtime.block_on(server::serve(lines, answer_sender));
    match written.recv_timeout(FAREWELL) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
        Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// One line per message, until the input ends or the server has. There is no limit on a line:
/// whoever writes here has started this process.
fn read_lines(input: impl BufRead, lines: &Sender<Vec<u8>>) {
    for line in input.split(b'\n') {
        let Ok(line) = line else { return };
        if lines.blocking_send(line).is_err() {
            return;
        }
    }
}

fn write_lines(mut output: impl Write, mut answers: Receiver<Vec<u8>>) -> io::Result<()> {
    while let Some(answer) = answers.blocking_recv() {
        output.write_all(&answer)?;
        output.write_all(b"\n")?;
        if answers.is_empty() {
            output.flush()?;
        }
    }
    output.flush()
}

/// stderr may be closed: then nobody wanted to know.
fn say(text: &str) {
    writeln!(io::stderr(), "mcproxy demo-server: {text}").ok();
}
