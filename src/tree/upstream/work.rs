//! What a server has done for clients in one life. Some end, with code 0, when they have done so
//! much: they are not asked for more, and what comes meanwhile waits for the next life. Plain state.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::past::Past;
use crate::ids::CallId;
use crate::tree::call::ReplyToken;

/// Who ends because its work is done does so within this time after its last answer.
pub(super) const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// The work of one life.
#[derive(Debug)]
pub(super) struct Work {
    past: Arc<Past>,
    /// After so many calls it ends, as far as one knew when it began.
    most: Option<u32>,
    /// Calls that it was given, and those of them without an end.
    given: u32,
    open: u32,
    /// When the last one ended.
    done_at: Option<Instant>,
    held: VecDeque<ReplyToken>,
}

impl Work {
    pub(super) fn new(past: Arc<Past>) -> Self {
        Self {
            most: past.calls_in_a_life(),
            past,
            given: 0,
            open: 0,
            done_at: None,
            held: VecDeque::new(),
        }
    }

    /// Whether it may be given one more.
    pub(super) fn is_enough(&self) -> bool {
        self.most.is_some_and(|most| self.given >= most)
    }

    /// It was given a call.
    pub(super) fn give(&mut self) {
        self.given = self.given.saturating_add(1);
        self.open = self.open.saturating_add(1);
    }

    /// So many are in flight now. Says whether the last one has ended, and is all it does.
    pub(super) fn are_open(&mut self, now: Instant, open: usize) -> bool {
        let open = u32::try_from(open).unwrap_or(u32::MAX);
        if open >= self.open {
            return false;
        }
        self.open = open;
        self.done_at = Some(now);
        open == 0 && self.is_enough()
    }

    /// Calls that have ended.
    pub(super) fn done(&self) -> u32 {
        self.given.saturating_sub(self.open)
    }

    /// It has ended with code 0. Its next life is not asked for more, if that is why.
    pub(super) fn learn(&self, now: Instant) {
        let is_soon = |done_at| now.duration_since(done_at) < ENDS_WITHIN;
        if self.done_at.is_some_and(is_soon) {
            self.past.learn_calls_in_a_life(self.done());
        }
    }

    /// It has done as much as its former life, and lives on, or others have waited for long enough: what
    /// was learnt is not so.
    pub(super) fn goes_on(&mut self) {
        if self.most.take().is_some() {
            self.past.learn_calls_in_a_life(0);
        }
    }

    /// The next call that has waited.
    pub(super) fn next_held(&mut self) -> Option<ReplyToken> {
        self.held.pop_front()
    }

    /// Whether calls wait.
    pub(super) fn has_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// Lets the calls go that wait: another life may have them.
    pub(super) fn let_go(&mut self) {
        self.held.clear();
    }

    /// Keeps a call for later.
    pub(super) fn hold(&mut self, reply_token: ReplyToken) {
        self.held.push_back(reply_token);
    }

    /// Takes a call out that was kept.
    pub(super) fn withdraw(&mut self, call: CallId) -> Option<ReplyToken> {
        let at = self
            .held
            .iter()
            .position(|reply_token| reply_token.call() == call)?;
        self.held.remove(at)
    }
}
