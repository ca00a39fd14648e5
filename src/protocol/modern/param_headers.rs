//! The arguments of a tool that its calls repeat in headers, for whoever is on the way and does not read
//! bodies: which those are, as the tool's `inputSchema` says (`x-mcp-header`), and whether a call says the
//! same in both places (2026-07-28, basic/transports, "Custom Headers from Tool Parameters").

mod annotations;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use memchr::memmem;

use super::super::raw::{self, Member};
use super::header_value;

/// Hardly any tool has it.
static MARK: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(annotations::KEY.as_bytes()));

/// What the headers are called that an argument is repeated in, but for the rest of their names.
pub const PREFIX: &str = "mcp-param-";

/// The annotated arguments of one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamHeaders {
    root: Node,
    fault: Option<Box<str>>,
}

/// An argument, or an object in which there are some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    /// The rest of its header's name, in lower case.
    header: Option<Box<str>>,
    /// By their names.
    inside: Vec<(Box<str>, Node)>,
}

impl ParamHeaders {
    /// Reads a tool as it is listed. `None` if it has no annotations at all.
    #[must_use]
    pub fn parse(tool: &str) -> Option<Arc<Self>> {
        MARK.find(tool.as_bytes())?;
        let [schema] = raw::members(Some(tool), ["inputSchema"]);
        let (root, fault) = annotations::read(schema?);
        let is_annotated = fault.is_some() || !root.inside.is_empty();
        is_annotated.then(|| Arc::new(Self { root, fault }))
    }

    /// What is wrong with the first annotation that is not as it must be, and so has nothing checked.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The headers of a call with these params: whole names, and values as headers have them. None where an
    /// annotation is wrong.
    #[must_use]
    pub fn of_call(&self, params: &[u8]) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        if self.fault.is_none() {
            let [arguments] = raw::members(std::str::from_utf8(params).ok(), ["arguments"]);
            self.root.say(arguments, &mut headers);
        }
        headers
    }

    /// Compares a call's `arguments` with its headers: the rest of each name in lower case, and the value as
    /// it came. A header for no argument of this tool is not ours. The error says what does not fit.
    pub fn check(
        &self,
        headers: &[(Box<str>, Box<str>)],
        arguments: Option<&str>,
    ) -> Result<(), String> {
        self.root.check(headers, arguments, "arguments")
    }
}

/// The tools with annotations in an answer to `tools/list`, by their names; in anything else there are none.
#[must_use]
pub fn listed(message: &[u8]) -> Vec<(String, Arc<ParamHeaders>)> {
    #[derive(serde::Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        result: List<'a>,
    }
    #[derive(serde::Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        tools: Vec<&'a serde_json::value::RawValue>,
    }
    if MARK.find(message).is_none() {
        return Vec::new();
    }
    let answer = serde_json::from_slice::<Answer<'_>>(message);
    let tools = answer.map_or_else(|_| Vec::new(), |answer| answer.result.tools);
    let tools = tools.into_iter().filter_map(|tool| {
        let [name] = raw::members(Some(tool.get()), ["name"]);
        Some((
            raw::string(name?)?.into_owned(),
            ParamHeaders::parse(tool.get())?,
        ))
    });
    tools.collect()
}

impl Node {
    fn say(&self, value: Option<&str>, headers: &mut Vec<(String, String)>) {
        let said = match Said::of(value) {
            Said::Text(text) | Said::Number(text) => Some(text),
            Said::Nothing | Said::Unspeakable => None,
        };
        if let (Some(header), Some(text)) = (&self.header, said) {
            let name = format!("{PREFIX}{header}");
            headers.push((name, header_value::encode(&text).into_owned()));
        }
        for (name, node) in &self.inside {
            let [member] = raw::members(value, [&**name]);
            node.say(member, headers);
        }
    }

    /// Compares the raw `value` called `name`, and what is in it, with the headers.
    fn check(
        &self,
        headers: &[(Box<str>, Box<str>)],
        value: Option<&str>,
        name: &str,
    ) -> Result<(), String> {
        if let Some(header) = &self.header {
            compare(headers, header, value)
                .map_err(|why| format!("the header Mcp-Param-{header} {why} '{name}'"))?;
        }
        if self.inside.is_empty() {
            return Ok(());
        }
        let mut found = vec![Member::Absent; self.inside.len()];
        // Of what is no object there is nothing inside, nor of what nobody can read.
        let read = value.filter(|value| value.starts_with('{')).map(|object| {
            raw::each(object, |key, value| {
                let key = raw::string(key);
                let mut slots = self.inside.iter().zip(&mut found);
                let slot = slots.find(|((name, _), _)| key.as_deref() == Some(name));
                if let Some((_, slot)) = slot {
                    *slot = match slot {
                        Member::Absent => Member::Once(value),
                        Member::Once(_) | Member::Repeated => Member::Repeated,
                    };
                }
            })
        });
        if let Some(Err(error)) = read {
            return Err(format!("'{name}' is unusable: {error}"));
        }
        for ((name, node), value) in self.inside.iter().zip(found) {
            node.check(headers, value.value(name)?, name)?;
        }
        Ok(())
    }
}

/// Whether the header called `header` says what the raw `value` says; the error is what the header does.
fn compare(
    headers: &[(Box<str>, Box<str>)],
    header: &str,
    value: Option<&str>,
) -> Result<(), &'static str> {
    let mut given = headers.iter().filter(|(name, _)| **name == *header);
    let (first, second) = (given.next(), given.next());
    if second.is_some() {
        return Err("is there more than once, for the argument");
    }
    let said = Said::of(value);
    let Some((_, given)) = first else {
        return match said {
            Said::Nothing | Said::Unspeakable => Ok(()),
            Said::Text(_) | Said::Number(_) => Err("is missing, and there is the argument"),
        };
    };
    let given =
        header_value::decode(given).ok_or("is not coded as it must be, for the argument")?;
    let is_same = match said {
        Said::Nothing | Said::Unspeakable => return Err("is there, and not the argument"),
        Said::Text(text) => given == text,
        Said::Number(number) => raw::whole(&given).is_some_and(|given| given == number),
    };
    is_same
        .then_some(())
        .ok_or("says something else than the argument")
}

/// What an argument says that a header can say too.
enum Said<'a> {
    Nothing,
    Text(std::borrow::Cow<'a, str>),
    /// Its digits: `42` and `42.0` are the same.
    Number(std::borrow::Cow<'a, str>),
    /// It is no text, no whole number and neither true nor false.
    Unspeakable,
}

impl<'a> Said<'a> {
    fn of(value: Option<&'a str>) -> Self {
        let Some(value) = value else {
            return Self::Nothing;
        };
        if let Some(text) = raw::string(value) {
            return Self::Text(text);
        }
        if matches!(value, "true" | "false") {
            return Self::Text(value.into());
        }
        raw::whole(value).map_or(Self::Unspeakable, Self::Number)
    }
}
