//! Server-sent events as a client reads them, from bytes cut anywhere (WHATWG HTML, "Server-sent events").

use std::time::Duration;

use memchr::memchr2;

/// A longer id of an event is none: it would have to fit into a header.
const LONGEST_ID: usize = 1024;
/// A longer name of an event is cut: nobody knows it.
const LONGEST_NAME: usize = 1024;

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
    /// Of the event that is being read, and of the last one that was.
    next_id: Option<Box<[u8]>>,
    last_id: Option<Box<[u8]>>,
    retry: Option<Duration>,
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
            next_id: None,
            last_id: None,
            retry: None,
            after_return: false,
            is_first: true,
        }
    }

    /// The id of the last event, without data too: by it the stream can be resumed.
    #[must_use]
    pub fn last_id(&self) -> Option<&[u8]> {
        self.last_id.as_deref()
    }

    /// After which time the stream is to be opened again once it is cut.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// How many bytes of an event that is not complete are kept.
    #[must_use]
    pub fn held(&self) -> usize {
        self.line.len() + self.data.len() + self.name.len()
    }

    /// Another connection goes on with the stream: what the last one left incomplete is not.
    pub fn resume(&mut self) {
        let (last_id, retry) = (self.last_id.take(), self.retry);
        *self = Self {
            last_id,
            retry,
            ..Self::new(self.most)
        };
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
            if self.held() + piece.len() > self.most {
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
            b"event" => self.name = value.get(..LONGEST_NAME).unwrap_or(value).to_vec(),
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"id" if value.len() <= LONGEST_ID && !value.contains(&0) => {
                self.next_id = Some(value.into());
            }
            b"retry" => {
                let milliseconds = str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse().ok());
                self.retry = milliseconds.map(Duration::from_millis).or(self.retry);
            }
            // Comments, and what nobody knows.
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
        if let Some(id) = self.next_id.take() {
            // An empty one says that there is none any more.
            self.last_id = Some(id).filter(|id| !id.is_empty());
        }
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
    fn ids_and_the_time_to_wait_are_kept_for_who_resumes() {
        let mut reader = EventReader::new(1000);
        let mut seen = 0;
        let mut push = |reader: &mut EventReader, text: &str| {
            reader.push(text.as_bytes(), &mut |_| seen += 1).unwrap();
        };
        push(&mut reader, "id: 1\nretry: 250\ndata:\n\nid: 2\ndata: x\n");
        assert_eq!(reader.last_id(), Some(&b"1"[..]), "2 is not complete");
        assert!(reader.held() > 0);
        reader.resume();
        push(&mut reader, "data: y\n\n");
        assert_eq!(
            reader.last_id(),
            Some(&b"1"[..]),
            "an event without one changes nothing"
        );
        assert_eq!(reader.retry(), Some(Duration::from_millis(250)));
        push(
            &mut reader,
            "retry: soon\nid: a\u{0}b\ndata: z\n\nid\ndata: z\n\n",
        );
        assert_eq!((reader.last_id(), reader.held()), (None, 0));
        assert_eq!(reader.retry(), Some(Duration::from_millis(250)));
        assert_eq!(seen, 3);
    }

    #[test]
    fn a_name_is_not_kept_in_full_however_long_it_is() {
        let mut reader = EventReader::new(100_000);
        let name = "x".repeat(80_000);
        let text = format!("event: {name}\n");
        reader.push(text.as_bytes(), &mut |_| {}).unwrap();
        assert_eq!(reader.held(), LONGEST_NAME);
        let mut names = Vec::new();
        let mut take = |event: Event| names.push(event.name.len());
        reader.push(b"data: y\n\n", &mut take).unwrap();
        assert_eq!((names, reader.held()), (vec![LONGEST_NAME], 0));
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
