//! A server's `requestState` with something of the gateway's before it, in a result on its way out and
//! in params on their way back. What the server wrote stays as it is.

use bytes::Bytes;

use super::super::raw;

/// The state in a result or in params, decoded.
#[must_use]
pub fn of(body: &[u8]) -> Option<String> {
    let [state] = raw::members(std::str::from_utf8(body).ok(), ["requestState"]);
    state.and_then(raw::string).map(String::from)
}

/// The same with `mark` before the state: letters, digits and dots.
#[must_use]
pub fn marked(body: &[u8], mark: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let [state] = raw::members(Some(text), ["requestState"]);
    let at = raw::span(text, state?).start + 1;
    Some(raw::splice(body, vec![(at..at, mark.as_bytes())]))
}

/// The params without `mark`, with which their state begins.
#[must_use]
pub fn unmarked(params: &Bytes, mark: &str) -> Option<Bytes> {
    let text = std::str::from_utf8(params).ok()?;
    let [state] = raw::members(Some(text), ["requestState"]);
    let state = state?;
    let span = raw::span(text, state);
    let edited = if state.get(1..)?.starts_with(mark) {
        let from = span.start + 1;
        raw::splice(params, vec![(from..from + mark.len(), &[])])
    } else {
        // Written another way than it was given.
        let rest = raw::quoted(raw::string(state)?.strip_prefix(mark)?);
        raw::splice(params, vec![(span, &rest)])
    };
    Some(edited.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_and_goes_and_the_state_stays_as_it_is_written() {
        let body = Bytes::from(r#"{"a":1.10, "requestState" : "\u0061\"b","n":{}}"#);
        let with = Bytes::from(marked(&body, "x.y.").unwrap());
        assert_eq!(
            with,
            r#"{"a":1.10, "requestState" : "x.y.\u0061\"b","n":{}}"#
        );
        assert_eq!(of(&with).as_deref(), Some("x.y.a\"b"));
        assert_eq!(unmarked(&with, "x.y."), Some(body));
        let escaped = Bytes::from(r#"{"requestState":"\u0078.y.a"}"#);
        let without = unmarked(&escaped, "x.y.").unwrap();
        assert_eq!(without, r#"{"requestState":"a"}"#);
        for none in ["{}", r#"{"requestState":7}"#, r#"{"requestState":null}"#] {
            let none = Bytes::from(none);
            assert_eq!((of(&none), unmarked(&none, "x")), (None, None));
        }
        assert_eq!(marked(b"{}", "x"), None);
    }
}
