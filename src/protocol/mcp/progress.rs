//! `notifications/progress` on its way from a server to the client that asked for it: the gateway's
//! token is taken out and the client's own put back.

use std::ops::Range;

use bytes::Bytes;

use super::super::raw;

/// The params of a `notifications/progress`.
#[derive(Debug, Clone)]
pub struct Progress {
    params: Bytes,
    token: Option<u64>,
    span: Range<usize>,
}

impl Progress {
    /// Finds the token. The error says what is wrong with the params.
    pub fn parse(params: &Bytes) -> Result<Self, String> {
        let text = raw::text(params, "the params' bytes")?;
        let [token] = raw::pick(text, ["progressToken"])
            .map_err(|error| format!("the params are unusable: {error}"))?;
        let token = token.once("progressToken")?;
        let token = token.ok_or("the params have no 'progressToken'")?;
        Ok(Self {
            params: params.clone(),
            token: raw::number(token.as_bytes()),
            span: raw::span(text, token),
        })
    }

    /// The gateway's own token, also where the server made a string of it; `None` if it is not
    /// one the gateway can have sent.
    #[must_use]
    pub fn token(&self) -> Option<u64> {
        self.token
    }

    /// The params with the client's token, raw JSON, in its place; on one line.
    #[must_use]
    pub fn rewrite(&self, raw_token: &str) -> Bytes {
        let edits = vec![(self.span.clone(), raw_token.as_bytes())];
        raw::splice(&self.params, edits).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_changes() {
        let params = "{\"progress\":1.10,\r\n \"progressToken\": 17 ,\"total\":1e400,\"x\":{\"progressToken\":3}}";
        let progress = Progress::parse(&Bytes::from(params)).unwrap();
        assert_eq!(progress.token(), Some(17));
        assert_eq!(
            progress.rewrite(r#""a\u0062""#),
            r#"{"progress":1.10, "progressToken": "a\u0062" ,"total":1e400,"x":{"progressToken":3}}"#
        );
    }

    #[test]
    fn tokens_come_back_as_strings_and_others_are_unknown() {
        let parse = |text: &'static str| Progress::parse(&Bytes::from(text));
        assert_eq!(
            parse(r#"{"progressToken":"17"}"#).unwrap().token(),
            Some(17)
        );
        assert_eq!(parse(r#"{"progressToken":"x"}"#).unwrap().token(), None);
        assert_eq!(parse(r#"{"progressToken":1.0}"#).unwrap().token(), Some(1));
        assert_eq!(parse(r#"{"progressToken":1.5}"#).unwrap().token(), None);
        for wrong in ["{}", "[]", r#"{"progressToken":1,"progressToken":2}"#] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
