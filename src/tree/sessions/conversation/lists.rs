//! What a session answers from the table of what is offered: the four lists, page by page, and
//! `initialize`, for the servers' instructions. Without a table it waits.

use super::stop::refuse_stopping;
use super::{Conversation, Effects, ReplyTo};
use crate::protocol::jsonrpc::code;
use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::lifecycle;
use crate::protocol::version::Version;
use crate::tree::registry::RouteState;

/// A request that is answered from the table.
#[derive(Debug)]
pub(super) struct WaitingQuery {
    pub(super) asked: ReplyTo,
    pub(super) query: TableQuery,
}

/// What it asks for.
#[derive(Debug)]
pub(super) enum TableQuery {
    /// The handshake, in this revision: any table will do.
    Initialize(Version),
    /// A page of a list: from a table that is complete.
    List { kind: Kind, cursor: Option<String> },
}

impl Conversation {
    /// Has a page of a list sent: the first one without a cursor.
    pub(in super::super) fn list(
        &mut self,
        fx: &mut dyn Effects,
        asked: ReplyTo,
        (kind, cursor): (Kind, Option<String>),
    ) {
        let query = TableQuery::List { kind, cursor };
        self.answer_or_keep(fx, WaitingQuery { asked, query });
    }

    /// Answers from the table, or keeps the request until there is one that will do.
    pub(super) fn answer_or_keep(&mut self, fx: &mut dyn Effects, waiting: WaitingQuery) {
        let WaitingQuery { asked, query } = &waiting;
        let is_complete = self.routes.as_ref().map(|routes| routes.is_complete);
        match (query, is_complete) {
            (TableQuery::Initialize(version), Some(_)) => {
                let instructions = self.merged.instructions();
                let apps = self.merged.apps();
                let result = lifecycle::initialize_result(*version, instructions, apps.as_deref());
                fx.respond_result(asked, &result);
            }
            (TableQuery::List { .. }, Some(true)) if fx.is_full() => {
                // Those that waited for the table are answered all at once.
                let text = "busy: more waits on this session's stream than may; read it";
                fx.refuse(asked, code::BUSY, text);
            }
            (TableQuery::List { kind, cursor }, Some(true)) => {
                let pages = self.merged.pages(*kind);
                if let Some(page) = pages.get(cursor.as_deref()) {
                    fx.respond_page(asked, page);
                    self.want(*kind);
                } else {
                    let text = "Invalid cursor: it is none of this list's";
                    fx.refuse(asked, code::INVALID_PARAMS, text);
                }
            }
            (TableQuery::Initialize(_), None) | (TableQuery::List { .. }, None | Some(false))
                if self.waits_in_vain() =>
            {
                refuse_stopping(fx, asked);
            }
            (TableQuery::Initialize(_), None) | (TableQuery::List { .. }, None | Some(false)) => {
                self.waiting.push(waiting);
            }
        }
    }

    /// Has those know whose list may be too old: the session's own instance where it has one. What
    /// came of that is told as every change is.
    fn want(&self, kind: Kind) {
        let aging = self.merged.sources.iter();
        for source in aging.filter(|source| source.is_aging(kind)) {
            let shared = || self.routes.as_ref()?.servers.get(&source.server);
            let state = self.state_of(&source.server).or_else(shared);
            if let Some(RouteState::Ready { handle }) = state {
                handle.wanted(kind);
            }
        }
    }
}
