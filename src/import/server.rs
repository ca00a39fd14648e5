//! What is written: a configuration of this gateway, field by field in the order of the file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// A server's entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Server {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) command: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) args: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) env: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cwd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) call_timeout: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) enabled: Option<bool>,
    #[serde(skip_serializing_if = "Shown::is_everything")]
    pub(super) tools: Shown,
    #[serde(skip_serializing_if = "Shown::is_everything")]
    pub(super) prompts: Shown,
    #[serde(skip_serializing_if = "Shown::is_everything")]
    pub(super) resources: Shown,
    /// Fields that were ours already.
    #[serde(flatten)]
    pub(super) ours: Map<String, Value>,
}

/// What is shown of what a server offers, and how.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) allow: Option<Vec<String>>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) deny: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) rename: BTreeMap<String, String>,
    #[serde(rename = "override", skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) changed: BTreeMap<String, Changed>,
}

/// How a tool is shown otherwise than its server has it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Changed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) annotations: Option<Value>,
}

/// Who gets which servers, and what of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Profile {
    pub(super) servers: Vec<String>,
    #[serde(skip_serializing_if = "Shown::is_everything")]
    pub(super) tools: Shown,
}

/// The file.
#[derive(Debug, Default, Serialize)]
pub(super) struct Configuration {
    pub(super) servers: Vec<Server>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) profiles: BTreeMap<String, Profile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default_profile: Option<String>,
    /// What a file of ours has beside its servers.
    #[serde(flatten)]
    pub(super) ours: Map<String, Value>,
}

impl Shown {
    /// Whether there is nothing to say.
    pub(super) fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Hides one more.
    pub(super) fn hide(&mut self, name: &str) {
        self.deny.insert(name.to_owned());
    }
}

impl Server {
    /// Puts what a shell would set for the command, `NAME=value` in front of it, into the environment.
    /// Answers whether there was any: it may be a secret, and nothing but a shell understands it.
    pub(super) fn set_from_command(&mut self) -> bool {
        let command = std::mem::take(&mut self.command);
        let mut left = &*command;
        while let Some((word, rest)) = left.split_once(' ') {
            let setting = word.split_once('=').filter(|(name, value)| {
                let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
                !name.is_empty() && name.chars().all(is_letter) && !value.contains(['"', '\''])
            });
            let Some((name, value)) = setting else {
                break;
            };
            self.env.insert(name.to_owned(), value.to_owned());
            left = rest.trim_start();
        }
        left.clone_into(&mut self.command);
        left.len() < command.len()
    }

    /// Has what hides its tools in `tools`, where more can be put to it, also if it was ours already.
    /// Answers whether it is there: what is no filter, or may be wrong, stays as it is written.
    pub(super) fn settle_tools(&mut self) -> bool {
        let Some(written) = self.ours.get("tools") else {
            return true;
        };
        let mut members = written.as_object().into_iter().flat_map(Map::values);
        let has_void = members.any(Value::is_null);
        let read = Shown::deserialize(written).ok().filter(|_| !has_void);
        if let Some(tools) = read {
            self.tools = tools;
            self.ours.remove("tools");
        }
        !self.ours.contains_key("tools")
    }

    /// Whether it is to run.
    pub(super) fn is_on(&self) -> bool {
        self.enabled != Some(false)
    }
}
