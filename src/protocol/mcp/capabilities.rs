//! What a client lets servers ask of it, as it says in `initialize`. A server with one process for
//! each session is told the same; for all others it decides which requests are passed on.

use bytes::Bytes;

use super::super::modern::extensions::Extensions;
use super::super::raw;
use super::method;

const ROOTS: u16 = 1;
const ROOTS_CHANGED: u16 = 1 << 1;
const SAMPLING: u16 = 1 << 2;
const SAMPLING_TOOLS: u16 = 1 << 3;
const SAMPLING_CONTEXT: u16 = 1 << 4;
const ELICITATION: u16 = 1 << 5;
const ELICITATION_FORM: u16 = 1 << 6;
const ELICITATION_URL: u16 = 1 << 7;

/// A member of `capabilities` and what may be in it, with the JSON that declares it.
#[derive(Clone, Copy)]
struct Capability {
    bit: u16,
    name: &'static str,
    details: &'static [(u16, &'static str, &'static str)],
}

/// Every capability by which a client can be asked (2025-11-25, basic/lifecycle, "capability
/// negotiation", and the pages of client features). `tasks` is left out: it is not passed on.
const KNOWN: [Capability; 3] = [
    Capability {
        bit: ROOTS,
        name: "roots",
        details: &[(ROOTS_CHANGED, "listChanged", "true")],
    },
    Capability {
        bit: SAMPLING,
        name: "sampling",
        details: &[
            (SAMPLING_TOOLS, "tools", "{}"),
            (SAMPLING_CONTEXT, "context", "{}"),
        ],
    },
    Capability {
        bit: ELICITATION,
        name: "elicitation",
        details: &[
            (ELICITATION_FORM, "form", "{}"),
            (ELICITATION_URL, "url", "{}"),
        ],
    },
];

/// What a server may ask a client for. Small, so that it fits into a session id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ClientCapabilities(u16);

impl ClientCapabilities {
    /// Reads the raw `capabilities` of an `initialize`. What is no object declares nothing.
    pub(in super::super) fn parse(raw: Option<&str>) -> Self {
        let mut bits = 0;
        let found = raw::members(raw, KNOWN.map(|known| known.name));
        for (known, found) in KNOWN.iter().zip(found) {
            let found = found.filter(|raw| raw.starts_with('{'));
            bits |= found.map_or(0, |_| known.bit);
            for (bit, name, declared) in known.details {
                let [detail] = raw::members(found, [name]);
                // `true` declares by its value, an object by being one.
                let kind = declared.trim_end_matches('}');
                bits |= detail
                    .filter(|raw| raw.starts_with(kind))
                    .map_or(0, |_| *bit);
            }
        }
        Self(bits)
    }

    /// All of it as one number, for [`ClientCapabilities::from_bits`].
    #[must_use]
    pub fn bits(self) -> u16 {
        self.0
    }

    /// The reverse of [`ClientCapabilities::bits`]. Bits that mean nothing are dropped, and so are
    /// the details of a capability that is not there.
    #[must_use]
    pub fn from_bits(bits: u16) -> Self {
        let mut kept = 0;
        for known in KNOWN.iter().filter(|known| bits & known.bit != 0) {
            let details = known.details.iter().map(|(bit, ..)| bit & bits);
            kept |= known.bit | details.fold(0, |all, bit| all | bit);
        }
        Self(kept)
    }

    /// Everything that a client can declare.
    #[must_use]
    pub fn all() -> Self {
        Self::from_bits(u16::MAX)
    }

    /// The same, and `roots/list` is answered; changes of the roots are not announced.
    #[must_use]
    pub fn with_roots(self) -> Self {
        Self(self.0 | ROOTS)
    }

    /// Whether a server may send the request `asked`. Requests that need no capability, like
    /// `ping`, are not for a client to answer and give `false`.
    #[must_use]
    pub fn allows(self, asked: &str) -> bool {
        let needed = match asked {
            method::ROOTS_LIST => ROOTS,
            method::SAMPLING => SAMPLING,
            method::ELICITATION => ELICITATION,
            _ => return false,
        };
        self.0 & needed != 0
    }

    /// The same without news of roots: they are asked for with every request.
    #[must_use]
    pub fn without_changes(self) -> Self {
        Self(self.0 & !ROOTS_CHANGED)
    }

    /// The same for a client of a revision that knows no pages elsewhere.
    #[must_use]
    pub fn without_url(self) -> Self {
        let is_url_alone = self.0 & (ELICITATION_URL | ELICITATION_FORM) == ELICITATION_URL;
        let out = if is_url_alone { ELICITATION } else { 0 };
        Self(self.0 & !(ELICITATION_URL | out))
    }

    /// What a client lacks that would have to be asked this; `is_url` says that the user is sent
    /// elsewhere. Without a word about it, `elicitation` means forms.
    #[must_use]
    pub fn missing(self, asked: &str, is_url: bool) -> Option<&'static str> {
        let has = |bit: u16| self.0 & bit != 0;
        let has_forms = has(ELICITATION_FORM) || !has(ELICITATION_URL);
        match asked {
            method::ROOTS_LIST => (!has(ROOTS)).then_some("roots"),
            method::SAMPLING => (!has(SAMPLING)).then_some("sampling"),
            _ if is_url => (!has(ELICITATION_URL)).then_some("elicitation.url"),
            _ if !has(ELICITATION) => Some("elicitation"),
            _ => (!has_forms).then_some("elicitation.form"),
        }
    }

    /// The raw `capabilities` that declare it to a server. What the client did not name is not
    /// named either: `"elicitation":{}` means forms to every revision, and stays as it is.
    #[must_use]
    pub fn to_json(self) -> Bytes {
        self.to_json_with(&Extensions::default())
    }

    /// The same with the extensions that are declared beside it.
    #[must_use]
    pub fn to_json_with(self, extensions: &Extensions) -> Bytes {
        let mut parts = Vec::new();
        for known in KNOWN.iter().filter(|known| self.0 & known.bit != 0) {
            let details = known.details.iter();
            let details = details.filter(|(bit, ..)| self.0 & bit != 0);
            let details: Vec<String> = details
                .map(|(_, name, declared)| format!("\"{name}\":{declared}"))
                .collect();
            parts.push(format!("\"{}\":{{{}}}", known.name, details.join(",")));
        }
        let extensions = extensions.to_json();
        parts.extend(extensions.map(|declared| format!("\"extensions\":{declared}")));
        format!("{{{}}}", parts.join(",")).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> ClientCapabilities {
        ClientCapabilities::parse(Some(text))
    }

    #[test]
    fn everything_that_can_be_declared_is_read_and_told_again() {
        let all = r#"{"roots":{"listChanged":true},"sampling":{"tools":{},"context":{}},"elicitation":{"form":{},"url":{}}}"#;
        assert_eq!(parse(all).bits(), 0xff);
        for text in [
            all,
            "{}",
            r#"{"elicitation":{}}"#,
            r#"{"roots":{},"elicitation":{"url":{}}}"#,
            r#"{"sampling":{"context":{}}}"#,
        ] {
            assert_eq!(parse(text).to_json(), text);
        }
    }

    #[test]
    fn only_an_object_declares() {
        for text in [
            r#"{"sampling":null,"roots":true,"elicitation":[]}"#,
            r#"{"sampling":{},"sampling":{},"x":{}}"#,
            "[]",
        ] {
            assert_eq!(parse(text), ClientCapabilities::default(), "{text}");
        }
        assert_eq!(ClientCapabilities::parse(None).bits(), 0);
        let odd = r#"{"roots":{"listChanged":false},"sampling":{"tools":true,"x":{}},"elicitation":{"form":null,"url":{"x":1}}}"#;
        assert_eq!(
            parse(odd).to_json(),
            r#"{"roots":{},"sampling":{},"elicitation":{"url":{}}}"#
        );
    }

    #[test]
    fn each_request_needs_its_own() {
        let methods = ["roots/list", "sampling/createMessage", "elicitation/create"];
        for (text, wanted) in [
            (r#"{"roots":{}}"#, [true, false, false]),
            (r#"{"sampling":{}}"#, [false, true, false]),
            (r#"{"elicitation":{"url":{}}}"#, [false, false, true]),
        ] {
            assert_eq!(methods.map(|method| parse(text).allows(method)), wanted);
        }
        let all = ClientCapabilities::from_bits(u16::MAX);
        assert!(!all.allows("ping") && !all.allows("tools/call") && !all.allows(""));
        let roots = ClientCapabilities::default().with_roots();
        assert!(roots.allows("roots/list") && roots.to_json() == r#"{"roots":{}}"#);
    }

    proptest! {
        #[test]
        fn any_number_gives_what_can_be_declared(bits in any::<u16>()) {
            let read = ClientCapabilities::from_bits(bits);
            prop_assert_eq!(read.bits() & !bits, 0);
            let parents = ROOTS | SAMPLING | ELICITATION;
            let whole = ClientCapabilities::from_bits(bits | parents);
            prop_assert_eq!(whole.bits(), (bits | parents) & 0xff);
            prop_assert_eq!(ClientCapabilities::from_bits(read.bits()), read);
            let told = read.to_json();
            prop_assert_eq!(parse(std::str::from_utf8(&told).unwrap()), read);
        }
    }
}
