//! The programs, pinned by `package-lock.json` and `requirements.txt`: how each is told of the gateway, as the
//! documents say it, and of the model that it is to ask.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::stage::Transport;
use crate::support::proc;

/// Two minutes are usual where calls run into a time-out.
const LONGEST: Duration = Duration::from_secs(300);
const PROMPT: &str = "Use the tools as you see fit.";

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Program {
    ClaudeCode,
    Codex,
    /// With its feature for 2026-07-28.
    CodexNewest,
    FastMcp,
    Gemini,
    OpenAiAgents,
    OpenCode,
    Cline,
}

/// Where a program runs, and what it talks to.
pub(crate) struct Place<'a> {
    /// Its home directory; it works below.
    pub(crate) home: &'a Path,
    /// The gateway's address.
    pub(crate) url: &'a str,
    pub(crate) transport: Transport,
    pub(crate) token: Option<&'a str>,
    /// The model's address.
    pub(crate) model: &'a str,
}

impl Program {
    /// Runs it until it has nothing more to do, and gives what it said.
    pub(crate) async fn run(self, place: &Place<'_>) -> String {
        let mut said = String::new();
        for arguments in self.commands(place) {
            said += &place.run(&arguments).await;
        }
        said
    }

    /// What to run, in order, once its files are there; the last is the run itself.
    fn commands(self, place: &Place<'_>) -> Vec<Vec<String>> {
        match self {
            Self::ClaudeCode => {
                let add = "claude mcp add --transport";
                let add = words(add, &[place.transport_word(), "mcproxy", place.url]);
                let run = "claude --model claude-sonnet-4-5 --allowedTools mcp__mcproxy --output-format stream-json --verbose -p";
                vec![
                    [add, place.header_option()].concat(),
                    words("claude mcp list", &[]),
                    words(run, &[PROMPT]),
                ]
            }
            Self::Codex | Self::CodexNewest => {
                place.write(".codex/config.toml", &codex(place));
                let add = words("codex mcp add mcproxy --url", &[place.url]);
                let token = place
                    .token
                    .map(|_| words("--bearer-token-env-var MCPROXY_TOKEN", &[]));
                let run = if self == Self::CodexNewest {
                    "codex exec --enable mcp_2026_07_28"
                } else {
                    "codex exec"
                };
                let rest =
                    "--skip-git-repo-check --json --dangerously-bypass-approvals-and-sandbox";
                vec![
                    [add, token.unwrap_or_default()].concat(),
                    [words(run, &[]), words(rest, &[PROMPT])].concat(),
                ]
            }
            Self::Gemini => {
                place.write(".gemini/settings.json", &gemini().to_string());
                let add = "gemini mcp add --scope user --transport";
                let add = words(add, &[place.transport_word(), "mcproxy", place.url]);
                // What is lost with HTTP+SSE it would wait ten minutes for.
                let patience = words("--timeout 15000", &[]);
                let run = words("gemini --yolo -m gemini-2.5-flash -p", &[PROMPT]);
                vec![[add, patience, place.header_option()].concat(), run]
            }
            Self::OpenCode => {
                place.write("work/opencode.json", &opencode(place).to_string());
                vec![words("opencode run", &[PROMPT])]
            }
            Self::Cline => {
                let file = ".cline/data/settings/cline_mcp_settings.json";
                place.write(file, &cline(place).to_string());
                let model = format!("{}/v1", place.model);
                let auth = words("cline auth -p openai -k x -m scripted -b", &[&model]);
                vec![auth, words("cline --json -P openai -m scripted", &[PROMPT])]
            }
            Self::FastMcp => vec![python("fastmcp_agent.py")],
            Self::OpenAiAgents => vec![python("openai_agents.py")],
        }
    }
}

/// A command line without quotes, and arguments that may have spaces in them.
fn words(line: &str, more: &[&str]) -> Vec<String> {
    let words = line.split(' ').chain(more.iter().copied());
    words.map(str::to_owned).collect()
}

impl Place<'_> {
    fn write(&self, file: &str, text: &str) {
        let path = self.home.join(file);
        let folder = path.parent().expect("it is below the home directory");
        fs::create_dir_all(folder).expect("the directory is ours");
        fs::write(path, text).expect("the directory is ours");
    }

    fn transport_word(&self) -> &'static str {
        match self.transport {
            Transport::Http => "http",
            Transport::Sse => "sse",
        }
    }

    fn bearer(&self) -> Option<String> {
        self.token.map(|token| format!("Bearer {token}"))
    }

    fn header_option(&self) -> Vec<String> {
        let option = |bearer| words("--header", &[&format!("Authorization: {bearer}")]);
        self.bearer().map(option).unwrap_or_default()
    }

    fn headers(&self) -> Value {
        let headers = |bearer| json!({ "Authorization": bearer });
        self.bearer().map_or_else(|| json!({}), headers)
    }

    /// In an environment of its own, and with nothing of it left when it ends or has taken too long.
    async fn run(&self, arguments: &[String]) -> String {
        let work = self.home.join("work");
        fs::create_dir_all(&work).expect("the directory is ours");
        let (name, rest) = arguments.split_first().expect("a program");
        let said = self.home.join("said");
        let output = fs::File::create(&said).expect("the directory is ours");
        let same = output.try_clone().expect("a descriptor");
        let mut child = Command::new(name)
            .args(rest)
            .current_dir(work)
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(same)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{name} ({error}): is it installed? Run tests/agents/run")
            });
        let group = child
            .id()
            .and_then(|pid| pid.try_into().ok())
            .map(Pid::from_raw);
        let status = timeout(LONGEST, child.wait()).await;
        if let Some(group) = group {
            // An error says that all of it has gone.
            killpg(group, Signal::SIGKILL).ok();
        }
        self.end_daemons();
        let text = fs::read(said).map(|said| String::from_utf8_lossy(&said).into_owned());
        let end = status.map_or("too late".to_owned(), |status| format!("{status:?}"));
        format!(
            "$ {}\n{}\n{end}\n",
            arguments.join(" "),
            text.unwrap_or_default()
        )
    }

    /// Ends what a program has left in a group of its own, known by the home that nobody else has.
    fn end_daemons(&self) {
        let home = format!("HOME={}", self.home.display());
        let is_of_it = |environment: Vec<u8>| {
            let mut variables = environment.split(|byte| *byte == 0);
            variables.any(|variable| variable == home.as_bytes())
        };
        let entries = fs::read_dir("/proc").expect("/proc is mounted");
        for name in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
            let Ok(pid) = name.parse() else { continue };
            if fs::read(format!("/proc/{pid}/environ")).is_ok_and(is_of_it) {
                proc::send(pid, Signal::SIGKILL);
            }
        }
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let path = format!(
            "{}:/usr/local/bin:/usr/bin:/bin",
            folder("node_modules/.bin").display()
        );
        let on = || "1".to_owned();
        let all = [
            ("PATH", path),
            ("HOME", self.home.display().to_string()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "xterm".to_owned()),
            ("NO_COLOR", on()),
            ("MCPROXY_URL", self.url.to_owned()),
            ("MCPROXY_TRANSPORT", self.transport_word().to_owned()),
            ("MODEL_URL", self.model.to_owned()),
            ("PROMPT", PROMPT.to_owned()),
            // Nobody listens there: a program that asks for the world is refused at once.
            ("HTTPS_PROXY", "http://127.0.0.1:9".to_owned()),
            ("NO_PROXY", "127.0.0.1".to_owned()),
            ("ANTHROPIC_BASE_URL", self.model.to_owned()),
            ("ANTHROPIC_API_KEY", "none".to_owned()),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", on()),
            // Else the model has to search for tools.
            ("ENABLE_TOOL_SEARCH", "false".to_owned()),
            ("GEMINI_API_KEY", "none".to_owned()),
            ("GOOGLE_GEMINI_BASE_URL", self.model.to_owned()),
            ("GEMINI_CLI_TRUST_WORKSPACE", "true".to_owned()),
            ("GEMINI_CLI_NO_RELAUNCH", "true".to_owned()),
            ("OPENAI_API_KEY", "none".to_owned()),
            ("OPENCODE_DISABLE_AUTOUPDATE", on()),
            ("OPENCODE_DISABLE_MODELS_FETCH", on()),
            ("OPENCODE_DISABLE_LSP_DOWNLOAD", on()),
        ];
        let token = self.token.map(|token| ("MCPROXY_TOKEN", token.to_owned()));
        all.into_iter().chain(token).collect()
    }
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/agents")
        .join(path)
}

fn python(script: &str) -> Vec<String> {
    let words = [folder(".venv/bin/python"), folder(script)];
    words.map(|word| word.display().to_string()).to_vec()
}

fn codex(place: &Place<'_>) -> String {
    format!(
        r#"model = "gpt-5"
model_provider = "scripted"
[model_providers.scripted]
name = "scripted"
base_url = "{}/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
"#,
        place.model
    )
}

fn gemini() -> Value {
    json!({
        "security": { "auth": { "selectedType": "gemini-api-key" } },
        "privacy": { "usageStatisticsEnabled": false },
        "general": { "enableAutoUpdate": false },
    })
}

fn cline(place: &Place<'_>) -> Value {
    let kind = match place.transport {
        Transport::Http => "streamableHttp",
        Transport::Sse => "sse",
    };
    let server = json!({ "type": kind, "url": place.url, "headers": place.headers() });
    json!({ "mcpServers": { "mcproxy": server } })
}

fn opencode(place: &Place<'_>) -> Value {
    let model = json!({ "name": "scripted", "tool_call": true, "limit": { "context": 200_000, "output": 8000 } });
    json!({
        "mcp": { "mcproxy": { "type": "remote", "url": place.url, "headers": place.headers() } },
        "provider": { "scripted": {
            "npm": "@ai-sdk/openai-compatible",
            "options": { "baseURL": format!("{}/v1", place.model), "apiKey": "none" },
            "models": { "scripted": model },
        } },
        "model": "scripted/scripted", "small_model": "scripted/scripted", "permission": { "*": "allow" },
    })
}
