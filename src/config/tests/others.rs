//! What other programs write, and what becomes of it.

use super::{entries, load, problems, view};
use crate::config::parse;

fn entry(fields: &str) -> String {
    let parsed = load(&format!(
        r#"{{"mcpServers": {{"a": {{"command": "x", {fields}}}}}}}"#
    ));
    entries(&parsed).join(" ")
}

#[test]
fn every_word_for_switched_off_is_understood() {
    for fields in [
        r#""enabled": false"#,
        r#""disabled": true"#,
        r#""Disabled": true"#,
        r#""enable": false"#,
        r#""isActive": false"#,
        r#""is_active": false"#,
        r#""active": false"#,
        r#""isEnabled": false"#,
        r#""disable": true"#,
        r#""inactive": true"#,
        r#""paused": true"#,
        r#""autoStart": false"#,
        r#""startup": false"#,
        r#""startup": "manual""#,
        r#""status": "INACTIVE""#,
        r#""state": "disabled""#,
        r#""mode": "off""#,
        r#""enabled": "false""#,
        r#""enabled": 0"#,
        r#""disabled": "yes""#,
        r#""disabled": 1"#,
        r#""enabled": true, "isActive": false"#,
        r#""anythingllm": {"autoStart": false}"#,
    ] {
        assert_eq!(entry(fields), "a (off)", "{fields}");
    }
}

#[test]
fn what_says_nothing_of_it_runs() {
    for fields in [
        r#""enabled": null"#,
        r#""isActive": true"#,
        r#""status": "error""#,
        r#""status": "ACTIVE""#,
        r#""mode": "stdio""#,
        r#""disabled": "false""#,
        r#""enabled": "true""#,
        r#""enabeld": true"#,
        r#""oauth": {"enabled": false}"#,
        r#""anythingllm": {"autoStart": true}"#,
    ] {
        assert_eq!(entry(fields), "a", "{fields}");
    }
}

#[test]
fn what_may_be_meant_to_switch_it_off_is_refused() {
    for fields in [
        r#""enabeld": false"#,
        r#""disbled": true"#,
        r#""enabled": "perhaps""#,
        r#""enabled": {}"#,
        r#""active": ["linux"]"#,
    ] {
        assert_eq!(entry(fields), "a (refused)", "{fields}");
    }
}

#[test]
fn a_program_of_windows_gets_one_advice() {
    for command in [
        r"C:\\Program Files\\nodejs\\node.exe",
        r"C:\\Program Files\\nodejs\\npx.cmd -y x",
        r"C:/Program Files/Python/python.exe",
        r"node.exe server.exe",
        r"C:\\tools\\server",
    ] {
        let text = format!(r#"{{"mcpServers": {{"a": {{"command": "{command}"}}}}}}"#);
        let said = problems(&load(&text));
        assert_eq!(said.len(), 1, "{command}: {said:?}");
        assert!(said[0].contains("Windows"), "{said:?}");
        assert!(!said[0].contains("\\Program\""), "{said:?}");
    }
}

#[test]
fn names_and_lists_switch_off_too() {
    for text in [
        r#"{"mcpServers": {"a (disabled)": {"command": "x"}, "b": {"command": "x"}}}"#,
        r#"{"mcpServers": {"a-disabled": {"command": "x"}, "b": {"command": "x"}}, "disabledMcpServers": ["a-disabled"]}"#,
        r#"{"mcpServers": {"a-disabled": {"command": "x"}, "b": {"command": "x"}}, "mcp": {"excluded": ["a-disabled"]}}"#,
        r#"{"mcpServers": {"a-disabled": {"command": "x"}, "b": {"command": "x"}}, "mcp": {"allowed": ["b"]}}"#,
        r#"{"mcpServers": {"a-disabled": {"command": "x"}, "b": {"command": "x"}}, "allowMCPServers": ["b"]}"#,
        r#"{"mcpServers": {"a-disabled": {"command": "x"}, "b": {"command": "x"}}, "enabledServers": ["b"], "mcp": {"allowed": []}}"#,
        r#"{"mcpServers": {"a-disabled": {"command": "x"}, "b": {"command": "x"}}, "disabledMcpServers": {"a-disabled": true, "b": false}}"#,
        r#"{"mcpServers": {"a-disabled": {"command": "x"}, "b": {"command": "x"}}, "disabledMcpServers": "a-disabled"}"#,
        r#"{"mcpServers": {"a-disabled": {"command": "x"}, "b": {"command": "x"}}, "deniedMcpServers": [{"serverName": "a-disabled"}]}"#,
        r#"{"mcpServers": {"a-disabled": {"command": "x"}, "b": {"command": "x"}}, "allowedMcpServers": [{"serverName": "b"}]}"#,
        r#"{"mcpServers": {"a-disabled": {"command": "x"}, "b": {"command": "x"}}, "enabledMcpjsonServers": ["b"]}"#,
        r#"{"mcpServers": {"a-disabled": {"command": "x"}, "b": {"command": "x"}}, "enabledMcpjsonServers": [], "disabledMcpjsonServers": ["a-disabled"]}"#,
    ] {
        assert_eq!(entries(&load(text)), ["a-disabled (off)", "b"], "{text}");
    }
    let all = r#"{"mcpServers": {"a": {"command": "x"}}, "disabledMcpServers": ["*"]}"#;
    assert_eq!(entries(&load(all)), ["a (off)"]);
    let gemini = r#"{"mcpServers": {"a": {"command": "x"}}, "mcp": {"allowed": ["a"]}}"#;
    assert_eq!(
        problems(&load(gemini)),
        [""; 0],
        "what is obeyed is no unknown field"
    );
    for mark in ["//", "// ", "#", "/*"] {
        let parsed = load(&format!(
            r#"{{"mcpServers": {{"{mark}a": {{"command": "x"}}, "b": {{"command": "x"}}}}}}"#
        ));
        assert_eq!(entries(&parsed), ["b"], "{mark}");
        assert!(
            problems(&parsed)[0].contains("taken for a comment"),
            "{mark}"
        );
    }
}

#[test]
fn a_filter_of_another_program_is_not_passed_over() {
    for fields in [
        r#""includeTools": "a""#,
        r#""excludeTools": {"a": true}"#,
        r#""exclude_tools": [["a"]]"#,
        r#""includeTools": ["a"], "enabled_tools": ["b"]"#,
        r#""includeTools": ["a"], "tools": {"allow": ["b"]}"#,
        r#""allowedTools": ["a"]"#,
        r#""blocked_tools": ["a"]"#,
        r#""toolFilter": {"mode": "allow"}"#,
        r#""tool_filter": "a""#,
        r#""toolAllowlist": ["a"]"#,
        r#""suppressedTools": ["a"]"#,
        r#""anythingllm": {"suppressedTools": ["a"]}"#,
        r#""excludePrompts": ["a"]"#,
        r#""tools": ["a", {}]"#,
        r#""tools": {"rm": false}"#,
        r#""toolFilter": {"mode": "perhaps", "list": ["a"]}"#,
        r#""options": {"toolFilter": {"mode": "perhaps", "list": ["a"]}}"#,
        r#""denylist": ["a"]"#,
        r#""filter": {"tools": ["a"]}"#,
    ] {
        assert_eq!(entry(fields), "a (refused)", "{fields}");
    }
    for fields in [
        r#""includeTools": ["*"]"#,
        r#""disabledTools": []"#,
        r#""allowedTools": []"#,
        r#""tools": ["*"]"#,
        r#""tools": {}"#,
        r#""tools": [{"name": "a", "description": "d"}]"#,
        r#""toolFilter": {}"#,
        r#""autoApprove": ["a"]"#,
        r#""alwaysAllow": ["a"]"#,
        r#""autoApproveTools": ["a"]"#,
        r#""disabledAutoApproveTools": ["a"]"#,
        r#""tool_timeout_sec": 60"#,
        r#""cacheToolsList": true"#,
        r#""trustedTools": ["a"]"#,
    ] {
        assert_eq!(entry(fields), "a", "{fields}");
    }
    let parsed = load(r#"[{"name": "a", "command": "x", "blockedTools": ["rm"]}]"#);
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"error at line 1, column 32 (server 'a', [0].blockedTools): 'blockedTools' limits what the server offers, in a way that mcproxy does not know; the server is not run with everything; write "tools": {"allow": […]} or {"deny": […]}, or remove the field if all of it may be offered"#);
}

#[test]
fn a_filter_of_another_program_whose_meaning_is_certain_is_obeyed() {
    for (fields, shown, hidden) in [
        (r#""includeTools": ["a"]"#, "a", "b"),
        (
            r#""include_tools": ["a*"], "excludeTools": ["ab"]"#,
            "ac",
            "ab",
        ),
        (r#""excludeTools": ["a"]"#, "b", "a"),
        (
            r#""enabled_tools": ["a"], "disabled_tools": ["b"]"#,
            "a",
            "b",
        ),
        (
            r#""disabledTools": ["a"], "tools": {"deny": ["c"]}"#,
            "b",
            "a",
        ),
        (
            r#""disabledTools": ["a"], "tools": {"allow": ["b"]}"#,
            "b",
            "c",
        ),
        (r#""tools": ["a"]"#, "a", "b"),
        (
            r#""toolFilter": {"mode": "allow", "list": ["a"]}"#,
            "a",
            "b",
        ),
        (
            r#""options": {"panicIfInvalid": true, "toolFilter": {"mode": "Block", "list": ["a"]}}"#,
            "b",
            "a",
        ),
    ] {
        let parsed = load(&format!(
            r#"{{"mcpServers": {{"a": {{"command": "x", {fields}}}}}}}"#
        ));
        assert_eq!(problems(&parsed), [""; 0], "{fields}");
        let tools = &view(&parsed, 0).tools;
        assert!(tools.shows(shown) && !tools.shows(hidden), "{fields}");
    }
    for fields in [r#""enabled_tools": []"#, r#""disabledTools": ["*"]"#] {
        let parsed = load(&format!(
            r#"{{"mcpServers": {{"a": {{"command": "x", {fields}}}}}}}"#
        ));
        assert!(!view(&parsed, 0).tools.shows("a"), "{fields}");
    }
}

#[test]
fn what_only_others_fill_in_is_said() {
    let parsed = load(
        r#"[
{"name": "a", "command": "x", "args": ["$TOKEN", "%APPDATA%"], "env": {"T": "$s3cret", "U": "{{TOKEN}}", "V": "<key>"}},
{"name": "b", "command": "sh", "args": ["-c", "echo $TOKEN ~/x"]},
{"name": "c", "command": "x", "args": ["$TOKEN"], "enabled": false},
{"name": "d", "command": "cmd", "args": ["/c", "npx", "-y", "s3cret"], "cwd": "C:/x"},
{"name": "e", "command": "npx.cmd"}
]"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    warning at line 2, column 40 (server 'a', [0].args[0]): '$TOKEN' in it is filled in by a shell only, and stays as written; write ${TOKEN}
    warning at line 2, column 50 (server 'a', [0].args[1]): '%NAME%' in it is filled in by Windows only, and stays as written; write ${NAME}
    warning at line 2, column 77 (server 'a', [0].env.T): '$NAME' in it is filled in by a shell only, and stays as written; write ${NAME}
    warning at line 2, column 93 (server 'a', [0].env.U): '{{…}}' in it is filled in by another program only, and stays as written; write ${NAME}, or what it stands for
    warning at line 2, column 111 (server 'a', [0].env.V): it looks like a blank that nobody has filled in; write what it stands for
    warning at line 5, column 26 (server 'd', [3].command): 'cmd' is a shell of Windows, and the gateway runs on Linux; write "command": "npx" and only what follows it into 'args'
    warning at line 5, column 79 (server 'd', [3].cwd): it is a path of Windows, and the gateway runs on Linux; write the path on the machine, or in the container, that runs the gateway
    warning at line 6, column 26 (server 'e', [4].command): 'command' is a program of Windows, and the gateway runs on Linux; write "command": "npx"
    "#);
    assert!(!problems(&parsed).join(" ").contains("s3cret"));
}

/// Each text and what is said about it.
fn said(texts: &[&str]) -> String {
    let one = |text: &&str| {
        let error = parse(text, &|_| None).unwrap_err();
        let problems: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
        format!("{text:?}\n  {}", problems.join("\n"))
    };
    texts.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn files_in_other_formats_are_named() {
    let texts = [
        "# x\nmcpServers:\n  a:\n    command: x\n",
        "---\nservers: []\n",
        "services:\n  a:\n    image: x\n",
        "extensions:\n  a:\n    cmd: x\n",
        "[mcp_servers.a]\ncommand = \"x\"\n",
        "model = \"x\"\n[[servers]]\nname = \"a\"\n",
        "TOKEN=s3cret\n",
        "export TOKEN=s3cret\n",
        "<!DOCTYPE html>\n<html>",
        "<?xml version=\"1.0\"?>",
        "```json\n{}\n```",
        "module.exports = {}",
        "#!/bin/sh\nnpx x",
    ];
    let all = said(&texts);
    insta::assert_snapshot!(all, @r##"
    "# x\nmcpServers:\n  a:\n    command: x\n"
      error at line 1, column 1: the file looks like YAML; a configuration is JSON; have one made of it: mcproxy import FILE --output mcp-servers.json
    "---\nservers: []\n"
      error at line 1, column 1: the file looks like YAML; a configuration is JSON; have one made of it: mcproxy import FILE --output mcp-servers.json
    "services:\n  a:\n    image: x\n"
      error at line 1, column 1: the file looks like a compose file (YAML); a configuration is JSON; write each of its servers as an entry: {"servers": [{"name": "…", "command": "…"}]}
    "extensions:\n  a:\n    cmd: x\n"
      error at line 1, column 1: the file looks like Goose's config.yaml; a configuration is JSON; have one made of it: mcproxy import FILE --output mcp-servers.json
    "[mcp_servers.a]\ncommand = \"x\"\n"
      error at line 1, column 1: the file looks like Codex's config.toml; a configuration is JSON; have one made of it: mcproxy import FILE --output mcp-servers.json
    "model = \"x\"\n[[servers]]\nname = \"a\"\n"
      error at line 1, column 1: the file looks like TOML; a configuration is JSON; have one made of it: mcproxy import FILE --output mcp-servers.json
    "TOKEN=s3cret\n"
      error at line 1, column 1: the file looks like a file of variables (.env); a configuration is JSON; set them for the gateway, and write ${NAME} in the configuration
    "export TOKEN=s3cret\n"
      error at line 1, column 1: the file looks like a file of variables (.env); a configuration is JSON; set them for the gateway, and write ${NAME} in the configuration
    "<!DOCTYPE html>\n<html>"
      error at line 1, column 1: the file looks like a web page; a configuration is JSON; download the file itself (on GitHub: Raw)
    "<?xml version=\"1.0\"?>"
      error at line 1, column 1: the file looks like XML; a configuration is JSON; write each of its servers as an entry: {"servers": [{"name": "…", "command": "…"}]}
    "```json\n{}\n```"
      error at line 1, column 1: the file looks like Markdown; a configuration is JSON; remove the lines with ``` and what is around them
    "module.exports = {}"
      error at line 1, column 1: the file looks like JavaScript; a configuration is JSON; keep the object with the servers alone, its fields in double quotes
    "#!/bin/sh\nnpx x"
      error at line 1, column 1: the file looks like a script; a configuration is JSON; name the configuration; what runs a server is its 'command'
    "##);
    assert_eq!(all.matches("s3cret").count(), 2, "in the texts themselves");
}

#[test]
fn files_of_other_programs_are_named() {
    let texts = [
        r#"{"context_servers": {"a": {"command": "x", "args": []}}}"#,
        r#"{"mcp": {"servers": {"a": {"command": "x"}}}}"#,
        r#"{"mcp": {"a": {"type": "local", "command": ["x"]}}}"#,
        r#"{"amp.mcpServers": {"a": {"command": "x"}}}"#,
        r#"{"manifest_version": "0.2", "name": "a", "server": {"mcp_config": {"command": "x"}}}"#,
        r#"{"name": "a", "dependencies": {}}"#,
        r#"{"mcp_servers": [{"name": "a", "command": "x", "args": []}], "endpoints": []}"#,
        r#"{"$schema": "x", "name": "a", "packages": []}"#,
        r#"{"projects": {"/x": {"mcpServers": {"a": {"command": "x"}}}}}"#,
    ];
    let all = said(&texts);
    insta::assert_snapshot!(all, @r##"
    "{\"context_servers\": {\"a\": {\"command\": \"x\", \"args\": []}}}"
      error at line 1, column 1: there is no 'servers' or 'mcpServers' in it; Zed's settings: its servers are in context_servers; have one made of it: mcproxy import FILE --output mcp-servers.json
    "{\"mcp\": {\"servers\": {\"a\": {\"command\": \"x\"}}}}"
      error at line 1, column 1: there is no 'servers' or 'mcpServers' in it; VS Code's settings: its servers are in mcp.servers; have one made of it: mcproxy import FILE --output mcp-servers.json
    "{\"mcp\": {\"a\": {\"type\": \"local\", \"command\": [\"x\"]}}}"
      error at line 1, column 1: there is no 'servers' or 'mcpServers' in it; the settings of opencode, Crush or their kin: its servers are in mcp; have one made of it: mcproxy import FILE --output mcp-servers.json
    "{\"amp.mcpServers\": {\"a\": {\"command\": \"x\"}}}"
      error at line 1, column 1: there is no 'servers' or 'mcpServers' in it; Amp's settings: its servers are in ['amp.mcpServers']; have one made of it: mcproxy import FILE --output mcp-servers.json
    "{\"manifest_version\": \"0.2\", \"name\": \"a\", \"server\": {\"mcp_config\": {\"command\": \"x\"}}}"
      error at line 1, column 1: this is the manifest of a bundle (.mcpb, .dxt); what is in its 'server.mcp_config' is an entry
    "{\"name\": \"a\", \"dependencies\": {}}"
      error at line 1, column 1: this is an npm package's package.json; name the configuration instead
    "{\"mcp_servers\": [{\"name\": \"a\", \"command\": \"x\", \"args\": []}], \"endpoints\": []}"
      error at line 1, column 1: there is no 'servers' or 'mcpServers' in it; MetaMCP's database: its servers are in mcp_servers; have one made of it: mcproxy import FILE --output mcp-servers.json
    "{\"$schema\": \"x\", \"name\": \"a\", \"packages\": []}"
      error at line 1, column 1: this is a server's description in a registry (server.json); write an entry that runs its package, with npx, uvx or docker
    "{\"projects\": {\"/x\": {\"mcpServers\": {\"a\": {\"command\": \"x\"}}}}}"
      error at line 1, column 1: there is no 'servers' or 'mcpServers' in it; Claude Code's own file: its servers are in projects['/x'].mcpServers; have one made of it: mcproxy import FILE --output mcp-servers.json
    "##);
}

#[test]
fn an_entry_that_is_built_otherwise_has_its_help() {
    for (entry, word) in [
        (
            r#"{"mcpServers": {"b": {"command": "x"}}}"#,
            "one level too deep",
        ),
        (
            r#"{"command": {"path": "x", "args": []}}"#,
            "into the entry itself",
        ),
        (r#"{"command": ["x"]}"#, "the rest into 'args'"),
    ] {
        let parsed = load(&format!(r#"{{"mcpServers": {{"a": {entry}}}}}"#));
        assert!(
            problems(&parsed)[0].contains(word),
            "{:?}",
            problems(&parsed)
        );
    }
}
