//! Reads a request's body within its limits: size, progress, and a budget that all bodies share.
//! The budget's permit travels inside the `Bytes`, so it is given back when the last slice of the
//! body is dropped, wherever in the tree that happens.

use crate::config::model::Limits;
use crate::ids::Holder;
use crate::tree::{Quota, Share, Taker};
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use std::fmt::Display;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Why a body was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body is larger than the limit of {0} bytes (max_body_bytes)")]
    TooLarge(usize),
    #[error("the body made no progress for {} seconds (body_timeout)", .0.as_secs_f32())]
    TooSlow(Duration),
    #[error(
        "too many large requests are in flight (max_bodies_in_flight_bytes); try again in a few seconds"
    )]
    NoRoom,
    #[error("the body could not be read: {0}")]
    Broken(String),
}

/// Less than this within `body_timeout` is no progress: a byte now and then would hold a
/// connection for hours.
const PROGRESS: usize = 1024;

/// Larger bodies leave an eighth of the budget to those that are not: somebody who sends a few
/// large ones slowly must not keep everybody's calls out.
const SMALL: usize = 64 << 10;
/// A body of no more than this part of the budget is nobody's: all that there are connections for would be
/// a small part of it, and to write down whose they are costs more than to read them.
const TINY: usize = 65_536;
/// So much room is made for a body at once if it is to be as long; beyond that it grows as it comes.
const RESERVED: usize = 1 << 20;

/// A body and its share of the budget, which end together.
struct Body {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Collects `frames` into one piece. `declared` is the request's Content-Length. A body that came
/// in one frame is not copied. `budget` is for the bodies of everybody, this one is `holder`'s.
pub(super) async fn collect<F, B, E>(
    frames: F,
    declared: Option<usize>,
    limits: &Limits,
    (budget, holder): (&Quota, Holder),
) -> Result<Bytes, BodyError>
where
    F: Stream<Item = Result<B, E>>,
    B: Buf,
    E: Display,
{
    let all = limits.max_bodies_in_flight_bytes;
    let spared = all / 8;
    let most = limits
        .max_body_bytes
        .min((all - spared).max(SMALL.min(all)));
    let too_large = || BodyError::TooLarge(most);
    if declared.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut frames = pin!(frames);
    let mut gathered = Gathered::default();
    let session = None;
    let taker = || Arc::new(Taker { holder, session });
    let is_tiny = declared.is_some_and(|length| length <= all / TINY);
    let mut share = budget.nothing((!is_tiny).then(taker));
    let mut deadline = Instant::now() + limits.body_timeout;
    let mut counted = 0;
    loop {
        let frame = match timeout_at(deadline, frames.next()).await {
            Err(_) => return Err(BodyError::TooSlow(limits.body_timeout)),
            Ok(None) => break,
            Ok(Some(Err(error))) => return Err(BodyError::Broken(error.to_string())),
            Ok(Some(Ok(frame))) => frame,
        };
        let length = gathered.len() + frame.remaining();
        if length > most {
            return Err(too_large());
        }
        // Taken as the bytes arrive: a declared length alone must not use up what others need.
        let is_small = length.max(declared.unwrap_or(0)) <= SMALL;
        if !share.grow(frame.remaining(), if is_small { 0 } else { spared }) {
            return Err(BodyError::NoRoom);
        }
        gathered.push(frame, declared.unwrap_or(0));
        if length >= counted + PROGRESS {
            counted = length;
            deadline = Instant::now() + limits.body_timeout;
        }
    }
    Ok(Bytes::from_owner(Body {
        bytes: gathered.finish(),
        _share: share,
    }))
}

/// The frames so far.
#[derive(Default)]
enum Gathered {
    #[default]
    Nothing,
    One(Bytes),
    Many(Vec<u8>),
}

impl Gathered {
    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    /// Adds a frame to a body that is expected to have `expected` bytes (at most the limit). Room for
    /// them is made as they come: a declared length alone must not reserve much memory.
    fn push(&mut self, mut frame: impl Buf, expected: usize) {
        *self = match std::mem::take(self) {
            Self::Nothing => Self::One(frame.copy_to_bytes(frame.remaining())),
            Self::One(first) => {
                let length = first.len() + frame.remaining();
                let room = expected.clamp(length, length.max(RESERVED));
                let mut bytes = Vec::with_capacity(room);
                bytes.extend_from_slice(&first);
                put(&mut bytes, frame);
                Self::Many(bytes)
            }
            Self::Many(mut bytes) => {
                let length = bytes.len() + frame.remaining();
                if length > bytes.capacity() {
                    let room = expected.clamp(length, length.max(2 * bytes.capacity()));
                    bytes.reserve_exact(room - bytes.len());
                }
                put(&mut bytes, frame);
                Self::Many(bytes)
            }
        };
    }

    fn finish(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.into(),
        }
    }
}

fn put(bytes: &mut Vec<u8>, mut frame: impl Buf) {
    while frame.has_remaining() {
        let chunk = frame.chunk();
        bytes.extend_from_slice(chunk);
        let length = chunk.len();
        frame.advance(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_length_alone_reserves_little() {
        let expected = 16 << 20;
        let mut gathered = Gathered::default();
        for _ in 0..2 {
            gathered.push(&b"{"[..], expected);
        }
        let Gathered::Many(bytes) = &gathered else {
            panic!("two frames came");
        };
        assert!(bytes.capacity() <= RESERVED, "{}", bytes.capacity());
        for _ in 0..3 {
            gathered.push(vec![b' '; RESERVED].as_slice(), expected);
        }
        assert_eq!(gathered.finish().len(), 2 + 3 * RESERVED);
    }
}
