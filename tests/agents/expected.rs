//! What every program is expected to see, step by step: the right answer in time, but for the exceptions of this
//! table.

use std::fmt::Write as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::model::Model;
use crate::play::{Play, Taken};
use crate::programs::{Place, Program};
use crate::script::{SCRIPT, Step};
use crate::stage::{Socket, Stage, Transport, Way};

/// For an answer, the time that its call takes included.
const SOON: Duration = Duration::from_secs(10);

/// What a step may give instead of its answer.
#[derive(Debug)]
enum Instead {
    /// The tool is not offered to the model.
    NoTool,
    /// The tools of a server that has gone are still offered.
    Stale,
    /// The result says this.
    Says(&'static str),
}

/// A program, the socket if it matters, the step, and what it may give.
type Exception = (Program, Option<Socket>, &'static str, Instead);

const OWN: Option<Socket> = Some(Socket::Own);

const EXCEPTIONS: &[Exception] = &[
    // It asks for the list once a turn.
    (Program::Codex, None, "added", Instead::NoTool),
    (Program::Codex, None, "added again", Instead::NoTool),
    (Program::CodexNewest, None, "added", Instead::NoTool),
    (Program::CodexNewest, None, "added again", Instead::NoTool),
    (Program::Cline, None, "added", Instead::NoTool),
    (Program::Cline, None, "added again", Instead::NoTool),
    // It asks for the list, and keeps what it had.
    (Program::ClaudeCode, None, "removed", Instead::Stale),
    // It asks no more once a stream of its broke.
    (Program::Gemini, None, "added again", Instead::NoTool),
    // Nobody listens: the call fails. Its next ones are served.
    says(Program::Codex, OWN, "away", "error sending request"),
    says(Program::Cline, OWN, "away", "Unable to connect"),
    says(Program::Gemini, OWN, "away", "fetch failed"),
    says(Program::OpenCode, OWN, "away", "Unable to connect"),
    says(Program::ClaudeCode, OWN, "away", "ECONNREFUSED"),
    says(Program::CodexNewest, OWN, "away", "error sending request"),
    // It has no session that could be taken up again: after two minutes it gives the call up.
    says(
        Program::ClaudeCode,
        None,
        "SIGKILL in a call",
        "dropped mid-call",
    ),
    says(
        Program::CodexNewest,
        None,
        "SIGKILL in a call",
        "Transport closed",
    ),
    // Its runtime (Bun 1.3.13) sends a POST once more when a connection that it has used before breaks, even
    // in the middle of the reply.
    says(Program::Cline, None, "SIGKILL in a call", "waited 6 s"),
];

/// The same over HTTP+SSE.
const OVER_SSE: &[Exception] = &[
    (Program::Cline, None, "added", Instead::NoTool),
    (Program::Cline, None, "added again", Instead::NoTool),
    (Program::ClaudeCode, None, "removed", Instead::Stale),
    (Program::Gemini, None, "added again", Instead::NoTool),
    // The call has gone with its stream: after the time that each gives a call.
    says(Program::Cline, None, "SIGKILL in a call", "timed out"),
    says(Program::Gemini, None, "SIGKILL in a call", "timed out"),
];

/// Over HTTP+SSE nobody has a session until the stream is back: what is called before fails at once, with one of
/// these.
const NO_SESSION: &[&str] = &[
    "Could not find session",
    "Connection closed",
    "Unable to connect",
    "fetch failed",
    NOT_CONNECTED,
];

/// The steps that may come so soon, with whichever socket or with the gateway's own.
const TOO_SOON: &[(Option<Socket>, &[&str])] = &[
    (
        None,
        &[
            "SIGKILL",
            "after SIGKILL",
            "away",
            "SIGKILL in a call",
            "after the loss",
        ],
    ),
    (
        OWN,
        &[
            "SIGTERM",
            "after it",
            "SIGTERM, a pause",
            "after that",
            "no longer away",
            "a while later",
            "SIGTERM in a call",
            "after the call",
        ],
    ),
];

/// What only results of 2026-07-28 have; both of these programs show it.
const NEWEST: &str = "io.modelcontextprotocol/serverInfo";

const NOT_CONNECTED: &str = "is not connected";

const fn says(
    program: Program,
    socket: Option<Socket>,
    step: &'static str,
    text: &'static str,
) -> Exception {
    (program, socket, step, Instead::Says(text))
}

/// Programs whose session is over at this step, if with one socket alone, with that. The Python SDK ends it when
/// a call is refused, and over HTTP+SSE with its stream; Cline ends the run when some calls have failed in a row.
const LOST: &[(Program, Transport, Option<Socket>, &str)] = &[
    (Program::FastMcp, Transport::Http, OWN, "away"),
    (Program::OpenAiAgents, Transport::Http, OWN, "away"),
    (Program::FastMcp, Transport::Sse, None, "SIGTERM"),
    (Program::OpenAiAgents, Transport::Sse, None, "SIGTERM"),
    (Program::Cline, Transport::Sse, OWN, "SIGTERM, a pause"),
];

/// Runs the program through the script.
///
/// # Panics
/// When a step gives anything but what the table says.
pub(crate) async fn holds(program: Program, way: Way) {
    let stage = Stage::set(way).await;
    let (home, url, secret) = (stage.home().join("home"), stage.url(), stage.token());
    let (play, due) = Play::new();
    let play = Arc::new(play);
    let model = Model::serve(play.clone()).await;
    let place = Place {
        home: &home,
        url: &url,
        transport: way.transport,
        token: secret,
        model: &model.address,
    };
    let mut directing = pin!(stage.direct(due));
    let said = tokio::select! {
        said = program.run(&place) => said,
        () = &mut directing => unreachable!("the play goes on"),
    };
    let taken = play.taken().await;
    let (row, wrong) = judge(program, way, &taken);
    eprintln!("{program:?}, {way:?}\n{row}");
    if !wrong.is_empty() {
        eprintln!("{}", tail(&said));
    }
    assert_eq!(wrong, [""; 0]);
    if program == Program::ClaudeCode {
        // Of `claude mcp list`.
        let listed = said.lines().find(|line| line.starts_with("mcproxy: "));
        let listed = listed.unwrap_or("it lists no mcproxy");
        assert!(listed.ends_with("Connected"), "{listed}");
    }
    let speaks_newest = [Program::ClaudeCode, Program::CodexNewest].contains(&program);
    if speaks_newest && way.transport == Transport::Http {
        assert!(said.contains(NEWEST), "it was served by sessions");
    }
}

fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(4000);
    let start = (start..text.len()).find(|&at| text.is_char_boundary(at));
    text.get(start.unwrap_or_default()..).unwrap_or_default()
}

/// A line for each step, and the names of those that are not as expected.
fn judge(program: Program, way: Way, taken: &[Taken]) -> (String, Vec<&'static str>) {
    let (mut row, mut wrong) = (String::new(), Vec::new());
    let mut is_lost = false;
    for (number, step) in SCRIPT.iter().enumerate() {
        let taken = taken.get(number);
        is_lost |= LOST.iter().any(|(whose, transport, only, name)| {
            (*whose, *transport, *name) == (program, way.transport, step.name) && way.has(*only)
        });
        let is_expected =
            is_lost || is_right(step, taken) || is_excepted(program, way, step, taken);
        if !is_expected {
            wrong.push(step.name);
        }
        let mark = if is_expected { ' ' } else { '!' };
        let line = writeln!(row, "{mark} {:20} {}", step.name, seen(step, taken));
        line.expect("a string takes everything");
    }
    (row, wrong)
}

fn is_excepted(program: Program, way: Way, step: &Step, taken: Option<&Taken>) -> bool {
    let all = match way.transport {
        Transport::Http => EXCEPTIONS,
        Transport::Sse => OVER_SSE,
    };
    if way.transport == Transport::Sse && is_too_soon(way, step, taken) {
        return true;
    }
    let of_this = all
        .iter()
        .filter(|(whose, only, name, _)| *whose == program && way.has(*only) && *name == step.name);
    let mut instead = of_this.map(|(.., instead)| instead);
    instead.any(|instead| match instead {
        Instead::NoTool => taken.is_some_and(|taken| !taken.is_offered),
        Instead::Stale => taken.is_some_and(|taken| taken.is_stale),
        Instead::Says(part) => said(taken).contains(part),
    })
}

fn is_too_soon(way: Way, step: &Step, taken: Option<&Taken>) -> bool {
    let mut steps = TOO_SOON.iter();
    let is_one = |(only, names): &(_, &[&str])| way.has(*only) && names.contains(&step.name);
    steps.any(is_one) && NO_SESSION.iter().any(|part| said(taken).contains(part))
}

fn said(taken: Option<&Taken>) -> &str {
    let came = taken.and_then(|taken| taken.came.as_ref());
    came.map_or("", |(text, _)| text)
}

fn is_right(step: &Step, taken: Option<&Taken>) -> bool {
    taken.is_some_and(|taken| {
        let came = taken.came.as_ref();
        let is_answer =
            |(text, time): &(String, Duration)| text.contains(&step.answer()) && *time <= SOON;
        taken.is_offered && !taken.is_stale && came.is_some_and(is_answer)
    })
}

fn seen(step: &Step, taken: Option<&Taken>) -> String {
    let Some(taken) = taken else {
        return "over".to_owned();
    };
    let Some((text, time)) = &taken.came else {
        return "no answer".to_owned();
    };
    let said = if !taken.is_offered {
        "no tool"
    } else if taken.is_stale {
        "still offered"
    } else if text.contains(&step.answer()) {
        "right"
    } else {
        text
    };
    format!("{:4.1} s {said:.500}", time.as_secs_f32())
}
