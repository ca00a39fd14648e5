//! The real servers, pinned by `package-lock.json` and `requirements*.txt`, and the calls whose
//! answers are compared: what each says must depend on nothing but its arguments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};

/// What the memory server remembers from the start: whoever adds the same again changes nothing.
const MEMORY: &str = r#"{"type":"entity","name":"n","entityType":"t","observations":["o"]}"#;

/// A cluster at a port where nobody listens.
const KUBE: &str = r#"{"apiVersion":"v1","kind":"Config","current-context":"c",
"clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:9"}}],
"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],"users":[{"name":"u","user":{}}]}"#;

/// One call; `fails` says whether the server itself answers it with a failure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Call {
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
    pub(crate) fails: bool,
}

/// One prompt to get.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Get {
    pub(crate) prompt: &'static str,
    pub(crate) arguments: Value,
}

/// One server as an entry of the configuration, and what it is asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) command: String,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<&'static str, String>,
    pub(crate) cwd: Option<PathBuf>,
    /// Where it runs, in the place of a command, and the `type` of that.
    pub(crate) remote: Option<(String, &'static str)>,
    /// In the place of its name before its names.
    pub(crate) prefix: Option<&'static str>,
    /// One process for each session of a client.
    pub(crate) isolated: bool,
    pub(crate) calls: Vec<Call>,
    pub(crate) gets: Vec<Get>,
    /// URIs of resources to read.
    pub(crate) reads: Vec<&'static str>,
}

impl Server {
    /// The same with a process for each session.
    pub(crate) fn isolated(self) -> Self {
        Self {
            isolated: true,
            ..self
        }
    }

    /// The same, asked at `url`; all else is as it would be at its pipe.
    pub(crate) fn at(self, url: String, kind: &'static str) -> Self {
        Self {
            remote: Some((url, kind)),
            ..self
        }
    }

    fn gets(self, gets: &[(&'static str, Value)]) -> Self {
        let gets = gets.iter().map(|(prompt, arguments)| Get {
            prompt,
            arguments: arguments.clone(),
        });
        Self {
            gets: gets.collect(),
            ..self
        }
    }

    fn reads(self, uris: &[&'static str]) -> Self {
        Self {
            reads: uris.to_vec(),
            ..self
        }
    }

    /// The entry of `mcp-servers.json`.
    pub(crate) fn entry(&self) -> Value {
        let mut entry = match &self.remote {
            Some((url, kind)) => json!({"name": self.name, "type": kind, "url": url}),
            None => json!({
                "name": self.name,
                "command": self.command,
                "args": self.args,
                "env": self.env,
            }),
        };
        entry["timeout"] = json!(60);
        if let Some(prefix) = self.prefix {
            entry["prefix"] = json!(prefix);
        }
        if let Some(cwd) = &self.cwd {
            entry["cwd"] = json!(cwd);
        }
        if self.isolated {
            entry["isolation"] = json!("session");
        }
        entry
    }
}

/// The folder of this test: its packages are beside its sources.
pub(crate) fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real")
}

/// The interpreter that has the packages for version 1 or 2 of the Python SDK.
pub(crate) fn python(sdk: u8) -> PathBuf {
    home().join(format!(".venv{sdk}/bin/python"))
}

/// A Node that is new enough for every client.
pub(crate) fn node() -> PathBuf {
    program("node")
}

/// A program of the npm packages.
pub(crate) fn program(name: &str) -> PathBuf {
    home().join("node_modules/.bin").join(name)
}

/// Fails, and says what to run, where the packages are not installed.
pub(crate) fn ensure_installed() -> Result<()> {
    let needed = [
        python(1),
        python(2),
        node(),
        program("mcp-server-everything"),
    ];
    for needed in needed {
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
        sqlite(&dir.join(format!("{instance}.db"))),
        github(),
        playwright(),
        calc(),
        budget(),
        kubernetes(&dir.join("kube.yaml")),
    ]
}

/// Makes the files and the repository that the servers work on.
pub(crate) fn furnish(dir: &Path) -> Result<()> {
    let (files, repository) = (dir.join("files"), dir.join("repository"));
    std::fs::create_dir_all(files.join("folder"))?;
    std::fs::create_dir_all(&repository)?;
    std::fs::write(files.join("a.txt"), "grüße, 世界\n\u{2028}\ttab\n")?;
    std::fs::write(dir.join("outside.txt"), "not to be read\n")?;
    for instance in ["bare", "gateway"] {
        std::fs::write(dir.join(format!("memory-{instance}.json")), MEMORY)?;
    }
    std::fs::write(dir.join("kube.yaml"), KUBE)?;
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

fn npm(name: &'static str, bin: &str, args: &[&str], calls: Vec<Call>) -> Server {
    Server {
        name,
        command: program(bin).to_string_lossy().into_owned(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        calls,
        ..Server::default()
    }
}

/// A server that needs version `sdk` of the Python SDK.
fn pypi(sdk: u8, name: &'static str, args: &[&str], calls: Vec<Call>) -> Server {
    let program = python(sdk).with_file_name(format!("mcp-server-{name}"));
    Server {
        name,
        command: program.to_string_lossy().into_owned(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        calls,
        ..Server::default()
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
    let department = json!({ "department": "Sales", "name": "Eve" });
    npm("everything", "mcp-server-everything", &[], calls)
        .gets(&[
            ("simple-prompt", json!({})),
            ("completable-prompt", department),
        ])
        .reads(&["demo://resource/static/document/features.md"])
}

fn filesystem(files: &Path) -> Server {
    let path = |name: &str| json!({ "path": files.join(name) });
    let calls = vec![
        call("read_text_file", path("a.txt")),
        call("list_directory", path(".")),
        failing("read_text_file", path("../outside.txt")),
        failing("read_text_file", path("absent.txt")),
    ];
    let args = [&*files.to_string_lossy()];
    npm("filesystem", "mcp-server-filesystem", &args, calls)
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
        ..Server::default()
    }
}

/// It counts the thoughts of all who use it, so each session has its own.
fn thinking() -> Server {
    let thought = json!({
        "thought": "a thought", "nextThoughtNeeded": true, "thoughtNumber": 1, "totalThoughts": 2,
    });
    let calls = vec![
        call("sequentialthinking", thought),
        failing("sequentialthinking", json!({ "thought": 3 })),
    ];
    npm("thinking", "mcp-server-sequential-thinking", &[], calls).isolated()
}

fn time() -> Server {
    let convert = |from: &str, time: &str| json!({ "source_timezone": from, "time": time, "target_timezone": "Asia/Tokyo" });
    let calls = vec![
        call("convert_time", convert("UTC", "12:00")),
        failing("convert_time", convert("Mars/Base", "12:00")),
        failing("convert_time", convert("UTC", "noon")),
    ];
    pypi(2, "time", &["--local-timezone=UTC"], calls)
}

fn git(repository: &Path) -> Server {
    let at = |path: &Path| json!({ "repo_path": path });
    let calls = vec![
        call("git_status", at(repository)),
        call("git_log", at(repository)),
        failing("git_status", at(&repository.join("absent"))),
    ];
    pypi(2, "git", &[], calls)
}

fn fetch(page: &str) -> Server {
    let args = ["--ignore-robots-txt", "--allow-private-ips"];
    let calls = vec![
        call("fetch", json!({ "url": format!("{page}/page.txt") })),
        failing("fetch", json!({ "url": "no address" })),
    ];
    pypi(2, "fetch", &args, calls)
}

/// On the SDK's first version, with a prompt and a resource.
fn sqlite(file: &Path) -> Server {
    let query = |text: &str| json!({ "query": text });
    let calls = vec![
        call(
            "create_table",
            query("CREATE TABLE IF NOT EXISTS t (a TEXT)"),
        ),
        call(
            "read_query",
            query("SELECT 'grüße' AS a, 1.5 AS b, NULL AS c"),
        ),
        call("read_query", query("DROP TABLE t")),
        call("list_tables", json!({})),
    ];
    let args = [&*format!("--db-path={}", file.display())];
    pypi(1, "sqlite", &args, calls)
        .gets(&[("mcp-demo", json!({ "topic": "Käse" }))])
        .reads(&["memo://insights"])
}

/// On an SDK of 2024: it speaks the first revision. Without a token it still lists, and refuses.
fn github() -> Server {
    let calls = vec![failing("create_issue", json!({ "owner": 1 }))];
    npm("github", "mcp-server-github", &[], calls)
}

/// Without a browser it can only list and say so, to each session in words of its own.
fn playwright() -> Server {
    let calls = vec![failing("browser_tabs", json!({ "action": "list" }))];
    let args = ["--executable-path=/nonexistent"];
    npm("playwright", "playwright-mcp", &args, calls).isolated()
}

fn calc() -> Server {
    let calls = vec![
        call("math", json!({ "expression": "2^64 / 3" })),
        call("base64", json!({ "input": "grüße", "action": "encode" })),
        failing("hash", json!({ "input": "no algorithm" })),
    ];
    npm("calc", "calc-mcp", &[], calls)
}

/// An app of the MCP Apps extension: its page is a resource. What its tool says is random.
fn budget() -> Server {
    npm(
        "budget",
        "mcp-budget-allocator-server",
        &["--stdio"],
        vec![],
    )
    .reads(&["ui://budget-allocator/mcp-app.html"])
}

/// Written in Go, below a Node that starts it.
fn kubernetes(config: &Path) -> Server {
    let args = ["--read-only", "--kubeconfig", &*config.to_string_lossy()];
    let calls = vec![
        call("configuration_view", json!({})),
        failing("pods_get", json!({})),
        failing("pods_list", json!({})),
    ];
    npm("kubernetes", "kubernetes-mcp-server", &args, calls)
}
