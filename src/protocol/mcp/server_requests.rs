//! What a server asks of a client: `sampling/createMessage`, `elicitation/create` and `roots/list`.
//! They pass through, but for the progress token: the client is asked by several servers, which
//! may have chosen the same one.

use std::ops::Range;

use bytes::Bytes;

use super::super::raw;

/// The params of a server's request to a client.
#[derive(Debug, Clone)]
pub struct ServerRequestParams {
    params: Option<Bytes>,
    token: Option<(Box<str>, Range<usize>)>,
}

impl ServerRequestParams {
    /// Finds the progress token. Nothing is refused: whether the params make sense is for the
    /// client to say.
    #[must_use]
    pub fn parse(params: Option<&Bytes>) -> Self {
        let text = params.and_then(|params| std::str::from_utf8(params).ok());
        let [meta] = raw::members(text, ["_meta"]);
        let [token] = raw::members(meta, ["progressToken"]);
        let is_token = |raw: &&str| raw.starts_with(|c: char| matches!(c, '"' | '-' | '0'..='9'));
        let token = text.zip(token.filter(is_token));
        Self {
            params: params.cloned(),
            token: token.map(|(text, token)| (token.into(), raw::span(text, token))),
        }
    }

    /// The server's progress token, as raw JSON, so that it can be given back as it is written.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|(raw, _)| raw.as_ref())
    }

    /// The params with `token` in place of the server's, on one line. A request for no progress
    /// gets no token; without `token` the server's stays.
    #[must_use]
    pub fn rewrite(&self, token: Option<u64>) -> Option<Bytes> {
        let params = self.params.as_ref()?;
        let token = token.map(|token| token.to_string());
        let place = self.token.as_ref().map(|(_, span)| span.clone());
        let edit = place.zip(token.as_ref().map(String::as_bytes));
        Some(raw::splice(params, edit.into_iter().collect()).into())
    }
}

/// The answer to a `roots/list`: the roots that are configured for a server.
#[must_use]
pub fn roots_result(uris: &[String]) -> Bytes {
    let mut out = br#"{"roots":["#.to_vec();
    for (position, uri) in uris.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(br#"{"uri":"#);
        raw::push_string(&mut out, uri);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out.into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ask(text: &str) -> ServerRequestParams {
        ServerRequestParams::parse(Some(&Bytes::from(text.to_owned())))
    }

    #[test]
    fn only_the_token_changes() {
        let ask = ask(
            "{\"_meta\":{\"x\":1.10,\n\"progressToken\":\"a\\u0062\"},\"progressToken\":2,\"temperature\":1e400}",
        );
        assert_eq!(ask.token(), Some(r#""a\u0062""#));
        let rewritten = ask.rewrite(Some(9)).unwrap();
        assert_eq!(
            rewritten,
            r#"{"_meta":{"x":1.10,"progressToken":9},"progressToken":2,"temperature":1e400}"#
        );
        let same = ask.rewrite(None).unwrap();
        assert_eq!(ServerRequestParams::parse(Some(&same)).token(), ask.token());
    }

    #[test]
    fn what_has_no_token_gets_none() {
        for text in [
            "{}",
            "[1]",
            r#"{"_meta":null}"#,
            r#"{"_meta":{}}"#,
            r#"{"_meta":{"progressToken":null}}"#,
            r#"{"_meta":{"progressToken":{"x":1}}}"#,
            r#"{"_meta":{"progressToken":1,"progressToken":2}}"#,
        ] {
            assert_eq!(ask(text).token(), None, "{text}");
            assert_eq!(ask(text).rewrite(Some(9)).unwrap(), text);
        }
        let nothing = ServerRequestParams::parse(None);
        assert_eq!((nothing.token(), nothing.rewrite(Some(9))), (None, None));
    }

    #[test]
    fn configured_roots_are_an_answer() {
        assert_eq!(roots_result(&[]), r#"{"roots":[]}"#);
        let uris = ["file:///a b".to_owned(), "file:///\"é\"\n".to_owned()];
        let read: Value = serde_json::from_slice(&roots_result(&uris)).unwrap();
        let wanted = json!({"roots": [{"uri": uris[0]}, {"uri": uris[1]}]});
        assert_eq!(read, wanted);
    }
}
