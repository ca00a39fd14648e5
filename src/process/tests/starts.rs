//! Starting a child: what it is given, what it is not given, and why it may not start.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

/// `cat`, once it runs for sure: what the dynamic loader opened is closed again.
async fn running_cat(command: &Command) -> Child {
    let mut child = start(command, &Limits::default(), &Groups::default());
    child
        .process
        .write(Bytes::from_static(b"up"))
        .expect("stdin is open");
    assert_eq!(child.line().await, "up");
    child
}

#[tokio::test]
async fn arguments_and_directory_arrive_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let script = r#"printf '%s|' "$0" "$@"; pwd"#;
    let mut command = command("sh", &["-c", script, "zero", "a b", "$HOME *", ""]);
    command.cwd = Some(directory.path().to_owned());
    let mut child = start(&command, &Limits::default(), &Groups::default());
    let expected = directory.path().canonicalize().unwrap();
    assert_eq!(
        child.line().await,
        format!("zero|a b|$HOME *||{}", expected.display())
    );
}

#[tokio::test]
async fn it_keeps_the_name_it_was_called_by() {
    let child = running_cat(&command("cat", &[])).await;
    let called = fs::read(proc_file(child.process.pid(), "cmdline")).unwrap();
    assert_eq!(called, b"cat\0");
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_no_more() {
    // Set by cargo for every test: a variable that is not on the allow-list.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let mut command = command("cat", &[]);
    command.env = environment(false, [("TOKEN", "s3cret")].into_iter());
    let child = running_cat(&command).await;

    let environ = fs::read(proc_file(child.process.pid(), "environ")).unwrap();
    let environ = String::from_utf8(environ).unwrap();
    let found: BTreeSet<&str> = environ.split_terminator('\0').collect();
    let given = command
        .env
        .iter()
        .map(|(name, value)| format!("{}={}", name.to_string_lossy(), value.to_string_lossy()));
    let given: BTreeSet<String> = given.collect();
    let (marker, found): (BTreeSet<&str>, BTreeSet<&str>) = found
        .into_iter()
        .partition(|variable| variable.starts_with("MCPROXY_CHILD="));
    assert_eq!(marker.len(), 1, "by which it is known to be ours");
    assert_eq!(found, given.iter().map(String::as_str).collect());
    assert!(found.contains("TOKEN=s3cret"));
    assert!(!environ.contains("CARGO_MANIFEST"));
}

/// The descriptors of a process, each with what it is.
fn descriptors(pid: &str) -> BTreeSet<(String, PathBuf)> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let named = open.filter_map(|entry| {
        let entry = entry.unwrap();
        let is = fs::read_link(entry.path()).ok()?; // but for the one that reads the directory
        Some((entry.file_name().into_string().unwrap(), is))
    });
    named.collect()
}

#[tokio::test]
async fn it_has_three_descriptors() {
    // What whoever runs the tests left open is not ours to close; what is open since is ours.
    let given = |(fd, _): &(String, PathBuf)| {
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        flags.is_some_and(|flags| flags & 0o2_000_000 == 0)
    };
    let before: BTreeSet<_> = descriptors("self").into_iter().filter(given).collect();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let file = tempfile::tempfile().unwrap();
    let sibling = running_cat(&command("cat", &[])).await;
    let child = running_cat(&command("cat", &[])).await;
    let mut open = descriptors(&child.process.pid().to_string());
    open.retain(|descriptor| !before.contains(descriptor));
    let numbers: Vec<&str> = open.iter().map(|(fd, _)| fd.as_str()).collect();
    assert_eq!(numbers, ["0", "1", "2"], "{open:?}");
    drop((listener, file, sibling));
}

#[tokio::test]
async fn it_has_a_group_and_no_blocked_signals() {
    let child = running_cat(&command("cat", &[])).await;
    let pid = child.process.pid();
    let mask = |pid: &str, name: &str| -> u64 {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        let mask = u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap();
        mask & 0x7fff_ffff // without the real-time signals, two of which are the C library's own
    };
    let pid = pid.to_string();
    let sigpipe = 1 << 12;
    // Rust ignores SIGPIPE; a child that did so too would run on into a closed pipe.
    assert_ne!(mask("self", "SigIgn") & sigpipe, 0);
    assert_eq!(mask(&pid, "SigIgn"), mask("self", "SigIgn") & !sigpipe);
    assert_eq!(mask(&pid, "SigBlk"), 0);

    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let group = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .nth(2)
        .unwrap();
    assert_eq!(group, pid);
}

/// Writes a file that is to be run, in a process of its own: a descriptor open for writing here
/// would reach a child that another test forks at this moment, and the file be "busy" (ETXTBSY).
fn write_file(file: &Path, content: &str, mode: &str) {
    let script = r#"printf '%s' "$2" > "$1" && chmod "$3" "$1""#;
    let mut writer = std::process::Command::new("/bin/sh");
    writer
        .args(["-c", script, "sh"])
        .arg(file)
        .args([content, mode]);
    assert!(writer.status().unwrap().success());
}

fn refusal(command: &Command) -> SpawnError {
    let spawned = spawn(command, &Limits::default(), &Groups::default(), |_| ());
    spawned.expect_err("it can't start")
}

fn refused(command: &Command) -> String {
    refusal(command).to_string()
}

#[tokio::test]
async fn a_program_is_looked_up_on_its_own_path() {
    let directory = tempfile::tempdir().unwrap();
    let tool = directory.path().join("my-tool");
    write_file(&tool, "#!/bin/sh\necho found\n", "644");
    let mut wanted = command("my-tool", &[]);
    let not_found = refusal(&wanted);
    let text = not_found.to_string();
    assert!(text.starts_with("command 'my-tool' not found on the server's PATH; "));
    let path = std::env::var("PATH").unwrap();
    assert_eq!(not_found.searched(), Some(&*path));
    assert!(!text.contains(&path), "it is said once");

    let path = format!("/nowhere:{}", directory.path().display());
    wanted.env = vec![("PATH".into(), path.into())];
    let denied = refused(&wanted);
    assert!(denied.contains("permission denied for"), "{denied}");
    assert!(denied.contains(&tool.display().to_string()), "{denied}");

    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let mut child = start(&wanted, &Limits::default(), &Groups::default());
    assert_eq!(child.line().await, "found");

    // Without a PATH it is looked for where execvp(3) does.
    let mut without = command("sh", &["-c", "echo $0"]);
    without.env.clear();
    let mut child = start(&without, &Limits::default(), &Groups::default());
    assert_eq!(child.line().await, "sh");
}

#[tokio::test]
async fn a_relative_path_is_relative_to_the_childs_directory() {
    let directory = tempfile::tempdir().unwrap();
    let tool = directory.path().join("tool");
    write_file(&tool, "#!/bin/sh\necho $0\n", "755");
    let mut wanted = command("./tool", &[]);
    assert!(refused(&wanted).starts_with("command './tool' not found: there is no file /"));

    wanted.cwd = Some(directory.path().to_owned());
    let mut child = start(&wanted, &Limits::default(), &Groups::default());
    assert!(child.line().await.ends_with("/tool"));
}

#[tokio::test]
async fn reasons_not_to_start_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let file = directory.path().join(name);
        write_file(&file, content, "755");
        file.display().to_string()
    };
    let no_interpreter = refused(&command(&file("a", "#!/no/such/interpreter\n"), &[]));
    assert!(
        no_interpreter.contains("the interpreter of"),
        "{no_interpreter}"
    );

    let no_program = refused(&command(&file("b", "just text\n"), &[]));
    assert!(no_program.contains("neither a program"), "{no_program}");

    let is_directory = refused(&command(&directory.path().display().to_string(), &[]));
    assert!(is_directory.contains("permission denied"), "{is_directory}");

    let long = "x".repeat(100_000);
    let too_long = refused(&command("cat", &vec![long.as_str(); 100]));
    assert!(
        too_long.contains("'cat'") && too_long.contains("bytes together"),
        "{too_long}"
    );

    let with_nul = refused(&command("cat", &["a\0b"]));
    assert!(with_nul.contains("cannot be started"), "{with_nul}");

    let nothing = refused(&command("", &[]));
    assert!(nothing.contains("command '' not found"), "{nothing}");

    for (name, because) in [("none", "No such file"), ("a", "Not a directory")] {
        let mut elsewhere = command("cat", &[]);
        elsewhere.cwd = Some(directory.path().join(name));
        let bad = refused(&elsewhere);
        assert!(
            bad.contains("working directory") && bad.contains(because),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn nothing_starts_once_everything_was_killed() {
    let groups = Groups::default();
    groups.kill_all();
    let spawned = spawn(&command("cat", &[]), &Limits::default(), &groups, |_| ());
    assert!(matches!(spawned, Err(SpawnError::Ending { .. })));
    assert!(groups.is_empty());
}

#[test]
fn secrets_are_not_printed() {
    let mut command = command("cat", &["--password=s3cret"]);
    command.env.push(("TOKEN".into(), "s3cret".into()));
    let printed = format!("{command:?}");
    assert!(
        printed.contains("TOKEN") && !printed.contains("s3cret"),
        "{printed}"
    );
}
