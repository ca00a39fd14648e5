//! A request as its server is sent it: the name or URI and the progress token are the server's, and
//! what one era has beside the other is added or taken out.

use std::ops::Range;

use bytes::Bytes;

use super::super::super::modern::asker::Asker;
use super::super::super::modern::keys;
use super::super::super::raw;
use super::super::super::version::Era;
use super::{ClientRequest, Subject};

/// Whom a request is written for.
#[derive(Debug, Clone, Copy)]
pub enum Server<'a> {
    /// One with a handshake.
    Legacy,
    /// One without, which is told who asks, unless the client says so itself.
    Modern(&'a Asker),
}

type Edit<'a> = (Range<usize>, &'a [u8]);

impl ClientRequest {
    /// The params with `key` in place of the name or URI and `token` in place of the client's
    /// progress token, on one line. A request that asked for no progress gets no token; without
    /// `token` the client's stays. A call's wish for a task instead of an answer is taken out: the
    /// gateway does not declare tasks, and who does not "MUST process requests of that type
    /// normally, ignoring any task-augmentation metadata" (2025-11-25, basic/utilities/tasks).
    #[must_use]
    pub fn rewrite(&self, key: &str, token: Option<u64>, server: Server<'_>) -> Bytes {
        let quoted = raw::quoted(key);
        let token = token.map(|token| token.to_string());
        let mut edits: Vec<Edit<'_>> = Vec::new();
        let added = match (self.era, server) {
            (Era::Legacy, Server::Legacy) => {
                edits.extend(self.task.clone().map(|span| (span, &[][..])));
                Added::default()
            }
            (Era::Modern, Server::Modern(_)) => Added::default(),
            (Era::Modern, Server::Legacy) => self.translated(None),
            (Era::Legacy, Server::Modern(asker)) => self.translated(Some(asker)),
        };
        edits.extend(added.edits());
        // Written with escapes it may look another way, and is the same.
        if *self.key != *key {
            edits.push((self.span.clone(), quoted.as_slice()));
        }
        if let (Some((_, span)), Some(token)) = (&self.token, &token) {
            edits.push((span.clone(), token.as_bytes()));
        }
        raw::splice(&self.params, edits).into()
    }

    /// What is done to the params for a server of the other era: what is the protocol's own in
    /// `_meta`, and what answers a server's questions, is taken out; `asker` is put in.
    fn translated(&self, asker: Option<&Asker>) -> Added {
        // All of it was read before: it has a name or a URI, which stays.
        let text = std::str::from_utf8(&self.params).unwrap_or("{}");
        let outs: &[&str] = match self.subject {
            Subject::Tool => &["inputResponses", "requestState", "task"],
            Subject::Prompt | Subject::Resource | Subject::Task | Subject::Extension => {
                &["inputResponses", "requestState"]
            }
        };
        let is_out = |name: &str| outs.iter().any(|out| raw::is_text(name, out));
        let spans = self
            .is_of_era
            .then(|| raw::member_spans(text, text, is_out));
        let (mut out, _) = spans.flatten().unwrap_or_default();
        let mut with = Vec::new();
        let members = asker.map(Asker::members);
        let meta = self.meta.clone().and_then(|meta| text.get(meta));
        match (meta, members) {
            (Some(meta), members) if meta.starts_with('{') => {
                let (own, is_rest) = raw::member_spans(text, meta, is_own).unwrap_or_default();
                out.extend(own);
                with.extend(members.map(|mut members| {
                    if is_rest {
                        members.push(b',');
                    }
                    let at = raw::inside(text, meta);
                    (at..at, members)
                }));
            }
            (Some(null), Some(members)) => {
                let meta = [b"{", &members[..], b"}"].concat();
                with.push((raw::span(text, null), meta));
            }
            (_, Some(members)) => {
                let meta = [br#""_meta":{"#, &members[..], b"},"].concat();
                with.push((at_front(text), meta));
            }
            (_, None) => {}
        }
        if let Some(input) = &self.input {
            with.push((at_front(text), [input, &b","[..]].concat()));
        }
        Added { out, with }
    }
}

/// Whether a member of `_meta` is the protocol's own.
fn is_own(name: &str) -> bool {
    raw::string(name).is_some_and(|name| name.starts_with(keys::PREFIX))
}

fn at_front(text: &str) -> Range<usize> {
    let at = raw::inside(text, text);
    at..at
}

/// What goes and what comes.
#[derive(Default)]
struct Added {
    out: Vec<Range<usize>>,
    with: Vec<(Range<usize>, Vec<u8>)>,
}

impl Added {
    /// What comes stands before what goes where both are at one place.
    fn edits(&self) -> impl Iterator<Item = Edit<'_>> {
        let with = self.with.iter();
        let with = with.map(|(span, with)| (span.clone(), with.as_slice()));
        with.chain(self.out.iter().map(|span| (span.clone(), &[][..])))
    }
}
