//! The files that come with the project, and finding one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{entries, env};
use crate::config::fields::{ENTRY, FILE, Use};
use crate::config::locate::first_of;
use crate::config::{ConfigError, Severity, exposure, locate, parse, places, read};
use crate::config::{profiles, view};

fn shipped() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut found = Vec::new();
    let mut directories = vec![root];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_shipped_file_can_be_used() {
    let mut used = 0;
    for path in shipped() {
        if path.ends_with("mcp-servers.schema.json") {
            continue;
        }
        let parsed = parse(&read(&path).unwrap(), &env).unwrap();
        let is_error = |p: &&crate::config::Problem| p.severity == Severity::Error;
        let errors: Vec<_> = parsed.problems.iter().filter(is_error).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        assert!(!parsed.config.servers.is_empty(), "{}", path.display());
        used += 1;
    }
    assert!(used >= 6);
}

#[test]
fn the_default_runs_the_demo_and_nothing_else() {
    let text = include_str!("../../../config/mcp-servers.json");
    let parsed = parse(text, &|_| None).unwrap();
    assert_eq!(parsed.problems, []);
    let (first, others) = (&entries(&parsed)[0], &entries(&parsed)[1..]);
    assert_eq!(first, "demo");
    assert!(
        others.len() >= 6 && others.iter().all(|entry| entry.ends_with("(off)")),
        "{others:?}"
    );
}

#[test]
fn the_schema_lists_the_fields_that_are_read() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../config/mcp-servers.schema.json")).unwrap();
    let listed = |pointer: &str| -> BTreeSet<String> {
        let properties = schema.pointer(pointer).unwrap().as_object().unwrap();
        properties
            .keys()
            .filter(|name| *name != "$schema")
            .cloned()
            .collect()
    };
    let known = |table: &[(&str, Use)]| -> BTreeSet<String> {
        let ours = table.iter().filter(|(_, u)| *u == Use::Read);
        ours.map(|(name, _)| (*name).to_owned()).collect()
    };
    assert_eq!(listed("/definitions/entry/properties"), known(ENTRY));
    assert_eq!(listed("/oneOf/1/properties"), known(FILE));
    let profile = listed("/definitions/profile/properties");
    assert!(profile.is_superset(&known(profiles::FIELDS)));
    assert_eq!(listed("/definitions/rules/properties"), known(&view::LISTS));
}

#[test]
fn a_file_is_looked_for_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    let error = first_of(&[&one, &two]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&format!("{} and {}", one.display(), two.display())),
        "{text}"
    );
    let text = first_of(&[&one, &two, &one]).unwrap_err().to_string();
    let (one_shown, two_shown) = (one.display(), two.display());
    let all = format!("{one_shown}, {two_shown} and {one_shown};");
    assert!(text.contains(&all), "{text}");
    assert!(
        text.contains("--config") && text.contains("MCPROXY_CONFIG"),
        "{text}"
    );
    std::fs::write(&two, "[]").unwrap();
    assert_eq!(first_of(&[&one, &two]).unwrap(), two);
    std::fs::write(&one, "[]").unwrap();
    assert_eq!(first_of(&[&one, &two]).unwrap(), one);
    assert_eq!(locate(Some(&one)).unwrap(), one);

    std::fs::remove_file(&one).unwrap();
    match locate(Some(&one)).unwrap_err() {
        ConfigError::Missing { path, searched } => {
            assert_eq!((path, searched), (one.clone(), vec![one]));
        }
        other @ (ConfigError::Unreadable { .. } | ConfigError::Malformed(_)) => panic!("{other}"),
    }
    assert!(
        locate(Some(Path::new("no-such-file.json")))
            .unwrap_err()
            .to_string()
            .contains(
                &std::env::current_dir()
                    .unwrap()
                    .join("no-such-file.json")
                    .display()
                    .to_string()
            )
    );
}

#[test]
fn without_a_name_it_is_looked_for_here_then_at_the_users_then_at_the_machines() {
    let of = |pairs: &[(&str, &str)]| {
        let pairs: std::collections::BTreeMap<_, _> = pairs.iter().copied().collect();
        let found = places(&|name| pairs.get(name).map(Into::into));
        found
            .iter()
            .map(|path| path.display().to_string())
            .collect::<Vec<_>>()
    };
    let around = |own: &'static str| {
        let all = [
            "mcp-servers.json",
            own,
            "/etc/mcp-gateway/mcp-servers.json",
            "/srv/containers/mcp-gateway/mcp-servers.json",
        ];
        all.into_iter()
            .filter(|place| !place.is_empty())
            .collect::<Vec<_>>()
    };
    let home = ("HOME", "/home/a");
    let set = around("/x/mcproxy/mcp-servers.json");
    assert_eq!(of(&[home, ("XDG_CONFIG_HOME", "/x")]), set);
    let default = around("/home/a/.config/mcproxy/mcp-servers.json");
    assert_eq!(of(&[home]), default);
    for unusable in ["", "rel"] {
        assert_eq!(of(&[home, ("XDG_CONFIG_HOME", unusable)]), default);
    }
    assert_eq!(of(&[]), around(""));
}

#[test]
fn a_path_that_a_shell_would_have_changed_is_explained() {
    for (path, word) in [
        ("~/x.json", "by a shell only"),
        ("\"/x.json\"", "without them"),
    ] {
        let error = locate(Some(Path::new(path))).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

/// It could be read once, and never again.
#[test]
fn what_a_shell_hands_over_is_refused() {
    match locate(Some(Path::new("/dev/null"))) {
        Err(ConfigError::Unreadable { path, source }) => {
            assert_eq!(path, Path::new("/dev/null"));
            assert!(source.to_string().contains("no plain file"), "{source}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_secret_in_a_file_for_everybody_is_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file.json");
    let text =
        r#"[{"name": "a", "command": "x", "env": {"LEVEL": "info", "API_KEY": "sk-12345"}}]"#;
    std::fs::write(&path, text).unwrap();
    let allow =
        |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    let parsed = parse(text, &env).unwrap();
    allow(0o644);
    let warning = exposure(&path, &parsed).unwrap();
    assert_eq!((warning.line, warning.column), (1, 57));
    assert_eq!(warning.path, "[0].env.API_KEY");
    assert!(!warning.to_string().contains("sk-12345"));
    allow(0o640);
    assert_eq!(exposure(&path, &parsed), None);
    allow(0o644);
    let address = r#"[{"name": "a", "url": "https://h/mcp?v=1&api_key=sk-12345"}]"#;
    let warning = exposure(&path, &parse(address, &env).unwrap()).unwrap();
    assert_eq!(warning.path, "[0].url");
    assert!(!warning.to_string().contains("sk-12345"));
    for harmless in ["v=1", "api_key=${TOKEN}"] {
        let text = address.replace("v=1&api_key=sk-12345", harmless);
        assert_eq!(exposure(&path, &parse(&text, &env).unwrap()), None);
    }
    let referred = parse(&text.replace("sk-12345", "${TOKEN}"), &env).unwrap();
    assert_eq!(exposure(&path, &referred), None);
}
