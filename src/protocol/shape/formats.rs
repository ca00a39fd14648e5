//! Texts that must have a form of their own, as the clients see it that are strictest about each.

use std::ops::RangeInclusive;

use percent_encoding::percent_decode_str;
use url::Url;
use url::quirks::domain_to_unicode;

/// The characters beyond ASCII that mean the same to every version of IDNA that clients were found to
/// have, by the scripts that people write hosts in. Versions refuse what did not exist in their time.
const SETTLED: [RangeInclusive<char>; 14] = [
    '\u{80}'..='\u{4bf}',      // Latin, Greek, Cyrillic
    '\u{5ca}'..='\u{61c}',     // Hebrew, Arabic
    '\u{61e}'..='\u{86f}',     // Arabic
    '\u{8d3}'..='\u{b52}',     // Devanagari and others of India
    '\u{cf4}'..='\u{ecd}',     // Malayalam, Thai, Lao
    '\u{1dfb}'..='\u{2060}',   // more of Latin and Greek
    '\u{2133}'..='\u{2182}',   // Roman numbers
    '\u{2184}'..='\u{2426}',   // arrows and signs
    '\u{242a}'..='\u{2b95}',   // signs
    '\u{2e64}'..='\u{3163}',   // Kana
    '\u{31e6}'..='\u{9ffc}',   // Chinese characters
    '\u{ab6e}'..='\u{fbc1}',   // Hangul
    '\u{fe00}'..='\u{ff9f}',   // full width
    '\u{1f1af}'..='\u{1f6d7}', // emoji
];

/// What reading a label costs grows with the square of its length, and no host has more than 253
/// characters (RFC 1035), some of which may be written with several.
const LONGEST_HOST: usize = 512;

/// Whether a URI is one to the Python SDK (1.x, pydantic's `AnyUrl`), which refuses a list as a whole
/// for another in it. It asks this very library, whose tables may be older there.
pub(super) fn is_uri(uri: &str) -> bool {
    is_cheap(uri) && Url::parse(uri).is_ok_and(|url| !url.is_special() || is_settled(uri, &url))
}

/// Whether its host is not too long to be looked up in tables, if it would be.
fn is_cheap(uri: &str) -> bool {
    if uri.len() <= LONGEST_HOST {
        return true;
    }
    let written = without_breaks(uri);
    let (scheme, rest) = split(&written);
    let host = host(&scheme, rest);
    let is_looked_up = ["http", "https", "ws", "wss", "ftp", "file"].contains(&scheme.as_str());
    !is_looked_up || host.len() <= LONGEST_HOST || is_plain(&host.to_ascii_lowercase())
}

/// Whether the name of a host, which is looked up in tables, says the same to all of them.
fn is_settled(uri: &str, url: &Url) -> bool {
    let name = url.host_str().unwrap_or_default();
    if is_plain(name) && uri.is_ascii() && !uri.contains('%') {
        return true;
    }
    // Characters that are left out or replaced are only there before it is read.
    let written = without_breaks(uri);
    let (scheme, rest) = split(&written);
    let decoded = percent_decode_str(host(&scheme, rest)).decode_utf8_lossy();
    let read = domain_to_unicode(name);
    let mut all = decoded.chars().chain(read.chars());
    all.all(|c| c.is_ascii() || SETTLED.iter().any(|range| range.contains(&c)))
}

/// Whether a host, in lower case, is in no table.
fn is_plain(host: &str) -> bool {
    host.is_ascii() && !host.contains('%') && !host.contains("xn--")
}

/// A URI without what its reader leaves out wherever it is.
fn without_breaks(uri: &str) -> String {
    uri.chars().filter(|c| !"\t\n\r".contains(*c)).collect()
}

/// The scheme, in lower case, and what comes after it.
fn split(uri: &str) -> (String, &str) {
    let (scheme, rest) = uri.split_once(':').unwrap_or_default();
    let scheme = scheme.trim_start_matches(|c| c <= ' ');
    (scheme.to_ascii_lowercase(), rest)
}

/// The host as it is written in the `rest` of a URI whose scheme has hosts.
fn host<'a>(scheme: &str, rest: &'a str) -> &'a str {
    let slashes: &[_] = &['/', '\\'];
    let rest = if scheme == "file" {
        let rest = rest
            .strip_prefix(slashes)
            .and_then(|rest| rest.strip_prefix(slashes));
        rest.unwrap_or_default()
    } else {
        rest.trim_start_matches(slashes)
    };
    let ends = |c| matches!(c, '/' | '\\' | '?' | '#');
    let authority = rest.split(ends).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
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

    /// Each was shown to pydantic 2.7, 2.10, 2.11 and 2.14, and all of them take it.
    const URIS: [&str; 39] = [
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
        "notes://%USER%/n",
        "notes://1.2.3.999/",
        "notes://\u{1cf7a}/",
        "http://0x7f.1/",
        "http://0x/",
        "http://0xg/",
        "file://{user}/n",
        "http://1.2.3/",
        "http://b%c3%bccher.example/%zz",
        "https://xn--bcher-kva.example/",
        "http://日本.example/\u{1cf7a}",
        "file:///\u{1cf7a}/%USER%",
        "file:////\u{1cf7a}",
        "file://１.2.3.4/",
        "http://\u{1f600}/",
        "data:text/plain,%",
    ];

    /// One of them at least refuses it.
    const NO_URIS: [&str; 43] = [
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
        "file://%USER%/n",
        "file://%/n",
        "http://%zz/",
        "http://a%20b/",
        "http://1.2.3.999/",
        "http://256.1.1.1.1/",
        "http://a.09/",
        "http://\u{ad}/",
        "http://%c2%ad/",
        "http://xn--/",
        "http://xn--a/",
        "http://אa.example/",
        "http://a\u{200d}b/",
        "file://a b/",
        "file://a:80/",
        "file://local\u{2061}host/",
        "http://user@\u{1cf7a}/",
        "ws:\\\\%F0%9C%BD%BA/",
    ];

    #[test]
    fn a_uri_is_what_the_python_sdk_takes() {
        for uri in URIS {
            assert!(is_uri(uri), "{uri}");
        }
        for uri in NO_URIS {
            assert!(!is_uri(uri), "{uri}");
        }
    }

    #[test]
    fn a_long_host_is_taken_as_long_as_it_is_in_no_table() {
        let of = |label: &str, count: usize| label.repeat(count);
        assert!(is_uri(&format!("http://{}/", of("b", 100_000))));
        assert!(is_uri(&format!("note://{}/", of("%d0%bf", 1000))));
        assert!(is_uri(&format!("http://a/{}", of("%d0%bf", 1000))));
        assert!(is_uri(&format!("http://{}x/", of("xn--4gqz7d.", 40))));
        for scheme in ["http", "wss", " F\ti\nle"] {
            for label in ["xn--4gqz7d.", "XN--4GQZ7D.", "日.", "%e6%97%a5."] {
                let long = of(label, 1 + LONGEST_HOST / label.len());
                assert!(!is_uri(&format!("{scheme}://{long}x/")), "{label}");
            }
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
