//! `notifications/resources/updated` on its way from a server to the clients that subscribed: the
//! URI is read, and changed where clients know the resource by another one.

use std::ops::Range;

use bytes::Bytes;

use super::super::raw;

/// The params of a `resources/subscribe` or `resources/unsubscribe` of the gateway's own.
#[must_use]
pub fn uri_params(uri: &str) -> Bytes {
    let mut out = br#"{"uri":"#.to_vec();
    raw::push_string(&mut out, uri);
    out.push(b'}');
    out.into()
}

/// The params of a `notifications/resources/updated`.
#[derive(Debug, Clone)]
pub struct Updated {
    params: Bytes,
    uri: String,
    span: Range<usize>,
}

impl Updated {
    /// Finds the URI. The error says what is wrong with the params.
    pub fn parse(params: &Bytes) -> Result<Self, String> {
        let text = raw::text(params, "the params' bytes")?;
        let [uri] = raw::pick(text, ["uri"])
            .map_err(|error| format!("the params are unusable: {error}"))?;
        let raw_uri = uri.once("uri")?.ok_or("the params have no 'uri'")?;
        let uri = raw::string(raw_uri).ok_or("the 'uri' is not a string")?;
        Ok(Self {
            params: params.clone(),
            uri: uri.into(),
            span: raw::span(text, raw_uri),
        })
    }

    /// What changed, decoded. It may be a part of what was subscribed to.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The params as they are.
    #[must_use]
    pub fn params(&self) -> &Bytes {
        &self.params
    }

    /// The params with `uri` in place of the server's, on one line.
    #[must_use]
    pub fn rewrite(&self, uri: &str) -> Bytes {
        let uri = raw::quoted(uri);
        raw::splice(&self.params, vec![(self.span.clone(), &uri)]).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_uri_changes() {
        let params =
            "{\"title\":\"\\u00e9\",\n \"uri\" : \"file:\\/\\/\\/a\",\"_meta\":{\"uri\":1.10}}";
        let updated = Updated::parse(&Bytes::from(params)).unwrap();
        assert_eq!(updated.uri(), "file:///a");
        assert_eq!(
            updated.rewrite("mcproxy://git/\"a\""),
            r#"{"title":"\u00e9", "uri" : "mcproxy://git/\"a\"","_meta":{"uri":1.10}}"#
        );
    }

    #[test]
    fn our_own_requests_name_the_resource() {
        assert_eq!(uri_params("a \"b\"\n"), r#"{"uri":"a \"b\"\n"}"#);
    }

    #[test]
    fn what_names_no_resource_is_refused() {
        for text in [
            "{}",
            "[]",
            r#"{"uri":7}"#,
            r#"{"uri":"\ud800"}"#,
            r#"{"uri":"a","\u0075ri":"b"}"#,
        ] {
            assert!(Updated::parse(&Bytes::from(text)).is_err(), "{text}");
        }
    }
}
