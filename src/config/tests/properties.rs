//! Whatever is in the file, parsing ends without a panic and keeps its promises.

use std::collections::HashSet;

use proptest::prelude::*;

use crate::config::model::Entry;
use crate::config::parse;

const VALID: [&str; 5] = [
    include_str!("../../../config/mcp-servers.json"),
    include_str!("../../../config/examples/every-field.json"),
    include_str!("../../../config/examples/vscode-mcp.json"),
    include_str!("../../../config/examples/metamcp-export.json"),
    r#"[{"name": "a", "command": "x", "env": {"A": "${B:-c}"}, "timeout": 1e3, "typ": [null, {}]}]"#,
];

const SNIPPETS: [&str; 17] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "-1e999",
    "${",
    "}",
    "\u{feff}",
    "ü",
    "\r\n",
    "/*",
    "\"name\": \"demo\",",
];

/// What holds for every text.
fn holds(text: &str) {
    let lines = text.split('\n').count();
    let check = |problems: &[crate::config::Problem]| {
        for problem in problems {
            assert!((1..=lines).contains(&problem.line), "{problem}");
            let line = text.split('\n').nth(problem.line - 1).unwrap();
            assert!(
                (1..=line.chars().count() + 1).contains(&problem.column),
                "{problem}"
            );
            assert!(!problem.to_string().contains(char::is_control), "{problem}");
        }
        assert!(problems.is_sorted_by_key(|p| (p.line, p.column)));
    };
    match parse(text, &|name| {
        name.starts_with('A').then(|| "value".to_owned())
    }) {
        Ok(parsed) => {
            check(&parsed.problems);
            let names: HashSet<_> = parsed.config.servers.iter().map(Entry::name).collect();
            assert_eq!(names.len(), parsed.config.servers.len(), "names are unique");
            let origins = parsed.origins.iter().map(|origin| &origin.server);
            assert!(origins.eq(parsed.config.servers.iter().map(Entry::name)));
        }
        Err(error) => {
            assert!(!error.problems().is_empty());
            check(error.problems());
        }
    }
}

proptest! {
    #[test]
    fn any_text(text in any::<String>()) {
        holds(&text);
    }

    #[test]
    fn any_json_like_text(text in "[\\[\\]{}:,\"a-c0-9\\\\ \n/*$.eE+-]{0,80}") {
        holds(&text);
    }

    #[test]
    fn any_entry(
        field in prop::sample::select(vec![
            "name", "command", "args", "env", "cwd", "timeout", "enabled", "type", "url", "tools", "x",
        ]),
        value in "null|true|-?[0-9]{1,3}|1e[0-9]{1,3}|\"[a-z${} :-]{0,9}\"|\\[(\"x\"|1|null)?\\]|\\{\"k\":(\"x\"|1|null|\\[\\])\\}",
    ) {
        holds(&format!(r#"{{"servers": [{{"name": "a", "command": "x", "{field}": {value}}}]}}"#));
        holds(&format!(r#"{{"mcpServers": {{"a": {{"{field}": {value}}}}}}}"#));
    }

    #[test]
    fn any_mutation(
        file in prop::sample::select(VALID.to_vec()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..30_usize, prop::sample::select(SNIPPETS.to_vec())), 1..4),
    ) {
        let mut chars: Vec<char> = file.chars().collect();
        for (at, cut, snippet) in edits {
            let start = at.index(chars.len() + 1);
            let end = (start + cut).min(chars.len());
            chars.splice(start..end, snippet.chars());
        }
        holds(&String::from_iter(chars));
    }
}
