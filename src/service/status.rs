//! The line for people that the service manager shows (`systemctl status`), from the tree's
//! overview. Pure.

use crate::ids::ServerName;
use crate::tree::{Overview, Standing};

/// More servers than these are not named.
const NAMED: usize = 3;

/// `9 of 10 servers ready (fetch: crash-looping), 3 sessions; the configuration has errors`
pub(super) fn line(overview: &Overview) -> String {
    let sessions = count(overview.sessions, "session");
    if !overview.is_configured {
        return format!("no usable configuration, {sessions}");
    }
    let line = servers(overview, &sessions);
    if overview.is_faulty {
        format!("{line}; the configuration has errors")
    } else {
        line
    }
}

fn servers(overview: &Overview, sessions: &str) -> String {
    let total = overview.servers.len();
    let mut others: Vec<(&ServerName, Standing)> = Vec::new();
    for (name, standing) in &overview.servers {
        if *standing != Standing::Ready {
            others.push((name, *standing));
        }
    }
    if others.is_empty() {
        return match total {
            0 => format!("no servers, {sessions}"),
            _ => format!("{} ready, {sessions}", count(total, "server")),
        };
    }
    // Whoever looks wants to see what is wrong first.
    others.sort_by_key(|(_, standing)| gravity(*standing));
    let ready = total - others.len();
    let servers = count(total, "server");
    let named = others.iter().take(NAMED);
    let mut why: Vec<String> = named
        .map(|(name, standing)| format!("{name}: {}", word(*standing)))
        .collect();
    if others.len() > NAMED {
        why.push(format!("{} more", others.len() - NAMED));
    }
    format!(
        "{ready} of {servers} ready ({}), {sessions}",
        why.join(", ")
    )
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn gravity(standing: Standing) -> u8 {
    match standing {
        Standing::CrashLooping => 0,
        Standing::Down => 1,
        Standing::Starting => 2,
        Standing::Stopping => 3,
        Standing::Ready => 4,
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::CrashLooping => "crash-looping",
        Standing::Down => "down",
        Standing::Starting => "starting",
        Standing::Stopping => "stopping",
        Standing::Ready => "ready",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(servers: &[(&str, Standing)], sessions: usize) -> String {
        let server =
            |(name, standing): &(&str, Standing)| (ServerName::new(name).unwrap(), *standing);
        line(&Overview {
            servers: servers.iter().map(server).collect(),
            sessions,
            is_configured: true,
            ..Overview::default()
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
        let two = [("a", Standing::Ready), ("fetch", Standing::CrashLooping)];
        assert_eq!(
            of(&two, 3),
            "1 of 2 servers ready (fetch: crash-looping), 3 sessions"
        );
        let many = [
            ("a", Standing::Stopping),
            ("b", Standing::Starting),
            ("c", Standing::Starting),
            ("d", Standing::Down),
            ("e", Standing::CrashLooping),
        ];
        assert_eq!(
            of(&many, 0),
            "0 of 5 servers ready (e: crash-looping, d: down, b: starting, 2 more), 0 sessions"
        );
    }

    #[test]
    fn a_file_with_errors_is_mentioned() {
        let overview = Overview {
            is_configured: true,
            is_faulty: true,
            ..Overview::default()
        };
        let wanted = "no servers, 0 sessions; the configuration has errors";
        assert_eq!(line(&overview), wanted);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let line = line(&Overview::default());
        assert_eq!(line, "no usable configuration, 0 sessions");
    }
}
