//! What is held back of a server's tools, as it is looked at: what of each is another, in lines.

use std::io;

use serde::Deserialize;
use serde_json::Value;

use super::screen::{Screen, Tint, shown};
use super::units::count;

/// So many lines are shown of a tool, and of all of them.
const OF_ONE: usize = 100;
const OF_ALL: usize = 1000;
/// One part in so many of those is for its last lines, where an end may hide.
const LAST: usize = 5;
/// So wide is a line.
const WIDE: usize = 100;

/// The member `held` of `GET /status/servers/NAME`.
#[derive(Debug, Deserialize)]
pub(super) struct HeldBack {
    pub(super) digest: String,
    tools: Vec<HeldTool>,
    #[serde(default)]
    more: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct HeldTool {
    tool: String,
    parts: Vec<String>,
    approved: Option<Value>,
    offered: Option<Value>,
    is_too_large: bool,
}

impl HeldTool {
    fn is_gone(&self) -> bool {
        self.offered.is_none() && !self.is_too_large
    }

    fn standing(&self) -> (&'static str, Tint) {
        if self.is_gone() {
            ("gone", Tint::Aside)
        } else if self.parts.iter().any(|part| part == "new") {
            ("new", Tint::Middling)
        } else {
            ("changed", Tint::Middling)
        }
    }
}

impl HeldBack {
    /// Whether there is nothing to approve: what is gone is not shown to anybody.
    pub(super) fn is_nothing(&self) -> bool {
        self.tools.iter().all(HeldTool::is_gone) && self.more == 0
    }

    /// Shows it, as far as there is room, and says whether that was all.
    pub(super) fn print(&self, screen: &mut Screen<'_>) -> io::Result<bool> {
        let mut left = OF_ALL;
        let mut is_whole = self.more == 0;
        for tool in &self.tools {
            let (standing, tint) = tool.standing();
            let standing = screen.paint(&format!("{standing:<7}"), tint);
            let name = screen.paint(&visible(&tool.tool), Tint::Title);
            writeln!(screen.out, "{standing}  {name}")?;
            let lines = if tool.is_gone() {
                Vec::new()
            } else {
                tool.lines()
            };
            let most = left.min(OF_ONE);
            left -= lines.len().min(most);
            let cut = lines.len().saturating_sub(most);
            is_whole &= cut == 0 && !tool.is_too_large;
            let first = if cut == 0 { most } else { most - most / LAST };
            print_lines(lines.iter().take(first), screen)?;
            if cut > 0 {
                let more = count(cut, "more line");
                writeln!(screen.out, "  … {more}; --json has all of them")?;
                print_lines(lines.iter().skip(first + cut), screen)?;
            }
        }
        if self.more > 0 {
            let more = count(self.more, "more tool");
            writeln!(screen.out, "and {more}, too many to be shown")?;
        }
        Ok(is_whole)
    }
}

fn print_lines<'l>(
    lines: impl Iterator<Item = &'l String>,
    screen: &mut Screen<'_>,
) -> io::Result<()> {
    for line in lines {
        let tint = match line.as_bytes().first() {
            Some(b'-') => Tint::Bad,
            Some(b'+') => Tint::Good,
            _ => Tint::Aside,
        };
        let line = screen.paint(line, tint);
        writeln!(screen.out, "  {line}")?;
    }
    Ok(())
}

impl HeldTool {
    /// `inputSchema.properties.path.type`, and below it what was there and what is.
    fn lines(&self) -> Vec<String> {
        if self.is_too_large {
            return vec!["its definition is too large to be shown".to_owned()];
        }
        let mut lines = Vec::new();
        compare(
            "",
            self.approved.as_ref(),
            self.offered.as_ref(),
            &mut lines,
        );
        lines
    }
}

fn compare(at: &str, old: Option<&Value>, new: Option<&Value>, lines: &mut Vec<String>) {
    if old == new {
        return;
    }
    let members = |value: Option<&Value>| match value {
        Some(Value::Object(members)) => Some(members.clone()),
        Some(_) => None,
        None => Some(serde_json::Map::new()),
    };
    // An empty one that is new, or gone, has no members that could say so.
    let is_object = |value: &Value| value.as_object().is_some_and(|members| !members.is_empty());
    let is_object = [old, new].into_iter().flatten().any(is_object);
    if let (true, Some(old), Some(mut new)) = (is_object, members(old), members(new)) {
        let below = |name: &str| match at {
            "" => name.to_owned(),
            at => format!("{at}.{name}"),
        };
        for (name, value) in old {
            let other = new.remove(&name);
            compare(&below(&name), Some(&value), other.as_ref(), lines);
        }
        for (name, value) in new {
            compare(&below(&name), None, Some(&value), lines);
        }
        return;
    }
    let (old, new) = (
        old.map_or_else(Vec::new, texts),
        new.map_or_else(Vec::new, texts),
    );
    let same = |pair: &(&String, &String)| pair.0 == pair.1;
    let first = old.iter().zip(&new).take_while(same).count();
    let (old, new) = (old.get(first..), new.get(first..));
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    let last = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(same)
        .count();
    lines.extend(
        wrapped(&format!("{at}:"))
            .into_iter()
            .map(|line| format!("  {line}")),
    );
    for (sign, texts) in [('-', old), ('+', new)] {
        let other = texts.iter().take(texts.len() - last);
        let pieces = other.flat_map(|text| wrapped(text));
        lines.extend(pieces.map(|piece| format!("{sign} {piece}")));
    }
}

/// A text by its lines; anything else as JSON.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split('\n').map(str::to_owned).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            vec![value.to_string()]
        }
    }
}

/// Pieces that are not too wide, between words where there are any.
fn wrapped(text: &str) -> Vec<String> {
    let text = visible(text);
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    while let Some((end, _)) = rest.char_indices().nth(WIDE) {
        let (piece, _) = rest.split_at(end);
        let end = piece.rfind(' ').map_or(end, |space| space + 1);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece.trim_end().to_owned());
        rest = after;
    }
    pieces.push(rest.to_owned());
    pieces
}

/// Nothing hides in it: what has no width is seen, too, and what only looks like a space.
fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200d}'
                | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{2800}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
        ) || (c != ' ' && c.is_whitespace())
    };
    let mut visible = String::with_capacity(text.len());
    for c in shown(text).chars() {
        if is_hidden(c) {
            visible.extend(c.escape_unicode());
        } else {
            visible.push(c);
        }
    }
    visible
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn print(held: &Value) -> String {
        let held: HeldBack = serde_json::from_value(held.clone()).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut screen = Screen::new(&mut out, &mut err, [false; 2]);
        let is_whole = held.print(&mut screen).unwrap();
        let said = String::from_utf8(out).unwrap();
        let is_cut = said.contains("… ") || said.contains("to be shown");
        assert_eq!(is_whole, !is_cut, "{said}");
        said
    }

    #[test]
    fn each_place_that_is_another_is_shown_with_what_was_and_what_is() {
        let said = print(&json!({ "digest": "d", "tools": [
            { "tool": "t", "parts": ["description", "inputSchema"],
              "approved": { "name": "t", "description": "Reads.\nOne file.\nNo more.", "inputSchema": {
                  "type": "object", "properties": { "path": { "type": "string" } }, "required": ["path"] } },
              "offered": { "name": "t", "description": "Reads.\n\u{1b}[2JAll\u{200b} files.\nNo more.", "inputSchema": {
                  "type": "object", "properties": { "path": { "type": "number" }, "key": {} } } } },
            { "tool": "n", "parts": ["new"], "offered": { "name": "n", "description": "word ".repeat(25).trim_end() } },
            { "tool": "g", "parts": ["gone"], "approved": { "name": "g" } },
            { "tool": "l", "parts": ["definition"], "is_too_large": true },
        ], "more": 2 }));
        insta::assert_snapshot!(said, @r#"
        changed  t
            description:
          - One file.
          + \u{1b}[2JAll\u{200b} files.
            inputSchema.properties.path.type:
          - string
          + number
            inputSchema.properties.key:
          + {}
            inputSchema.required:
          - ["path"]
        new      n
            description:
          + word word word word word word word word word word word word word word word word word word word word
          + word word word word word
            name:
          + n
        gone     g
        changed  l
          its definition is too large to be shown
        and 2 more tools, too many to be shown
        "#);
    }

    #[test]
    fn what_looks_like_a_space_is_spelled_out() {
        let odd = ['\u{2800}', '\u{a0}', '\u{3000}', '\u{2003}', '\u{202f}'];
        for c in odd {
            let code = u32::from(c);
            assert_eq!(visible(&format!("a {c}b")), format!("a \\u{{{code:x}}}b"));
        }
    }

    #[test]
    fn what_is_endless_is_cut() {
        let text = |lines: usize| "x\n".repeat(lines);
        let tool = |at: usize| json!({ "tool": format!("t{at}"), "parts": ["new"], "offered": { "description": text(200) } });
        let tools: Vec<Value> = (0..20).map(tool).collect();
        let said = print(&json!({ "digest": "d", "tools": tools }));
        let lines = said.lines().count();
        assert!(lines <= OF_ALL + 2 * 20, "{lines}");
        assert!(
            said.contains("t19\n  … 202 more lines; --json has all of them\n"),
            "{said}"
        );
        let text = format!("first\n{}last", "x\n".repeat(200));
        let tool = json!({ "tool": "t", "parts": ["new"], "offered": { "description": text } });
        let said = print(&json!({ "digest": "d", "tools": [tool] }));
        assert!(said.contains("+ first\n"), "{said}");
        assert!(said.ends_with("+ last\n"), "{said}");
        assert_eq!(said.lines().count(), 1 + OF_ONE + 1);
        print(
            &json!({ "digest": "d", "tools": [{ "tool": "t", "parts": ["new"], "offered": {} }] }),
        );
        let long = wrapped(&"y".repeat(1000));
        assert_eq!(long.len(), 10);
    }
}
