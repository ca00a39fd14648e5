//! Server-sent events as a client reads them, from bytes cut anywhere (WHATWG HTML, "Server-sent events").

use memchr::memchr2;

/// One event. Without data there is none: it is told to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `message`, unless the stream says otherwise.
    pub name: String,
    /// Its lines, joined by line feeds.
    pub data: Vec<u8>,
}

/// An event, or a line of one, that is larger than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// Reads a stream, and keeps no more of it than one event of so many bytes.
#[derive(Debug)]
pub struct EventReader {
    most: usize,
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// A line feed that comes next belongs to the line that has ended.
    after_return: bool,
    is_first: bool,
}

impl EventReader {
    /// For a stream whose events have at most `most` bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            line: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            after_return: false,
            is_first: true,
        }
    }

    /// Takes what came, and hands over the events that are complete with it.
    ///
    /// # Errors
    /// When an event is too large; the stream cannot be read on then.
    pub fn push(&mut self, mut bytes: &[u8], take: &mut impl FnMut(Event)) -> Result<(), TooLarge> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_return)
                && let Some(rest) = bytes.strip_prefix(b"\n")
            {
                bytes = rest;
                continue;
            }
            let end = memchr2(b'\n', b'\r', bytes);
            let (piece, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            let held = self.line.len() + self.data.len() + self.name.len();
            if held + piece.len() > self.most {
                return Err(TooLarge);
            }
            self.line.extend_from_slice(piece);
            bytes = rest;
            if let Some((mark, rest)) = rest.split_first() {
                self.after_return = *mark == b'\r';
                bytes = rest;
                take_some(self.end_of_line(), take);
            }
        }
        Ok(())
    }

    fn end_of_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let mut line = &*line;
        if std::mem::take(&mut self.is_first) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            return self.event();
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(at) => (line.get(..at)?, line.get(at + 1..)?),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.name = value.to_vec(),
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            // Comments, `id` and `retry`: nothing is resumed.
            _ => {}
        }
        None
    }

    fn event(&mut self) -> Option<Event> {
        let (name, data) = (
            std::mem::take(&mut self.name),
            std::mem::take(&mut self.data),
        );
        self.has_data = false;
        if data.is_empty() {
            return None;
        }
        let name = match &*name {
            b"" => "message".to_owned(),
            name => String::from_utf8_lossy(name).into_owned(),
        };
        Some(Event { name, data })
    }
}

fn take_some(event: Option<Event>, take: &mut impl FnMut(Event)) {
    event.into_iter().for_each(take);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(most: usize, pieces: &[&[u8]]) -> Result<Vec<(String, String)>, TooLarge> {
        let mut reader = EventReader::new(most);
        let mut seen = Vec::new();
        for piece in pieces {
            let mut take = |event: Event| {
                seen.push((event.name, String::from_utf8(event.data).unwrap()));
            };
            reader.push(piece, &mut take)?;
        }
        Ok(seen)
    }

    const STREAM: &str = "\u{feff}event: endpoint\r\ndata: /m?s=1\r\n\r\n: hi\n\ndata:a\rdata: b\r\r\
        id: 7\ndata:\n\nretry: 1\n\nevent: x\n\ndata:  y:z\nodd\n\ndata: unfinished\n";

    proptest! {
        #[test]
        fn a_stream_reads_the_same_however_it_is_cut(cuts: Vec<prop::sample::Index>) {
            let bytes = STREAM.as_bytes();
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            ends.extend([0, bytes.len()]);
            ends.sort_unstable();
            let pieces: Vec<&[u8]> = ends.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let of = |name: &str, data: &str| (name.to_owned(), data.to_owned());
            let wanted = vec![of("endpoint", "/m?s=1"), of("message", "a\nb"), of("message", " y:z")];
            prop_assert_eq!(read(100, &pieces), Ok(wanted));
        }
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let line = "x".repeat(20);
        assert_eq!(read(10, &[line.as_bytes()]), Err(TooLarge));
        let lines = "data: 1234\n".repeat(4);
        assert_eq!(read(20, &[lines.as_bytes()]), Err(TooLarge));
        let events = "data: 1234\n\n".repeat(40);
        assert_eq!(
            read(20, &[events.as_bytes()]).map(|seen| seen.len()),
            Ok(40)
        );
        let comments = ": 12345678\n".repeat(40);
        assert_eq!(read(20, &[comments.as_bytes()]), Ok(vec![]));
    }
}
