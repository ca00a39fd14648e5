//! Texts that must have a form of their own, as the clients see it that are strictest about each.

/// Whether a URI has a scheme, and behind `//` a host that can be one: a list with another in it is
/// refused as a whole by the Python SDK (1.x, pydantic's `AnyUrl`). The rules are the URL
/// standard's as far as they are about syntax; what is not ASCII passes.
pub(super) fn is_uri(uri: &str) -> bool {
    let uri = uri.trim_matches(|c: char| c <= ' ');
    let Some((scheme, rest)) = uri.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    let is_scheme = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let web = ["http", "https", "ws", "wss", "ftp"];
    let is_web = web.iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let rest = if is_web {
        Some(rest.trim_start_matches(['/', '\\']))
    } else if scheme.eq_ignore_ascii_case("file") {
        None
    } else {
        rest.strip_prefix("//")
    };
    is_scheme && rest.is_none_or(|rest| is_authority(rest, is_web))
}

/// Whether `rest` begins with a host, if it must, and perhaps a user before it and a port behind it.
fn is_authority(rest: &str, is_web: bool) -> bool {
    let ends = |c: char| matches!(c, '/' | '?' | '#') || (is_web && c == '\\');
    let authority = rest.split(ends).next().unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let has_user = authority.len() > host.len() || !user.is_empty();
    let (host, port) = match host.strip_prefix('[').map(|inner| inner.split_once(']')) {
        Some(Some((inner, port))) if inner.parse::<std::net::Ipv6Addr>().is_ok() => (
            inner,
            port.strip_prefix(':').or(port.is_empty().then_some("")),
        ),
        Some(_) => return false,
        None => match host.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host, Some("")),
        },
    };
    let Some(port) = port else {
        return false;
    };
    let is_port = port.is_empty() || port.parse::<u16>().is_ok() && !port.starts_with('+');
    // An empty one is one in URIs that are not of the web, as in `file:///x`.
    let may_be_empty = !is_web && !has_user && port.is_empty();
    let is_forbidden = |c: char| {
        matches!(c, ' ' | '<' | '>' | '\\' | '^' | '|' | '[' | ']') || c.is_ascii_control()
    };
    let is_host = if host.is_empty() {
        may_be_empty
    } else {
        host.contains(':') || !host.contains(is_forbidden)
    };
    is_host && is_port
}

/// Whether a time is a date, `T`, a time of day with seconds, and `Z` or an offset: the TypeScript SDK
/// (zod's `iso.datetime`) takes no other.
pub(super) fn is_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else {
        return false;
    };
    let Some((time, offset)) = time.strip_suffix('Z').map(|time| (time, None)).or_else(|| {
        let at = time.rfind(['+', '-'])?;
        let (time, offset) = time.split_at(at);
        Some((time, offset.get(1..)))
    }) else {
        return false;
    };
    let (time, fraction) = time
        .split_once('.')
        .map_or((time, None), |(time, rest)| (time, Some(rest)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_date(date)
        && numbers(time, ':', &[2, 2, 2]).is_some_and(|time| is_clock(&time))
        && fraction.is_none_or(digits)
        && offset.is_none_or(|offset| {
            numbers(offset, ':', &[2, 2]).is_some_and(|offset| is_clock(&offset))
        })
}

fn is_date(text: &str) -> bool {
    let Some(date) = numbers(text, '-', &[4, 2, 2]) else {
        return false;
    };
    let [year, month, day] = date[..] else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn is_clock(parts: &[u32]) -> bool {
    parts
        .iter()
        .zip([24, 60, 60])
        .all(|(part, end)| *part < end)
}

/// The numbers in `text`, which are of so many digits each.
fn numbers(text: &str, between: char, lengths: &[usize]) -> Option<Vec<u32>> {
    let parts: Vec<&str> = text.split(between).collect();
    let is_right = parts.len() == lengths.len()
        && parts.iter().zip(lengths).all(|(part, length)| {
            part.len() == *length && part.bytes().all(|byte| byte.is_ascii_digit())
        });
    let read = || parts.iter().filter_map(|part| part.parse().ok()).collect();
    is_right.then(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each was shown to pydantic 2.14, but for what its IDNA and its IPv4 addresses say.
    #[test]
    fn a_uri_is_what_the_python_sdk_takes() {
        for uri in [
            "file:///a b",
            "x:",
            "x:y",
            "http:a",
            "http:///a",
            "db://a_b/x",
            "db:///x",
            "memo://{id}",
            "x+y.z-1:q",
            " http://x",
            "file:x",
            "mailto:",
            "custom://x:80/",
            "custom://a%zz/",
            "C:\\x",
            "custom://é/x",
            "urn:x:y",
            "http://a..b/",
            "custom://a:b@c/",
            "http://a:",
            "custom://a#b/c",
            "custom://a?b/c",
            "http://[::1]:8/",
        ] {
            assert!(is_uri(uri), "{uri}");
        }
        for uri in [
            "notes/1",
            "/a/b",
            "config",
            "",
            "http://",
            "http:",
            "https://x:99999/",
            "http://exa mple/",
            "db://my table/x",
            "a b:c",
            "1x:y",
            "://x",
            "ws://",
            "custom://[::1",
            "custom://x:y",
            "custom://:80/",
            "http://user@/",
            "é://x",
            "custom://<x>/y",
            "x://a|b/c",
            "http://a|b/",
            "custom://a^b/c",
            "custom://@/x",
            "http://@/x",
            "http://a:b/",
        ] {
            assert!(!is_uri(uri), "{uri}");
        }
    }

    #[test]
    fn a_time_is_what_the_typescript_sdk_takes() {
        for time in [
            "2025-01-12T15:00:58Z",
            "2024-02-29T00:00:00.123456Z",
            "2000-02-29T23:59:59+05:30",
            "2025-12-31T00:00:00-23:59",
        ] {
            assert!(is_time(time), "{time}");
        }
        for time in [
            "2025-01-12T15:00:58",
            "2025-01-12",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-01-12T15:00Z",
            "2025-01-12 15:00:58Z",
            "2025-01-12T24:00:00Z",
            "yesterday",
            "",
            "2025-01-12T15:00:58.Z",
            "2025-01-12T15:00:58+0530",
            "1900-02-29T00:00:00Z",
            "2025-01-00T00:00:00Z",
            "+025-01-12T15:00:58Z",
        ] {
            assert!(!is_time(time), "{time}");
        }
    }
}
