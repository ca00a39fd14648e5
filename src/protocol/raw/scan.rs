//! A reader of JSON that is known to be valid: it finds where values begin and end, in one pass and
//! without keeping anything. Of a text that is not valid it says nothing true, but it ends.

use memchr::memchr2;

/// A place in a text.
#[derive(Debug, Clone)]
pub(in super::super) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    pub(in super::super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// How far it has come.
    pub(in super::super) fn at(&self) -> usize {
        self.at
    }

    /// The next byte that is no white space, which is not passed.
    pub(in super::super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Passes this byte, if it is the next one that is no white space.
    pub(in super::super) fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Passes one value. Gives it as it is written.
    pub(in super::super) fn value(&mut self) -> Option<&'a str> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => self.pass_string(),
            b'{' | b'[' => self.pass_nested(),
            _ => self.pass_scalar(),
        }
        self.text.get(start..self.at)
    }

    /// The next number or literal, wherever it is nested.
    pub(in super::super) fn next_scalar(&mut self) -> Option<&'a str> {
        loop {
            match self.peek()? {
                b'"' => self.pass_string(),
                b'{' | b'}' | b'[' | b']' | b',' | b':' => self.at += 1,
                _ => return self.value(),
            }
        }
    }

    fn pass_scalar(&mut self) {
        let bytes = self.text.as_bytes();
        let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
        while bytes.get(self.at).is_some_and(|byte| !ends(byte)) {
            self.at += 1;
        }
    }

    fn pass_string(&mut self) {
        self.at += 1;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let Some(at) = memchr2(b'"', b'\\', rest) else {
                self.at = self.text.len();
                return;
            };
            let is_end = rest.get(at) == Some(&b'"');
            self.at += at + if is_end { 1 } else { 2 };
            if is_end {
                return;
            }
        }
    }

    fn pass_nested(&mut self) {
        let bytes = self.text.as_bytes();
        let mut depth = 0usize;
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.pass_string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_one_after_the_other() {
        let mut scan = Scan::new(" {\"a\":[1,\"]\\\"}\"]} ,\t\"x\\\\\" , -1.5e3]null");
        assert_eq!(scan.value(), Some("{\"a\":[1,\"]\\\"}\"]}"));
        assert!(scan.takes(b','));
        assert_eq!(scan.value(), Some("\"x\\\\\""));
        assert!(!scan.takes(b']') && scan.takes(b','));
        assert_eq!(scan.value(), Some("-1.5e3"));
        assert!(scan.takes(b']'));
        assert_eq!((scan.value(), scan.value()), (Some("null"), None));
    }

    proptest! {
        #[test]
        fn whatever_it_is_it_ends(text in "[\\[\\]{}\":,\\\\ a1é]{0,40}") {
            let mut scan = Scan::new(&text);
            for _ in 0..100 {
                scan.value();
                scan.takes(b',');
            }
            prop_assert!(scan.at() <= text.len() + 1);
        }
    }
}
