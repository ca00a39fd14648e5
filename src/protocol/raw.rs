//! Raw JSON: finding the members of one object without parsing what is in them, and replacing
//! some of them in place. Everything above it in `protocol` is built from [`pick`] and [`splice`],
//! so that no body is ever turned into values and back.

pub(super) mod scan;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use memchr::{memchr, memchr2};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use self::scan::Scan;

/// One member of an object, as [`pick`] found it: raw JSON without the white space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member<'a> {
    Absent,
    Once(&'a str),
    /// Readers disagree about which of two counts, so that none may be trusted.
    Repeated,
}

impl<'a> Member<'a> {
    /// The raw value, if there is exactly one; `name` is for the error's text.
    pub(super) fn once(self, name: &str) -> Result<Option<&'a str>, String> {
        match self {
            Self::Absent => Ok(None),
            Self::Once(raw) => Ok(Some(raw)),
            Self::Repeated => Err(format!("the member '{name}' appears more than once")),
        }
    }

    /// Like [`Member::once`], and `null` counts as absent.
    pub(super) fn value(self, name: &str) -> Result<Option<&'a str>, String> {
        Ok(self.once(name)?.filter(|raw| *raw != "null"))
    }
}

/// Reads `text`, a JSON object, in one pass and gives the members called `names`. Names are
/// compared decoded, so that `"n\u0061me"` is found (and a repetition cannot hide behind an escape).
/// An error is a mistake in the syntax, or `text` is no object.
pub(super) fn pick<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> Result<[Member<'a>; N], serde_json::Error> {
    let mut found = [Member::Absent; N];
    each(text, |key, value| note(&mut found, names, (key, value)))?;
    Ok(found)
}

/// The same of an object in a message that was decoded: its syntax is not looked at again. `None` if it
/// is no object.
pub(super) fn pick_read<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> Option<[Member<'a>; N]> {
    let mut found = [Member::Absent; N];
    each_read(text, |key, value| note(&mut found, names, (key, value)))?;
    Some(found)
}

fn note<'a, const N: usize>(
    found: &mut [Member<'a>; N],
    names: [&str; N],
    (key, value): (&'a str, &'a str),
) {
    let inner = key.get(1..key.len() - 1).unwrap_or_default();
    let position = |said: &str| names.iter().position(|name| *name == said);
    let at = match position(inner) {
        None if memchr(b'\\', inner.as_bytes()).is_some() => {
            string(key).and_then(|said| position(&said))
        }
        at => at,
    };
    if let Some(slot) = at.and_then(|at| found.get_mut(at)) {
        *slot = match slot {
            Member::Absent => Member::Once(value),
            Member::Once(_) | Member::Repeated => Member::Repeated,
        };
    }
}

/// The members of something optional that was read before, for readers who forgive: absent is also what
/// is `null` or repeated, and every member of what is no object.
pub(super) fn members<'a, const N: usize>(
    raw: Option<&'a str>,
    names: [&str; N],
) -> [Option<&'a str>; N] {
    let found = raw.and_then(|raw| pick_read(raw, names));
    found.map_or([None; N], |found| {
        found.map(|member| member.value("").ok().flatten())
    })
}

/// The raw entries of an array; none of what is no array.
pub(super) fn entries(raw: &str) -> Vec<&str> {
    let entries: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
    entries.into_iter().map(RawValue::get).collect()
}

/// Shows every member of the object `text` to `visit`: raw key, raw value.
pub(super) fn each<'a>(
    text: &'a str,
    visit: impl FnMut(&'a str, &'a str),
) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_map(Each(visit))?;
    reader.end()
}

struct Each<F>(F);

impl<'de, F: FnMut(&'de str, &'de str)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        // Keys are read raw too: one that is no text ("\ud800") is merely not ours.
        while let Some(key) = map.next_key::<&'de RawValue>()? {
            let value = map.next_value::<&'de RawValue>()?;
            (self.0)(key.get(), value.get());
        }
        Ok(())
    }
}

/// The same of an object that was read before, as all are that a decoded message holds: its syntax is not
/// looked at again. `None` if it is no object. Of what is not JSON some members are shown, or none.
pub(super) fn each_read<'a>(text: &'a str, mut visit: impl FnMut(&'a str, &'a str)) -> Option<()> {
    let mut scan = Scan::new(text);
    let is_open = scan.takes(b'{');
    if !is_open || scan.takes(b'}') {
        return is_open.then_some(());
    }
    loop {
        let key = scan.value().filter(|key| key.starts_with('"'))?;
        let has_value = scan.takes(b':');
        let value = scan.value().filter(|_| has_value)?;
        visit(key, value);
        if !scan.takes(b',') {
            return scan.takes(b'}').then_some(());
        }
    }
}

/// The bytes as text; `what` is for the error's text.
pub(super) fn text<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, String> {
    std::str::from_utf8(bytes).map_err(|error| format!("{what} are not UTF-8: {error}"))
}

/// What a raw JSON string says; `None` if it is no string or cannot be text (a lone surrogate).
pub(super) fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if memchr(b'\\', inner.as_bytes()).is_some() {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Whether the raw JSON string `raw` says `wanted`.
pub(super) fn is_text(raw: &str, wanted: &str) -> bool {
    let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
    let Some(inner) = inner else {
        return false;
    };
    // With an escape it is longer than what it says.
    if inner.len() <= wanted.len() {
        return inner == wanted && memchr(b'\\', wanted.as_bytes()).is_none();
    }
    memchr(b'\\', inner.as_bytes()).is_some() && string(raw).is_some_and(|said| said == wanted)
}

/// The number in a raw JSON number, or in a raw JSON string of one: one of the gateway's own ids or
/// tokens on its way back, through the hands of languages whose numbers are all floats (`1.0`, `1e0`).
pub(super) fn number(raw: &[u8]) -> Option<u64> {
    let quoted = raw.strip_prefix(b"\"").and_then(|r| r.strip_suffix(b"\""));
    let text = std::str::from_utf8(quoted.unwrap_or(raw)).ok()?;
    whole(text)?.parse().ok()
}

/// The digits of a JSON number that is whole, however it is spelled: `1.50e1` says 15. One that
/// would have far more digits than its text is none.
pub(super) fn whole(text: &str) -> Option<Cow<'_, str>> {
    const MOST_ZEROS: i64 = 64;
    let (sign, unsigned) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if is_digits(unsigned) && !unsigned.starts_with('0') {
        return Some(Cow::Borrowed(text));
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (units, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_canonical = units == "0" || !units.starts_with('0');
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if !is_canonical
        || ![units, fraction, exponent_digits]
            .into_iter()
            .all(is_digits)
    {
        return None;
    }
    let digits = format!("{units}{fraction}");
    let significant = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
    if significant.is_empty() {
        return Some(Cow::Borrowed("0"));
    }
    let exponent: i64 = exponent.parse().ok()?;
    let zeros = exponent
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .checked_add(dropped)?;
    let zeros = usize::try_from(zeros)
        .ok()
        .filter(|_| zeros <= MOST_ZEROS)?;
    let significant = significant.trim_start_matches('0');
    Some(Cow::Owned(format!(
        "{sign}{significant}{}",
        "0".repeat(zeros)
    )))
}

/// Where `part`, a slice of `whole`, lies in it.
pub(super) fn span(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

/// Where the member of the object `whole` with this raw value lies, with one of the commas that
/// part it from others; what is left without it is an object. Its name has no quotes in it.
pub(super) fn member_span(whole: &str, value: &str) -> Range<usize> {
    let value = span(whole, value);
    let (before, after) = (whole.get(..value.start), whole.get(value.end..));
    let name = before.and_then(|before| before.rsplitn(3, '"').nth(2));
    let before = name.unwrap_or_default().trim_ascii_end();
    if before.ends_with(',') {
        return before.len() - 1..value.end;
    }
    let rest = after.unwrap_or_default().trim_ascii_start();
    let rest = rest.strip_prefix(',').unwrap_or(rest);
    before.len()..whole.len() - rest.len()
}

/// Where the members of the object `part`, a piece of `whole`, lie whose raw names `is_out` picks,
/// with the commas that part them from others: what is left without them is an object. Says too
/// whether a member is left. Nothing if `part` is no object; its syntax was read before.
pub(super) fn member_spans(
    whole: &str,
    part: &str,
    is_out: impl Fn(&str) -> bool,
) -> Option<(Vec<Range<usize>>, bool)> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    let (mut is_left, mut last_end, mut is_open) = (false, 0, false);
    each_read(part, |key, value| {
        let (start, end) = (span(whole, key).start, span(whole, value).end);
        // One at the front goes up to the next member, any other from the end of the one before.
        if let Some(open) = spans.last_mut().filter(|_| is_open) {
            open.end = start;
            is_open = false;
        }
        if is_out(key) {
            let from = if is_left { last_end } else { start };
            match spans.last_mut().filter(|last| last.end == from) {
                Some(last) => last.end = end,
                None => spans.push(from..end),
            }
            is_open = !is_left;
        } else {
            is_left = true;
        }
        last_end = end;
    })?;
    Some((spans, is_left))
}

/// The place behind the brace that opens the object `part`, a piece of `whole`.
pub(super) fn inside(whole: &str, part: &str) -> usize {
    let brace = part.find('{').map_or(0, |brace| brace + 1);
    span(whole, part).start + brace
}

/// `source` with the spans of `edits` replaced and nothing else touched, on a single line.
/// The edits may come in any order; they must not overlap.
pub(super) fn splice(source: &[u8], mut edits: Vec<(Range<usize>, &[u8])>) -> Vec<u8> {
    edits.sort_by_key(|(span, _)| span.start);
    let added: usize = edits.iter().map(|(_, with)| with.len()).sum();
    let mut out = Vec::with_capacity(source.len() + added);
    let mut done = 0;
    for (span, with) in edits {
        push_single_line(&mut out, source.get(done..span.start).unwrap_or_default());
        push_single_line(&mut out, with);
        done = span.end;
    }
    push_single_line(&mut out, source.get(done..).unwrap_or_default());
    out
}

/// Appends valid JSON without its line breaks. They can only be white space between tokens, where
/// JSON needs none: inside a string a line break is always escaped.
pub(super) fn push_single_line(out: &mut Vec<u8>, mut json: &[u8]) {
    while let Some(at) = memchr2(b'\n', b'\r', json) {
        let (line, rest) = json.split_at(at);
        out.extend_from_slice(line);
        json = rest.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(json);
}

/// Appends `text` as a JSON string. Only what JSON demands is escaped.
pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// `text` as a JSON string.
pub(super) fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    out
}

#[cfg(test)]
mod tests;
