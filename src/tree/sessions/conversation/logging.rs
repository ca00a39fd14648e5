//! What servers log, for clients to read: by the level that the client set, or as much as a server
//! says by itself (2025-11-25, server/utilities/logging).

use bytes::Bytes;

use super::super::delivery::StreamId;
use super::interests::Interests;
use super::{Conversation, Effects, ReplyTo};
use crate::ids::ServerName;
use crate::protocol::jsonrpc::code;
use crate::protocol::mcp::logging::{self, Level};
use crate::protocol::mcp::method;

impl Interests {
    /// Whether a message of this `level` is for this client. One that set none hears what the
    /// server says by itself; while another session makes it say more (`is_amplified`), that is
    /// taken to be `info` and above.
    pub(super) fn hears(&self, level: Option<Level>, is_amplified: bool) -> bool {
        let least = self.level.or(is_amplified.then_some(Level::Info));
        match (level, least) {
            (Some(level), Some(least)) => level >= least,
            (None, _) | (_, None) => true,
        }
    }
}

impl Conversation {
    /// Takes a `logging/setLevel`, for every server that has logging, now and later.
    pub(super) fn on_set_level(
        &mut self,
        fx: &mut dyn Effects,
        asked: &ReplyTo,
        params: Option<&Bytes>,
    ) {
        self.has_spoken = true;
        let empty = Bytes::from_static(b"{}");
        match logging::requested_level(params.unwrap_or(&empty)) {
            Ok(level) => {
                self.interests.level = Some(level);
                self.refresh_interests();
                fx.respond_result(asked, b"{}");
            }
            Err(why) => {
                let text = format!("Invalid params of {}: {why}", method::SET_LEVEL);
                fx.refuse(asked, code::INVALID_PARAMS, &text);
            }
        }
    }

    /// The stream of the latest call that is in flight at `server`, else the standalone one: also
    /// for a call whose connection is lost, since a question must reach the client nevertheless.
    pub(super) fn stream_at(&self, fx: &dyn Effects, server: &ServerName) -> StreamId {
        heard_at(fx, self.calls.stream_at(server))
    }
}

/// That stream if somebody hears what is said on it, else the standalone one.
pub(super) fn heard_at(fx: &dyn Effects, latest: Option<StreamId>) -> StreamId {
    let heard = latest.filter(|stream| !fx.is_lost(*stream));
    heard.unwrap_or(StreamId::STANDALONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_hears_its_own_level_and_without_one_what_servers_say_by_themselves() {
        let hears = |own, level, is_amplified| {
            let mut interests = Interests::default();
            interests.level = own;
            interests.hears(level, is_amplified)
        };
        for (own, level, quiet, amplified) in [
            (None, Some(Level::Debug), true, false),
            (None, Some(Level::Info), true, true),
            (None, None, true, true),
            (Some(Level::Debug), Some(Level::Debug), true, true),
            (Some(Level::Error), Some(Level::Warning), false, false),
            (Some(Level::Error), Some(Level::Error), true, true),
            (Some(Level::Error), None, true, true),
        ] {
            let found = (hears(own, level, false), hears(own, level, true));
            assert_eq!(found, (quiet, amplified), "{own:?} {level:?}");
        }
    }
}
