//! Reads a child's stdout line by line, no faster than the lines are handled.

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::process::lines::{Lines, Piece};
use crate::process::output::{Budget, Outlet, Output};

/// Delivers every line until the stream ends, then [`Output::StdoutClosed`]. `buffered` is
/// [`Limits::buffered`](crate::process::Limits::buffered).
pub(in crate::process) async fn read(
    mut stdout: impl AsyncRead + Unpin,
    mut lines: Lines,
    buffered: usize,
    outlet: Outlet,
) {
    let budget = Budget::new(buffered);
    loop {
        // A pipe that can't be read is one that has nothing more to say.
        let read = stdout.read_buf(lines.room()).await.unwrap_or(0);
        let is_end = read == 0;
        while let Some(piece) = lines.next() {
            deliver(piece, &budget, &outlet).await;
        }
        if is_end {
            break;
        }
    }
    if let Some(piece) = lines.finish() {
        deliver(piece, &budget, &outlet).await;
    }
    outlet.deliver(Output::StdoutClosed);
}

async fn deliver(piece: Piece, budget: &Budget, outlet: &Outlet) {
    let held = match &piece {
        Piece::Line(bytes) => bytes.len(),
        Piece::Unusable { head, tail, .. } => head.len() + tail.len(),
    };
    let Some(permit) = budget.take(held).await else {
        return;
    };
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
