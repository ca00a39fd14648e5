//! The line for people that the service manager shows (`systemctl status`), from the tree's
//! status. Pure.

use std::fmt::Display;

use crate::tree::{ServerStatus, Standing, TreeStatus};

/// More servers than these are not named.
const NAMED: usize = 3;

/// `9 of 10 servers ready (fetch: crash-looping), 2 asleep, 3 sessions; the configuration has errors`
pub(super) fn line(tree: &TreeStatus) -> String {
    let sessions = count(tree.sessions, "session");
    if !tree.is_configured {
        return format!("no usable configuration, {sessions}");
    }
    let line = servers(tree, &sessions);
    if tree.configuration.faulty {
        format!("{line}; the configuration has errors")
    } else {
        line
    }
}

fn servers(tree: &TreeStatus, sessions: &str) -> String {
    let total = tree.servers.len();
    let is_well =
        |server: &ServerStatus| matches!(server.state, Standing::Ready | Standing::Asleep);
    let is_other = |server: &&ServerStatus| !is_well(server);
    let asleep = tree.servers.iter();
    let asleep = asleep
        .filter(|server| server.state == Standing::Asleep)
        .count();
    let sessions = match asleep {
        0 => sessions.to_owned(),
        _ => format!("{asleep} asleep, {sessions}"),
    };
    let mut others: Vec<&ServerStatus> = tree.servers.iter().filter(is_other).collect();
    let servers = count(total, "server");
    if others.is_empty() {
        return match total {
            0 => format!("no servers, {sessions}"),
            _ => format!("{servers} ready, {sessions}"),
        };
    }
    // Whoever looks wants to see what is wrong first.
    others.sort_by_key(|server| server.state);
    let ready = total - others.len();
    let named = others.iter().take(NAMED);
    let mut why: Vec<String> = named
        .map(|server| format!("{}: {}", server.name, server.state))
        .collect();
    if others.len() > NAMED {
        why.push(format!("{} more", others.len() - NAMED));
    }
    format!(
        "{ready} of {servers} ready ({}), {sessions}",
        why.join(", ")
    )
}

fn count<N: Copy + PartialEq + From<u8> + Display>(number: N, what: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::CallsStatus;

    fn of(servers: &[(&str, Standing)], sessions: i64) -> String {
        let server = |(name, state): &(&str, Standing)| ServerStatus {
            name: (*name).to_owned(),
            state: *state,
            pid: None,
            uptime_seconds: None,
            restarts: 0,
            exits: Vec::new(),
            likely: None,
            junk_lines: 0,
            dropped_answers: 0,
            failures: 0,
            next_try_seconds: None,
            why: None,
            tools: 0,
            tools_bytes: 0,
            tools_tokens: 0,
            calls_in_flight: 0,
            calls: CallsStatus::default(),
            processes: None,
            instances: 0,
            awake_for: Vec::new(),
            ends_after_calls: None,
            warnings: Vec::new(),
            definitions_changed: Vec::new(),
            unread: Vec::new(),
            left_out: Vec::new(),
        };
        line(&TreeStatus {
            servers: servers.iter().map(server).collect(),
            sessions,
            is_configured: true,
            ..TreeStatus::default()
        })
    }

    #[test]
    fn all_is_well() {
        assert_eq!(of(&[], 0), "no servers, 0 sessions");
        assert_eq!(
            of(&[("a", Standing::Ready)], 1),
            "1 server ready, 1 session"
        );
        let two = [("a", Standing::Ready), ("b", Standing::Ready)];
        assert_eq!(of(&two, 3), "2 servers ready, 3 sessions");
    }

    #[test]
    fn what_is_wrong_comes_first() {
        let two = [("a", Standing::Ready), ("b", Standing::Asleep)];
        assert_eq!(of(&two, 3), "2 servers ready, 1 asleep, 3 sessions");
        let two = [("a", Standing::Ready), ("fetch", Standing::CrashLooping)];
        assert_eq!(
            of(&two, 3),
            "1 of 2 servers ready (fetch: crash-looping), 3 sessions"
        );
        let many = [
            ("a", Standing::Stopping),
            ("b", Standing::Starting),
            ("c", Standing::Starting),
            ("d", Standing::Backoff),
            ("e", Standing::CrashLooping),
        ];
        assert_eq!(
            of(&many, 0),
            "0 of 5 servers ready (e: crash-looping, d: backoff, b: starting, 2 more), 0 sessions"
        );
    }

    #[test]
    fn a_file_with_errors_is_mentioned() {
        let mut tree = TreeStatus {
            is_configured: true,
            ..TreeStatus::default()
        };
        tree.configuration.faulty = true;
        let wanted = "no servers, 0 sessions; the configuration has errors";
        assert_eq!(line(&tree), wanted);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let line = line(&TreeStatus::default());
        assert_eq!(line, "no usable configuration, 0 sessions");
    }
}
