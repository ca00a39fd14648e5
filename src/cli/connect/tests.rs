//! What is printed is what the documents show.

use super::programs::Snippet;
use super::*;

/// The first table of the document: who, and what is written.
fn documented() -> Vec<(String, String)> {
    let text = include_str!("../../../docs/clients.md");
    let table = text.split("| program | how |").nth(1).unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let (who, how) = line.trim_matches('|').split_once('|').unwrap();
        (
            who.trim().to_owned(),
            how.trim().trim_matches('`').to_owned(),
        )
    };
    rows.map(row).collect()
}

#[test]
fn the_documents_show_what_is_printed() {
    let rows = documented();
    assert_eq!(rows.len(), PROGRAMS.len());
    let address = Address {
        url: "http://HOST:12009/mcp",
        has_token: true,
    };
    for (program, (who, how)) in PROGRAMS.iter().zip(rows) {
        let name = format!("`{}`", program.name);
        assert!(
            who.starts_with(program.title) && who.contains(&name),
            "{who}"
        );
        assert_eq!((program.snippet)(&address).shown(), how, "{who}");
        if let Some(file) = program.file {
            let home = |name: &str| (name == "HOME").then(|| "/home/a".to_owned());
            let file = file(&home)
                .unwrap()
                .display()
                .to_string()
                .replace("/home/a", "~");
            assert!(who.contains(&file), "{who}: {file}");
        }
    }
}

#[test]
fn without_a_token_nothing_is_said_of_one() {
    let address = Address {
        url: "http://127.0.0.1:12009/p/kids/mcp",
        has_token: false,
    };
    for program in PROGRAMS {
        let shown = (program.snippet)(&address).shown();
        assert!(shown.contains(address.url), "{shown}");
        assert!(
            !shown.contains("TOKEN") && !shown.contains("eader"),
            "{shown}"
        );
    }
}

#[test]
fn a_shell_takes_words_as_they_are() {
    let words = ["a", "it's ${X}", "", "{\"a\": 1}"]
        .map(str::to_owned)
        .to_vec();
    let shown = Snippet::Command(words).shown();
    assert_eq!(shown, r#"a 'it'\''s ${X}' '' '{"a": 1}'"#);
}

#[test]
fn what_is_no_url_is_written_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("mcp.json");
    for url in ["ftp://x", "-h"] {
        let wish = Connection {
            client: Some("cursor".to_owned()),
            url: Some(url.to_owned()),
            listen: None,
            profile: None,
            token_file: None,
            write: true,
            file: Some(file.clone()),
        };
        let gateway = Gateway {
            listen: "0.0.0.0:12009".parse().unwrap(),
            token_file: None,
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run(&wish, gateway, &|_| None, (&mut out, &mut err)).unwrap();
        assert_eq!((code, file.exists()), (USAGE, false), "{url}");
        assert!(String::from_utf8(err).unwrap().contains("error: --url: "));
    }
}

#[test]
fn the_address_is_the_gateways_on_this_machine() {
    let url = |listen: &str, profile: Option<&str>| {
        let wish = Connection {
            client: None,
            url: None,
            listen: None,
            profile: profile.map(str::to_owned),
            token_file: None,
            write: false,
            file: None,
        };
        wish.url(listen.parse().unwrap())
    };
    assert_eq!(url("0.0.0.0:12009", None), "http://127.0.0.1:12009/mcp");
    assert_eq!(url("[::]:80", None), "http://[::1]:80/mcp");
    assert_eq!(
        url("10.0.0.5:1", Some("kids")),
        "http://10.0.0.5:1/p/kids/mcp"
    );
}
