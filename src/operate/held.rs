//! What is held back of a server's tools, as it is looked at: what of each is another, in lines.

use std::io;

use serde::Deserialize;
use serde_json::Value;

use super::screen::{Screen, Tint, shown};
use super::units::count;

/// So many lines are shown of a tool, and of all of them.
const OF_ONE: usize = 100;
const OF_ALL: usize = 1000;
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

    /// Shows it, as far as there is room.
    pub(super) fn print(&self, screen: &mut Screen<'_>) -> io::Result<()> {
        let mut left = OF_ALL;
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
            for line in lines.iter().take(most) {
                let tint = match line.as_bytes().first() {
                    Some(b'-') => Tint::Bad,
                    Some(b'+') => Tint::Good,
                    _ => Tint::Aside,
                };
                let line = screen.paint(line, tint);
                writeln!(screen.out, "  {line}")?;
            }
            left -= lines.len().min(most);
            if lines.len() > most {
                let more = count(lines.len() - most, "more line");
                writeln!(screen.out, "  … {more}; --json has all of them")?;
            }
        }
        if self.more > 0 {
            let more = count(self.more, "more tool");
            writeln!(screen.out, "and {more}, too many to be shown")?;
        }
        Ok(())
    }
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

/// Nothing hides in it: what has no width is seen, too.
fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200d}'
                | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
        )
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
        held.print(&mut screen).unwrap();
        String::from_utf8(out).unwrap()
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
        let long = wrapped(&"y".repeat(1000));
        assert_eq!(long.len(), 10);
    }
}
