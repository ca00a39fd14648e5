//! The real servers, pinned by `package-lock.json` and `requirements.txt`, and the calls whose
//! answers are compared: what each says must depend on nothing but its arguments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};

/// One call; `fails` says whether the server itself answers it with a failure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Call {
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
    pub(crate) fails: bool,
}

/// One server as an entry of the configuration, and its calls.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) command: String,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<&'static str, String>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) calls: Vec<Call>,
}

impl Server {
    /// The entry of `mcp-servers.json`.
    pub(crate) fn entry(&self) -> Value {
        let mut entry = json!({
            "name": self.name,
            "command": self.command,
            "args": self.args,
            "env": self.env,
            "timeout": 60,
        });
        if let Some(cwd) = &self.cwd {
            entry["cwd"] = json!(cwd);
        }
        entry
    }
}

/// The folder of this test: its packages are beside its sources.
pub(crate) fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real")
}

/// The interpreter that has the Python packages.
pub(crate) fn python() -> PathBuf {
    home().join(".venv/bin/python")
}

/// Fails, and says what to run, where the packages are not installed.
pub(crate) fn ensure_installed() -> Result<()> {
    for needed in [
        python(),
        home().join(".venv/bin/mcp-server-time"),
        home().join("node_modules/.bin/mcp-server-everything"),
    ] {
        ensure!(
            needed.exists(),
            "{} is missing: the real servers and clients are not installed; run tests/run",
            needed.display()
        );
    }
    Ok(())
}

/// Every server, with the files it works on below `dir`. `instance` keeps apart what a server
/// stores, so that the bare one and the gateway's do not meet.
pub(crate) fn all(dir: &Path, instance: &str, page: &str) -> Vec<Server> {
    vec![
        everything(),
        filesystem(&dir.join("files")),
        memory(&dir.join(format!("memory-{instance}.json"))),
        thinking(),
        time(),
        git(&dir.join("repository")),
        fetch(page),
    ]
}

/// Makes the files and the repository that the servers work on.
pub(crate) fn furnish(dir: &Path) -> Result<()> {
    let (files, repository) = (dir.join("files"), dir.join("repository"));
    std::fs::create_dir_all(files.join("folder"))?;
    std::fs::create_dir_all(&repository)?;
    std::fs::write(files.join("a.txt"), "grüße, 世界\n\u{2028}\ttab\n")?;
    std::fs::write(dir.join("outside.txt"), "not to be read\n")?;
    std::fs::write(repository.join("new.txt"), "untracked\n")?;
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    for args in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["commit", "--quiet", "--allow-empty", "--message=one"],
    ] {
        let done = Command::new("git")
            .args(identity)
            .args(args)
            .current_dir(&repository)
            .output()?;
        ensure!(done.status.success(), "git {args:?}: {done:?}");
    }
    Ok(())
}

fn call(tool: &'static str, arguments: Value) -> Call {
    Call {
        tool,
        arguments,
        fails: false,
    }
}

fn failing(tool: &'static str, arguments: Value) -> Call {
    Call {
        fails: true,
        ..call(tool, arguments)
    }
}

fn node(name: &'static str, program: &str, args: Vec<String>, calls: Vec<Call>) -> Server {
    let program = home().join("node_modules/.bin").join(program);
    Server {
        name,
        command: program.to_string_lossy().into_owned(),
        args,
        env: BTreeMap::new(),
        cwd: None,
        calls,
    }
}

fn python_server(name: &'static str, args: Vec<String>, calls: Vec<Call>) -> Server {
    let program = home().join(".venv/bin").join(format!("mcp-server-{name}"));
    Server {
        name,
        command: program.to_string_lossy().into_owned(),
        args,
        env: BTreeMap::new(),
        cwd: None,
        calls,
    }
}

fn everything() -> Server {
    let calls = vec![
        call("echo", json!({ "message": "grüße \u{1F600} \"\\ \u{7f}" })),
        call("get-sum", json!({ "a": 1, "b": 2.5 })),
        call("get-tiny-image", json!({})),
        call("get-structured-content", json!({ "location": "Chicago" })),
        failing("get-sum", json!({ "a": "one" })),
    ];
    node("everything", "mcp-server-everything", vec![], calls)
}

fn filesystem(files: &Path) -> Server {
    let path = |name: &str| json!({ "path": files.join(name) });
    let calls = vec![
        call("read_text_file", path("a.txt")),
        call("list_directory", path(".")),
        failing("read_text_file", path("../outside.txt")),
        failing("read_text_file", path("absent.txt")),
    ];
    let args = vec![files.to_string_lossy().into_owned()];
    node("filesystem", "mcp-server-filesystem", args, calls)
}

/// Through `npx`, as most users run such a server: a shell and a second node stand between.
fn memory(store: &Path) -> Server {
    let entity = json!({ "name": "n", "entityType": "t", "observations": ["o"] });
    let observation = json!({ "entityName": "absent", "contents": ["x"] });
    let calls = vec![
        call("create_entities", json!({ "entities": [entity] })),
        call("read_graph", json!({})),
        failing("add_observations", json!({ "observations": [observation] })),
    ];
    Server {
        name: "memory",
        command: "npx".to_owned(),
        args: vec!["--no-install".to_owned(), "mcp-server-memory".to_owned()],
        env: BTreeMap::from([("MEMORY_FILE_PATH", store.to_string_lossy().into_owned())]),
        cwd: Some(home()),
        calls,
    }
}

fn thinking() -> Server {
    let thought = json!({
        "thought": "a thought", "nextThoughtNeeded": true, "thoughtNumber": 1, "totalThoughts": 2,
    });
    let calls = vec![
        call("sequentialthinking", thought),
        failing("sequentialthinking", json!({ "thought": 3 })),
    ];
    node("thinking", "mcp-server-sequential-thinking", vec![], calls)
}

fn time() -> Server {
    let convert = |from: &str, time: &str| json!({ "source_timezone": from, "time": time, "target_timezone": "Asia/Tokyo" });
    let calls = vec![
        call("convert_time", convert("UTC", "12:00")),
        failing("convert_time", convert("Mars/Base", "12:00")),
        failing("convert_time", convert("UTC", "noon")),
    ];
    python_server("time", vec!["--local-timezone=UTC".to_owned()], calls)
}

fn git(repository: &Path) -> Server {
    let at = |path: &Path| json!({ "repo_path": path });
    let calls = vec![
        call("git_status", at(repository)),
        call("git_log", at(repository)),
        failing("git_status", at(&repository.join("absent"))),
    ];
    python_server("git", vec![], calls)
}

fn fetch(page: &str) -> Server {
    let args = ["--ignore-robots-txt", "--allow-private-ips"];
    let calls = vec![
        call("fetch", json!({ "url": page })),
        failing("fetch", json!({ "url": "no address" })),
    ];
    python_server("fetch", args.map(str::to_owned).to_vec(), calls)
}
