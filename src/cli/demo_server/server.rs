//! The loop of the demo server: lines in, lines out, and the `wait` calls that run beside it. It
//! ends when the input ends or nobody takes the output; what still runs is dropped with it.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::{AbortHandle, JoinSet};

use super::rpc::{self, Error, Incoming};
use super::tools::{self, Called, Wait};

/// The revisions served, newest first: what a client asks for, or else the first.
const REVISIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// Serves until `lines` ends or `answers` is closed. No call is left running behind it.
pub(super) async fn serve(mut lines: Receiver<Vec<u8>>, answers: Sender<Vec<u8>>) {
    let mut server = Server {
        revision: REVISIONS[0],
        answers,
        waits: JoinSet::new(),
        running: HashMap::new(),
    };
    while server.step(&mut lines).await.is_some() {}
    server.waits.shutdown().await;
}

struct Server {
    revision: &'static str,
    answers: Sender<Vec<u8>>,
    /// The calls of `wait`; each ends with its key in `running`.
    waits: JoinSet<String>,
    /// Request id as JSON text → its call.
    running: HashMap<String, AbortHandle>,
}

impl Server {
    /// Waits for the next thing to happen and handles it; `None` at the end.
    async fn step(&mut self, lines: &mut Receiver<Vec<u8>>) -> Option<()> {
        tokio::select! {
            line = lines.recv() => {
                if let Some(answer) = self.handle(&line?) {
                    // The wait for room is what slows a client down that does not read.
                    self.answers.send(answer).await.ok()?;
                }
            }
            Some(done) = self.waits.join_next() => {
                // An `Err` is a cancelled call; its entry is gone already.
                if let Ok(key) = done {
                    self.running.remove(&key);
                }
            }
            () = self.answers.closed() => return None,
        }
        Some(())
    }

    /// The answer to a line, if it has one and has it now.
    fn handle(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        match rpc::decode(line) {
            Incoming::Request { id, method, params } => {
                let outcome = self.request(&id, &method, &params).transpose()?;
                Some(rpc::answer(&id, outcome))
            }
            Incoming::Notification { method, params } => {
                if method == "notifications/cancelled" {
                    self.cancel(&params);
                }
                None
            }
            Incoming::Nothing => None,
            Incoming::Wrong { id, error } => Some(rpc::answer(&id, Err(error))),
        }
    }

    /// `Ok(None)`: a call that will answer by itself.
    fn request(
        &mut self,
        id: &Value,
        method: &str,
        params: &Value,
    ) -> Result<Option<Value>, Error> {
        match method {
            "initialize" => Ok(Some(self.initialize(params))),
            "ping" => Ok(Some(json!({}))),
            "tools/list" => self.list(params).map(Some),
            "tools/call" => self.call(id, params),
            _ => {
                let message = format!("method not found: {method}");
                Err(Error::new(rpc::METHOD_NOT_FOUND, message))
            }
        }
    }

    fn initialize(&mut self, params: &Value) -> Value {
        let wanted = params.get("protocolVersion").and_then(Value::as_str);
        let known = REVISIONS.into_iter().find(|known| Some(*known) == wanted);
        self.revision = known.unwrap_or(REVISIONS[0]);
        json!({
            "protocolVersion": self.revision,
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "mcproxy-demo", "version": env!("CARGO_PKG_VERSION") },
            "instructions": "Small tools to try a connection with: echo, add, now, wait and fail.",
        })
    }

    fn list(&self, params: &Value) -> Result<Value, Error> {
        match params.get("cursor") {
            None | Some(Value::Null) => Ok(json!({ "tools": tools::list(self.revision) })),
            Some(_) => Err(Error::new(
                rpc::INVALID_PARAMS,
                "unknown cursor: the list has one page",
            )),
        }
    }

    fn call(&mut self, id: &Value, params: &Value) -> Result<Option<Value>, Error> {
        match tools::call(params, self.revision)? {
            Called::Done(result) => Ok(Some(result)),
            Called::Wait(wait) => self.start_wait(id, wait).map(|()| None),
        }
    }

    fn start_wait(&mut self, id: &Value, wait: Wait) -> Result<(), Error> {
        let key = id.to_string();
        if self.running.contains_key(&key) {
            let message = format!("a call with the id {key} is running");
            return Err(Error::new(rpc::INVALID_REQUEST, message));
        }
        let (answers, id, task_key) = (self.answers.clone(), id.clone(), key.clone());
        let handle = self.waits.spawn(async move {
            let result = wait.run(&answers).await;
            // A closed channel ends the server; there is nobody left to answer.
            answers.send(rpc::answer(&id, Ok(result))).await.ok();
            task_key
        });
        self.running.insert(key, handle);
        Ok(())
    }

    /// A cancelled call gets no answer. An id that is unknown belongs to a call that was quicker.
    fn cancel(&mut self, params: &Value) {
        let key = params.get("requestId").map(Value::to_string);
        if let Some(call) = key.and_then(|key| self.running.remove(&key)) {
            call.abort();
        }
    }
}
