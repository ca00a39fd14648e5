//! Logging: the level that a client asks for and a server is told (`logging/setLevel`), and a
//! server's `notifications/message` on its way to the clients that want it.

use std::ops::Range;

use bytes::Bytes;

use super::super::raw;

/// How bad it is, as RFC 5424 has it; the least bad is the smallest, so that the most verbose of
/// several levels is their minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For whoever looks for a mistake.
    Debug,
    /// It goes on as it should.
    Info,
    /// Normal, but worth knowing.
    Notice,
    /// Not yet a mistake.
    Warning,
    /// Something failed.
    Error,
    /// A part failed.
    Critical,
    /// Somebody must act at once.
    Alert,
    /// Nothing works.
    Emergency,
}

/// Every level, the most verbose first.
const ALL: [Level; 8] = [
    Level::Debug,
    Level::Info,
    Level::Notice,
    Level::Warning,
    Level::Error,
    Level::Critical,
    Level::Alert,
    Level::Emergency,
];

impl Level {
    /// All their names, for people.
    #[must_use]
    pub fn names() -> String {
        ALL.map(Self::as_str).join(", ")
    }

    /// The level called `text`, if there is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        ALL.into_iter().find(|level| level.as_str() == text)
    }

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }
}

/// The level that the params of a `logging/setLevel` ask for. The error is for their sender.
pub fn requested_level(params: &Bytes) -> Result<Level, String> {
    let text = raw::text(params, "the params' bytes")?;
    let [level] =
        raw::pick(text, ["level"]).map_err(|error| format!("the params are unusable: {error}"))?;
    let level = level.once("level")?.ok_or("the params have no 'level'")?;
    let known = raw::string(level).and_then(|level| Level::parse(&level));
    known.ok_or_else(|| format!("the 'level' must be one of {}", Level::names()))
}

/// The params of a `logging/setLevel` of the gateway's own.
#[must_use]
pub fn set_level_params(level: Level) -> Bytes {
    format!(r#"{{"level":"{}"}}"#, level.as_str()).into()
}

/// The params of a server's `notifications/message`.
#[derive(Debug, Clone)]
pub struct LogMessage {
    params: Bytes,
    level: Option<Level>,
    logger: Logger,
}

/// The member `logger`: which part of the server speaks. It is optional.
#[derive(Debug, Clone)]
enum Logger {
    /// Where the member has to be added, and whether it will be the only one.
    Absent { at: usize, is_alone: bool },
    /// Its value's place, and what it says if it is text.
    Present(Range<usize>, Option<Box<str>>),
}

impl LogMessage {
    /// Finds the level and the logger. The error says what is wrong with the params.
    pub fn parse(params: &Bytes) -> Result<Self, String> {
        let text = raw::text(params, "the params' bytes")?;
        let [level, logger] = raw::pick(text, ["level", "logger"])
            .map_err(|error| format!("the params are unusable: {error}"))?;
        let level = level.once("level")?.and_then(raw::string);
        let logger = match logger.once("logger")? {
            Some(raw) => Logger::Present(raw::span(text, raw), raw::string(raw).map(Into::into)),
            None => after_brace(text),
        };
        Ok(Self {
            params: params.clone(),
            level: level.and_then(|level| Level::parse(&level)),
            logger,
        })
    }

    /// How bad it is; `None` if the server does not say it in a word that MCP knows.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.level
    }

    /// The params with the server's name before the logger's (`server/logger`), or in its place
    /// where there is none; on one line.
    #[must_use]
    pub fn under(&self, server: &str) -> Bytes {
        let (span, with) = match &self.logger {
            Logger::Present(span, Some(said)) if !said.is_empty() => {
                (span.clone(), raw::quoted(&format!("{server}/{said}")))
            }
            Logger::Present(span, _) => (span.clone(), raw::quoted(server)),
            Logger::Absent { at, is_alone } => {
                let mut member = br#""logger":"#.to_vec();
                raw::push_string(&mut member, server);
                if !is_alone {
                    member.push(b',');
                }
                (*at..*at, member)
            }
        };
        raw::splice(&self.params, vec![(span, &with)]).into()
    }
}

/// The place behind the brace that opens the object `text`.
fn after_brace(text: &str) -> Logger {
    let at = text.find('{').map_or(0, |brace| brace + 1);
    let rest = text.get(at..).unwrap_or_default();
    Logger::Absent {
        at,
        is_alone: rest.trim_ascii_start().starts_with('}'),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn under(text: &str) -> Bytes {
        let message = LogMessage::parse(&Bytes::from(text.to_owned())).unwrap();
        message.under("git")
    }

    #[test]
    fn levels_compare_by_what_they_let_through() {
        for (position, level) in ALL.into_iter().enumerate() {
            assert_eq!(Level::parse(level.as_str()), Some(level));
            assert_eq!(level as usize, position);
            let asked = requested_level(&set_level_params(level));
            assert_eq!(asked, Ok(level));
        }
        assert!(Level::Debug < Level::Info && Level::Alert < Level::Emergency);
        assert_eq!(Level::parse("Debug"), None);
        assert_eq!(set_level_params(Level::Notice), r#"{"level":"notice"}"#);
    }

    #[test]
    fn a_level_that_does_not_exist_is_refused_with_those_that_do() {
        for text in ["{}", r#"{"level":"verbose"}"#, r#"{"level":7}"#, "[]"] {
            let error = requested_level(&Bytes::from(text)).unwrap_err();
            assert!(error.contains("level") || text == "[]", "{error}");
        }
        let error = requested_level(&Bytes::from(r#"{"level":"verbose"}"#)).unwrap_err();
        assert!(error.contains("debug, info,"), "{error}");
        assert!(requested_level(&Bytes::from(r#"{"level":"info","level":"debug"}"#)).is_err());
    }

    #[test]
    fn the_logger_stands_under_its_server_and_nothing_else_changes() {
        for (text, wanted) in [
            (
                "{\"data\":{\"n\":1.10,\"logger\":1},\r\n\"logger\": \"a\\u0062\\\"\" ,\"level\":\"info\"}",
                r#"{"data":{"n":1.10,"logger":1},"logger": "git/ab\"" ,"level":"info"}"#,
            ),
            (
                r#"{ "level":"info"}"#,
                r#"{"logger":"git", "level":"info"}"#,
            ),
            (
                r#"{"data":1,"logger":null}"#,
                r#"{"data":1,"logger":"git"}"#,
            ),
            (r#"{"logger":""}"#, r#"{"logger":"git"}"#),
            (r#"{"logger":{"x":[1]}}"#, r#"{"logger":"git"}"#),
            ("{ }", r#"{"logger":"git" }"#),
            ("{}", r#"{"logger":"git"}"#),
        ] {
            assert_eq!(under(text), wanted, "{text}");
        }
    }

    #[test]
    fn the_level_is_read_if_it_is_one() {
        for (text, wanted) in [
            (
                r#"{"level":"w\u0061rning","data":{"level":"debug"}}"#,
                Some(Level::Warning),
            ),
            (r#"{"level":"loud"}"#, None),
            (r#"{"level":3}"#, None),
            ("{}", None),
        ] {
            let message = LogMessage::parse(&Bytes::from(text)).unwrap();
            assert_eq!(message.level(), wanted, "{text}");
        }
        for text in [
            "[]",
            r#"{"level":"info","level":"debug"}"#,
            r#"{"logger":"a","logger":"b"}"#,
        ] {
            assert!(LogMessage::parse(&Bytes::from(text)).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_logger_of_any_server_is_told(server in any::<String>(), logger in any::<Option<String>>()) {
            let mut params = serde_json::json!({"level": "error", "data": [server, logger]});
            if let Some(logger) = &logger {
                params["logger"] = logger.as_str().into();
            }
            let message = LogMessage::parse(&Bytes::from(params.to_string())).unwrap();
            let told: Value = serde_json::from_slice(&message.under(&server)).unwrap();
            let name = logger.filter(|logger| !logger.is_empty());
            params["logger"] = name.map_or(server.clone(), |name| format!("{server}/{name}")).into();
            prop_assert_eq!(told, params);
        }
    }
}
