//! Bytes to lines, pure: the reader of stdout reads into [`Lines::room`] and takes out
//! [`Lines::next`]. Lines are slices of what was read, each byte is looked at once, and however
//! the bytes were split into reads the lines are the same.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use super::output::UnusableLine;

/// How much is asked for in one read. Small, because a line that is kept keeps its block; a line
/// that does not fit doubles it, so long lines are read in few steps.
const BLOCK: usize = 16 * 1024;
/// Room that is not worth a read.
const LITTLE: usize = 4 * 1024;
/// A buffer that grew beyond this is given back after the line it grew for.
const KEEP: usize = 64 * 1024;
/// A line longer than this gets room for the longest at once: memory that is not written to costs
/// nothing, while every step of doubling leaves one behind that the allocator may keep.
const LONG: usize = 1024 * 1024;
/// How much is kept of each end of a line that can't be used.
pub(super) const END: usize = 4 * 1024;
/// Written by some programs at the start of their output; nothing in JSON can begin with it.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What a stream of bytes consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Line(Bytes),
    Unusable {
        head: Bytes,
        tail: Bytes,
        length: u64,
        why: UnusableLine,
    },
}

/// Cuts a stream into lines of at most `limit` bytes.
#[derive(Debug)]
pub(super) struct Lines {
    limit: usize,
    buffer: BytesMut,
    /// How many bytes of `buffer` have no newline.
    scanned: usize,
    /// Whether the buffer grew beyond [`KEEP`] for the line that is being read.
    is_grown: bool,
    /// Set while a line over the limit is skipped; `buffer` then has only its end so far.
    skipped: Option<Skipped>,
}

#[derive(Debug)]
struct Skipped {
    head: Bytes,
    length: u64,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: BytesMut::new(),
            scanned: 0,
            is_grown: false,
            skipped: None,
        }
    }

    /// The buffer to append to, with spare capacity. Take out all lines before.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        let length = self.buffer.len();
        if self.buffer.capacity() - length < LITTLE {
            // A new allocation and not `reserve`, which may enlarge one that held lines keep.
            let most = self.limit.max(END).saturating_add(BLOCK);
            let wanted = if length < LONG { length * 2 } else { most };
            let capacity = wanted.min(most).max(length + BLOCK);
            self.move_to(capacity);
            self.is_grown = capacity > KEEP;
        }
        &mut self.buffer
    }

    /// The next whole line of what was read so far.
    pub(super) fn next(&mut self) -> Option<Piece> {
        loop {
            let unseen = self.buffer.get(self.scanned..).unwrap_or_default();
            let Some(at) = memchr(b'\n', unseen) else {
                self.scanned = self.buffer.len();
                self.skip_if_too_long();
                return None;
            };
            let raw = self.buffer.split_to(self.scanned + at);
            self.buffer.advance(1);
            self.scanned = 0;
            self.give_back();
            if let Some(piece) = self.piece(&raw.freeze(), false) {
                return Some(piece);
            }
        }
    }

    /// What is left when the stream is at its end.
    pub(super) fn finish(&mut self) -> Option<Piece> {
        let raw = std::mem::take(&mut self.buffer);
        self.scanned = 0;
        self.piece(&raw.freeze(), true)
    }

    fn piece(&mut self, raw: &Bytes, is_last: bool) -> Option<Piece> {
        let length = raw.len() as u64;
        if let Some(skipped) = self.skipped.take() {
            return Some(Piece::Unusable {
                head: skipped.head,
                tail: end_of(raw),
                length: skipped.length + length,
                why: UnusableLine::TooLong,
            });
        }
        let line = without_mark(raw);
        if raw.len() > self.limit {
            return Some(unusable(line, length, UnusableLine::TooLong));
        }
        if line.trim_ascii().is_empty() {
            return None;
        }
        if is_last {
            return Some(unusable(line, length, UnusableLine::Partial));
        }
        if std::str::from_utf8(line).is_err() {
            return Some(unusable(line, length, UnusableLine::NotUtf8));
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(Piece::Line(raw.slice_ref(line)))
    }

    /// Lets go of a line that is over the limit but for its head and its end so far.
    fn skip_if_too_long(&mut self) {
        // At least as much as the head needs, so that the head does not depend on the reads.
        let most = self.limit.max(END + BYTE_ORDER_MARK.len());
        if self.skipped.is_none() && self.buffer.len() > most {
            let line = without_mark(&self.buffer);
            let head = line.get(..END).unwrap_or(line);
            let passed = self.buffer.len() - line.len() + head.len();
            self.skipped = Some(Skipped {
                head: Bytes::copy_from_slice(head),
                length: passed as u64,
            });
            self.buffer.advance(passed);
        }
        if let Some(skipped) = &mut self.skipped {
            let passed = self.buffer.len().saturating_sub(END);
            self.buffer.advance(passed);
            skipped.length += passed as u64;
            self.scanned = self.buffer.len();
            self.give_back();
        }
    }

    /// Frees a large buffer once the line it grew for has left it. What is left over is what came
    /// with the last read, so the copy is short and there is one per long line.
    fn give_back(&mut self) {
        if std::mem::take(&mut self.is_grown) {
            self.move_to(self.buffer.len() + BLOCK);
        }
    }

    fn move_to(&mut self, capacity: usize) {
        let mut moved = BytesMut::with_capacity(capacity);
        moved.extend_from_slice(&self.buffer);
        self.buffer = moved;
    }
}

fn unusable(line: &[u8], length: u64, why: UnusableLine) -> Piece {
    let (head, rest) = line.split_at(line.len().min(END));
    Piece::Unusable {
        head: Bytes::copy_from_slice(head),
        tail: end_of(rest),
        length,
        why,
    }
}

/// A copy of the last bytes, so that it does not keep the rest in memory.
fn end_of(raw: &[u8]) -> Bytes {
    let (_, end) = raw.split_at(raw.len().saturating_sub(END));
    Bytes::copy_from_slice(end)
}

fn without_mark(raw: &[u8]) -> &[u8] {
    raw.strip_prefix(BYTE_ORDER_MARK).unwrap_or(raw)
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
