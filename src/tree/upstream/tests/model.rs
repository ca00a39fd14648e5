//! Subscriptions against a model of a server: whatever sessions wish, in whatever order it answers,
//! it is subscribed in the end to what somebody wants and to nothing else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use serde_json::Value;

use super::talk::{AGAIN, Talk, Todo, answer, refusal};
use super::{Desk, Heard, interest};

const URIS: [&str; 3] = ["u", "v", "w"];
const SESSIONS: usize = 3;

#[derive(Debug, Clone)]
enum Op {
    /// A client's own request.
    SubscriptionCall {
        session: usize,
        uri: usize,
        is_on: bool,
    },
    /// A client cancels its latest request.
    Cancel { session: usize },
    /// A session says what it wants in all, as after a restart.
    Want { session: usize, uris: Vec<bool> },
    /// A session ends: its requests are withdrawn.
    End { session: usize },
    /// The server answers one of the requests that it has dealt with, in whatever order.
    Answer { which: usize },
    /// The server refuses the next request, and that one only.
    BeBad,
}

fn op() -> impl Strategy<Value = Op> {
    let session = 0..SESSIONS;
    prop_oneof![
        6 => (session.clone(), 0..URIS.len(), any::<bool>())
            .prop_map(|(session, uri, is_on)| Op::SubscriptionCall { session, uri, is_on }),
        1 => session.clone().prop_map(|session| Op::Cancel { session }),
        2 => (session.clone(), prop::collection::vec(any::<bool>(), URIS.len()))
            .prop_map(|(session, uris)| Op::Want { session, uris }),
        1 => session.prop_map(|session| Op::End { session }),
        6 => (0..9_usize).prop_map(|which| Op::Answer { which }),
        1 => Just(Op::BeBad),
    ]
}

/// A session's own record, kept by what it is told.
#[derive(Default)]
struct Record {
    uris: BTreeSet<&'static str>,
    /// Its requests without an answer.
    open: BTreeMap<u64, (&'static str, bool)>,
}

struct World {
    talk: Talk,
    desks: Vec<Desk>,
    records: Vec<Record>,
    /// What the server is subscribed to. It deals with requests as they come.
    on: BTreeSet<String>,
    /// Dealt with and not answered.
    unanswered: VecDeque<(u64, bool)>,
    is_bad: bool,
    /// Resources of which a request was refused: they may be left as they were.
    spoilt: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        let capabilities = r#"{"resources":{"subscribe":true}}"#;
        let (mut talk, _) = Talk::open().initialized_as(capabilities);
        talk.hears(&answer(1, r#"{"resources":[]}"#));
        talk.hears(&answer(2, r#"{"resourceTemplates":[]}"#));
        let desks = (1..).take(SESSIONS).map(|session| Desk::of(session, 999));
        Self {
            talk,
            desks: desks.collect(),
            records: std::iter::repeat_with(Record::default)
                .take(SESSIONS)
                .collect(),
            on: BTreeSet::new(),
            unanswered: VecDeque::new(),
            is_bad: false,
            spoilt: BTreeSet::new(),
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::SubscriptionCall {
                session,
                uri,
                is_on,
            } => {
                let reply_token = self.desks[*session].wish(URIS[*uri], *is_on);
                let number = reply_token.call().number;
                self.records[*session]
                    .open
                    .insert(number, (URIS[*uri], *is_on));
                let sent = self.talk.takes(reply_token);
                self.serve(sent);
            }
            Op::Cancel { session } => {
                if let Some((number, _)) = self.records[*session].open.pop_last() {
                    self.cancel(*session, number);
                }
            }
            Op::Want { session, uris } => {
                let wanted = URIS.into_iter().zip(uris);
                let wanted = wanted.filter_map(|(uri, is_wanted)| is_wanted.then_some(uri));
                self.records[*session].uris = wanted.collect();
                self.restate(*session);
            }
            Op::End { session } => {
                let record = std::mem::take(&mut self.records[*session]);
                for number in record.open.into_keys() {
                    self.cancel(*session, number);
                }
                self.restate(*session);
            }
            Op::Answer { which } => {
                if !self.unanswered.is_empty() {
                    let which = which % self.unanswered.len();
                    let (id, is_granted) = self.unanswered.remove(which).unwrap();
                    self.answers(id, is_granted);
                }
            }
            Op::BeBad => self.is_bad = true,
        }
        self.hear();
    }

    fn cancel(&mut self, session: usize, number: u64) {
        let mut call = Desk::id(number);
        call.session = self.desks[session].session;
        let now = self.talk.now;
        self.talk.dialogue.calls().cancel(now, call, None);
    }

    fn restate(&mut self, session: usize) {
        let uris: Vec<&str> = self.records[session].uris.iter().copied().collect();
        let todo = self
            .talk
            .interested(&self.desks[session], interest(None, &uris));
        self.serve_all(todo);
    }

    fn answers(&mut self, id: u64, is_granted: bool) {
        let line = if is_granted {
            answer(id, "{}")
        } else {
            refusal(id)
        };
        let todo = self.talk.hears(&line);
        self.serve_all(todo);
    }

    fn serve_all(&mut self, todo: Vec<Todo>) {
        for one in todo {
            let Todo::Write(line) = one else {
                panic!("{one:?}");
            };
            self.serve(Some(line));
        }
    }

    fn serve(&mut self, line: Option<Value>) {
        let Some(line) = line else {
            return;
        };
        let uri = line["params"]["uri"].as_str().unwrap().to_owned();
        let is_granted = !std::mem::take(&mut self.is_bad);
        if !is_granted {
            self.spoilt.insert(uri);
        } else if line["method"] == "resources/subscribe" {
            self.on.insert(uri);
        } else {
            self.on.remove(&uri);
        }
        let id = line["id"].as_u64().unwrap();
        self.unanswered.push_back((id, is_granted));
    }

    /// Sessions keep their records by what they are told, and say so.
    fn hear(&mut self) {
        for session in 0..SESSIONS {
            for heard in self.desks[session].hear() {
                let is_granted = matches!(heard, Heard::Result(..));
                let (Heard::Result(number, _) | Heard::Error(number, _)) = heard else {
                    panic!("{heard:?}");
                };
                let record = &mut self.records[session];
                let (uri, is_on) = record.open.remove(&number).unwrap();
                match (is_granted, is_on) {
                    (false, _) => {}
                    (true, true) => drop(record.uris.insert(uri)),
                    (true, false) => drop(record.uris.remove(uri)),
                }
            }
        }
    }

    fn end(mut self) {
        while let Some((id, is_granted)) = self.unanswered.pop_front() {
            self.answers(id, is_granted);
            self.hear();
        }
        let wanted = |uri: &str| self.records.iter().any(|record| record.uris.contains(uri));
        for uri in URIS.into_iter().filter(|uri| !self.spoilt.contains(*uri)) {
            assert_eq!(self.on.contains(uri), wanted(uri), "{uri}");
        }
        assert!(self.records.iter().all(|record| record.open.is_empty()));
        for (session, record) in self.records.iter().enumerate() {
            for uri in URIS {
                let told = format!(r#"{{"uri":"{uri}"}}"#);
                self.talk.now += AGAIN;
                self.talk.told("notifications/resources/updated", &told);
                let heard = self.desks[session].hear();
                let is_told = heard == [Heard::Updated(told)];
                assert_eq!(is_told, record.uris.contains(uri), "{session}: {uri}");
            }
            for desk in &mut self.desks {
                desk.hear();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_server_is_subscribed_to_exactly_what_somebody_wants(
        ops in prop::collection::vec(op(), 1..60)
    ) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
        }
        world.end();
    }
}
