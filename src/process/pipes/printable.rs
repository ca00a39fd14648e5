//! What a server writes to its stderr, as text that does nothing in a log or on a terminal.

const CUT: &str = " … (cut)";

/// Text for a log: what is not UTF-8 is replaced, colours, titles and moves of the cursor are left out, what
/// else would act on a terminal or on the direction of the text is escaped, and nothing is longer
/// than about `cap` bytes.
#[must_use]
pub fn printable(line: &[u8], cap: usize, is_cut: bool) -> String {
    let line = String::from_utf8_lossy(line);
    let line = line.trim_end();
    let mut text = String::with_capacity(line.len());
    let mut is_cut = is_cut;
    let mut chars = line.chars();
    let mut ends = Ends::default();
    while let Some(c) = chars.next() {
        if let Some(rest) = after_sequence(c, chars.as_str(), &mut ends) {
            chars = rest.chars();
            continue;
        }
        if text.len() >= cap {
            is_cut = true;
            break;
        }
        match c {
            '\t' => text.push(' '),
            c if acts(c) => text.extend(c.escape_default()),
            c => text.push(c),
        }
    }
    if is_cut {
        text.push_str(CUT);
    }
    text
}

/// What follows a sequence that begins with `c`, if one does and is complete (ECMA-48, 5.3 to 5.6): one
/// of control, a string (titles, links), or an escape.
fn after_sequence<'a>(c: char, rest: &'a str, ends: &mut Ends) -> Option<&'a str> {
    let (kind, rest) = match c {
        '\u{1b}' => (rest.chars().next()?, rest.get(1..)?),
        // The same in one character of eight bits.
        '\u{80}'..='\u{9f}' => (char::from_u32(u32::from(c) - 0x40)?, rest),
        _ => return None,
    };
    match kind {
        '[' => {
            let rest = rest.trim_start_matches(|c| matches!(c, '\u{30}'..='\u{3f}'));
            let rest = rest.trim_start_matches(is_intermediate);
            rest.strip_prefix(|c| matches!(c, '\u{40}'..='\u{7e}'))
        }
        ']' | 'P' | 'X' | '^' | '_' => ends.after_string(rest),
        _ if c != '\u{1b}' => None,
        ' '..='/' => {
            let rest = rest.trim_start_matches(is_intermediate);
            rest.strip_prefix(|c| matches!(c, '\u{30}'..='\u{7e}'))
        }
        '\u{30}'..='\u{7e}' => Some(rest),
        _ => None,
    }
}

fn is_intermediate(c: char) -> bool {
    matches!(c, '\u{20}'..='\u{2f}')
}

/// Where the control strings of a line end. Each place is looked for once, however many begin before it.
#[derive(Debug, Default)]
struct Ends {
    /// How much of the line is left at the next end, nothing if there is none; `None` before the first
    /// look.
    left: Option<usize>,
}

impl Ends {
    /// What follows the end of a control string: BEL, as terminals have it, or the standard's
    /// terminator. `text` is the rest of the line, shorter than the last time.
    fn after_string<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        if self.left.is_none_or(|left| left > text.len()) {
            let end = text.find(['\u{7}', '\u{1b}', '\u{9c}']);
            self.left = Some(end.map_or(0, |end| text.len() - end));
        }
        let rest = text.get(text.len() - self.left?..)?;
        ["\u{7}", "\u{1b}\\", "\u{9c}"]
            .into_iter()
            .find_map(|end| rest.strip_prefix(end))
    }
}

fn acts(c: char) -> bool {
    let is_bidi = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_separator = matches!(c, '\u{2028}' | '\u{2029}');
    c.is_control() || is_bidi || is_separator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_strings_are_left_out_where_they_end_and_shown_where_they_do_not() {
        let of = |line: &str| printable(line.as_bytes(), 100, false);
        assert_eq!(
            of("a\u{1b}]0;x\u{7}b\u{9d}1;y\u{9c}c\u{1b}Pz\u{1b}\\d"),
            "abcd"
        );
        assert_eq!(of("a\u{9d}x\u{9d}y\u{7}b"), "ab");
        assert_eq!(of("\u{9d}x\u{1b}[1m!"), "\\u{9d}x!");
        assert_eq!(of("\u{9d}\u{90}x"), "\\u{9d}\\u{90}x");
    }

    #[test]
    fn nothing_in_the_text_acts_on_a_terminal() {
        let line = "\x1b[31mred\r\nno\u{202e}esrever\0\tende\u{85}.\r".as_bytes();
        let text = printable(line, 1000, false);
        let expected = r"red\r\nno\u{202e}esrever\u{0} ende\u{85}.";
        assert_eq!(text, expected);
        assert_eq!(printable(b"a\xffb", 10, false), "a\u{fffd}b");
    }

    #[test]
    fn colours_are_left_out() {
        for (line, wanted) in [
            ("\x1b[32mINFO\x1b[0m: \x1b[1;4mready\x1b[m", "INFO: ready"),
            ("\x1b[2K\x1b[1Gdone", "done"),
            ("\x1b[38;5;196mred", "red"),
            ("\x1b]0;title\x07done", "done"),
            ("\x1b]0;title\x1b\\\x1b]2;other\u{9c}done", "done"),
            ("\x1b]8;;http://x/\x1b\\a link\x1b]8;;\x1b\\", "a link"),
            ("\x1bP1$r0m\x1b\\\x1b_G\x1b\\done", "done"),
            ("\x1b(B\x1b7\x1b=done\x1bM", "done"),
            ("\u{9b}31mred\u{9d}0;title\u{7}", "red"),
            ("\x1b]0;title", r"\u{1b}]0;title"),
            ("\x1b]0;ti\x1b[1mtle\x07", r"\u{1b}]0;title\u{7}"),
            ("\x1b]é", r"\u{1b}]é"),
            ("\x1bé", r"\u{1b}é"),
            ("\x1b(", r"\u{1b}("),
            ("\x1b[3", r"\u{1b}[3"),
            ("a\u{85}b", r"a\u{85}b"),
            ("\x1b", r"\u{1b}"),
        ] {
            assert_eq!(printable(line.as_bytes(), 1000, false), wanted);
        }
    }

    #[test]
    fn escapes_do_not_make_a_text_longer_than_its_cap() {
        let text = printable(&[0x1b; 8192], 100, false);
        assert!(text.ends_with(CUT));
        assert!(text.len() < 100 + 10 + CUT.len());
        assert_eq!(printable(b"abc", 100, true), "abc … (cut)");
    }
}
