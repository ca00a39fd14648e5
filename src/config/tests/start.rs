//! When a server runs: `start` and `idle_timeout`, of an entry and for all.

use std::time::Duration;

use super::super::model::IDLE_TIMEOUT;
use super::{entries, load, problems, spec};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_server_runs_always_unless_something_says_otherwise() {
    let parsed = load(
        r#"[
{"name": "a", "command": "x"},
{"name": "b", "command": "x", "start": "always"},
{"name": "c", "command": "x", "start": "on-demand"},
{"name": "d", "command": "x", "start": "on-demand", "idle_timeout": 90},
{"name": "e", "command": "x", "start": "on-demand", "idle_timeout": "10m"},
{"name": "f", "command": "x", "start": null, "idle_timeout": null}
]"#,
    );
    assert_eq!(problems(&parsed), Vec::<String>::new());
    let times: Vec<_> = (0..6).map(|n| spec(&parsed, n).idle_timeout).collect();
    let none = None;
    let expected = [
        none,
        none,
        Some(IDLE_TIMEOUT),
        Some(90 * SECOND),
        Some(600 * SECOND),
        none,
    ];
    assert_eq!(times, expected);
    let (always, on_demand, other) = (spec(&parsed, 0), spec(&parsed, 2), spec(&parsed, 3));
    assert_eq!(always.idle_timeout, spec(&parsed, 1).idle_timeout);
    assert_eq!(on_demand.differences(other), ["prefix", "idle_timeout"]);
    let changed = super::ServerSpec {
        idle_timeout: Some(SECOND),
        ..always.clone()
    };
    assert_eq!(always.differences(&changed), ["start"]);
}

#[test]
fn the_gateway_says_it_for_all_and_an_entry_for_itself() {
    let parsed = load(
        r#"{"gateway": {"start": "on-demand", "idle_timeout": "1h"}, "servers": [
{"name": "a", "command": "x"},
{"name": "b", "command": "x", "start": "always"},
{"name": "c", "command": "x", "idle_timeout": 5}
]}"#,
    );
    assert_eq!(problems(&parsed), Vec::<String>::new());
    let times: Vec<_> = (0..3).map(|n| spec(&parsed, n).idle_timeout).collect();
    assert_eq!(times, [Some(3600 * SECOND), None, Some(5 * SECOND)]);
}

#[test]
fn what_cannot_be_meant_is_refused_with_words() {
    let parsed = load(
        r#"{"gateway": {"start": "never", "idle_timeout": "soon"}, "servers": [
{"name": "a", "command": "x", "start": "ondemand"},
{"name": "b", "command": "x", "start": true},
{"name": "c", "command": "x", "start": "on-demand", "idle_timeout": 0},
{"name": "d", "command": "x", "start": "on-demand", "idle_timeout": 0.05},
{"name": "e", "command": "x", "start": "on-demand", "idle_timeout": 600000},
{"name": "f", "command": "x", "idle_timeout": 60},
{"name": "g", "command": "x"}
]}"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    error at line 1, column 23 (gateway.start): 'start' is 'never', which is not known; write "always" (it runs all the time) or "on-demand" (while it is used)
    error at line 1, column 48 (gateway.idle_timeout): 'idle_timeout' is 'soon', which is no time; write seconds, such as 600, or with a unit, such as "10m"; one that never sleeps has "start": "always"
    error at line 2, column 40 (server 'a', servers[0].start): 'start' is 'ondemand', which is not known; write "always" (it runs all the time) or "on-demand" (while it is used)
    error at line 3, column 40 (server 'b', servers[1].start): 'start' must be a text, not true or false
    error at line 4, column 69 (server 'c', servers[2].idle_timeout): 'idle_timeout' must be at least 0.1 seconds; a server that stops between two calls is started for each
    error at line 5, column 69 (server 'd', servers[3].idle_timeout): 'idle_timeout' must be at least 0.1 seconds; a server that stops between two calls is started for each
    error at line 6, column 69 (server 'e', servers[4].idle_timeout): 'idle_timeout' is in seconds, and at most 86400 (a day); if milliseconds were meant, write 600
    "#);
    insta::assert_snapshot!(entries(&parsed).join(", "), @"a (refused), b (refused), c (refused), d (refused), e (refused), f, g");
    assert_eq!(spec(&parsed, 6).idle_timeout, None);
    let unclear: Vec<_> = [5, 6].map(|n| spec(&parsed, n).is_start_unclear).into();
    assert_eq!(unclear, [true; 2]);
}

#[test]
fn a_time_without_effect_is_said_to_have_none() {
    let parsed = load(r#"[{"name": "f", "command": "x", "idle_timeout": 60}]"#);
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"warning at line 1, column 48 (server 'f', [0].idle_timeout): 'idle_timeout' has no effect without "start": "on-demand"; the server runs always; add "start": "on-demand", or leave it out"#);
}
