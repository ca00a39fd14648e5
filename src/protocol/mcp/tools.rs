//! `tools/call`, as far as the gateway itself answers it.

use bytes::Bytes;

use super::super::raw;

/// The result of a `tools/call` that failed in a way its caller, a model, should read about.
#[must_use]
pub fn failed_call(text: &str) -> Bytes {
    let mut out = br#"{"content":[{"type":"text","text":"#.to_vec();
    raw::push_string(&mut out, text);
    out.extend_from_slice(br#"}],"isError":true}"#);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_call_is_a_result_that_models_read() {
        assert_eq!(
            failed_call("server 'git' exited\n\"badly\""),
            r#"{"content":[{"type":"text","text":"server 'git' exited\n\"badly\""}],"isError":true}"#
        );
    }
}
