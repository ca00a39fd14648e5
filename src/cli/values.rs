//! The values of options: what is accepted, and an error that says how to write it instead.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use log::LevelFilter;

/// The default of `--listen`.
pub(super) const LISTEN: &str = "0.0.0.0:12009";
const PORT: u16 = 12009;

/// `--listen`: `ADDRESS:PORT`, `:PORT`, `PORT` or `ADDRESS`; what is missing is the default's.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse() {
        return Ok(SocketAddr::new(any, port));
    }
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    if let Ok(ip) = bare.unwrap_or(text).parse() {
        return Ok(SocketAddr::new(ip, PORT));
    }
    let port = match text.strip_prefix("localhost") {
        Some("") => Some(PORT),
        Some(rest) => rest.strip_prefix(':').and_then(|port| port.parse().ok()),
        None => None,
    };
    if let Some(port) = port {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    Err(explain_listen(text))
}

fn explain_listen(text: &str) -> String {
    let digits = text.rsplit(':').next().unwrap_or_default();
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if is_number && digits.parse::<u16>().is_err() {
        return format!("{digits} is no port; ports go up to 65535");
    }
    format!("an IP address with a port is needed, such as {LISTEN}, 127.0.0.1:12009 or [::]:12009")
}

/// A switch that the environment sets.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" | "y" | "t" => Ok(true),
        "" | "0" | "false" | "no" | "off" | "n" | "f" => Ok(false),
        _ => Err("1, true, yes or on switches it on; 0, false, no or off switches it off".into()),
    }
}

/// `--log-level`, with the names that other programs use for the same.
pub(super) fn level() -> impl TypedValueParser<Value = LevelFilter> {
    let names = [
        PossibleValue::new("error"),
        PossibleValue::new("warn").alias("warning"),
        PossibleValue::new("info"),
        PossibleValue::new("debug"),
        PossibleValue::new("trace"),
    ];
    PossibleValuesParser::new(names).map(|name| match name.to_ascii_lowercase().as_str() {
        "error" => LevelFilter::Error,
        "warn" | "warning" => LevelFilter::Warn,
        "debug" => LevelFilter::Debug,
        "trace" => LevelFilter::Trace,
        _ => LevelFilter::Info,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_takes_what_people_write() {
        let cases = [
            ("0.0.0.0:12009", "0.0.0.0:12009"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:8080", "[::1]:8080"),
            (":8080", "0.0.0.0:8080"),
            ("8080", "0.0.0.0:8080"),
            ("127.0.0.1", "127.0.0.1:12009"),
            ("::", "[::]:12009"),
            ("[::1]", "[::1]:12009"),
            ("localhost:0", "127.0.0.1:0"),
            ("localhost", "127.0.0.1:12009"),
        ];
        for (text, address) in cases {
            assert_eq!(listen(text).unwrap().to_string(), address, "{text}");
        }
    }

    #[test]
    fn listen_says_what_is_wrong() {
        for text in ["", "example.org:80", "1.2.3:80", "localhost:x", "http://a"] {
            let error = listen(text).unwrap_err();
            assert!(error.contains("such as 0.0.0.0:12009"), "{text}: {error}");
        }
        for text in ["70000", "127.0.0.1:99999", ":123456"] {
            assert!(listen(text).unwrap_err().contains("65535"), "{text}");
        }
    }

    #[test]
    fn switches_take_every_common_word() {
        for text in ["1", "true", "YES", "on"] {
            assert_eq!(boolean(text), Ok(true));
        }
        for text in ["0", "false", "No", "off", "", " "] {
            assert_eq!(boolean(text), Ok(false));
        }
        assert!(boolean("perhaps").is_err());
    }
}
