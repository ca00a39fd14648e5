//! From bytes to a message, in one pass, copying nothing but the id and the method. Strict about the
//! envelope, because a message that two readers understand differently must not pass a gateway;
//! blind to the body, because it is not ours.

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::super::raw::{self, Member};
use super::{Message, Notification, Request, RequestId, Response, code, encode};

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No JSON at all: −32700.
    #[error("the message is not JSON: {0}")]
    Parse(String),
    /// JSON, but no message that is understood here: −32600.
    #[error("the message is not valid JSON-RPC: {reason}")]
    Invalid {
        /// The id, where one can be read all the same: the error answers it.
        id: Option<RequestId>,
        /// What is wrong.
        reason: String,
    },
}

impl DecodeError {
    /// The JSON-RPC code for it.
    #[must_use]
    pub fn code(&self) -> i64 {
        match self {
            Self::Parse(_) => code::PARSE_ERROR,
            Self::Invalid { .. } => code::INVALID_REQUEST,
        }
    }

    /// The id it answers, where one can be read.
    #[must_use]
    pub fn id(&self) -> Option<&RequestId> {
        match self {
            Self::Parse(_) => None,
            Self::Invalid { id, .. } => id.as_ref(),
        }
    }

    /// What is wrong, to be said of the message.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Parse(reason) | Self::Invalid { reason, .. } => reason,
        }
    }

    /// Whether it is a request, of which nobody can say whose: its sender waits for an answer.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.reason() == BAD_ID_OF_CALL
    }

    /// The request that it answers in a way that says nothing, or more than one thing: what has an id and
    /// is no request and no notification.
    #[must_use]
    pub fn answers(&self) -> Option<&RequestId> {
        self.id()
            .filter(|_| [NOTHING_SAID, ALL_SAID].contains(&self.reason()))
    }

    /// The whole message that tells the sender.
    #[must_use]
    pub fn response(&self) -> Bytes {
        encode::error(
            self.id(),
            &encode::error_object(self.code(), &self.to_string()),
        )
    }
}

/// Takes one message apart. Its bodies are slices of `bytes`, which must hold nothing else but
/// white space. Rules: JSON-RPC 2.0 as MCP narrows it (an id is a string or an integer, no batches).
pub fn decode(bytes: &Bytes) -> Result<Message, DecodeError> {
    let text = raw::text(bytes, "its bytes").map_err(DecodeError::Parse)?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(no_object(text));
    }
    let names = ["jsonrpc", "id", "method", "params", "result", "error"];
    let members = raw::pick(text, names).map_err(|error| DecodeError::Parse(error.to_string()))?;
    let [_, id, ..] = members;
    classify(bytes, members).map_err(|reason| DecodeError::Invalid {
        id: match id {
            Member::Once(raw) => RequestId::from_raw(raw),
            Member::Absent | Member::Repeated => None,
        },
        reason,
    })
}

fn no_object(text: &str) -> DecodeError {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return DecodeError::Parse(error.to_string());
    }
    let reason = if text.trim_ascii_start().starts_with('[') {
        "batches are not supported in this protocol revision; send each message by itself"
    } else {
        "a message is a JSON object"
    };
    DecodeError::Invalid {
        id: None,
        reason: reason.to_owned(),
    }
}

fn classify(bytes: &Bytes, members: [Member<'_>; 6]) -> Result<Message, String> {
    let [jsonrpc, id, method, params, result, error] = members;
    let jsonrpc = jsonrpc.once("jsonrpc")?;
    if !jsonrpc.is_some_and(|raw| raw::is_text(raw, "2.0")) {
        return Err("the member 'jsonrpc' must be \"2.0\"".to_owned());
    }
    let id = IdMember::read(id.once("id")?);
    let params = params.once("params")?;
    let slice = |raw: &str| bytes.slice_ref(raw.as_bytes());
    // Some write all members, or both of the last two, as JSON-RPC 1.0 did: what is `null` then says
    // nothing.
    let says = |raw: &&str| *raw != "null";
    let method = method.once("method")?.filter(says);
    let (result, error) = (result.once("result")?, error.once("error")?);
    let (error_says, result_says) = (error.filter(says), result.filter(says));
    let (result, error) = match (method, error_says) {
        (Some(_), _) => (result_says, error_says),
        (None, Some(_)) => (result_says, error),
        (None, None) => (result, error.filter(|_| result.is_none())),
    };
    match (method, result, error) {
        (Some(method), None, None) => {
            let params = checked_params(params)?.map(slice);
            call(id, method, params)
        }
        (None, Some(result), None) => answer(id, Ok(slice(result))),
        (None, None, Some(error)) if error.starts_with('{') => answer(id, Err(slice(error))),
        (None, None, Some(_)) => Err("the member 'error' must be an object".to_owned()),
        (None, None, None) => Err(NOTHING_SAID.to_owned()),
        (None, Some(_), Some(_)) => Err("there are both 'result' and 'error'".to_owned()),
        (Some(_), _, _) => Err(ALL_SAID.to_owned()),
    }
}

/// The member `id`. `null` is not the same as absent: a request whose id is `null` is wrong, and
/// taking it for a notification would leave its sender without an answer. Of what is called a
/// notification nobody awaits one: languages with one type for all messages write `null` there.
enum IdMember {
    Absent,
    Null,
    Usable(RequestId),
    Unusable,
}

impl IdMember {
    fn read(raw: Option<&str>) -> Self {
        match raw {
            None => Self::Absent,
            Some("null") => Self::Null,
            Some(raw) => RequestId::from_raw(raw).map_or(Self::Unusable, Self::Usable),
        }
    }
}

const BAD_ID: &str = "the member 'id' must be a string or an integer, of at most 1024 bytes";
const BAD_ID_OF_CALL: &str =
    "the member 'id' of a request must be a string or an integer, of at most 1024 bytes";
const ALL_SAID: &str = "there is 'method' beside 'result' or 'error'";
const NOTHING_SAID: &str = "there is neither 'method' nor 'result' nor 'error'";

fn call(id: IdMember, method: &str, params: Option<Bytes>) -> Result<Message, String> {
    let Some(method) = raw::string(method) else {
        return Err("the member 'method' must be a string".to_owned());
    };
    let method: Box<str> = method.into();
    match id {
        IdMember::Null if method.starts_with("notifications/") => {
            Ok(Message::Notification(Notification { method, params }))
        }
        IdMember::Absent => Ok(Message::Notification(Notification { method, params })),
        IdMember::Usable(id) => Ok(Message::Request(Request { id, method, params })),
        IdMember::Null | IdMember::Unusable => Err(BAD_ID_OF_CALL.to_owned()),
    }
}

fn answer(id: IdMember, outcome: Result<Bytes, Bytes>) -> Result<Message, String> {
    let id = match (id, &outcome) {
        (IdMember::Usable(id), _) => Some(id),
        (IdMember::Null | IdMember::Absent, Err(_)) => None,
        (IdMember::Null | IdMember::Absent | IdMember::Unusable, _) => {
            return Err(BAD_ID.to_owned());
        }
    };
    Ok(Message::Response(Response { id, outcome }))
}

fn checked_params(params: Option<&str>) -> Result<Option<&str>, String> {
    match params {
        None | Some("null") => Ok(None),
        // An empty table is an array to PHP, and says nothing.
        Some(raw)
            if raw
                .strip_prefix('[')
                .is_some_and(|raw| raw.trim_ascii() == "]") =>
        {
            Ok(None)
        }
        Some(raw) if raw.starts_with(['{', '[']) => Ok(Some(raw)),
        Some(_) => Err("the member 'params' must be an object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_without_a_member_are_none() {
        for params in ["null", "[]", "[ \n]"] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{params}}}"#);
            let Ok(Message::Request(request)) = decode(&Bytes::from(text)) else {
                panic!("{params}");
            };
            assert_eq!(request.params, None, "{params}");
        }
    }

    #[test]
    fn what_answers_and_what_asks_is_told_apart() {
        let refused = |text: &'static str| decode(&Bytes::from(text)).unwrap_err();
        let silent = refused(r#"{"jsonrpc":"2.0","id":7}"#);
        assert_eq!(silent.answers(), RequestId::from_raw("7").as_ref());
        assert!(!silent.is_request());
        let asks = refused(r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#);
        assert!(asks.is_request() && asks.answers().is_none());
        let both = refused(r#"{"jsonrpc":"2.0","id":7,"result":{},"error":{}}"#);
        assert!(!both.is_request() && both.answers().is_none());
    }
}
