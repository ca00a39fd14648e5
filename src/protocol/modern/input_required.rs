//! What a server with a handshake asks while a call runs, for a client without one: it is shown the
//! questions as a result, and asks again with the answers (2026-07-28, basic/patterns/mrtr).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::super::jsonrpc::{self, code};
use super::super::mcp::method;
use super::super::raw;

/// What a request is known by when it comes again: a digest of its method, of what it is about, and
/// of its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity([u8; 32]);

impl Identity {
    /// Of the raw params of a request.
    #[must_use]
    pub fn of(method: &str, params: &[u8]) -> Self {
        let text = std::str::from_utf8(params).ok();
        let said = raw::members(text, ["name", "uri", "arguments"]);
        let mut digest = Sha256::new();
        for part in [Some(method)].into_iter().chain(said) {
            let part = part.unwrap_or_default();
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }

    /// The digest.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The raw result that shows questions: each with its key, method and raw params. `state` is what the
/// client gives back.
#[must_use]
pub fn result<'a>(
    questions: impl Iterator<Item = (&'a str, &'a str, Option<&'a [u8]>)>,
    state: &str,
) -> Vec<u8> {
    let mut out = br#"{"resultType":"input_required","inputRequests":{"#.to_vec();
    for (position, (key, method, params)) in questions.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        raw::push_string(&mut out, key);
        out.extend_from_slice(br#":{"method":"#);
        raw::push_string(&mut out, method);
        if let Some(params) = params {
            out.extend_from_slice(br#","params":"#);
            raw::push_single_line(&mut out, params);
        }
        out.push(b'}');
    }
    out.extend_from_slice(br#"},"requestState":"#);
    raw::push_string(&mut out, state);
    out.push(b'}');
    out
}

/// The params of a question as this revision has them: the id by which a server with a handshake says
/// that a page was seen does not exist there.
#[must_use]
pub fn question(asked: &str, params: &Bytes) -> Bytes {
    let text = std::str::from_utf8(params).ok();
    let [id] = raw::members(text, ["elicitationId"]);
    match (text, id.filter(|_| asked == method::ELICITATION)) {
        (Some(text), Some(id)) => {
            raw::splice(params, vec![(raw::member_span(text, id), &[][..])]).into()
        }
        _ => params.clone(),
    }
}

/// Whether a question sends the user to a page.
#[must_use]
pub fn is_by_url(params: Option<&Bytes>) -> bool {
    let text = params.and_then(|params| std::str::from_utf8(params).ok());
    let [mode] = raw::members(text, ["mode"]);
    mode.is_some_and(|mode| raw::is_text(mode, "url"))
}

/// The state of a request that its client is to make again, when its user has been to some pages.
const AGAIN: &str = "mcproxy.again";
/// No user is sent to more pages at once.
const MOST_PAGES: usize = 16;

/// What an error is here by which a server with a handshake sends the user to pages before it does what
/// was asked (2025-11-25, client/elicitation, "URL Elicitation Required Error"): the raw result that asks
/// for that. `None` for any other error.
#[must_use]
pub fn pages(error: &[u8]) -> Option<Vec<u8>> {
    if code::of(error) != Some(code::URL_ELICITATION_REQUIRED) {
        return None;
    }
    let text = std::str::from_utf8(error).ok();
    let [data] = raw::members(text, ["data"]);
    let [pages] = raw::members(data, ["elicitations"]);
    let pages = raw::entries(pages?).into_iter().take(MOST_PAGES);
    let pages = pages.map(|page| Bytes::copy_from_slice(page.as_bytes()));
    let pages = pages.filter(|page| is_by_url(Some(page)));
    let pages = pages.enumerate().map(|(position, page)| {
        let key = format!("r{}", position + 1);
        (key, question(method::ELICITATION, &page))
    });
    let pages: Vec<(String, Bytes)> = pages.collect();
    let shown = pages
        .iter()
        .map(|(key, page)| (key.as_str(), method::ELICITATION, Some(&**page)));
    (!pages.is_empty()).then(|| result(shown, AGAIN))
}

/// Whether a request with these params is one that is made again after that.
#[must_use]
pub fn is_after_pages(params: &Bytes) -> bool {
    let text = std::str::from_utf8(params).ok();
    let [state] = raw::members(text, ["requestState"]);
    state.is_some_and(|state| raw::is_text(state, AGAIN))
}

/// The raw error for a client that has to declare what a server wanted to ask it: a capability, and
/// after a dot what of it (2026-07-28, basic, "Error codes").
#[must_use]
pub fn missing_capability(missing: &str) -> Bytes {
    let needed = match missing.split_once('.') {
        Some((capability, detail)) => format!(r#"{{"{capability}":{{"{detail}":{{}}}}}}"#),
        None => format!(r#"{{"{missing}":{{}}}}"#),
    };
    let data = format!(r#"{{"requiredCapabilities":{needed}}}"#);
    let text = format!("the server needs the client's capability '{missing}' for this request");
    jsonrpc::error_object_with(code::MISSING_CAPABILITY, &text, data.as_bytes())
}

/// The raw error for a client that gives back a state for which nothing is held.
#[must_use]
pub fn unknown_state() -> Bytes {
    let text = "requestState: nothing is held for it. It was used, it is more than 600 s old, it belongs \
                to another request, or the gateway or the server was restarted; ask again without it";
    jsonrpc::error_object(code::INVALID_PARAMS, text)
}

/// What a client gives back with a request that comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// The state that it was shown.
    pub state: String,
    /// The raw answers, by the keys of the questions.
    pub answers: BTreeMap<String, Bytes>,
}

impl Returned {
    /// Reads the raw params of a request. Nothing if it is not one that comes again.
    ///
    /// Errors: answers that are no object.
    pub fn parse(params: &Bytes) -> Result<Option<Self>, String> {
        let text = raw::text(params, "the params' bytes")?;
        let [state, answers] = raw::members(Some(text), ["requestState", "inputResponses"]);
        let Some(state) = state.and_then(raw::string) else {
            return Ok(None);
        };
        let wrong = |error| format!("'inputResponses' is unusable: {error}");
        let answers: BTreeMap<String, &RawValue> =
            serde_json::from_str(answers.unwrap_or("{}")).map_err(wrong)?;
        let raw =
            |(key, value): (String, &RawValue)| (key, params.slice_ref(value.get().as_bytes()));
        Ok(Some(Self {
            state: state.into(),
            answers: answers.into_iter().map(raw).collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn questions_are_shown_and_answers_read() {
        let questions = [
            ("r1", "elicitation/create", Some(&b"{\n\"a\":1.10}"[..])),
            ("r2", "roots/list", None),
        ];
        let shown = result(questions.into_iter(), "s\"");
        assert!(!shown.contains(&b'\n'));
        let wanted = json!({"resultType": "input_required", "requestState": "s\"",
            "inputRequests": {"r1": {"method": "elicitation/create", "params": {"a": 1.10}},
                "r2": {"method": "roots/list"}}});
        assert_eq!(serde_json::from_slice::<Value>(&shown).unwrap(), wanted);
        let params =
            br#"{"requestState":"s\"","inputResponses":{"r1":{"action": "accept"},"x":1}}"#;
        let read = Returned::parse(&Bytes::from_static(params))
            .unwrap()
            .unwrap();
        assert_eq!(read.state, "s\"");
        assert_eq!(read.answers.get("r1").unwrap(), r#"{"action": "accept"}"#);
        let parse = |text: &'static str| Returned::parse(&Bytes::from_static(text.as_bytes()));
        assert_eq!(parse(r#"{"name":"t"}"#), Ok(None));
        assert!(parse(r#"{"requestState":"s","inputResponses":[1]}"#).is_err());
        let bare = parse(r#"{"requestState":"s"}"#).unwrap().unwrap();
        assert!(bare.answers.is_empty());
    }

    #[test]
    fn a_request_is_known_by_what_it_asks() {
        let of = |method, params: &str| Identity::of(method, params.as_bytes());
        let one = of("tools/call", r#"{"name":"t","arguments":{"a":1}}"#);
        let again = r#"{"_meta":{},"requestState":"x","arguments":{"a":1},"name":"t"}"#;
        assert_eq!(one, of("tools/call", again));
        for (method, params) in [
            ("prompts/get", r#"{"name":"t","arguments":{"a":1}}"#),
            ("tools/call", r#"{"name":"u","arguments":{"a":1}}"#),
            ("tools/call", r#"{"name":"t","arguments":{"a":2}}"#),
            ("tools/call", r#"{"name":"t"}"#),
        ] {
            assert_ne!(one, of(method, params), "{method} {params}");
        }
    }

    #[test]
    fn questions_have_no_id_of_a_page() {
        let asked = Bytes::from_static(br#"{"mode":"url","elicitationId":"7","url":"a:"}"#);
        assert_eq!(
            question("elicitation/create", &asked),
            r#"{"mode":"url","url":"a:"}"#
        );
        assert!(is_by_url(Some(&asked)) && !is_by_url(None));
        assert_eq!(question("sampling/createMessage", &asked), asked);
        let needed = |missing: &str| {
            let error: Value = serde_json::from_slice(&missing_capability(missing)).unwrap();
            error["data"]["requiredCapabilities"].clone()
        };
        assert_eq!(needed("roots"), json!({"roots": {}}));
        assert_eq!(
            needed("elicitation.url"),
            json!({"elicitation": {"url": {}}})
        );
    }

    #[test]
    fn an_error_that_sends_to_pages_becomes_a_question() {
        let error = br#"{"code":-32042,"message":"x","data":{"elicitations":[
            {"mode":"url","elicitationId":"7","url":"https://a/","message":"m"},{"mode":"form"}]}}"#;
        let shown: Value = serde_json::from_slice(&pages(error).unwrap()).unwrap();
        let page = json!({"mode": "url", "url": "https://a/", "message": "m"});
        let wanted = json!({"r1": {"method": "elicitation/create", "params": page}});
        assert_eq!(shown["inputRequests"], wanted);
        let back = Bytes::from(json!({"requestState": shown["requestState"]}).to_string());
        assert!(is_after_pages(&back));
        assert!(!is_after_pages(&Bytes::from_static(b"{}")));
        for other in [
            &br#"{"code":-32042,"message":"x"}"#[..],
            br#"{"code":-32042,"data":{"elicitations":[{"mode":"form"}]}}"#,
            br#"{"code":-32041,"data":{"elicitations":[{"mode":"url"}]}}"#,
        ] {
            assert_eq!(pages(other), None);
        }
    }
}
