//! What a server asks in its answer, and the client's answers beside the request when it is sent
//! again (2026-07-28, client/multi-round-trip-requests). Keys and states stay as they are written.

use bytes::Bytes;

use super::super::mcp::method;
use super::super::raw;

/// A result of the type `input_required`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// What is asked, in the server's order.
    pub questions: Vec<Question>,
    /// The raw `requestState`, if there is one.
    pub state: Option<Bytes>,
}

/// One of its `inputRequests`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What the server calls it, raw.
    pub key: Bytes,
    /// What kind of request it is: one that clients of the earlier era know.
    pub method: &'static str,
    /// Its raw params.
    pub params: Option<Bytes>,
    /// Whether it sends the user to a page elsewhere.
    pub is_url: bool,
}

/// Reads such a result, with as many as `most` questions. The error says why nothing can be made of it.
pub fn read(result: &Bytes, most: usize) -> Result<Input, String> {
    let text = raw::text(result, "the result's bytes")?;
    let [requests, state] = raw::pick(text, ["inputRequests", "requestState"])
        .map_err(|error| format!("the result is unusable: {error}"))?;
    let state = state.value("requestState")?;
    if state.is_some_and(|state| !state.starts_with('"')) {
        return Err("its 'requestState' is not a string".to_owned());
    }
    let mut found = Vec::new();
    let requests = requests.value("inputRequests")?.unwrap_or("{}");
    raw::each(requests, |key, value| found.push((key, value)))
        .map_err(|error| format!("its 'inputRequests' are unusable: {error}"))?;
    if found.len() > most {
        return Err(format!("it asks more than {most} things at once"));
    }
    let questions = found
        .iter()
        .map(|(key, value)| question(result, key, value));
    let questions: Vec<Question> = questions.collect::<Result<_, _>>()?;
    if questions.is_empty() && state.is_none() {
        return Err("it has neither 'inputRequests' nor a 'requestState'".to_owned());
    }
    let state = state.map(|state| Bytes::copy_from_slice(state.as_bytes()));
    Ok(Input { questions, state })
}

fn question(result: &Bytes, key: &str, value: &str) -> Result<Question, String> {
    const KNOWN: [&str; 3] = [method::ELICITATION, method::SAMPLING, method::ROOTS_LIST];
    let [asked, params] = raw::pick(value, ["method", "params"])
        .map_err(|error| format!("one of its 'inputRequests' is unusable: {error}"))?;
    let asked = asked.once("method")?.and_then(raw::string);
    let asked = asked.ok_or("one of its 'inputRequests' has no 'method'")?;
    let known = KNOWN.into_iter().find(|known| *known == asked);
    let method = known.ok_or_else(|| {
        let shown: String = asked.chars().take(80).collect();
        format!("it asks for '{shown}', which is nothing that clients are asked for")
    })?;
    let params = params.value("params")?;
    if params.is_some_and(|params| !params.starts_with('{')) {
        return Err(format!("the params of its '{method}' are no object"));
    }
    let [mode] = raw::members(params, ["mode"]);
    Ok(Question {
        key: Bytes::copy_from_slice(key.as_bytes()),
        method,
        params: params.map(|params| result.slice_ref(params.as_bytes())),
        is_url: method == method::ELICITATION && mode.is_some_and(|mode| raw::is_text(mode, "url")),
    })
}

/// The params of an `elicitation/create` with an id of its own, which only clients of the earlier era
/// need (2025-11-25, client/elicitation, "URL Mode").
#[must_use]
pub fn with_elicitation_id(params: &Bytes, id: &str) -> Bytes {
    let Ok(text) = std::str::from_utf8(params) else {
        return params.clone();
    };
    let [named] = raw::members(Some(text), ["elicitationId"]);
    if named.is_some() {
        return params.clone();
    }
    let at = raw::inside(text, text);
    let member = format!(r#""elicitationId":"{id}","#);
    raw::splice(params, vec![(at..at, member.as_bytes())]).into()
}

/// The members of the params with which the request is sent again: the raw results under their keys,
/// and the state.
#[must_use]
pub fn answers<'a>(
    answers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    state: Option<&[u8]>,
) -> Bytes {
    let mut out = Vec::new();
    for (key, result) in answers {
        let begin: &[u8] = if out.is_empty() {
            br#""inputResponses":{"#
        } else {
            b","
        };
        out.extend_from_slice(begin);
        out.extend_from_slice(key);
        out.push(b':');
        raw::push_single_line(&mut out, result);
    }
    if !out.is_empty() {
        out.push(b'}');
    }
    if let Some(state) = state {
        let begin: &[u8] = if out.is_empty() {
            br#""requestState":"#
        } else {
            br#","requestState":"#
        };
        out.extend_from_slice(begin);
        out.extend_from_slice(state);
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(text: &str) -> Result<Input, String> {
        read(&Bytes::from(text.to_owned()), 2)
    }

    #[test]
    fn questions_and_state_are_read_as_they_are_written() {
        let read = input(
            r#"{"resultType":"input_required","inputRequests":{"\u0061":{"method":"elicitation/create","params":{"mode":"url","n":1.10}},"b":{"method":"roots/list"}},"requestState":"s\u0031"}"#,
        );
        let read = read.unwrap();
        let [first, second] = &read.questions[..] else {
            panic!("{read:?}")
        };
        assert_eq!((&first.key[..], first.is_url), (&br#""\u0061""#[..], true));
        assert_eq!(
            first.params.as_deref(),
            Some(&br#"{"mode":"url","n":1.10}"#[..])
        );
        assert_eq!(
            (second.method, &second.params, second.is_url),
            ("roots/list", &None, false)
        );
        assert_eq!(read.state.as_deref(), Some(&br#""s\u0031""#[..]));
        let waits = input(r#"{"requestState":"s"}"#).unwrap();
        assert!(waits.questions.is_empty() && waits.state.is_some());
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_a_reason() {
        for (text, why) in [
            ("{}", "neither"),
            (r#"{"inputRequests":{},"requestState":null}"#, "neither"),
            (r#"{"requestState":7}"#, "not a string"),
            (r#"{"inputRequests":[]}"#, "unusable"),
            (
                r#"{"inputRequests":{"a":{"method":"tools/call"}}}"#,
                "'tools/call'",
            ),
            (r#"{"inputRequests":{"a":{}}}"#, "no 'method'"),
            (
                r#"{"inputRequests":{"a":{"method":"roots/list","params":[]}}}"#,
                "no object",
            ),
            (
                r#"{"inputRequests":{"a":{"method":"roots/list"},"b":{"method":"roots/list"},"c":{"method":"roots/list"}}}"#,
                "more than 2",
            ),
        ] {
            let error = input(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn answers_stand_under_the_keys_of_the_questions() {
        let two = [(&br#""a""#[..], &b"{\n}"[..]), (br#""b""#, b"1.10")];
        let all = answers(two.into_iter(), Some(br#""s\u0031""#));
        assert_eq!(
            all,
            r#""inputResponses":{"a":{},"b":1.10},"requestState":"s\u0031""#
        );
        assert_eq!(
            answers([].into_iter(), Some(br#""s""#)),
            r#""requestState":"s""#
        );
    }

    #[test]
    fn a_page_elsewhere_gets_an_id() {
        let with = |text: &'static str| with_elicitation_id(&Bytes::from(text), "x1");
        assert_eq!(
            with(r#"{"mode":"url"}"#),
            r#"{"elicitationId":"x1","mode":"url"}"#
        );
        assert_eq!(with(r#"{"elicitationId":"a"}"#), r#"{"elicitationId":"a"}"#);
    }
}
