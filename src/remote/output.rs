//! What a remote server's owner is told.

use std::time::Duration;

use bytes::Bytes;

use crate::process::LinePermit;

/// Something that the server said, or that happened to it.
#[derive(Debug)]
pub enum Output {
    /// A message, or several as a batch. Valid UTF-8; it may have line breaks between its tokens.
    Line {
        /// The message.
        bytes: Bytes,
        /// Hold it while the line is being handled.
        permit: LinePermit,
    },
    /// Something that is no UTF-8.
    Unusable {
        /// The beginning of it.
        head: Bytes,
        /// Its length in bytes.
        length: usize,
        /// Hold it while it is being handled.
        permit: LinePermit,
    },
    /// Nothing more comes to a request of this id.
    Unanswered {
        /// The id, as it was written.
        id: u64,
        /// Why.
        why: Unanswered,
    },
    /// There is no server any more; nothing comes after this.
    Ended(End),
}

/// Why a request has no answer. The texts follow the server's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// There was no connection: it was not sent.
    Unsent,
    /// It was withdrawn, and nothing came.
    Withdrawn,
    /// The server did not take it.
    Refused(String),
    /// It was sent, and nobody knows what became of it.
    Lost(String),
}

/// How it ended. The texts follow the server's name, and hold nothing of the headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It could not be begun with, or what it began with ended.
    Failed {
        /// Why, and what to do.
        why: String,
        /// It is not to be asked again before that.
        wait: Option<Duration>,
    },
    /// It does not let in.
    Unauthorized(String),
    /// It has forgotten the session.
    Forgotten,
    /// It is this gateway itself.
    Loop(String),
}
