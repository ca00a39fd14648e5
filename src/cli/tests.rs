//! The command line as users write it; `--help` as they read it (a snapshot).

use std::collections::HashMap;

use clap::CommandFactory as _;

use super::*;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    let all = ["mcproxy"].iter().chain(arguments);
    reading::read(&definition(), &all.map(OsString::from).collect::<Vec<_>>())
}

/// A test must not see the variables of whoever runs it.
fn definition() -> clap::Command {
    reading::with_variables(&|arg| arg.env(None::<&'static str>))
}

fn message(arguments: &[&str]) -> String {
    parse(arguments).unwrap_err().to_string()
}

#[test]
fn the_command_is_consistent() {
    definition().debug_assert();
}

#[test]
fn nothing_means_run_with_the_defaults() {
    let cli = parse(&[]).unwrap();
    assert_eq!(cli.verb, None);
    assert_eq!(cli.run.listen.to_string(), "0.0.0.0:12009");
    assert_eq!(cli.run.log_level, LevelFilter::Info);
    assert_eq!(cli.run.sink(), Sink::Syslog(SyslogPath::default()));
    assert!(cli.run.config.is_none() && cli.run.allowed_host.is_empty());
}

#[test]
fn options_and_verbs_are_understood() {
    let cli = parse(&[
        "--log",
        "--listen",
        ":8080",
        "--log-level",
        "WARNING",
        "--allowed-host",
        "a.org,B.org",
        "--allowed-host=c.org",
        "--allowed-origin",
        "https://a.org/",
    ])
    .unwrap();
    assert_eq!(cli.run.sink(), Sink::Stdout);
    assert_eq!(cli.run.log_level, LevelFilter::Warn);
    assert_eq!(cli.run.allowed_host, ["a.org", "B.org", "c.org"]);
    assert_eq!(cli.run.allowed_origin, ["https://a.org/"]);
    let cli = parse(&["--config", "a.json", "check", "b.json"]).unwrap();
    assert_eq!(cli.run.config, Some("a.json".into()));
    let file = Some("b.json".into());
    assert_eq!(cli.verb, Some(Verb::Check { file, start: false }));
    let verb = parse(&["demo-server"]).unwrap().verb;
    assert_eq!(verb, Some(Verb::DemoServer));
    let syslog = parse(&["--syslog-socket", "/run/x"]).unwrap().run.sink();
    assert_eq!(syslog, Sink::Syslog(SyslogPath::at("/run/x".into())));
}

#[test]
fn run_is_what_is_done_anyway() {
    let run = |arguments: &[&str]| parse(arguments).unwrap();
    let all = run(&["run", "--log", "--listen", ":1", "--max-sessions", "7"]);
    assert_eq!(all.verb, None);
    assert_eq!(all.run.sink(), Sink::Stdout);
    assert_eq!(all.run.listen.port(), 1);
    assert_ne!(all.run.limits.given, LimitFlags::default().given);
    // Before the word, behind it, and as the value of an option.
    let mixed = run(&["--state-dir", "run", "--log", "run", "--listen", ":2"]).run;
    assert_eq!(mixed.state_dir, Some("run".into()));
    assert_eq!((mixed.sink(), mixed.listen.port()), (Sink::Stdout, 2));
    assert_eq!(
        run(&["--config", "run", "run"]).run.config,
        Some("run".into())
    );
    assert_eq!(
        run(&["check", "run"]).verb,
        Some(Verb::Check {
            file: Some("run".into()),
            start: false
        })
    );
    assert!(message(&["run", "--listen", "nowhere"]).contains("such as 0.0.0.0:12009"));
    assert!(
        message(&["--listen", ":1", "run", "--listen", ":2"]).contains("cannot be used multiple")
    );
    let help = message(&["run", "--help"]);
    assert!(help.contains("--hold-port"), "{help}");
}

#[test]
fn words_of_other_programs_are_answered_with_ours() {
    for (words, ours) in [
        (&["--port", "8080"][..], "mcproxy --listen PORT"),
        (&["--port=8080"], "mcproxy --listen PORT"),
        (&["run", "--port", "8080"], "mcproxy --listen PORT"),
        (&["--host", "::"], "mcproxy --listen ADDRESS:PORT"),
        (&["serve"], "mcproxy run"),
        (&["start", "--log"], "mcproxy run"),
        (&["--log", "validate"], "mcproxy check"),
        (&["validate", "mine.json"], "mcproxy check"),
    ] {
        let error = parse(words).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let said = error.to_string();
        assert!(
            said.contains(&format!("write '{ours}'")),
            "{words:?}: {said}"
        );
    }
}

#[test]
fn mistakes_are_explained() {
    let port = message(&["--listen", "example.org"]);
    assert!(port.contains("such as 0.0.0.0:12009"), "{port}");
    let level = message(&["--log-level", "inof"]);
    assert!(level.contains("error, warn, info"), "{level}");
    assert!(level.contains("similar value exists: 'info'"), "{level}");
    let option = message(&["--lissten", "1"]);
    assert!(option.contains("'--listen'"), "{option}");
}

#[test]
fn help_teaches() {
    let help = command_help(&["--help"]);
    insta::assert_snapshot!("help", help);
    let short = command_help(&["-h"]);
    insta::assert_snapshot!("help_short", short);
}

fn command_help(arguments: &[&str]) -> String {
    let command = definition().term_width(100);
    let all = ["mcproxy"].iter().chain(arguments);
    command.try_get_matches_from(all).unwrap_err().to_string()
}

#[test]
fn every_option_has_its_variable() {
    for arg in Cli::command().get_arguments() {
        let name = arg.get_id().as_str();
        if !matches!(name, "help" | "version") {
            let variable = match name {
                "syslog_socket" => "MCPROXY_SYSLOG_SOCKET".to_owned(),
                other => format!("MCPROXY_{}", other.to_uppercase()),
            };
            assert_eq!(arg.get_env().unwrap(), variable.as_str());
        }
    }
}

#[test]
fn the_state_directory_is_found_in_order() {
    let find = |explicit: Option<&str>, pairs: &[(&str, &str)]| {
        let env: HashMap<_, _> = pairs.iter().copied().collect();
        let env = |name: &str| env.get(name).map(OsString::from);
        let found = state_dir(explicit.map(Path::new), &env)?;
        Some(found.display().to_string())
    };
    let all = [
        ("STATE_DIRECTORY", "/var/lib/mcproxy:/var/lib/other"),
        ("XDG_STATE_HOME", "/xdg"),
        ("HOME", "/home/a"),
    ];
    assert_eq!(find(Some("/x"), &all).unwrap(), "/x");
    assert_eq!(find(None, &all).unwrap(), "/var/lib/mcproxy");
    assert_eq!(find(None, &all[1..]).unwrap(), "/xdg/mcproxy");
    assert_eq!(
        find(None, &all[2..]).unwrap(),
        "/home/a/.local/state/mcproxy"
    );
    let relative = [("XDG_STATE_HOME", "rel"), ("HOME", "/home/a")];
    assert_eq!(find(None, &relative), find(None, &all[2..]));
    assert_eq!(find(None, &[("HOME", "")]), None);
}
