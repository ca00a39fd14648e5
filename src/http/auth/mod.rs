//! Bearer tokens (RFC 6750), where the operator asks for them: which routes need one, and whose a
//! request is. `service.rs` asks after the guard; `main` reads the tokens and holds the keeper.

mod keeper;
mod tokens;

pub use self::keeper::{TokenError, TokenKeeper};
pub(super) use self::tokens::Pins;
pub use self::tokens::{InvalidToken, Tokens};

use super::path::is_for_probers;
use crate::ids::Owner;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// As MetaMCP has it.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Why a request was not let in: 401 and `WWW-Authenticate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(
        "a token is needed here: send 'Authorization: Bearer TOKEN', or 'X-API-Key: TOKEN', with one of \
         those that the gateway was given with --token-file or MCPROXY_TOKEN"
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

/// Whose a request for `path` is, and the profiles that its token is pinned to.
pub(super) fn check(
    tokens: &Tokens,
    path: &str,
    headers: &HeaderMap,
) -> Result<(Owner, Pins), Refusal> {
    if !tokens.are_asked_for() || is_for_probers(path) {
        return Ok((Owner::ANYBODY, None));
    }
    let token = shown(headers)?;
    tokens.owner_of(token).ok_or_else(|| refusal(token))
}

/// The token that a request shows: as a bearer's, or as an API key, which is how MetaMCP's clients show
/// theirs. Beside a key a proxy may leave what it was shown itself, by another scheme.
fn shown(headers: &HeaderMap) -> Result<&[u8], Refusal> {
    let authorization = only(headers, &AUTHORIZATION)?;
    let bearer = authorization.map(bearer);
    let key = only(headers, &API_KEY)?.map(<[u8]>::trim_ascii);
    // A client that has no key may send the header all the same: its variable is not set.
    let is_filled = |key: &&[u8]| !key.is_empty() || !matches!(bearer, Some(Some(_)));
    match (bearer, key.filter(is_filled)) {
        (None, None) => Err(Refusal::Missing),
        (Some(None), None) => Err(Refusal::Scheme),
        (Some(Some(token)), Some(key)) if token != key => Err(Refusal::Wrong),
        (_, Some(token)) | (Some(Some(token)), None) => Ok(token),
    }
}

/// The value of a header that may be there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h [u8]>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(HeaderValue::as_bytes)),
        (_, Some(_)) => Err(Refusal::Wrong),
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
        check(&tokens, path, &headers).map(|(owner, _)| owner)
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
    fn a_key_is_as_good_as_a_bearers_token() {
        let tokens = Tokens::parse(TOKEN).unwrap();
        let (bearer, key) = (format!("Bearer {TOKEN}"), "x-api-key");
        let auth = AUTHORIZATION.as_str();
        for (lines, expected) in [
            (&[(key, TOKEN)][..], Ok(())),
            (&[(key, " 0123456789abcdef ")], Ok(())),
            (&[(key, TOKEN), (auth, &bearer)], Ok(())),
            (&[(key, TOKEN), (auth, "Basic eDp5")], Ok(())),
            (&[(key, ""), (auth, &bearer)], Ok(())),
            (&[(key, " \t"), (auth, &bearer)], Ok(())),
            (&[(key, ""), (auth, "Bearer x")], Err(Refusal::Wrong)),
            (&[(key, ""), (auth, "Bearer ")], Err(Refusal::Wrong)),
            (&[(key, ""), (auth, "Basic eDp5")], Err(Refusal::Wrong)),
            (
                &[(key, "another-0123456789"), (auth, &bearer)],
                Err(Refusal::Wrong),
            ),
            (
                &[(key, TOKEN), (auth, "Bearer another-0123456789")],
                Err(Refusal::Wrong),
            ),
            (&[(key, TOKEN), (key, TOKEN)], Err(Refusal::Wrong)),
            (&[(key, &bearer)], Err(Refusal::Wrong)),
            (&[(key, "")], Err(Refusal::Wrong)),
            (&[(key, "${KEY}")], Err(Refusal::Unfilled)),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                let name = HeaderName::try_from(*name).unwrap();
                headers.append(name, HeaderValue::from_str(value).unwrap());
            }
            let found = check(&tokens, "/mcp", &headers).map(drop);
            assert_eq!(found, expected, "{lines:?}");
        }
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
        assert_eq!(nobody_asks, Ok((Owner::ANYBODY, None)));
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
