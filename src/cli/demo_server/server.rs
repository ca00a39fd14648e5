//! The loop of the demo server: lines in, lines out, and the `wait` calls that run beside it. It
//! ends when the input ends or nobody takes the output; what still runs is dropped with it.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::{AbortHandle, JoinSet};

use super::rpc::{self, Error};
use super::tools::{self, Called, Wait};
use crate::protocol::jsonrpc::{self, Message, Notification, Request, RequestId, code};
use crate::protocol::mcp::cancelled::Cancelled;
use crate::protocol::mcp::method;

/// The revisions served, newest first: what a client asks for, or else the first.
const REVISIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// Serves until `lines` ends or `answers` is closed. No call is left running behind it.
pub(super) async fn serve(mut lines: Receiver<Bytes>, answers: Sender<Bytes>) {
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
    answers: Sender<Bytes>,
    /// The calls of `wait`; each ends with its id.
    waits: JoinSet<RequestId>,
    /// By the ids of their requests.
    running: HashMap<RequestId, AbortHandle>,
}

impl Server {
    /// Waits for the next thing to happen and handles it; `None` at the end.
    async fn step(&mut self, lines: &mut Receiver<Bytes>) -> Option<()> {
        tokio::select! {
            line = lines.recv() => {
                if let Some(answer) = self.handle(&line?) {
                    // The wait for room is what slows a client down that does not read.
                    self.answers.send(answer).await.ok()?;
                }
            }
            Some(done) = self.waits.join_next() => {
                // An `Err` is a cancelled call; its entry is gone already.
                if let Ok(id) = done {
                    self.running.remove(&id);
                }
            }
            () = self.answers.closed() => return None,
        }
        Some(())
    }

    /// The answer to a line, if it has one and has it now.
    fn handle(&mut self, line: &Bytes) -> Option<Bytes> {
        if line.trim_ascii().is_empty() {
            return None;
        }
        match jsonrpc::decode(line) {
            Ok(Message::Request(Request { id, method, params })) => {
                let params = rpc::value(params.as_ref());
                let outcome = self.request(&id, &method, &params).transpose()?;
                Some(rpc::answer(&id, outcome))
            }
            Ok(Message::Notification(Notification { method, params })) => {
                if &*method == method::CANCELLED {
                    self.cancel(params.as_ref());
                }
                None
            }
            // It never asks anything.
            Ok(Message::Response(_)) => None,
            Err(error) => Some(error.response()),
        }
    }

    /// `Ok(None)`: a call that will answer by itself.
    fn request(
        &mut self,
        id: &RequestId,
        method: &str,
        params: &Value,
    ) -> Result<Option<Value>, Error> {
        match method {
            method::INITIALIZE => Ok(Some(self.initialize(params))),
            method::PING => Ok(Some(json!({}))),
            method::TOOLS_LIST => self.list(params).map(Some),
            method::TOOLS_CALL => self.call(id, params),
            _ => {
                let message = format!("method not found: {method}");
                Err(Error::new(code::METHOD_NOT_FOUND, message))
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
                code::INVALID_PARAMS,
                "unknown cursor: the list has one page",
            )),
        }
    }

    fn call(&mut self, id: &RequestId, params: &Value) -> Result<Option<Value>, Error> {
        match tools::call(params, self.revision)? {
            Called::Done(result) => Ok(Some(result)),
            Called::Wait(wait) => self.start_wait(id, wait).map(|()| None),
        }
    }

    fn start_wait(&mut self, id: &RequestId, wait: Wait) -> Result<(), Error> {
        if self.running.contains_key(id) {
            let message = format!("a call with the id {} is running", id.as_raw());
            return Err(Error::new(code::INVALID_REQUEST, message));
        }
        let (answers, ended) = (self.answers.clone(), id.clone());
        let handle = self.waits.spawn(async move {
            let result = wait.run(&answers).await;
            // A closed channel ends the server; there is nobody left to answer.
            answers.send(rpc::answer(&ended, Ok(result))).await.ok();
            ended
        });
        self.running.insert(id.clone(), handle);
        Ok(())
    }

    /// A cancelled call gets no answer. An id that is unknown belongs to a call that was quicker.
    fn cancel(&mut self, params: Option<&Bytes>) {
        let cancelled = params.and_then(|params| Cancelled::parse(params).ok());
        let id = cancelled.and_then(|cancelled| cancelled.request_id());
        if let Some(call) = id.and_then(|id| self.running.remove(&id)) {
            call.abort();
        }
    }
}
