//! The judge sees each wrong that it is there for: a ledger with that wrong in it, and one complaint.

#![cfg(test)]

use std::time::Duration;

use tokio::time::Instant;

use super::ledger::{Call, Ledger, Outcome, Scope};

const ID: (usize, u64) = (0, 1);

fn call(client: usize) -> Call {
    Call {
        client,
        server: "good".to_owned(),
        nonce: format!("{client}-1"),
        is_cancelled: false,
        withdrawn: None,
        sent: Instant::now(),
        settled: None,
    }
}

fn answered(server: &str, text: &str) -> Outcome {
    let (marker, text) = (format!("{server}#0"), text.to_owned());
    Outcome::Answered {
        marker,
        text,
        pid: 1,
    }
}

fn begun() -> Ledger {
    let ledger = Ledger::default();
    ledger.begin(ID, call(0));
    ledger
}

fn says(ledger: &Ledger, expected: &[&str]) {
    let (_, complaints) = ledger.judge();
    assert_eq!(complaints.len(), expected.len(), "{complaints:#?}");
    for (complaint, begin) in complaints.iter().zip(expected) {
        assert!(complaint.starts_with(begin), "{complaint}");
    }
}

#[test]
fn one_answer_that_belongs_to_its_call_is_right() {
    let ledger = begun();
    ledger.answer(ID, answered("good", "0-1"));
    says(&ledger, &[]);
}

#[test]
fn two_answers_none_and_those_to_nobody_are_wrong() {
    let ledger = begun();
    says(&ledger, &["never answered"]);
    ledger.answer(ID, answered("good", "0-1"));
    ledger.answer(ID, answered("good", "0-1"));
    says(&ledger, &["a second answer"]);
    let ledger = Ledger::default();
    ledger.answer(ID, answered("good", "0-1"));
    says(&ledger, &["an answer to nobody"]);
}

#[test]
fn another_text_or_another_server_is_crossed() {
    for wrong in [answered("good", "1-1"), answered("other", "0-1")] {
        let ledger = begun();
        ledger.answer(ID, wrong);
        says(&ledger, &["crossed"]);
    }
}

#[test]
fn a_server_that_was_not_struck_has_no_excuse() {
    let other = Scope::Server("other".to_owned());
    let ledger = begun();
    ledger.struck(other, Instant::now());
    ledger.answer(ID, Outcome::Refused("busy".to_owned()));
    says(&ledger, &["refused"]);
    ledger.struck(Scope::Server("good".to_owned()), Instant::now());
    says(&ledger, &["refused"]); // it was refused before
    let ledger = begun();
    ledger.struck(Scope::Server("good".to_owned()), Instant::now());
    ledger.answer(ID, Outcome::Refused("died".to_owned()));
    says(&ledger, &[]);
    let ledger = begun();
    ledger.struck(Scope::Server("good".to_owned()), Instant::now());
    ledger.lose(0, "reset"); // that takes no connection with it
    says(&ledger, &["lost"]);
}

#[tokio::test(start_paused = true)]
async fn a_strike_that_is_long_healed_is_no_excuse() {
    let ledger = Ledger::default();
    let strike = ledger.struck(Scope::Gateway, Instant::now());
    ledger.healed(strike);
    tokio::time::advance(Duration::from_secs(2)).await;
    ledger.begin(ID, call(0));
    ledger.lose(0, "reset");
    says(&ledger, &["lost"]);
}

#[test]
fn one_struck_session_excuses_one_client() {
    let ledger = begun();
    ledger.begin((1, 1), call(1));
    ledger.struck(Scope::Session, Instant::now());
    ledger.lose(0, "ended");
    ledger.lose(1, "ended");
    says(&ledger, &["lost"]);
    ledger.struck(Scope::Session, Instant::now());
    says(&ledger, &["lost"]); // too late for it
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_taken_back_in_time_gets_no_answer() {
    let taken_back = |withdrawn: bool| {
        let ledger = Ledger::default();
        let is_cancelled = true;
        ledger.begin(
            ID,
            Call {
                is_cancelled,
                ..call(0)
            },
        );
        if withdrawn {
            ledger.withdrawn(ID);
        }
        ledger
    };
    let ledger = taken_back(true);
    ledger.answer(ID, answered("good", ""));
    says(&ledger, &["answered after"]);
    let ledger = taken_back(false);
    ledger.answer(ID, answered("good", ""));
    says(&ledger, &[]); // it overtook its call, or came too late
    for (outcome, complaint) in [("refused", "refused after"), ("lost", "held after")] {
        let ledger = taken_back(true);
        tokio::time::advance(Duration::from_secs(6)).await;
        if outcome == "refused" {
            ledger.answer(ID, Outcome::Refused("died".to_owned()));
        } else {
            ledger.lose(0, "ended");
        }
        says(&ledger, &[complaint]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_of_one_session_excuses_its_client_until_there_is_another() {
    let ledger = Ledger::default();
    let asked = |client: usize, id: u64, outcome: Outcome| {
        let server = "own".to_owned();
        ledger.begin(
            (client, id),
            Call {
                server,
                ..call(client)
            },
        );
        ledger.answer((client, id), outcome);
    };
    let by = |client: usize, pid| Outcome::Answered {
        marker: "own#0".to_owned(),
        text: format!("{client}-1"),
        pid,
    };
    let refused = || Outcome::Refused("down".to_owned());
    asked(0, 1, by(0, 10));
    asked(1, 1, by(1, 11));
    ledger.struck(Scope::Instance(10), Instant::now());
    tokio::time::advance(Duration::from_millis(1)).await;
    asked(0, 2, refused());
    says(&ledger, &[]);
    asked(1, 2, refused());
    says(&ledger, &["refused"]);
    asked(0, 3, by(0, 12));
    tokio::time::advance(Duration::from_secs(2)).await;
    asked(0, 4, refused());
    says(&ledger, &["refused", "refused"]);
}
