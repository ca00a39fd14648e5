//! `notifications/cancelled`: a client's is passed on with the id that the server knows; one of
//! the gateway's own is written when a call timed out or its client went away.

use std::ops::Range;

use bytes::Bytes;

use super::super::jsonrpc::RequestId;
use super::super::raw;

/// The params of a `notifications/cancelled`.
#[derive(Debug, Clone)]
pub struct Cancelled {
    params: Bytes,
    id: Option<RequestId>,
    span: Option<Range<usize>>,
}

impl Cancelled {
    /// Finds the id of what is cancelled. The error says what is wrong with the params.
    pub fn parse(params: &Bytes) -> Result<Self, String> {
        let text = raw::text(params, "the params' bytes")?;
        let [id] = raw::pick(text, ["requestId"])
            .map_err(|error| format!("the params are unusable: {error}"))?;
        let id = id.value("requestId")?;
        Ok(Self {
            params: params.clone(),
            id: id.and_then(RequestId::from_raw),
            span: id.map(|id| raw::span(text, id)),
        })
    }

    /// The id of what is cancelled. 2025-11-25 lets it be absent (tasks have another way), and
    /// what is no id names nothing.
    #[must_use]
    pub fn request_id(&self) -> Option<RequestId> {
        self.id.clone()
    }

    /// The params with `id` in place of the sender's; on one line.
    #[must_use]
    pub fn rewrite(&self, id: u64) -> Bytes {
        let id = id.to_string();
        let edits = self.span.iter().map(|span| (span.clone(), id.as_bytes()));
        raw::splice(&self.params, edits.collect()).into()
    }
}

/// Params of the gateway's own. `reason` is for the server's log.
#[must_use]
pub fn cancelled_params(id: u64, reason: &str) -> Bytes {
    let mut out = format!("{{\"requestId\":{id},\"reason\":").into_bytes();
    raw::push_string(&mut out, reason);
    out.push(b'}');
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_id_changes() {
        let params = Bytes::from("{\"reason\":\"\\u00e9\",\n\"requestId\":\"7\",\"x\":1.10}");
        let cancelled = Cancelled::parse(&params).unwrap();
        assert_eq!(cancelled.request_id().unwrap().as_raw(), "\"7\"");
        assert_eq!(
            cancelled.rewrite(42),
            "{\"reason\":\"\\u00e9\",\"requestId\":42,\"x\":1.10}"
        );
    }

    #[test]
    fn what_names_no_request_has_no_id() {
        for text in [r"{}", r#"{"requestId":null}"#, r#"{"requestId":1.5}"#] {
            let cancelled = Cancelled::parse(&Bytes::from(text)).unwrap();
            assert_eq!(cancelled.request_id(), None, "{text}");
        }
        for text in ["[]", r#"{"requestId":1,"requestId":2}"#] {
            assert!(Cancelled::parse(&Bytes::from(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn our_own_are_readable_by_ourselves() {
        let params = cancelled_params(9, "no answer within 300 s\n\"quoted\"");
        let cancelled = Cancelled::parse(&params).unwrap();
        assert_eq!(cancelled.request_id(), Some(RequestId::from_number(9)));
        assert_eq!(
            params,
            r#"{"requestId":9,"reason":"no answer within 300 s\n\"quoted\""}"#
        );
    }
}
