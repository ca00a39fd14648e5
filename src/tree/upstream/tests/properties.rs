//! The promise that a call is answered exactly once, under any sequence of what can happen to it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tokio::time::Instant;

use super::{Desk, Heard};
use crate::testing::name;
use crate::tree::call::Answer;
use crate::tree::upstream::calls::{CANCELLED_KEEPS_PERMIT, Calls, Refused};

const TIMEOUT: Duration = Duration::from_secs(100);
const PERMITS: usize = 8;

#[derive(Debug, Clone)]
enum Op {
    /// A call; does stdin take it?
    Send {
        taken: bool,
    },
    /// A reply token that dies in a mailbox.
    Lose,
    /// The server answers one of the ids it was sent, whether or not it has before.
    Answer {
        which: usize,
    },
    Progress {
        which: usize,
    },
    /// The client cancels one of its calls, whether or not it is over.
    Cancel {
        which: usize,
    },
    /// Time passes.
    Wait {
        seconds: u64,
    },
    /// The process ends, and its successor takes over.
    Die {
        explicitly: bool,
    },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => prop::bool::weighted(0.9).prop_map(|taken| Op::Send { taken }),
        1 => Just(Op::Lose),
        4 => (0..40_usize).prop_map(|which| Op::Answer { which }),
        2 => (0..40_usize).prop_map(|which| Op::Progress { which }),
        3 => (0..40_usize).prop_map(|which| Op::Cancel { which }),
        3 => (1..90_u64).prop_map(|seconds| Op::Wait { seconds }),
        1 => any::<bool>().prop_map(|explicitly| Op::Die { explicitly }),
    ]
}

/// What must have become of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// In flight, to be answered by then.
    Open { id: u64, due: Instant },
    /// Its client withdrew it: no answer.
    Cancelled,
    /// One answer.
    Answered,
    /// Given back, untouched.
    Undelivered,
}

struct World {
    now: Instant,
    calls: Calls,
    desk: Desk,
    fates: BTreeMap<u64, Fate>,
    /// Upstream id → call, of this life, also of what is over.
    sent: Vec<(u64, u64)>,
    /// Until when permits of calls that are over are kept: by upstream id.
    kept: BTreeMap<u64, Instant>,
}

impl World {
    fn new() -> Self {
        Self {
            now: Instant::now(),
            calls: Calls::new(name("s"), TIMEOUT),
            desk: Desk::new(PERMITS),
            fates: BTreeMap::new(),
            sent: Vec::new(),
            kept: BTreeMap::new(),
        }
    }

    fn pick(&self, which: usize) -> Option<(u64, u64)> {
        self.sent.get(which % self.sent.len().max(1)).copied()
    }

    fn reply_token(&mut self) -> Option<(u64, crate::tree::call::ReplyToken)> {
        if self.desk.permits.free() == 0 {
            return None;
        }
        let params = r#"{"name":"s__tool","_meta":{"progressToken":1}}"#;
        let reply_token = self.desk.reply_token(params);
        Some((self.desk.last_number, reply_token))
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Send { taken } => self.send(*taken),
            Op::Lose => {
                if let Some((call, reply_token)) = self.reply_token() {
                    drop(reply_token);
                    self.fates.insert(call, Fate::Undelivered);
                }
            }
            Op::Answer { which } => {
                if let Some((id, call)) = self.pick(*which) {
                    let result = Bytes::from_static(br#"{"content":[]}"#);
                    drop(
                        self.calls
                            .settle(Instant::now(), id, Answer::Result(result)),
                    );
                    self.kept.remove(&id);
                    if let Some(fate @ Fate::Open { .. }) = self.fates.get_mut(&call) {
                        *fate = Fate::Answered;
                    }
                }
            }
            Op::Progress { which } => {
                if let Some((id, call)) = self.pick(*which) {
                    let told = format!(r#"{{"progressToken":{id},"progress":1}}"#);
                    self.calls.progress(self.now, &told.into());
                    if let Some(Fate::Open { due, .. }) = self.fates.get_mut(&call) {
                        *due = self.now + TIMEOUT;
                    }
                }
            }
            Op::Cancel { which } => self.cancel(*which),
            Op::Wait { seconds } => self.wait(Duration::from_secs(*seconds)),
            Op::Die { explicitly } => {
                if *explicitly {
                    self.calls.fail_all("died");
                }
                self.calls = Calls::new(name("s"), TIMEOUT);
                self.sent.clear();
                self.kept.clear();
                for fate in self.fates.values_mut() {
                    if let Fate::Open { .. } = fate {
                        *fate = Fate::Answered;
                    }
                }
            }
        }
    }

    fn send(&mut self, taken: bool) {
        let Some((call, reply_token)) = self.reply_token() else {
            return;
        };
        let mut id = None;
        self.calls.send(self.now, reply_token, |line| {
            let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
            id = line["id"].as_u64();
            if taken { Ok(()) } else { Err(Refused::Gone) }
        });
        let (id, due) = (id.unwrap(), self.now + TIMEOUT);
        if taken {
            assert!(self.sent.iter().all(|(old, _)| *old != id), "a fresh id");
            self.sent.push((id, call));
            self.fates.insert(call, Fate::Open { id, due });
        } else {
            self.fates.insert(call, Fate::Undelivered);
        }
    }

    fn cancel(&mut self, which: usize) {
        let Some((_, call)) = self.pick(which) else {
            return;
        };
        let line = self.calls.cancel(self.now, Desk::id(call), None);
        if let Some(fate @ Fate::Open { .. }) = self.fates.get_mut(&call) {
            let Fate::Open { id, .. } = *fate else {
                return;
            };
            assert!(line.is_some(), "the server is told");
            self.kept.insert(id, self.now + CANCELLED_KEEPS_PERMIT);
            *fate = Fate::Cancelled;
        } else {
            assert!(line.is_none(), "what is over can't be cancelled");
        }
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(next) = self.calls.next_deadline().filter(|next| *next <= until) {
            self.now = next;
            let lines = self.calls.expire(next).len();
            let mut timed_out = 0;
            self.kept.retain(|_, until| *until > next);
            for fate in self.fates.values_mut() {
                if let Fate::Open { id, due } = *fate
                    && due <= next
                {
                    timed_out += 1;
                    self.kept.insert(id, next + CANCELLED_KEEPS_PERMIT);
                    *fate = Fate::Answered;
                }
            }
            assert_eq!(lines, timed_out, "each timeout is told to the server");
        }
        self.now = until;
        let overdue = |fate: &&Fate| matches!(fate, Fate::Open { due, .. } if *due <= until);
        assert_eq!(self.fates.values().filter(overdue).count(), 0);
    }

    fn check(&self) {
        let open = |fate: &&Fate| matches!(fate, Fate::Open { .. });
        let open = self.fates.values().filter(open).count();
        assert_eq!(self.calls.in_flight(), open);
        let free = self.desk.permits.free();
        assert_eq!(free, PERMITS - open - self.kept.len());
    }

    /// Ends everything; then each call has had what it must have had.
    fn end(mut self) {
        self.apply(&Op::Die { explicitly: false });
        assert_eq!(self.desk.permits.free(), PERMITS);
        let mut heard: BTreeMap<u64, Vec<Heard>> = BTreeMap::new();
        for reply in self.desk.hear() {
            if let Heard::Result(call, _)
            | Heard::Error(call, _)
            | Heard::Failed(call, _)
            | Heard::Undelivered(call) = &reply
            {
                heard.entry(*call).or_default().push(reply);
            }
        }
        for (call, fate) in &self.fates {
            let heard = heard.remove(call).unwrap_or_default();
            let is_right = match fate {
                Fate::Open { .. } => false,
                Fate::Cancelled => heard.is_empty(),
                Fate::Undelivered => matches!(heard[..], [Heard::Undelivered(_)]),
                Fate::Answered => matches!(heard[..], [Heard::Result(..) | Heard::Failed(..)]),
            };
            assert!(is_right, "call {call}: {fate:?}, and was told {heard:?}");
        }
        assert!(heard.is_empty(), "nobody called: {heard:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_call_is_answered_exactly_once_and_every_permit_comes_back(
        ops in prop::collection::vec(op(), 1..120)
    ) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
            world.check();
        }
        world.end();
    }
}
