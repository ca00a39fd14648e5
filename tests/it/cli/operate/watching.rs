//! `status --watch`: by the stream of a gateway that has one, and over its restarts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{SOON, config};
use crate::cli::{Guard, command};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::output::Lines;
use crate::support::{proc, wait};

#[tokio::test]
async fn what_changes_is_shown_and_a_gateway_that_is_back_is_found() {
    let home = tempfile::tempdir().unwrap();
    let start = async || Gateway::start(GatewayOptions::new(config(&[])).home(home.path())).await;
    let mut gateway = start().await;
    let state = gateway.state_dir().display().to_string();
    let env = [("MCPROXY_STATE_DIR", state.as_str())];
    let mut watch = command(gateway.home(), &["status", "--watch", "--json"], &env);
    let mut watch = Guard(watch.stdout(Stdio::piped()).spawn().unwrap());
    let lines = Lines::collect(watch.0.stdout.take().unwrap());
    let pid = || {
        let lines = lines.all();
        let last = lines.iter().rfind(|line| !line.is_empty())?;
        let last: Value = serde_json::from_str(last).ok()?;
        let mut servers = last["servers"].as_array()?.iter();
        servers.find(|it| it["name"] == "fx")?["pid"].as_i64()
    };
    let first = wait::until("its process", SOON, async || pid()).await;
    proc::send(first.try_into().unwrap(), Signal::SIGKILL);
    let second = async || pid().filter(|pid| *pid != first);
    let second = wait::until("its next process", SOON, second).await;
    gateway.terminate().await;
    wait::until("that it is gone", SOON, async || {
        let lines = lines.all();
        lines
            .iter()
            .any(|line| line.starts_with("no gateway runs here"))
            .then_some(())
    })
    .await;
    let gateway = start().await;
    let third = async || pid().filter(|pid| *pid != second);
    wait::until("the next gateway's", SOON, third).await;
    drop(gateway);
}

/// Answers what is asked for, one connection after the other, and says what that was.
fn stand_in(
    answer: impl Fn(&str, &mut TcpStream) + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let said = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let lines = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty());
            let lines: Vec<String> = lines.collect();
            let path = lines.first().and_then(|line| line.split(' ').nth(1));
            let path = path.unwrap_or_default().to_owned();
            answer(&path, &mut stream);
            said.lock().unwrap().push(path);
        }
    });
    (url, asked)
}

fn status(version: &str) -> String {
    json!({ "version": version, "ready": true, "servers": [] }).to_string()
}

fn send(stream: &mut TcpStream, head: &str, body: &str) {
    // The other side may have gone.
    write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n{body}").ok();
}

/// What `--watch` shows of the gateway there, until it has shown all of `versions`.
async fn watched(url: &str, versions: &[&str]) -> Guard {
    let here = tempfile::tempdir().unwrap();
    let mut watch = command(here.path(), &["status", "--watch", "--url", url], &[]);
    let mut watch = Guard(watch.stdout(Stdio::piped()).spawn().unwrap());
    let lines = Lines::collect(watch.0.stdout.take().unwrap());
    for version in versions {
        let line = format!("mcproxy {version}, ready");
        wait::until(&line, SOON, async || {
            lines
                .all()
                .iter()
                .any(|it| it.starts_with(&line))
                .then_some(())
        })
        .await;
    }
    watch
}

#[tokio::test]
async fn a_gateway_with_a_stream_is_asked_for_nothing_else() {
    let (url, asked) = stand_in(|_, stream| {
        let events =
            ["1", "2"].map(|version| format!("event: status\ndata: {}\n\n", status(version)));
        send(
            stream,
            "200 OK\r\nContent-Type: text/event-stream",
            &events.concat(),
        );
    });
    let _watch = watched(&url, &["1", "2"]).await;
    wait::until("it to be asked again", SOON, async || {
        (asked.lock().unwrap().len() > 1).then_some(())
    })
    .await;
    let asked = asked.lock().unwrap();
    assert!(
        asked.iter().all(|path| path == "/status/stream"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn one_without_a_stream_is_asked_again_and_again() {
    let count = Mutex::new(0);
    let (url, _) = stand_in(move |path, stream| match path {
        "/status" => {
            let mut count = count.lock().unwrap();
            *count += 1;
            send(
                stream,
                "200 OK\r\nContent-Type: application/json",
                &status(&count.to_string()),
            );
        }
        _ => send(stream, "404 Not Found", ""),
    });
    watched(&url, &["1", "2"]).await;
}
