//! JSON as people write it: indented, and on one line what fits there.

use serde::Serialize;

/// As wide as a line gets.
const WIDTH: usize = 100;

pub(super) fn pretty(value: &impl Serialize) -> serde_json::Result<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in serde_json::to_string_pretty(value)?.lines() {
        lines.push(line.to_owned());
        if line.trim_start().starts_with([']', '}']) {
            join(&mut lines);
        }
    }
    Ok(lines.join("\n") + "\n")
}

/// Puts the innermost list or object that ends with the last line on one line, if it fits.
fn join(lines: &mut Vec<String>) {
    let opens = |line: &String| line.ends_with(['[', '{']);
    let Some(start) = lines.iter().rposition(opens) else {
        return;
    };
    let Some(group) = lines.get(start..) else {
        return;
    };
    let (Some(first), Some((last, inner))) = (
        group.first(),
        group.get(1..).and_then(<[String]>::split_last),
    ) else {
        return;
    };
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_inner = |line: &String| indent(line) == indent(first) + 2;
    let space = if first.ends_with('{') { " " } else { "" };
    let inner_text: Vec<&str> = inner.iter().map(|line| line.trim()).collect();
    let joined = format!(
        "{first}{space}{}{space}{}",
        inner_text.join(" "),
        last.trim()
    );
    // The file itself and its list of servers stay open.
    let is_deep = indent(first) > 2;
    if is_deep && inner.iter().all(is_inner) && joined.chars().count() <= WIDTH {
        lines.truncate(start);
        lines.push(joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_on_a_line_is_on_one() {
        let long = "x".repeat(60);
        let value = serde_json::json!({"a": [{"args": ["-y", "a [{ b"], "b": {"c": 1}, "d": [long, long]}]});
        insta::assert_snapshot!(pretty(&value).unwrap(), @r###"
    {
      "a": [
        {
          "args": ["-y", "a [{ b"],
          "b": { "c": 1 },
          "d": [
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
          ]
        }
      ]
    }
    "###);
    }
}
