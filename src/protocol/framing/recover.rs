//! Whose answer was that? A line that cannot be used (too long, not UTF-8, not JSON) may have been a
//! response, and its call should not have to wait for a timeout. The id is looked for in the line's
//! first and last bytes, as the upstream actor has nothing else left of it.
//!
//! A wrong guess answers somebody else's call, so that whatever is not certain is no id.

use memchr::memrchr;

use super::super::raw::number;

/// The gateway's own id in a response of which only the beginning and the end are known (both may be
/// the whole line). `"17"` and `17.0` count as 17. `None` for what is no response, or not certainly one: the
/// line must begin with `{`, and `result` or `error` must be seen among its own members.
///
/// A line that ended too early says less than a whole one; its process is gone with all its calls,
/// there is nothing to recover.
#[must_use]
pub fn recover_id(head: &[u8], tail: &[u8]) -> Option<u64> {
    let seen = Head::read(head);
    if !seen.is_response || seen.is_call {
        return None;
    }
    match seen.id {
        Id::Unseen if seen.is_cut && !head.ends_with(tail) => last_id(tail),
        Id::Unseen | Id::Unsure => None,
        Id::Seen(id) => Some(id),
    }
}

#[derive(Clone, Copy)]
enum Id {
    Unseen,
    Seen(u64),
    /// Not a number of ours, or there are two.
    Unsure,
}

/// What the beginning of a line tells about its own members.
struct Head {
    id: Id,
    is_response: bool,
    is_call: bool,
    /// All of it was read and the object did not end.
    is_cut: bool,
}

/// Why a scan ended: the bytes did, or they are not what JSON has there.
enum Stop {
    Cut,
    Broken,
}

impl Head {
    fn read(bytes: &[u8]) -> Self {
        let mut head = Self {
            id: Id::Unseen,
            is_response: false,
            is_call: false,
            is_cut: false,
        };
        let ended = head.members(&mut Recovery(bytes));
        head.is_cut = matches!(ended, Err(Stop::Cut));
        head
    }

    fn members(&mut self, scan: &mut Recovery<'_>) -> Result<(), Stop> {
        scan.expect(b'{')?;
        loop {
            scan.expect(b'"')?;
            let key = scan.string()?;
            scan.expect(b':')?;
            match key {
                b"result" | b"error" => self.is_response = true,
                b"method" | b"params" => self.is_call = true,
                _ => {}
            }
            let value = scan.value()?;
            if key == b"id" {
                self.id = match (self.id, number(value)) {
                    (Id::Unseen, Some(id)) => Id::Seen(id),
                    (Id::Unseen | Id::Seen(_) | Id::Unsure, _) => Id::Unsure,
                };
            }
            if scan.next()? == b'}' {
                return Ok(());
            }
        }
    }
}

/// A reader of JSON that wants no more than strings and brackets in their places, so that bad
/// bytes, bad escapes or `NaN` inside a value do not stop it.
struct Recovery<'a>(&'a [u8]);

impl<'a> Recovery<'a> {
    fn next(&mut self) -> Result<u8, Stop> {
        let (first, rest) = self.0.split_first().ok_or(Stop::Cut)?;
        self.0 = rest;
        Ok(*first)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Stop> {
        self.0 = self.0.trim_ascii_start();
        if self.next()? == wanted {
            Ok(())
        } else {
            Err(Stop::Broken)
        }
    }

    /// The rest of a string, as it is written, up to its closing quote.
    fn string(&mut self) -> Result<&'a [u8], Stop> {
        let whole = self.0;
        loop {
            match self.next()? {
                b'"' => break,
                b'\\' => {
                    self.next()?;
                }
                _ => {}
            }
        }
        let length = whole.len() - self.0.len() - 1;
        Ok(whole.get(..length).unwrap_or_default())
    }

    /// A value up to the `,` or `}` behind it, which stays.
    fn value(&mut self) -> Result<&'a [u8], Stop> {
        let whole = self.0;
        let mut depth = 0_u32;
        loop {
            let before = self.0;
            match self.next()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => depth += 1,
                b',' | b'}' if depth == 0 => {
                    self.0 = before;
                    let length = whole.len() - before.len();
                    return Ok(whole.get(..length).unwrap_or_default().trim_ascii());
                }
                b'}' | b']' => depth = depth.checked_sub(1).ok_or(Stop::Broken)?,
                _ => {}
            }
        }
    }
}

/// The `id` among the last members of an object, read backwards from its closing bracket, as long
/// as they are strings or numbers. Backwards is as certain as forwards: what is left of a closing
/// quote is in the string up to the next quote without a backslash before it (the quote that opens a
/// string never has one).
fn last_id(tail: &[u8]) -> Option<u64> {
    let mut rest = tail.trim_ascii_end().strip_suffix(b"}")?;
    loop {
        let (before, value) = last_scalar(rest.trim_ascii_end())?;
        let before = before.trim_ascii_end().strip_suffix(b":")?;
        let (before, key) = last_string(before.trim_ascii_end())?;
        rest = before.trim_ascii_end().strip_suffix(b",")?;
        match key {
            b"id" => return number(value),
            b"method" | b"params" | b"result" | b"error" => return None,
            _ => {}
        }
    }
}

/// Splits a string (with its quotes) or a literal off the end.
fn last_scalar(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_literal = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let literal = || bytes.iter().rev().take_while(is_literal).count();
    let start =
        last_string(bytes).map_or_else(|| bytes.len() - literal(), |(before, _)| before.len());
    bytes
        .split_at_checked(start)
        .filter(|(_, value)| !value.is_empty())
}

/// Splits a string off the end: what is before it, and what is between its quotes.
fn last_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = bytes.strip_suffix(b"\"")?;
    let mut end = inner.len();
    loop {
        end = memrchr(b'"', inner.get(..end)?)?;
        let before = inner.get(..end)?;
        if !before.ends_with(b"\\") {
            return Some((before, inner.get(end + 1..)?));
        }
    }
}

#[cfg(test)]
mod tests;
