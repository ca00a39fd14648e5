//! Writes to a child's stdin: lines that wait are written together, and a child that does not
//! read is noticed.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::process::output::{Outlet, Output, StdinFailure};

/// How many lines are taken from the queue at once.
const BATCH: usize = 64;
/// How many pieces (a line and its newline are two) go into one system call.
const PIECES: usize = 2 * BATCH;

/// Writes what is queued, each with a newline, until the queue is closed and empty; then closes
/// the pipe. If the pipe breaks, or takes no byte for `stall` while there is something to write,
/// says so and ends, and the queue refuses from then on.
pub(in crate::process) async fn write(
    mut stdin: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Bytes>,
    stall: Duration,
    outlet: Outlet,
) {
    let mut batch = Vec::new();
    let mut unwritten = Unwritten::default();
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        batch.drain(..).for_each(|line| unwritten.push(line));
        while !unwritten.0.is_empty() {
            if let Err(failure) = unwritten.write_some(&mut stdin, stall).await {
                // Refuse first: who hears of the failure must not be able to hand over more.
                drop(queue);
                outlet.deliver(Output::StdinFailed(failure));
                return;
            }
        }
    }
}

#[derive(Default)]
struct Unwritten(VecDeque<Bytes>);

impl Unwritten {
    fn push(&mut self, line: Bytes) {
        if !line.is_empty() {
            self.0.push_back(line);
            self.0.push_back(Bytes::from_static(b"\n"));
        }
    }

    async fn write_some(
        &mut self,
        stdin: &mut (impl AsyncWrite + Unpin),
        stall: Duration,
    ) -> Result<(), StdinFailure> {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let pieces = slices.iter_mut().zip(&self.0);
        let count = pieces
            .map(|(slice, piece)| *slice = IoSlice::new(piece))
            .count();
        let slices = slices.get(..count).unwrap_or_default();
        match timeout(stall, stdin.write_vectored(slices)).await {
            Err(_) => Err(StdinFailure::Stalled),
            Ok(Err(error)) => Err(StdinFailure::Broken(error)),
            Ok(Ok(0)) => Err(StdinFailure::Broken(ErrorKind::WriteZero.into())),
            Ok(Ok(written)) => {
                self.advance(written);
                Ok(())
            }
        }
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.0.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.0.pop_front();
        }
    }
}
