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
use crate::stage::{Socket, Stage};

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
    /// The run is over.
    Over,
}

/// Programs, the socket if it matters, the step, and what it gives.
type Exception = (&'static [Program], Option<Socket>, &'static str, Instead);

const EXCEPTIONS: &[Exception] = &[];

/// Runs the program through the script.
///
/// # Panics
/// When a step gives anything but what the table says.
pub(crate) async fn holds(program: Program, socket: Socket, has_token: bool) {
    let stage = Stage::set(socket, has_token).await;
    let (home, url, token) = (stage.home().join("home"), stage.url(), stage.token());
    let (play, due) = Play::new();
    let play = Arc::new(play);
    let model = Model::serve(play.clone()).await;
    let place = Place {
        home: &home,
        url: &url,
        token,
        model: &model.address,
    };
    let mut directing = pin!(stage.direct(due));
    let said = tokio::select! {
        said = program.run(&place) => said,
        () = &mut directing => unreachable!("the play goes on"),
    };
    let taken = play.taken().await;
    let (row, wrong) = judge(program, socket, &taken);
    eprintln!("{program:?}, socket {socket:?}, token {has_token}\n{row}");
    if !wrong.is_empty() {
        eprintln!("{}", tail(&said));
    }
    assert_eq!(wrong, [""; 0]);
}

fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(4000);
    let start = (start..text.len()).find(|&at| text.is_char_boundary(at));
    text.get(start.unwrap_or_default()..).unwrap_or_default()
}

/// A line for each step, and the names of those that are not as expected.
fn judge(program: Program, socket: Socket, taken: &[Taken]) -> (String, Vec<&'static str>) {
    let (mut row, mut wrong) = (String::new(), Vec::new());
    for (number, step) in SCRIPT.iter().enumerate() {
        let taken = taken.get(number);
        let exception = EXCEPTIONS.iter().find(|(programs, only, name, _)| {
            let is_socket = only.is_none_or(|only| only == socket);
            programs.contains(&program) && is_socket && *name == step.name
        });
        let is_expected = match exception {
            None => is_right(step, taken),
            Some((_, _, _, Instead::NoTool)) => taken.is_some_and(|taken| !taken.is_offered),
            Some((_, _, _, Instead::Stale)) => taken.is_some_and(|taken| taken.is_stale),
            Some((_, _, _, Instead::Says(part))) => said(taken).contains(part),
            Some((_, _, _, Instead::Over)) => taken.is_none_or(|taken| taken.came.is_none()),
        };
        if !is_expected {
            wrong.push(step.name);
        }
        let mark = if is_expected { ' ' } else { '!' };
        let line = writeln!(row, "{mark} {:20} {}", step.name, seen(step, taken));
        line.expect("a string takes everything");
    }
    (row, wrong)
}

fn said(taken: Option<&Taken>) -> &str {
    let came = taken.and_then(|taken| taken.came.as_ref());
    came.map_or("", |(text, _)| text)
}

fn is_right(step: &Step, taken: Option<&Taken>) -> bool {
    taken.is_some_and(|taken| {
        let came = taken.came.as_ref();
        let is_answer =
            |(text, time): &(String, Duration)| text.contains(&step.said()) && *time <= SOON;
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
    } else if text.contains(&step.said()) {
        "right"
    } else {
        text
    };
    format!("{:4.1} s {said:.200}", time.as_secs_f32())
}
