//! Bearer tokens (RFC 6750), where the operator asks for them: which routes need one, and whose a
//! request is. `service.rs` asks after the guard; `main` reads the tokens and holds the keeper.

mod keeper;
mod tokens;

pub use self::keeper::{TokenError, TokenKeeper};
pub use self::tokens::{InvalidToken, Tokens};

use super::path::is_for_probers;
use crate::ids::Owner;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};

/// Why a request was not let in: 401 and `WWW-Authenticate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(
        "a token is needed here: send 'Authorization: Bearer TOKEN' with one of those that the \
         gateway was given with --token-file or MCPROXY_TOKEN"
    )]
    Missing,
    #[error(
        "the 'Authorization' header does not begin with 'Bearer': send 'Authorization: Bearer TOKEN'"
    )]
    Scheme,
    #[error(
        "the client sent the name of a variable, or a blank, instead of a token: it did not fill in what \
         its configuration says; write the token there, or what this client fills in"
    )]
    Unfilled,
    #[error("this token is not, or no longer, one of the gateway's")]
    Wrong,
}

impl Refusal {
    /// The challenge. Without a token by this scheme there is no error to speak of (RFC 6750 §3.1).
    pub(super) fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Missing | Self::Scheme => "Bearer",
            Self::Unfilled | Self::Wrong => "Bearer error=\"invalid_token\"",
        })
    }
}

/// Where clients look for an authorization server if they find no description of one (MCP
/// 2025-03-26, "Fallbacks for Servers without Metadata Discovery").
const OAUTH: [&str; 3] = ["/authorize", "/register", "/token"];

/// Whether a client asks here who grants access: nobody does, which is a plain 404 (RFC 8414 §3,
/// RFC 9728 §3; some put the resource's path before the well-known part). A challenge here would
/// send it round in circles.
pub(super) fn is_discovery(path: &str) -> bool {
    OAUTH.contains(&path) || path.split('/').any(|segment| segment == ".well-known")
}

/// Whose a request for `path` is.
pub(super) fn check(tokens: &Tokens, path: &str, headers: &HeaderMap) -> Result<Owner, Refusal> {
    if !tokens.are_asked_for() || is_for_probers(path) {
        return Ok(Owner::ANYBODY);
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Err(Refusal::Missing),
        (Some(value), None) => {
            let token = bearer(value.as_bytes()).ok_or(Refusal::Scheme)?;
            tokens.owner_of(token).ok_or_else(|| refusal(token))
        }
        (Some(_), Some(_)) => Err(Refusal::Wrong),
    }
}

/// The token in the value of an `Authorization` header. The scheme's case means nothing (RFC 9110
/// §11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme
        .eq_ignore_ascii_case(SCHEME)
        .then(|| token.trim_ascii())
}

/// Why a token is refused: what clients write where they fill nothing in is no secret.
fn refusal(token: &[u8]) -> Refusal {
    let starts = [&b"$"[..], b"<", b"{{", b"{env:", b"%"];
    let is_unfilled = starts.iter().any(|start| token.starts_with(start));
    if is_unfilled {
        Refusal::Unfilled
    } else {
        Refusal::Wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn ask(path: &str, values: &[&str]) -> Result<Owner, Refusal> {
        let tokens = Tokens::parse(TOKEN).unwrap();
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        check(&tokens, path, &headers)
    }

    #[test]
    fn one_right_token_lets_in() {
        for value in ["Bearer ", "bearer ", "BEARER   "] {
            let owner = ask("/mcp", &[&format!("{value}{TOKEN}")]).unwrap();
            assert_ne!(owner, Owner::ANYBODY, "{value}");
        }
        for wrong in [
            "Bearer ".to_owned(),
            format!("Bearer {TOKEN}x"),
            format!("Bearer {}", TOKEN.to_uppercase()),
            format!("Bearer {TOKEN}, Bearer {TOKEN}"),
            format!("Bearer {TOKEN} {TOKEN}"),
            format!("Bearer \"{TOKEN}\""),
        ] {
            assert_eq!(ask("/mcp", &[&wrong]), Err(Refusal::Wrong), "{wrong}");
        }
        for other in [
            String::new(),
            "Bearer".to_owned(),
            TOKEN.to_owned(),
            format!("Basic {TOKEN}"),
            format!("Bearer{TOKEN}"),
        ] {
            assert_eq!(ask("/mcp", &[&other]), Err(Refusal::Scheme), "{other}");
        }
        for blank in [
            "${TOKEN}",
            "$TOKEN",
            "<token>",
            "{{token}}",
            "{env:TOKEN}",
            "%TOKEN%",
        ] {
            let blank = format!("Bearer {blank}");
            assert_eq!(ask("/mcp", &[&blank]), Err(Refusal::Unfilled), "{blank}");
        }
        let right = format!("Bearer {TOKEN}");
        assert_eq!(ask("/mcp", &[&right, &right]), Err(Refusal::Wrong));
        assert_eq!(ask("/mcp", &[]), Err(Refusal::Missing));
    }

    #[test]
    fn what_needs_no_token() {
        for path in ["/healthz", "/readyz", "/health", "/healthz/"] {
            assert_eq!(ask(path, &[]), Ok(Owner::ANYBODY));
        }
        for path in [
            "/",
            "/healthz/x",
            "//healthz",
            "/metrics",
            "/status",
            "",
            "*",
        ] {
            assert_eq!(ask(path, &[]), Err(Refusal::Missing), "{path}");
        }
        let nobody_asks = check(&Tokens::default(), "/mcp", &HeaderMap::new());
        assert_eq!(nobody_asks, Ok(Owner::ANYBODY));
    }

    #[test]
    fn places_of_discovery_are_known() {
        for path in [
            "/.well-known/oauth-protected-resource",
            "/.well-known/oauth-protected-resource/mcp",
            "/.well-known/oauth-authorization-server/metamcp/a/mcp",
            "/.well-known/openid-configuration",
            "/mcp/.well-known/openid-configuration",
            "/register",
            "/authorize",
            "/token",
        ] {
            assert!(is_discovery(path), "{path}");
        }
        for path in [
            "/",
            "/mcp",
            "/.well-knownx",
            "/register/x",
            "/metamcp/register/mcp",
        ] {
            assert!(!is_discovery(path), "{path}");
        }
    }
}
