//! The prose of `--help`. It is the manual that is always at hand, so it says what the program
//! does, what it reads, and what its exit codes and signals mean.

pub(super) const ABOUT: &str =
    "An MCP gateway: MCP servers, supervised and merged behind one HTTP port";

pub(super) const LONG_ABOUT: &str = "\
An MCP gateway: it runs the MCP servers named in mcp-servers.json as child processes, or asks those that \
run elsewhere, restarts what breaks, and serves all they offer to any MCP client from one HTTP port. Tool names become \
<server>__<tool>. Save the file and the change is applied within a second; servers that did not change \
go on untouched.

Clients connect to http://<this machine>:12009/mcp (Streamable HTTP) or /sse (HTTP+SSE); /healthz says \
that the gateway is alive, /readyz that it is ready.";

pub(super) const SHORT_END: &str =
    "Try 'mcproxy --help' for files, examples, exit codes and signals.";

const LONG_END: &str = r#"Configuration:
  The first of these is used: --config FILE, $MCPROXY_CONFIG, ./mcp-servers.json,
  $XDG_CONFIG_HOME/mcproxy/mcp-servers.json (~/.config/mcproxy/mcp-servers.json),
  /etc/mcp-gateway/mcp-servers.json, /srv/containers/mcp-gateway/mcp-servers.json.
  The smallest file that does something:

    { "servers": [ { "name": "demo", "command": "mcproxy", "args": ["demo-server"] } ] }

  The mcpServers object of Claude Desktop and Cursor and the servers object of VS Code are read as
  they are, comments and trailing commas included. Command 'mcproxy' is the running binary itself.

Examples:
  mcproxy                               run with ./mcp-servers.json, log to syslog
  mcproxy --log --config my.json        run with another file, log to stdout
  mcproxy --listen 127.0.0.1:12009      answer this machine only
  mcproxy --hold-port --log             the same in a container: no restart refuses a client
  mcproxy check                         look for mistakes before they matter
  mcproxy check --start                 and start each server once, to see that it works
  mcproxy add files -- npx -y @modelcontextprotocol/server-filesystem /srv/files
                                        put a server into the file
  mcproxy import ~/.claude.json         what another program's file would be here
  mcproxy compare --old URL --new URL   whether clients see the same at both
  mcproxy connect                       clients that are known; 'connect claude' shows what to run:
  claude mcp add --transport http mcproxy http://127.0.0.1:12009/mcp

Logging:
  To syslog as mcp-gateway (facility daemon), so 'journalctl -t mcp-gateway' shows it; while there
  is no syslog, to stderr. With --log to stdout.

Environment:
  Each option is a variable too: --state-dir is MCPROXY_STATE_DIR. The option wins, and a variable
  set to nothing counts as not set. MCPROXY_LOG takes 1, true, yes, on or 0, false, no, off.
  MCPROXY_TOKEN is a token that lets clients in; there is no option for it, as others could see it.
  NO_COLOR switches the banner's colours off. TZ sets the time zone of the log.

Signals:
  SIGHUP              read the configuration and the tokens again, try failed servers at once, open
                      the call log again
  SIGTERM, SIGINT     let calls finish, stop every server, end within 10 seconds;
                      a second one ends at once
  SIGUSR2             with --hold-port: restart the gateway, the port stays open

Exit codes:
  0    stopped as asked
  2    wrong arguments
  70   something broke inside and could not be mended; start it afresh
  78   the configuration file is missing, the port is taken, or there is no token where there
       should be one; from 'check': the configuration has errors
  1    from 'healthcheck': no gateway answers; from 'import': something was left out; from 'compare':
       something differs
  69   from 'compare': one of the two cannot be asked
  With --hold-port it is the gateway's, and 128 + N if signal N killed that in its stop."#;

pub(super) fn long_end() -> String {
    format!("{LONG_END}\n\n{}", super::limits::help())
}

pub(super) const STATE_DIR: &str = "\
Where the servers' catalogues are kept between two starts [default: $STATE_DIRECTORY, else mcproxy \
under $XDG_STATE_HOME or ~/.local/state]";

pub(super) const HOLD_PORT: &str = "\
Hold the port in a small parent process, for containers and wherever no service manager does: it starts \
the gateway again after any end but exit codes 0, 2 and 78 (after 0.2 s, doubling to 10 s), and \
connections wait meanwhile. Signals are passed on; SIGUSR2 restarts the gateway, an upgraded program \
too. Not meant for use under mcp-gateway.service, whose socket unit does it.";

pub(super) const ALLOWED_HOST: &str = "\
A DNS name under which clients may reach the gateway (repeat it, or separate by commas). IP addresses, \
localhost, this machine's own name, names without a dot and names under .local, .lan, .home.arpa, \
.internal and their like need no entry. The check keeps foreign web pages out (DNS rebinding).";

pub(super) const ALLOWED_ORIGIN: &str = "\
An origin whose web pages may use the gateway (repeat it, or separate by commas), for example \
https://inspector.example.org; or that of an app made of web pages: app://name, tauri://localhost, \
file://, or app://* for all of a scheme. Programs send no origin and need no entry. Pages \
of this machine are let in, but a browser shows them an answer, and sends their calls, only if \
they have one: http://localhost:6274.";

pub(super) const TOKEN_FILE: &str = "\
A file with the tokens that let clients in, one per line; '#' begins a comment line. Clients send \
'Authorization: Bearer TOKEN'. SIGHUP has it read again. A token may also be given by the variable \
MCPROXY_TOKEN, alone or beside a file.";

pub(super) const SESSION_KEY_FILE: &str = "\
A file with the keys of the session ids, 64 hexadecimal digits a line; '#' begins a comment line. The first signs, \
all are known. Gateways with the same keys take up each other's sessions. SIGHUP has it read again. Without it \
the gateway makes a key of its own and keeps it in the state directory.";

pub(super) const CALL_LOG: &str = "\
Record each call in this file, or with 'log' in the log, as one JSON object a line: who called what, how it \
ended, how long it took. Arguments and results are in none. SIGHUP has the file opened again, for those who \
rotate it.";

pub(super) const DEMO_SERVER: &str = "\
Run the built-in demo server on stdin and stdout, to try the gateway with: the tools echo, add, now, wait \
and fail. The gateway starts it when mcp-servers.json names it; by hand it waits for JSON-RPC lines.";

pub(super) const COMPARE: &str = "\
Compare what two MCP servers list: tools, prompts, resources and resource templates, with names, descriptions, \
schemas and all else that is in an entry. For whoever moves from MetaMCP, or from one configuration to another, \
and wants to know what clients will see. Nothing is called, and nothing is changed.

A URL is that of a client: Streamable HTTP (/mcp) or HTTP+SSE (/sse); which it is, is found out. The order of \
entries, of members and of 'required', members that are null, and how a number is written make no difference. A \
table says what is only in one of the two, and where an entry differs; --json shows the values too.

HTTPS needs the certificates of this machine (package ca-certificates), or a file of one's own in SSL_CERT_FILE; a \
proxy is taken from HTTP_PROXY, HTTPS_PROXY and NO_PROXY.";

pub(super) const COMPARE_END: &str = "\
Examples:
  mcproxy compare --old http://127.0.0.1:12008/metamcp/all/mcp --new http://127.0.0.1:12009/metamcp/all/mcp
  mcproxy compare --old https://mcp.example.org/sse --new http://127.0.0.1:12009/sse --token-file tokens
  mcproxy compare --old URL --new URL --old-header 'X-API-Key: KEY' --json

Exit codes:
  0    both list the same
  1    something differs
  2    wrong arguments
  69   one of the two cannot be reached, does not let in, or is no MCP server
  78   a token file cannot be used";

pub(super) const ADD: &str = "\
Add a server to the configuration file; comments, order and layout of what is in it stay. It takes what 'claude mcp \
add' takes. The file is the one that the gateway would take; where there is none, it is made: the one that is named, \
else ~/.config/mcproxy/mcp-servers.json, which only its user may read. The result is checked as the gateway will, and \
nothing is written if it could not be used. A running gateway has the server within a second.";

pub(super) const ADD_END: &str = "\
Examples:
  mcproxy add files -- npx -y @modelcontextprotocol/server-filesystem /srv/files
  mcproxy add github -e 'GITHUB_TOKEN=${GITHUB_TOKEN}' -- github-mcp-server stdio
  mcproxy add --transport http docs https://mcp.example.org/mcp --header 'X-API-Key: KEY'

Exit codes:
  0    it is in the file
  2    wrong arguments
  78   the file cannot be used, or has such a server: nothing was written";

pub(super) const REMOVE: &str = "\
Remove servers from the configuration file, all that are named or none; comments, order and layout of the rest stay. \
What else names a server, such as a profile, is left as it is, and said. Exit code 78: the file cannot be used, or has \
no such server, and nothing was written.";

pub(super) const COMPLETIONS: &str = "\
Print what a shell needs to complete commands and options:
  bash   mcproxy completions bash > ~/.local/share/bash-completion/completions/mcproxy
  zsh    mcproxy completions zsh > a file _mcproxy in a directory of $fpath
  fish   mcproxy completions fish > ~/.config/fish/completions/mcproxy.fish";

pub(super) const CONNECT: &str = "\
Show what a client needs to use this gateway: its own command, an entry of its file, or a line of a program. With \
--write the command is run, or the file edited: comments, order and layout of the rest stay, and a copy is kept beside \
it. Then one list of tools is fetched at the same address. A token is not written anywhere: the client reads it from \
its own variable MCPROXY_TOKEN.";

pub(super) const CONNECT_END: &str = "\
Examples:
  mcproxy connect                              all clients that are known
  mcproxy connect claude                       print what is to be run
  mcproxy connect cursor --write               put the gateway into Cursor's file
  mcproxy connect codex --url http://server:12009/mcp --token-file tokens

Exit codes:
  0    it is shown or done, and the gateway answers
  1    it could not be done here; what is left to do is said
  2    wrong arguments
  69   the gateway does not answer at that address
  78   a file cannot be used: nothing was written";

pub(super) const IMPORT: &str = "\
Make a configuration of other programs' files. Whose a file is, is found out by itself: MetaMCP (its \
export, or its database as one JSON), Claude Desktop, Claude Code, Cursor, VS Code (mcp.json and \
settings.json), Cline, Roo Code, Windsurf, Zed, opencode, Crush, Amp, Gemini CLI, Codex (TOML), Goose and \
LibreChat (YAML), LM Studio, mcphub, mcp-hub, TBXark's mcp-proxy, mcproxy itself, and whatever has an \
'mcpServers' object. Nothing is run, and no file is changed but those that are named by the options.

Names become legal and unique, what is switched off stays off, and filters of tools are carried over. A remote \
server is asked at its URL, or by the bridge 'npx mcp-remote' where its user signs in with a browser. A table says what became of each entry.";

pub(super) const IMPORT_END: &str = "\
Examples:
  mcproxy import ~/.claude.json                       print the configuration, and the table to stderr
  mcproxy import --dry-run mcp.json                   the table alone
  mcproxy import ~/.cursor/mcp.json ~/.codex/config.toml --output mcp-servers.json
  mcproxy import metamcp.json --output mcp-servers.json --secrets-to secrets.env --tokens-to tokens
  mcproxy import mcp-servers.json new.json --output mcp-servers.json --force    add to one's own

Exit codes:
  0    everything was taken over
  1    something was left out; the table says what and why
  2    wrong arguments
  78   a file cannot be read or used, or a file is in the way: nothing was written";
