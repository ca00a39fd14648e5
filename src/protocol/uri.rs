//! URIs of resources: which template one belongs to, its scheme, and the way in which the same URI
//! of two servers is told apart. All of it is text; nothing is normalised, because to MCP a URI is
//! the string that a server chose.

/// What stands before the server's name in a URI that is not its server's own.
const PREFIX: &str = "mcproxy://";

/// The longest template, and the longest URI, that are compared. Work grows with their product, and
/// both come from outside.
const LONGEST_TEMPLATE: usize = 2 << 10;
const LONGEST_URI: usize = 8 << 10;

/// `uri` (or a template) of `server`, for clients who know another resource by the same.
#[must_use]
pub fn qualified(server: &str, uri: &str) -> String {
    format!("{PREFIX}{server}/{uri}")
}

/// The reverse of [`qualified`]: the server and its own URI.
#[must_use]
pub fn unqualify(uri: &str) -> Option<(&str, &str)> {
    uri.strip_prefix(PREFIX)?.split_once('/')
}

/// The scheme of `uri` as it is written (RFC 3986 §3.1). `FILE` and `file` are the same: compare
/// with [`str::eq_ignore_ascii_case`].
#[must_use]
pub fn scheme(uri: &str) -> Option<&str> {
    let (scheme, _) = uri.split_once(':')?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_scheme && scheme.chars().all(is_plain)).then_some(scheme)
}

/// Whether a client can fetch `uri` by itself: resources with `https` are those (2025-11-25,
/// server/resources, "Common URI Schemes").
#[must_use]
pub fn is_web(uri: &str) -> bool {
    let is_it = |scheme: &str| ["https", "http"].contains(&&*scheme.to_ascii_lowercase());
    scheme(uri).is_some_and(is_it)
}

/// A URI template (RFC 6570), taken apart to see which URIs it can have made. It says yes more often
/// than it should rather than less: it chooses a server, and the server decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template {
    parts: Vec<Part>,
    is_too_long: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Literal(String),
    Expression(Expression),
}

/// What an expression may have become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Expression {
    /// The character it begins with; all of it, or what is behind this character, may be missing,
    /// as variables need not be set. Without a first character there is at least one of any kind.
    first: Option<u8>,
    may_hold_slash: bool,
}

impl Template {
    /// Takes `text` apart. Braces that are no expression stand for themselves.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut template = Self {
            parts: Vec::new(),
            is_too_long: text.len() > LONGEST_TEMPLATE,
        };
        let mut rest = if template.is_too_long { "" } else { text };
        while let Some(open) = rest.find('{') {
            let (before, tail) = rest.split_at(open);
            template.push_literal(before);
            let end = tail.find('}').map_or(0, |close| close + 1);
            let (braces, after) = tail.split_at(end);
            if let Some(expression) = Expression::parse(braces) {
                template.parts.push(Part::Expression(expression));
                rest = after;
            } else {
                template.push_literal("{");
                rest = tail.get(1..).unwrap_or_default();
            }
        }
        template.push_literal(rest);
        template
    }

    fn push_literal(&mut self, text: &str) {
        if let Some(Part::Literal(literal)) = self.parts.last_mut() {
            literal.push_str(text);
        } else if !text.is_empty() {
            self.parts.push(Part::Literal(text.to_owned()));
        }
    }

    /// Whether `uri` can have been made from this template.
    #[must_use]
    pub fn matches(&self, uri: &str) -> bool {
        if self.is_too_long || uri.len() > LONGEST_URI {
            return false;
        }
        let uri = uri.as_bytes();
        // At which places of the URI the parts so far can have ended: one pass over the URI for each
        // part, whatever is in it, where trying and going back could take for ever.
        let mut ends = vec![false; uri.len() + 1];
        if let Some(start) = ends.first_mut() {
            *start = true;
        }
        for part in &self.parts {
            ends = match part {
                Part::Literal(literal) => ends_of_literal(literal.as_bytes(), uri, &ends),
                Part::Expression(expression) => expression.ends(uri, &ends),
            };
            if !ends.contains(&true) {
                return false;
            }
        }
        ends.last() == Some(&true)
    }
}

/// Where `literal` ends in `uri` if it begins at one of `starts`.
fn ends_of_literal(literal: &[u8], uri: &[u8], starts: &[bool]) -> Vec<bool> {
    let mut ends = vec![false; starts.len()];
    for (end, start) in ends
        .iter_mut()
        .skip(literal.len())
        .zip(starts.iter().enumerate())
    {
        let (at, is_start) = start;
        *end = *is_start && uri.get(at..).is_some_and(|rest| rest.starts_with(literal));
    }
    ends
}

impl Expression {
    /// Reads `{…}`; `None` if it is no expression of RFC 6570 §2.2. Whether its names may be names is
    /// not looked at, nor are operators kept for later.
    fn parse(braces: &str) -> Option<Self> {
        let inner = braces.strip_prefix('{')?.strip_suffix('}')?;
        let operator = inner.chars().next().filter(|c| "+#./;?&".contains(*c));
        let names = inner.get(operator.map_or(0, char::len_utf8)..)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_.%,:*-".contains(c);
        if names.is_empty() || !names.chars().all(is_name) {
            return None;
        }
        let is_list = names.contains(['*', ',']);
        Some(Self {
            first: operator
                .filter(|c| *c != '+')
                .and_then(|c| u8::try_from(c).ok()),
            may_hold_slash: match operator {
                Some('+' | '#' | '?' | '&') => true,
                Some('/') => is_list,
                Some(_) | None => false,
            },
        })
    }

    /// Where this ends in `uri` if it begins at one of `starts`.
    fn ends(self, uri: &[u8], starts: &[bool]) -> Vec<bool> {
        let mut ends = vec![false; starts.len()];
        // Whether one that began before goes on up to here.
        let mut is_open = false;
        for (at, (end, is_start)) in ends.iter_mut().zip(starts).enumerate() {
            let may_be_missing = self.first.is_some();
            *end = is_open || (*is_start && may_be_missing);
            let Some(next) = uri.get(at) else { break };
            let goes_on = self.may_hold_slash || *next != b'/';
            is_open = match self.first {
                None => (is_open || *is_start) && goes_on,
                Some(first) => (is_open && goes_on) || (*is_start && *next == first),
            };
        }
        ends
    }
}

#[cfg(test)]
mod tests;
