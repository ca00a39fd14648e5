//! Reads a child's stdout line by line, no faster than the lines are handled.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Semaphore;

use crate::process::lines::{Lines, Piece};
use crate::process::output::{LinePermit, Outlet, Output};

/// What a line costs beside its bytes: the time it takes to handle. Without it an answer would wait
/// behind a flood of short lines for seconds, and they would take hundreds of times the memory that
/// was meant.
const OVERHEAD: usize = 16 * 1024;

/// Delivers every line until the stream ends, then [`Output::StdoutClosed`]. `buffered` is
/// [`Limits::buffered`](crate::process::Limits::buffered).
pub(in crate::process) async fn read(
    mut stdout: impl AsyncRead + Unpin,
    mut lines: Lines,
    buffered: usize,
    outlet: Outlet,
) {
    let buffered = u32::try_from(buffered).unwrap_or(u32::MAX).max(1);
    let budget = Arc::new(Semaphore::new(buffered as usize));
    loop {
        // A pipe that can't be read is one that has nothing more to say.
        let read = stdout.read_buf(lines.room()).await.unwrap_or(0);
        let is_end = read == 0;
        while let Some(piece) = lines.next() {
            deliver(piece, &budget, buffered, &outlet).await;
        }
        if is_end {
            break;
        }
    }
    if let Some(piece) = lines.finish() {
        deliver(piece, &budget, buffered, &outlet).await;
    }
    outlet.deliver(Output::StdoutClosed);
}

async fn deliver(piece: Piece, budget: &Arc<Semaphore>, buffered: u32, outlet: &Outlet) {
    let held = match &piece {
        Piece::Line(bytes) => bytes.len(),
        Piece::Unusable { head, tail, .. } => head.len() + tail.len(),
    };
    // A line larger than the budget takes all of it: it waits until every other is handled.
    let cost = u32::try_from(held + OVERHEAD).unwrap_or(u32::MAX);
    let cost = cost.min(buffered);
    let Ok(permit) = Arc::clone(budget).acquire_many_owned(cost).await else {
        return; // only a closed semaphore fails, and nobody closes this one
    };
    let permit = LinePermit::new(permit);
    outlet.deliver(match piece {
        Piece::Line(bytes) => Output::Line { bytes, permit },
        Piece::Unusable {
            head,
            tail,
            length,
            why,
        } => Output::Unusable {
            head,
            tail,
            length,
            why,
            permit,
        },
    });
}
