//! The text format of Prometheus, version 0.0.4, which every collector reads. The crate writes
//! OpenMetrics 1.0, where the header of a counter leaves `_total` out: `mcproxy_sessions` and
//! `mcproxy_sessions_total` would be one family there, of two types. Only headers differ.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::turn::{Turn, Worst};

/// The media type of `classic`.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// OpenMetrics text as classic text: families have the names of their samples.
pub(super) fn classic(open: &str) -> String {
    let mut text = Text(String::with_capacity(open.len() + 256));
    let mut help = "";
    for line in open.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(_), Some(words)) => help = words,
            (Some("#"), Some("TYPE"), Some(family), Some("counter")) => {
                text.family(&[family, "_total"], help, "counter");
            }
            (Some("#"), Some("TYPE"), Some(family), Some("info")) => {
                text.family(&[family, "_info"], help, "gauge");
            }
            (Some("#"), Some("TYPE"), Some(family), Some(kind)) => {
                text.family(&[family], help, kind);
            }
            (Some("#"), ..) => {} // the end is the end of the reply
            _ => text.0.extend([line, "\n"]),
        }
    }
    text.0
}

/// The most that one turn of each kind has used of a core; nothing if that is not measured.
pub(super) fn worst_turns(worst: &BTreeMap<Turn, Worst>) -> String {
    let mut text = Text(String::new());
    let kept: Pick = |worst| worst.kept;
    let aside: Pick = |worst| worst.aside;
    for (name, help, pick) in [
        (
            "mcproxy_turn_cpu_seconds_max",
            "The most that one turn of this kind has used of a core while it kept its worker",
            kept,
        ),
        (
            "mcproxy_turn_aside_cpu_seconds_max",
            "The most that one turn of this kind has used of a core while its worker did other things",
            aside,
        ),
    ] {
        if !worst.is_empty() {
            text.family(&[name], help, "gauge");
        }
        for (Turn { actor, message }, worst) in worst {
            let used = pick(worst).as_secs_f64();
            let line = format!("{name}{{actor=\"{actor}\",message=\"{message}\"}} {used}\n");
            text.0.push_str(&line);
        }
    }
    text.0
}

/// What is told of a kind of turn.
type Pick = fn(&Worst) -> Duration;

struct Text(String);

impl Text {
    fn family(&mut self, name: &[&str], help: &str, kind: &str) {
        for (keyword, words) in [("# HELP ", help), ("# TYPE ", kind)] {
            self.0.push_str(keyword);
            self.0.extend(name.iter().copied());
            self.0.extend([" ", words, "\n"]);
        }
    }
}
