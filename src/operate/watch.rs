//! `mcproxy status --watch`: by the gateway's event stream where it has one, else by asking again and again. A gateway
//! that goes is looked for until it is back.

use std::path::Path;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::gateway::{Failed, Gateway, LOOK};
use super::screen::{Screen, shown};
use super::status::{StatusWish, show};
use crate::client::EventStream;

/// How often it is looked again, without a stream.
const PAUSE: Duration = Duration::from_secs(2);
/// The same while a stream has nothing new: times go on.
const QUIET: Duration = Duration::from_secs(10);
/// What takes a terminal back to its first line, and clears it.
const HOME: &str = "\u{1b}[H\u{1b}[2J";

/// Until it is ended.
pub(super) async fn run(
    wish: &StatusWish,
    state_dir: Option<&Path>,
    screen: &mut Screen<'_>,
) -> Result<u8, Failed> {
    loop {
        // Looked for each time: it may be another that answers by now.
        match Gateway::find(&wish.at, state_dir) {
            Ok(gateway) => follow(&gateway, wish, screen).await?,
            Err(failed) => draw(&words(failed)?, screen)?,
        }
        sleep(PAUSE).await;
    }
}

/// Shows what the stream says until its end; without one, what there is now.
async fn follow(
    gateway: &Gateway,
    wish: &StatusWish,
    screen: &mut Screen<'_>,
) -> Result<(), Failed> {
    let opened = timeout(LOOK, gateway.events("/status/stream")).await;
    let mut stream = opened.ok().and_then(Result::ok);
    loop {
        let news = match &mut stream {
            Some(stream) => match next(stream).await {
                Next::News(news) => Some(news),
                Next::Quiet => None,
                Next::End => return Ok(()),
            },
            None => None,
        };
        let (mut page, mut sink) = (Vec::new(), std::io::sink());
        let mut shot = screen.like(&mut page, &mut sink);
        match show(gateway, wish, news, &mut shot).await {
            Ok(_) => draw(&page, screen)?,
            Err(failed) => draw(&words(failed)?, screen)?,
        }
        if stream.is_none() {
            return Ok(());
        }
    }
}

enum Next {
    News(String),
    Quiet,
    End,
}

async fn next(stream: &mut EventStream) -> Next {
    loop {
        match timeout(QUIET, stream.next()).await {
            Ok(Ok(Some((name, data)))) if name == "status" => {
                return Next::News(String::from_utf8_lossy(&data).into_owned());
            }
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None) | Err(_)) => return Next::End,
            Err(_) => return Next::Quiet,
        }
    }
}

/// What is shown in the place of the status.
fn words(failed: Failed) -> Result<Vec<u8>, Failed> {
    match failed {
        Failed::Said { words, .. } => Ok(format!("{}\n", shown(&words)).into_bytes()),
        failed @ Failed::Screen(_) => Err(failed),
    }
}

fn draw(page: &[u8], screen: &mut Screen<'_>) -> std::io::Result<()> {
    if screen.is_terminal {
        write!(screen.out, "{HOME}")?;
    }
    screen.out.write_all(page)?;
    if !screen.is_terminal {
        writeln!(screen.out)?;
    }
    screen.out.flush()
}
