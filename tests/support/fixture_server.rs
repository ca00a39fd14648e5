//! A real stdio MCP server for the integration tests: well-behaved without flags, and with one
//! flag for each way to misbehave. Plain threads, so that what it does is easy to foresee.
//!
//! Tools: `echo` `pid` `raw` `fail` `sleep` `env` `received_cancels` `answers` `set_tools` `huge`
//! `nested` `exit` `abort` (`fixture/tools.rs` says what each takes and gives) and `--tools N` dummies. With
//! `--offers` everything else that servers can do, and the tools of `fixture/drive.rs`.

#![allow(clippy::disallowed_methods, reason = "tests may block")]

#[path = "fixture/asks.rs"]
mod asks;
#[path = "fixture/drive.rs"]
mod drive;
#[path = "fixture/faults.rs"]
mod faults;
#[path = "fixture/listens.rs"]
mod listens;
#[path = "fixture/lists.rs"]
mod lists;
#[path = "fixture/modern.rs"]
mod modern;
#[path = "fixture/offers.rs"]
mod offers;
#[path = "fixture/rounds.rs"]
mod rounds;
#[path = "fixture/server.rs"]
mod server;
#[path = "fixture/tasks.rs"]
mod tasks;
#[path = "fixture/tools.rs"]
mod tools;
#[path = "fixture/wire.rs"]
mod wire;

use std::path::PathBuf;

use clap::Parser;

/// A stdio MCP server that misbehaves on demand.
#[derive(Parser, Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one flag per misbehaviour")]
pub(crate) struct Flags {
    // -- what it is --
    /// Any text; the tool `pid` returns it.
    #[arg(long, default_value = "")]
    marker: String,
    /// The protocolVersion it answers with, whatever was asked for.
    #[arg(long)]
    version: Option<String>,
    /// Which revisions it speaks: those with a handshake, the one without (2026-07-28), or both.
    #[arg(long, value_enum, default_value = "legacy")]
    era: modern::Era,
    /// The first request that is served settles the era.
    #[arg(long)]
    lock_era: bool,
    /// How long its lists may be kept, as it says without a handshake.
    #[arg(long, default_value_t = 0)]
    ttl_ms: u64,
    /// Has tasks, in the revision without a handshake, and the tools of `fixture/tasks.rs`.
    #[arg(long)]
    tasks: bool,
    /// Declares this extension there, and answers its methods. May be given more than once.
    #[arg(long)]
    extension: Vec<String>,
    /// How many dummy tools there are beside the others.
    #[arg(long, default_value_t = 0)]
    tools: usize,
    /// What the names of dummy tools begin with; a number follows.
    #[arg(long, default_value = "tool_")]
    name_prefix: String,
    /// How many entries are on one page of a list. Default: all.
    #[arg(long)]
    page_size: Option<usize>,
    /// The cursor of the second page is the empty string.
    #[arg(long)]
    empty_cursor: bool,
    /// The cursor on the last page is the empty string, and there is no page there.
    #[arg(long)]
    cursor_at_the_end: bool,
    /// There is an error in the place of the second page of a list.
    #[arg(long)]
    torn: bool,
    /// There is silence in its place.
    #[arg(long)]
    torn_in_silence: bool,
    /// Declares no tools in its capabilities.
    #[arg(long)]
    no_tools_capability: bool,
    /// Answers tools/list with an error.
    #[arg(long)]
    list_error: bool,
    /// Sends ping, roots/list and sampling/createMessage when initialized; the tool `answers`
    /// returns what came back.
    #[arg(long)]
    server_requests: bool,

    // -- what it offers beside tools --
    /// Offers prompts, resources, templates, subscriptions, completions and logging, and lists the
    /// tools that drive them and that ask the client.
    #[arg(long)]
    offers: bool,
    /// Leaves out one of these capabilities, and does not know its methods: prompts, resources,
    /// subscribe, completions, logging. May be given more than once.
    #[arg(long)]
    without: Vec<String>,
    /// How many prompts there are.
    #[arg(long, default_value_t = 2)]
    prompts: usize,
    /// What the names of prompts begin with; a number follows.
    #[arg(long, default_value = "prompt_")]
    prompt_prefix: String,
    /// How many resources there are; of two the second is a blob.
    #[arg(long, default_value_t = 2)]
    resources: usize,
    /// How many resource templates there are.
    #[arg(long, default_value_t = 1)]
    templates: usize,
    /// What the URIs of resources and templates begin with.
    #[arg(long, default_value = "fx://")]
    uri_base: String,
    /// What it says about itself in the answer to initialize.
    #[arg(long)]
    instructions: Option<String>,
    /// Asks for the client's roots when initialized and whenever they have changed; the tool
    /// `answers` returns what came back.
    #[arg(long)]
    ask_roots: bool,

    // -- how it ends --
    /// Adds its pid as a line to this file when it starts.
    #[arg(long)]
    diary: Option<PathBuf>,
    /// Adds every line that it reads to this file.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Exits with this code at once.
    #[arg(long)]
    exit_at_start: Option<i32>,
    /// Answers so many calls; exits with code 1 instead of answering the next.
    #[arg(long)]
    exit_after: Option<usize>,
    /// Exits with code 1 when it is asked this method. May be given more than once.
    #[arg(long)]
    exit_on: Vec<String>,
    /// Exits with code 1 at any request before initialize.
    #[arg(long)]
    exit_before_initialize: bool,
    /// Answers so many calls, then exits with code 0.
    #[arg(long)]
    exit_when_done: Option<usize>,
    /// Survives SIGTERM, SIGINT and SIGHUP.
    #[arg(long)]
    ignore_term: bool,
    /// Lives on when its stdin ends.
    #[arg(long)]
    ignore_eof: bool,
    /// Starts a process that sleeps for ever, holds stdout open and ignores SIGTERM; its pid is
    /// on stderr (`grandchild PID`) and in the answer of `pid`.
    #[arg(long)]
    grandchild: bool,
    /// The same, in a session (and so a process group) of its own.
    #[arg(long)]
    setsid_grandchild: bool,

    // -- when it is silent --
    /// Waits so many milliseconds before it reads anything.
    #[arg(long)]
    slow_start: Option<u64>,
    /// Never answers this method (or this tool). May be given more than once.
    #[arg(long)]
    hang_on: Vec<String>,
    /// Never answers initialize.
    #[arg(long)]
    mute: bool,
    /// Reads with a common parser: it refuses what is nested 128 deep, and can't say whose it was.
    #[arg(long)]
    common_parser: bool,
    /// At the first call closes its stdout and lives on.
    #[arg(long)]
    close_stdout: bool,
    /// At the first call stops reading its stdin for ever, and does not answer.
    #[arg(long)]
    stop_reading: bool,

    // -- what it writes --
    /// A line that is no JSON before anything else.
    #[arg(long)]
    banner: bool,
    /// A line that is no JSON before every message.
    #[arg(long)]
    garbage: bool,
    /// A line that is not UTF-8 before every message.
    #[arg(long)]
    invalid_utf8: bool,
    /// A line with NUL bytes before every message.
    #[arg(long)]
    nul: bool,
    /// Blank lines before every message.
    #[arg(long)]
    blank_lines: bool,
    /// A byte order mark before anything else.
    #[arg(long)]
    bom: bool,
    /// Lines end with CR LF.
    #[arg(long)]
    crlf: bool,
    /// Every response is sent twice.
    #[arg(long)]
    twice: bool,
    /// Every response is preceded by one with an id nobody used.
    #[arg(long)]
    wrong_id: bool,
    /// Ids of responses are strings, whatever they were.
    #[arg(long)]
    string_ids: bool,
    /// How many bytes the text of the tool `huge` has, if the call does not say.
    #[arg(long, default_value_t = 1_000_000)]
    huge_line: usize,
    /// Sends so many notifications a second once initialized; 0 is as many as it can.
    #[arg(long)]
    flood_notifications: Option<u64>,
    /// Says so many times a second that its tools changed once initialized; 0 is as often as it can.
    #[arg(long)]
    flood_list_changed: Option<u64>,
    /// Says so many times a second that its first text changed once initialized; 0 is as often as it can.
    #[arg(long)]
    flood_updates: Option<u64>,
    /// Writes so many lines a second that are no JSON once initialized; 0 is as many as it can.
    #[arg(long)]
    flood_junk: Option<u64>,
    /// At the first call writes to its stdout for ever, without any newline, and does not answer.
    #[arg(long)]
    endless_line: bool,
    /// Writes to stderr all the time, as fast as it can.
    #[arg(long)]
    noisy_stderr: bool,

    // -- for its own use --
    /// Is the grandchild: sleeps for ever.
    #[arg(long, hide = true)]
    sleep_forever: bool,
}

fn main() {
    let flags = Flags::parse();
    if flags.sleep_forever {
        faults::be_the_grandchild(&flags);
    }
    if let Some(diary) = &flags.diary {
        faults::note_the_start(diary);
    }
    if let Some(code) = flags.exit_at_start {
        std::process::exit(code);
    }
    server::Server::new(flags).run();
}
