//! Which gateway a process comes from, and which of its children: a marker in the environment,
//! which whatever a child starts inherits. It is read from the process itself, so that a process
//! number that has a new owner deceives nobody.

use std::ffi::OsString;
use std::fmt;

/// The variable's name. Children never inherit it from the gateway's own environment.
const NAME: &str = "MCPROXY_CHILD";

/// One run of one gateway, named by random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct GatewayRun(u128);

impl GatewayRun {
    pub(super) fn new() -> Self {
        let mut bytes = [0; 16];
        // Without random bits from the system weaker ones will do: it need only be unlike others.
        match getrandom::fill(&mut bytes) {
            Ok(()) => Self(u128::from_ne_bytes(bytes)),
            Err(_) => Self(fastrand::u128(..)),
        }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = is_hex.then(|| u128::from_str_radix(text, 16).ok())?;
        bits.map(Self)
    }
}

impl fmt::Display for GatewayRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for GatewayRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A child of a gateway, by the serial number it has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) life: GatewayRun,
    pub(super) serial: u64,
}

impl Marker {
    /// The variable to set: its name and its value.
    pub(super) fn variable(self) -> (&'static str, OsString) {
        (NAME, format!("{}:{}", self.life, self.serial).into())
    }

    /// Finds the marker in the text of `/proc/PID/environ`; see proc(5).
    pub(super) fn find(environ: &[u8]) -> Option<Self> {
        let mut variables = environ.split(|&byte| byte == 0);
        let value = variables.find_map(|variable| {
            let value = variable.strip_prefix(NAME.as_bytes())?;
            value.strip_prefix(b"=")
        })?;
        let (life, serial) = std::str::from_utf8(value).ok()?.split_once(':')?;
        Some(Self {
            life: GatewayRun::parse(life)?,
            serial: serial.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_found() {
        let life = GatewayRun::new();
        assert_ne!(life, GatewayRun::new());
        let marker = Marker { life, serial: 7 };
        let (name, value) = marker.variable();
        let environ = format!("A=1\0{name}={}\0B=2\0", value.display());
        assert_eq!(Marker::find(environ.as_bytes()), Some(marker));
    }

    #[test]
    fn what_only_looks_like_it_is_not() {
        let life = GatewayRun::new();
        for environ in [
            String::new(),
            format!("NOT_{NAME}={life}:1\0"),
            format!("{NAME}S={life}:1\0"),
            format!("{NAME}={life}\0"),
            format!("{NAME}={life}:-1\0"),
            format!("{NAME}=+{life}:1\0"),
            format!("{NAME}=1:1\0"),
        ] {
            assert_eq!(Marker::find(environ.as_bytes()), None, "{environ}");
        }
    }
}
