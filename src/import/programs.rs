//! The programs whose files are read: one row each. What all rows share is in [`COMMON`](super::row::COMMON);
//! the words that switch a server off within its entry are known to the configuration already, and
//! understood wherever they stand.

use super::means::{Elsewhere, Filter, Means, References, Thing, Time};
use super::row::{Mark, PLAIN, Program};

/// This gateway.
pub(super) const OURS: &str = "mcproxy";

/// The programs, the surest first. The last is whoever writes an `mcpServers` object.
pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: OURS,
        marks: &[
            Mark::Has("gateway"),
            Mark::Has("profiles"),
            Mark::List("servers"),
        ],
        servers: &["servers", "mcpServers"],
        fields: &[
            ("timeout", Means::Ours),
            ("call_timeout", Means::Ours),
            ("tools", Means::Ours),
            ("prompts", Means::Ours),
            ("resources", Means::Ours),
        ],
        ..PLAIN
    },
    Program {
        name: "MetaMCP's database",
        marks: &[Mark::List("mcp_servers")],
        servers: &["mcp_servers"],
        fields: &[
            ("bearer_token", Means::Elsewhere(Elsewhere::Bearer)),
            ("uuid", Means::Nothing),
            ("user_id", Means::Nothing),
            ("created_at", Means::Nothing),
            ("error_status", Means::Nothing),
        ],
        is_metamcp: true,
        ..PLAIN
    },
    Program {
        name: "MetaMCP's export",
        marks: &[Mark::Is(
            "mcpServers.*.type",
            &["STDIO", "SSE", "STREAMABLE_HTTP"],
        )],
        fields: &[("bearerToken", Means::Elsewhere(Elsewhere::Bearer))],
        is_metamcp: true,
        ..PLAIN
    },
    Program {
        name: "Claude Code",
        paths: &[".claude.json"],
        marks: &[Mark::Has("projects.*.mcpServers"), Mark::Has("numStartups")],
        servers: &["mcpServers", "projects.*.mcpServers"],
        ..PLAIN
    },
    Program {
        name: "Zed",
        paths: &["zed/settings.json"],
        marks: &[Mark::Object("context_servers")],
        servers: &["context_servers"],
        fields: &[
            ("source", Means::Kind),
            ("settings", Means::Nothing),
            ("remote", Means::Nothing),
        ],
        built_in: &["extension"],
        ..PLAIN
    },
    Program {
        name: "Amp",
        marks: &[Mark::Object("amp\\.mcpServers")],
        servers: &["amp\\.mcpServers"],
        ..PLAIN
    },
    Program {
        name: "VS Code's settings",
        marks: &[Mark::Object("mcp.servers"), Mark::Object("mcp\\.servers")],
        servers: &["mcp.servers", "mcp\\.servers"],
        fields: VSCODE,
        references: References::VsCode,
        ..PLAIN
    },
    Program {
        name: "VS Code",
        paths: &[".vscode/mcp.json", "User/mcp.json"],
        marks: &[Mark::Object("servers")],
        servers: &["servers", "mcpServers"],
        fields: VSCODE,
        references: References::VsCode,
        ..PLAIN
    },
    Program {
        name: "opencode",
        paths: &["opencode.json", "opencode.jsonc"],
        marks: &[Mark::Is("mcp.*.type", &["local", "remote"])],
        servers: &["mcp"],
        fields: &[
            ("environment", Means::Env),
            ("timeout", Means::StartTimeout(Time::Milliseconds)),
        ],
        tool_rules: Some(("tools", "_")),
        references: References::Braces,
        ..PLAIN
    },
    Program {
        name: "Crush",
        paths: &["crush.json", ".crush.json"],
        marks: &[Mark::Has("mcp.*.command"), Mark::Has("mcp.*.url")],
        servers: &["mcp"],
        fields: &[("timeout", Means::CallTimeout(Time::Seconds))],
        references: References::Dollar,
        ..PLAIN
    },
    Program {
        name: "Codex",
        paths: &[".codex/config.toml"],
        marks: &[Mark::Object("mcp_servers")],
        servers: &["mcp_servers"],
        fields: &[
            ("env_vars", Means::EnvNames),
            (
                "bearer_token_env_var",
                Means::Elsewhere(Elsewhere::BearerVariable),
            ),
            ("http_headers", Means::Elsewhere(Elsewhere::Headers)),
            (
                "env_http_headers",
                Means::Elsewhere(Elsewhere::HeaderVariables),
            ),
            ("startup_timeout_sec", Means::StartTimeout(Time::Seconds)),
            (
                "startup_timeout_ms",
                Means::StartTimeout(Time::Milliseconds),
            ),
            ("tool_timeout_sec", Means::CallTimeout(Time::Seconds)),
            ("required", Means::Nothing),
            ("default_tools_approval_mode", Means::Nothing),
            ("supports_parallel_tool_calls", Means::Nothing),
            // Who is to be asked before a call.
            ("tools", Means::Nothing),
        ],
        references: References::None,
        ..PLAIN
    },
    Program {
        name: "Goose",
        paths: &["goose/config.yaml"],
        marks: &[
            Mark::Has("extensions.*.cmd"),
            Mark::Has("extensions.*.type"),
        ],
        servers: &["extensions"],
        fields: &[
            ("cmd", Means::Command),
            ("envs", Means::Env),
            ("env_keys", Means::EnvNames),
            ("uri", Means::Elsewhere(Elsewhere::Url)),
            ("timeout", Means::CallTimeout(Time::Seconds)),
            (
                "available_tools",
                Means::Filter(Filter::AllowUnlessEmpty, Thing::Tools),
            ),
            ("name", Means::Nothing),
            ("display_name", Means::Nothing),
            ("bundled", Means::Nothing),
            ("socket", Means::Nothing),
        ],
        built_in: &["builtin", "platform", "frontend", "inline_python"],
        references: References::Dollar,
        ..PLAIN
    },
    Program {
        name: "LibreChat",
        paths: &["librechat.yaml", "librechat.yml"],
        marks: &[
            Mark::Has("mcpServers.*.initTimeout"),
            Mark::Has("mcpServers.*.serverInstructions"),
            Mark::Has("mcpServers.*.chatMenu"),
            Mark::Has("endpoints"),
            Mark::Has("mcpSettings"),
        ],
        fields: &[
            ("timeout", Means::CallTimeout(Time::Milliseconds)),
            ("initTimeout", Means::StartTimeout(Time::Milliseconds)),
            ("iconPath", Means::Nothing),
            ("chatMenu", Means::Nothing),
            ("serverInstructions", Means::Nothing),
            ("stderr", Means::Nothing),
            ("requiresOAuth", Means::Elsewhere(Elsewhere::SignIn)),
            (
                "customUserVars",
                Means::Lost("each user's own values are asked for by LibreChat only"),
            ),
        ],
        ..PLAIN
    },
    Program {
        name: "Gemini CLI",
        paths: &[".gemini/settings.json", ".qwen/settings.json"],
        marks: &[
            Mark::Has("mcpServers.*.httpUrl"),
            Mark::Has("mcpServers.*.includeTools"),
            Mark::Has("mcpServers.*.excludeTools"),
            Mark::Has("mcpServers.*.trust"),
            Mark::Has("mcp.allowed"),
            Mark::Has("mcp.excluded"),
            Mark::Has("security.auth"),
        ],
        fields: &[
            ("timeout", Means::CallTimeout(Time::Milliseconds)),
            ("trust", Means::Nothing),
            ("authProviderType", Means::Elsewhere(Elsewhere::SignIn)),
        ],
        references: References::Dollar,
        ..PLAIN
    },
    Program {
        name: "TBXark's mcp-proxy",
        marks: &[
            Mark::Has("mcpProxy"),
            Mark::Has("mcpServers.*.options.toolFilter"),
            Mark::Has("mcpServers.*.options.panicIfInvalid"),
        ],
        fields: &[
            ("timeout", Means::CallTimeout(Time::Either)),
            (
                "options.toolFilter",
                Means::Filter(Filter::Mode, Thing::Tools),
            ),
            (
                "options.authTokens",
                Means::Lost("tokens are the gateway's own: see --token-file"),
            ),
            ("options.disabled", Means::Nothing),
            ("options.logEnabled", Means::Nothing),
            ("options.panicIfInvalid", Means::Nothing),
        ],
        switches_in: &["options"],
        ..PLAIN
    },
    Program {
        name: "mcphub",
        marks: &[
            Mark::Has("systemConfig"),
            Mark::Has("bearerKeys"),
            Mark::Has("mcpServers.*.tools.*.enabled"),
            Mark::Has("mcpServers.*.owner"),
            Mark::List("groups"),
        ],
        fields: &[
            ("owner", Means::Nothing),
            ("keepAliveInterval", Means::Nothing),
            ("options.timeout", Means::CallTimeout(Time::Milliseconds)),
            ("options.resetTimeoutOnProgress", Means::Nothing),
            ("options.maxTotalTimeout", Means::Nothing),
            (
                "startOnDemand",
                Means::Lost("every server runs all the time"),
            ),
            ("idleTimeoutMs", Means::Nothing),
        ],
        ..PLAIN
    },
    Program {
        name: "mcp-hub",
        paths: &["mcphub/servers.json"],
        marks: &[
            Mark::Has("mcpServers.*.disabled_prompts"),
            Mark::Has("mcpServers.*.disabled_resources"),
            Mark::Has("mcpServers.*.custom_instructions"),
            Mark::Has("nativeMCPServers"),
        ],
        servers: &["mcpServers", "servers"],
        fields: &[
            ("env", Means::EnvOrInherited),
            (
                "disabled_prompts",
                Means::Filter(Filter::Deny, Thing::Prompts),
            ),
            (
                "disabled_resources",
                Means::Filter(Filter::Deny, Thing::Resources),
            ),
            (
                "disabled_resourceTemplates",
                Means::Filter(Filter::Deny, Thing::Resources),
            ),
            (
                "custom_instructions",
                Means::Lost("they are told by that program's own clients"),
            ),
            ("dev", Means::Nothing),
        ],
        references: References::VsCode,
        ..PLAIN
    },
    Program {
        name: "Cline",
        paths: &["cline_mcp_settings.json"],
        marks: &[Mark::Is("mcpServers.*.type", &["streamableHttp"])],
        fields: &[("timeout", Means::CallTimeout(Time::Seconds))],
        ..PLAIN
    },
    Program {
        name: "Roo Code",
        paths: &[".roo/mcp.json", "roo-cline/settings/mcp_settings.json"],
        marks: &[
            Mark::Has("mcpServers.*.alwaysAllow"),
            Mark::Has("mcpServers.*.watchPaths"),
        ],
        fields: &[
            ("timeout", Means::CallTimeout(Time::Seconds)),
            (
                "watchPaths",
                Means::Lost("a server is started again when its entry changes, or with SIGHUP"),
            ),
        ],
        references: References::VsCode,
        ..PLAIN
    },
    Program {
        name: "Windsurf",
        paths: &["windsurf/mcp_config.json"],
        marks: &[Mark::Has("mcpServers.*.serverUrl")],
        ..PLAIN
    },
    Program {
        name: "LM Studio",
        paths: &[".lmstudio/mcp.json"],
        fields: &[("timeout", Means::CallTimeout(Time::Milliseconds))],
        ..PLAIN
    },
    Program {
        name: "Cursor",
        paths: &[".cursor/mcp.json"],
        references: References::VsCode,
        ..PLAIN
    },
    Program {
        name: "Claude Desktop",
        paths: &["claude_desktop_config.json"],
        marks: &[Mark::Has("globalShortcut"), Mark::Has("preferences")],
        references: References::None,
        ..PLAIN
    },
    PLAIN,
];

const VSCODE: &[(&str, Means)] = &[
    ("dev", Means::Nothing),
    ("gallery", Means::Nothing),
    ("version", Means::Nothing),
    ("sandbox", Means::Lost("the server runs without a sandbox")),
    (
        "sandboxEnabled",
        Means::Lost("the server runs without a sandbox"),
    ),
];
