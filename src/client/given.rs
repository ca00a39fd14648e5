//! What people give to reach a server: its address, and a file with a token.

use std::path::Path;

use hyper::header::{HeaderValue, InvalidHeaderValue};
use url::Url;

use crate::files;

/// Thousands of tokens.
const LARGEST: u64 = 1 << 20;

/// An address that one can connect to.
///
/// # Errors
/// What is wrong with it, without showing it.
pub fn parse_url(text: &str) -> Result<Url, String> {
    let example = "such as http://server:12008/metamcp/NAME/mcp";
    let url =
        Url::parse(text.trim()).map_err(|error| format!("{error}; a URL is needed, {example}"))?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err(format!(
            "a URL with http:// or https:// is needed, {example}"
        ));
    }
    Ok(url)
}

/// The header with the first token of a file, as the gateway reads it.
///
/// # Errors
/// That it can't be read, or has none.
pub fn bearer(file: &Path) -> Result<HeaderValue, String> {
    let shown = file.display();
    let (text, _) = files::read_text(file, LARGEST)
        .map_err(|error| format!("cannot read the token file {shown}: {error}"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let words = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let token = words.into_iter().find(|word| !word.starts_with('#'));
    let token = token.ok_or_else(|| format!("there is no token in {shown}"))?;
    bearer_of(token).map_err(|_| format!("the first token in {shown} cannot be one"))
}

/// The header with a token.
///
/// # Errors
/// It has what no header may.
pub fn bearer_of(token: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(value)
}
