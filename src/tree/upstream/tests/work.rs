//! Servers that end, with code 0, when they have done so much.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Desk;
use crate::tree::call::ReplyToken;
use crate::tree::upstream::Past;
use crate::tree::upstream::work::{ENDS_WITHIN, Work};

struct Life {
    work: Work,
    now: Instant,
}

impl Life {
    fn new(past: &Arc<Past>) -> Self {
        let work = Work::new(Arc::clone(past));
        let now = Instant::now();
        Self { work, now }
    }

    /// Is given so many calls as it takes, and answers them. Says whether it should end.
    fn works(&mut self, calls: usize) -> bool {
        (0..calls).for_each(|_| self.work.give());
        self.work.are_open(self.now, 0)
    }

    fn ends(mut self, after: Duration) {
        self.now += after;
        self.work.learn(self.now);
    }
}

#[test]
fn it_is_given_no_more_than_its_former_life_did() {
    let past = Arc::default();
    let mut life = Life::new(&past);
    assert!(!life.work.is_enough(), "nothing is known");
    assert!(!life.works(3));
    life.ends(Duration::ZERO);

    let mut life = Life::new(&past);
    assert!(!life.works(2) && !life.work.is_enough());
    assert!(life.works(1) && life.work.is_enough());
    assert_eq!(life.work.done(), 3);
    life.ends(Duration::ZERO);
    let mut life = Life::new(&past);
    assert!(!life.works(1));
    life.ends(Duration::ZERO);
    assert!(Life::new(&past).works(1), "the last one counts");
}

#[test]
fn what_is_lost_is_not_done() {
    let past = Arc::default();
    let mut life = Life::new(&past);
    (0..8).for_each(|_| life.work.give());
    assert!(!life.work.are_open(life.now, 7));
    assert_eq!(life.work.done(), 1);
    life.ends(Duration::ZERO);
    assert_eq!(past.calls_in_a_life(), Some(1));
}

#[test]
fn one_that_ends_long_after_its_last_answer_is_not_known_by_its_calls() {
    let past = Arc::default();
    let mut life = Life::new(&past);
    life.works(5);
    life.ends(ENDS_WITHIN);
    assert_eq!(past.calls_in_a_life(), None);
}

#[test]
fn one_that_lives_on_is_given_what_has_waited() {
    let past = Arc::<Past>::default();
    past.learn_calls_in_a_life(1);
    let (mut life, mut desk) = (Life::new(&past), Desk::new(8));
    life.works(1);
    let reply_tokens: [_; 3] = std::array::from_fn(|_| desk.plain());
    let calls = reply_tokens.each_ref().map(ReplyToken::call);
    for reply_token in reply_tokens {
        life.work.hold(reply_token);
    }
    life.work.withdraw(calls[1]).unwrap().close();
    assert!(life.work.withdraw(calls[1]).is_none());
    life.work.goes_on();
    let left: Vec<_> = std::iter::from_fn(|| life.work.next_held()).collect();
    assert!(left.iter().map(ReplyToken::call).eq([calls[0], calls[2]]));
    assert!(!life.work.is_enough(), "what was learnt is wrong");
}
