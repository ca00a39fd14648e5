//! The way over from MetaMCP, as docs/migration.md has it: its commands are run as they are written, in their order, on a
//! database of MetaMCP's shape in a real PostgreSQL, beside a server at MetaMCP's addresses. What a client finds there
//! and, with another host and port alone, here must be the same.

mod postgres;

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use self::postgres::Postgres;
use testkit::gateway::{Gateway, GatewayOptions, mcproxy};
use testkit::servers::tool_names;
use testkit::streamable::{Endpoint, Headers, call_tool};

const SOON: Duration = Duration::from_secs(30);
const USER: &str = "metamcp_user";
const DATABASE: &str = "metamcp_db";
/// Of everybody, and of one user.
const PUBLIC: &str = "sk_mt_public_0123456789";
const ANNAS: &str = "sk_mt_annas_0123456789";

/// The commands of the document's part on MetaMCP, in their order.
struct Steps(Vec<String>);

impl Steps {
    fn of_the_document() -> Result<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migration.md");
        let text = fs::read_to_string(file)?;
        let (_, part) = text.split_once("\n## From MetaMCP\n").context("the part")?;
        let blocks = part.split("```sh\n").skip(1);
        let blocks = blocks.filter_map(|rest| rest.split("```").next());
        Ok(Self(blocks.map(str::to_owned).collect()))
    }

    fn next(&mut self, start: &str) -> Result<String> {
        ensure!(!self.0.is_empty(), "no step is left for {start}");
        let step = self.0.remove(0);
        ensure!(step.starts_with(start), "{start} was to come, not {step}");
        Ok(step)
    }
}

/// Where it is done: a folder with `docker` and `mcproxy` on its PATH.
struct Desk {
    here: tempfile::TempDir,
    path: String,
}

impl Desk {
    fn lay(postgres: &Postgres) -> Result<Self> {
        let here = tempfile::tempdir()?;
        let bin = here.path().join("bin");
        fs::create_dir(&bin)?;
        symlink(mcproxy(), bin.join("mcproxy"))?;
        let docker = bin.join("docker");
        let (socket, programs) = (postgres.socket().display(), postgres.programs().display());
        let text = format!(
            "#!/bin/sh\n[ \"$1 $2\" = 'exec metamcp-pg' ] || exit 9\nshift 2\n\
             export PGHOST={socket} PATH={programs}:$PATH\nexec \"$@\"\n"
        );
        write_program(&docker, &text)?;
        let path = format!("{}:/usr/bin:/bin", bin.display());
        Ok(Self { here, path })
    }

    fn shell(&self, step: &str) -> Result<Output> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-ec", step]).current_dir(self.here.path());
        Ok(shell.env_clear().env("PATH", &self.path).output()?)
    }

    fn run(&self, step: &str) -> Result<String> {
        let output = self.shell(step)?;
        ensure!(output.status.success(), "{step}\n{output:?}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A gateway, by the document's own command, at a port that is free.
    async fn serve(&self, step: &str, port: u16) -> Result<Gateway> {
        let step = step.trim_end().replace("12010", &port.to_string());
        let (here, path) = (self.here.path().display(), &self.path);
        let program = self.here.path().join("serve");
        let text = format!(
            "#!/bin/sh\ncd {here}\nexport PATH={path} MCPROXY_STATE_DIR={here}/state MCPROXY_LISTEN=127.0.0.1:0\nexec {step}\n"
        );
        write_program(&program, &text)?;
        let options = GatewayOptions::default().binary(program);
        Ok(Gateway::start(options).await)
    }
}

/// By another process: were it open for writing here while some other test forks, exec would answer "text file busy".
fn write_program(file: &Path, text: &str) -> Result<()> {
    let write = r#"printf '%s' "$1" > "$2""#;
    let mut shell = Command::new("/bin/sh");
    let status = shell.args(["-c", write, "sh", text]).arg(file).status()?;
    ensure!(status.success(), "{}: {status}", file.display());
    Ok(fs::set_permissions(file, Permissions::from_mode(0o755))?)
}

/// MetaMCP's database.
fn database() -> Result<Postgres> {
    let postgres = Postgres::start(USER, DATABASE)?;
    let shape = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/migration/metamcp.sql");
    let filled = postgres
        .psql(USER, DATABASE)
        .arg("-f")
        .arg(shape)
        .output()?;
    ensure!(filled.status.success(), "{filled:?}");
    Ok(postgres)
}

/// What MetaMCP offers of that database, at its addresses and for its keys, as somebody would write it by hand.
async fn metamcp() -> Result<Gateway> {
    let server = |name: &str| json!({"name": name, "command": "mcproxy", "args": ["demo-server"]});
    let mut demo = server("demo");
    demo["tools"] = json!({
        "deny": ["wait"], "rename": {"echo": "say"}, "override": {"echo": {"description": "Says what it hears"}},
    });
    let config = json!({
        "servers": [demo, server("OtherDemo")],
        "profiles": {
            "office": {"servers": ["demo", "OtherDemo"]},
            "kids": {"servers": ["demo"], "tools": {"deny": ["demo__fail"]}},
            "anna": {"servers": ["OtherDemo"]},
        },
    });
    let home = tempfile::tempdir()?;
    let tokens = home.path().join("tokens");
    let lines = format!("{PUBLIC} profile=office profile=kids\n{ANNAS}\n");
    fs::write(&tokens, lines)?;
    let options = GatewayOptions::new(config.to_string());
    let options = options
        .arg("--token-file")
        .arg(tokens.display().to_string());
    Ok(Gateway::start(options).await)
}

/// What a client sees whose configuration is this: its tools, and what some calls answer; `None` if it is not let in.
async fn seen(config: &Value) -> Result<Option<(BTreeSet<String>, Vec<String>)>> {
    let url = config["url"].as_str().context("a URL")?;
    let rest = url.strip_prefix("http://").context("plain HTTP")?;
    let (addr, path) = rest.split_at(rest.find('/').context("a path")?);
    let key = config["headers"]["X-API-Key"].as_str().context("a key")?;
    let headers: Headers<'_> = &[("x-api-key", key)];
    let mut endpoint = Endpoint::at(addr.parse()?, path);
    let hello = testkit::streamable::initialize(1, "2025-06-18", "{}");
    let reply = endpoint.post_with(headers, &hello).await;
    if reply.status() != 200 {
        return Ok(None);
    }
    endpoint.session = reply.head().header("mcp-session-id").map(str::to_owned);
    reply.message().await;
    let list = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    let list = endpoint.post_with(headers, list).await.message().await;
    let tools = tool_names(&list).into_iter().collect();
    let mut answers = Vec::new();
    for tool in [
        "demo__say",
        "demo__echo",
        "demo__wait",
        "demo__fail",
        "OtherDemo__echo",
    ] {
        let call = call_tool(3, tool, r#"{"text":"hello","seconds":0}"#);
        answers.push(endpoint.post_with(headers, &call).await.message().await);
    }
    Ok(Some((tools, answers)))
}

/// The configuration of a client of MetaMCP.
fn client(addr: SocketAddr, endpoint: &str, key: &str) -> String {
    let url = format!("http://{addr}/metamcp/{endpoint}/mcp");
    json!({"url": url, "headers": {"X-API-Key": key}}).to_string()
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[tokio::test]
async fn whoever_follows_the_document_finds_all_as_it_was() -> Result<()> {
    let postgres = database()?;
    let old = metamcp().await?;
    let desk = Desk::lay(&postgres)?;
    let mut steps = Steps::of_the_document()?;

    // 1 and 2: what it has, and what becomes of it.
    desk.run(&steps.next("(umask 077; docker exec metamcp-pg psql")?)?;
    drop(postgres);
    let said =
        desk.run(&steps.next("mcproxy import --dry-run metamcp.json --tokens-to tokens\n")?)?;
    for part in [
        "OtherDemo",
        "3 profiles",
        "tokens: 2 API keys",
        "secrets.env: 1 variable",
    ] {
        ensure!(said.contains(part), "{part}: {said}");
    }
    ensure!(
        !said.contains("not-a-real-token") && !said.contains("sk_mt_"),
        "{said}"
    );
    for file in ["metamcp.json", "mcp-servers.json", "secrets.env", "tokens"] {
        let mode = fs::metadata(desk.here.path().join(file))?
            .permissions()
            .mode();
        ensure!(mode & 0o777 == 0o600, "{file}: {mode:o}");
    }

    // 3: beside it.
    let port = free_port()?;
    let beside = desk.serve(&steps.next("mcproxy --log")?, port).await?;
    ensure!(beside.addr().port() == port, "as the command says");
    let step = steps.next("mcproxy compare")?;
    let compare = |endpoint: &str, key: &str| {
        let step = step.replace("127.0.0.1:12008", &old.addr().to_string());
        let step = step.replace("12010", &port.to_string());
        let step = step.replace("NAME", endpoint);
        desk.shell(&step.replace("--token-file tokens", key))
    };
    for endpoint in ["office", "kids"] {
        let same = compare(endpoint, "--token-file tokens")?;
        ensure!(same.status.success(), "{endpoint}: {same:?}");
    }
    let not_hers = compare("anna", "--token-file tokens")?;
    ensure!(not_hers.status.code() == Some(69), "{not_hers:?}");
    let hers = compare("anna", &format!("--header 'X-API-Key: {ANNAS}'"))?;
    ensure!(hers.status.success(), "{hers:?}");
    drop(beside);

    // 4 and 5: instead of it.
    let new = desk.serve(&steps.next("mcproxy --log")?, port).await?;
    ensure!(
        steps.0.is_empty(),
        "steps that nobody follows: {:?}",
        steps.0
    );
    for server in ["demo", "OtherDemo"] {
        new.wait_for_log(&format!("Server '{server}' started"), SOON)
            .await;
    }
    change_host_and_port(old.addr(), new.addr()).await
}

/// What clients find at both, whose configuration is the same but for host and port.
async fn change_host_and_port(old: SocketAddr, new: SocketAddr) -> Result<()> {
    for (endpoint, key, tools) in [
        ("office", PUBLIC, Some(9)),
        ("kids", PUBLIC, Some(3)),
        ("kids", ANNAS, Some(3)),
        ("anna", ANNAS, Some(5)),
        ("anna", PUBLIC, None),
        ("office", "sk_mt_lost_0123456789", None),
    ] {
        let before = client(old, endpoint, key);
        let after = before.replace(&old.to_string(), &new.to_string());
        let [before, after] = [
            seen(&serde_json::from_str(&before)?).await?,
            seen(&serde_json::from_str(&after)?).await?,
        ];
        ensure!(
            before == after,
            "{endpoint} {key}: {before:?} is not {after:?}"
        );
        let count = after.as_ref().map(|(tools, _)| tools.len());
        ensure!(count == tools, "{endpoint} {key}: {after:?}");
        if let Some((_, answers)) = after.filter(|_| endpoint == "kids") {
            ensure!(answers[0].contains("hello"), "{}", answers[0]);
            ensure!(
                answers[1..]
                    .iter()
                    .all(|answer| answer.contains("Unknown tool")),
                "{answers:?}"
            );
        }
    }
    Ok(())
}
