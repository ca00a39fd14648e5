//! The spellings of one URI. A server may decode, fold and shorten what it is asked for; a rule that is
//! held against the text alone would be passed by another spelling of it.

use std::borrow::Cow;

/// So many times a text may have been encoded.
const MOST_DECODINGS: usize = 4;

/// A URI in the one spelling that all its others come to.
#[derive(Debug)]
pub struct Spelling {
    text: String,
    /// Without a host, which readers of files pass by.
    without_host: Option<String>,
}

impl Spelling {
    /// That of `uri`; `None` if where it leads depends on who reads it: with `.` or `..` between slashes,
    /// with control characters or spaces around it, or encoded too often.
    #[must_use]
    pub fn of(uri: &str) -> Option<Self> {
        let decoded = decoded(uri)?;
        let is_dots = |part: &str| matches!(part, "." | "..");
        let is_unclear = decoded.contains(char::is_control)
            || decoded.trim() != decoded
            || decoded.split(['/', ':', '?', '#']).any(is_dots);
        (!is_unclear).then(|| Self {
            text: folded(&decoded),
            without_host: without_host(&decoded).map(|rest| folded(&rest)),
        })
    }

    /// The URI itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All that it may be taken for: also without its host, its query, its fragment and slashes at its end.
    pub fn readings(&self) -> impl Iterator<Item = &str> {
        let wholes = [Some(&*self.text), self.without_host.as_deref()];
        wholes.into_iter().flatten().flat_map(|whole| {
            let cut = |marks: &[char]| whole.split(marks).next().unwrap_or_default();
            let cuts = [whole, cut(&['#']), cut(&['?', '#'])];
            let mut told: Vec<&str> = Vec::with_capacity(2 * cuts.len());
            for reading in cuts
                .into_iter()
                .flat_map(|cut| [cut, cut.trim_end_matches('/')])
            {
                if !told.contains(&reading) {
                    told.push(reading);
                }
            }
            told
        })
    }
}

/// A pattern, or a template, for what [`Spelling`] makes of URIs.
#[must_use]
pub fn respelt(pattern: &str) -> String {
    let decoded = decoded(pattern);
    let folded = folded(decoded.as_deref().unwrap_or(pattern));
    if folded.contains(['*', '?', '{']) {
        return folded;
    }
    folded.trim_end_matches('/').to_owned()
}

/// `text` without percent-encoding, however often it was encoded, and with one kind of slash.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    let mut now = Cow::Borrowed(text);
    for _ in 0..=MOST_DECODINGS {
        let next = decoded_once(&now);
        if next == now {
            return Some(if now.contains('\\') {
                now.replace('\\', "/").into()
            } else {
                now
            });
        }
        now = next.into_owned().into();
    }
    None
}

/// Bytes that are no text stay encoded.
fn decoded_once(text: &str) -> Cow<'_, str> {
    let Some((first, rest)) = text.split_once('%') else {
        return Cow::Borrowed(text);
    };
    let mut bytes = first.as_bytes().to_vec();
    for part in rest.split('%') {
        let byte = part.get(..2).filter(|hex| !hex.starts_with('+'));
        let byte = byte.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(b'%'));
        let behind = byte.and_then(|_| part.get(2..));
        bytes.extend_from_slice(behind.unwrap_or(part).as_bytes());
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
            text.push('%');
            text.extend(digits.into_iter().flatten());
        }
    }
    Cow::Owned(text)
}

/// In lower case, without the host that stands for none, and with single slashes.
fn folded(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let host = "file://localhost/";
    let rest = lower.strip_prefix(host).map(|rest| format!("file:/{rest}"));
    let lower = rest.unwrap_or(lower);
    let mut single = String::with_capacity(lower.len());
    for c in lower.chars() {
        if c != '/' || !single.ends_with('/') {
            single.push(c);
        }
    }
    single
}

fn without_host(decoded: &str) -> Option<String> {
    let (scheme, rest) = decoded.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let is_file = scheme.eq_ignore_ascii_case("file") && !host.is_empty();
    is_file.then(|| format!("file:/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(uri: &str) -> Option<String> {
        Spelling::of(uri).map(|spelling| spelling.text)
    }

    #[test]
    fn all_spellings_come_to_one() {
        for uri in [
            "file:///secret/b",
            "file:/secret/b",
            "FILE:///Secret/b",
            "file:///%73ecret/b",
            "file:///%2573ecret/b",
            "file:///secret%2fb",
            "file:////secret//b",
            "file:///secret\\b",
            "file:///secret%5Cb",
            "file://localhost/secret/b",
        ] {
            assert_eq!(text(uri).as_deref(), Some("file:/secret/b"), "{uri}");
            assert_eq!(respelt(uri), "file:/secret/b", "{uri}");
        }
        assert_eq!(text("x://%C3%A4/%ff%zz%").as_deref(), Some("x:/ä/%ff%zz%"));
        assert_eq!(text("x:%FF%+1").as_deref(), Some("x:%ff%+1"));
    }

    #[test]
    fn where_a_uri_leads_may_depend_on_who_reads_it() {
        let deep = format!("x://%{}61", "25".repeat(9));
        for uri in [
            "file:///pub/../secret/b",
            "file:///pub/%2e%2e/secret/b",
            "file:///pub/..%2fsecret/b",
            "file:///pub/%252e%252E%255csecret/b",
            "file:///pub/x%2fy/../../secret/b",
            "file:///./secret/b",
            "file:..?x",
            "file:///sec\tret/b",
            "file:///secret/b%00",
            " file:///secret/b",
            &deep,
        ] {
            assert_eq!(text(uri), None, "{uri}");
        }
        for uri in ["file:///pub/..a", "x://a.b/.c?d=.."] {
            assert!(text(uri).is_some(), "{uri}");
        }
    }

    #[test]
    fn a_uri_may_be_taken_for_others() {
        let spelling = Spelling::of("file://Host/a/?q#f").unwrap();
        let readings: Vec<&str> = spelling.readings().collect();
        for reading in ["file:/host/a/?q#f", "file:/host/a", "file:/a/?q", "file:/a"] {
            assert!(readings.contains(&reading), "{readings:?}");
        }
    }

    #[test]
    fn a_long_uri_costs_what_its_length_costs() {
        let began = tokio::time::Instant::now();
        for part in ["%25", "/", "%2f", "%", "\\"] {
            let uri = part.repeat(1 << 18);
            assert!(respelt(&uri).len() <= uri.len());
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(10));
    }
}
