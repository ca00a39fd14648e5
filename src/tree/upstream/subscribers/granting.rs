//! Wishes to hear of resources and tasks that a server without a handshake has no request for: it is listened to
//! for all of them, and says which it will tell of. Who wishes waits for that.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::super::calls::Calls;
use super::{Subscribers, SubscriptionCall};
use crate::protocol::Era;
use crate::protocol::jsonrpc::{self, code};
use crate::protocol::modern::subscription::Agreed;
use crate::protocol::modern::tasks;
use crate::tree::call::{Answer, ReplyToken};

/// A wish that its server has not answered.
pub(super) struct Waiting {
    reply_token: ReplyToken,
    uri: Arc<str>,
    /// The request of the gateway's own that asks for it, once there is one.
    by: Option<u64>,
}

impl Subscribers {
    /// Takes down a wish that its server has no request for.
    pub(super) fn fulfil(
        &mut self,
        now: Instant,
        wish: &SubscriptionCall,
        reply_token: ReplyToken,
        calls: &mut Calls,
    ) {
        let is_able = match tasks::of_topic(&wish.uri) {
            Some(_) => calls.era() == Era::Modern,
            None => self.abilities.subscribe,
        };
        if wish.is_on && (!is_able || self.listening.is_in_vain()) {
            return refuse(reply_token, &self.no_news());
        }
        let is_known = self.subscriptions.wanted(&wish.uri) > 0;
        let client = Arc::clone(reply_token.client());
        self.grant(wish.call.session, client, &wish.uri, wish.is_on);
        drop(self.reconcile(now, &wish.uri, calls));
        let mut waiting = self.waiting.iter();
        let beside = waiting.find(|waiting| waiting.uri == wish.uri);
        let beside = beside.map(|waiting| waiting.by);
        if !wish.is_on || (is_known && beside.is_none()) {
            return reply_token.answer(Answer::Result(Bytes::from_static(b"{}")));
        }
        self.waiting.push(Waiting {
            reply_token,
            uri: Arc::clone(&wish.uri),
            by: beside.flatten(),
        });
    }

    /// Asks for what is wanted, if it is time. Gives the line to write.
    pub(super) fn turn(&mut self, now: Instant, calls: &mut Calls) -> Option<Bytes> {
        let wanted = self.subscriptions.all_wanted();
        let line = self.listening.turn(now, wanted, calls)?;
        let by = self.listening.asking();
        for waiting in self.waiting.iter_mut().filter(|it| it.by.is_none()) {
            waiting.by = by;
        }
        Some(line)
    }

    /// Answers who waits for request `id`: the server tells of what is in `agreed`; of all, where it does
    /// not say.
    pub(super) fn settle_waiting(&mut self, id: u64, agreed: Option<&Agreed>) {
        let (settled, rest) = mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting| waiting.by == Some(id));
        self.waiting = rest;
        for Waiting {
            reply_token, uri, ..
        } in settled
        {
            let is_agreed = agreed.is_none_or(|agreed| agreed.has(&uri));
            if is_agreed && !self.listening.is_in_vain() {
                reply_token.answer(Answer::Result(Bytes::from_static(b"{}")));
                continue;
            }
            let (session, client) = (reply_token.call().session, Arc::clone(reply_token.client()));
            self.grant(session, client, &uri, false);
            self.subscriptions.forget_unwanted(&uri);
            refuse(reply_token, &self.no_news());
        }
    }

    fn no_news(&self) -> String {
        let server = &self.server;
        format!("server '{server}' does not tell of changes of this")
    }
}

fn refuse(reply_token: ReplyToken, text: &str) {
    let error = jsonrpc::error_object(code::METHOD_NOT_FOUND, text);
    reply_token.answer(Answer::Error(error));
}
