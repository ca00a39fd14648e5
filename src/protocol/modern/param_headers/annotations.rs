//! Where a schema annotates arguments, and whether it may there.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Node;

/// The annotation.
pub(super) const KEY: &str = "x-mcp-header";

/// So many annotations are read of one tool, and so deep within objects. A call has not so many headers.
const MOST: usize = 64;
const DEEPEST: usize = 16;
/// So much of a fault is shown.
const SHOWN: usize = 120;

/// What may stand in a schema and is none: whatever is called like the annotation there is not.
const DATA: [&str; 5] = ["const", "default", "enum", "example", "examples"];

/// The annotated arguments in a raw `inputSchema`, and what is wrong with the first of the annotations that
/// are left out.
pub(super) fn read(schema: &str) -> (Node, Option<Box<str>>) {
    let mut found = Found::default();
    // What is nested deeper than this reads is no schema that anybody uses.
    let schema = serde_json::from_str(schema).unwrap_or(Value::Null);
    found.visit(&schema, Some(&mut Vec::new()));
    let mut root = Node::default();
    for (header, paths) in found.paths {
        match paths.as_slice() {
            [path] => root.insert(path, header),
            _ => found
                .faults
                .push(format!("'{header}' is there more than once")),
        }
    }
    let fault = found.faults.first();
    let fault = fault.map(|fault| fault.chars().take(SHOWN).collect::<String>().into());
    (root, fault)
}

impl Node {
    fn insert(&mut self, path: &[&str], header: Box<str>) {
        let Some((first, rest)) = path.split_first() else {
            self.header = Some(header);
            return;
        };
        let at = self.inside.iter().position(|(name, _)| **name == **first);
        let at = at.unwrap_or_else(|| {
            self.inside.push(((*first).into(), Self::default()));
            self.inside.len() - 1
        });
        if let Some((_, node)) = self.inside.get_mut(at) {
            node.insert(rest, header);
        }
    }
}

#[derive(Default)]
struct Found<'a> {
    /// The names of headers in lower case, and the arguments that are to be repeated in them.
    paths: BTreeMap<Box<str>, Vec<Vec<&'a str>>>,
    count: usize,
    faults: Vec<String>,
}

impl<'a> Found<'a> {
    /// Looks through a schema. `path` leads to it by properties alone, if any does.
    fn visit(&mut self, schema: &'a Value, path: Option<&mut Vec<&'a str>>) {
        let members = match schema {
            Value::Object(members) => members,
            Value::Array(schemas) => return schemas.iter().for_each(|one| self.visit(one, None)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
        };
        let mut path = path;
        if let Some(annotation) = members.get(KEY) {
            self.add(annotation, members, path.as_deref());
        }
        for (keyword, value) in members {
            if DATA.contains(&keyword.as_str()) {
                continue;
            }
            match (keyword.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        let Some(path) = path.as_deref_mut() else {
                            self.visit(property, None);
                            continue;
                        };
                        path.push(name);
                        self.visit(property, Some(path));
                        path.pop();
                    }
                }
                (
                    "$defs" | "definitions" | "patternProperties" | "dependentSchemas",
                    Value::Object(named),
                ) => {
                    named.values().for_each(|one| self.visit(one, None));
                }
                _ => self.visit(value, None),
            }
        }
    }

    fn add(
        &mut self,
        annotation: &Value,
        schema: &Map<String, Value>,
        path: Option<&Vec<&'a str>>,
    ) {
        self.count += 1;
        let shown = path.and_then(|path| path.last());
        match checked(annotation, schema, path.map(Vec::as_slice)) {
            _ if self.count > MOST => self.fault("there are too many".to_owned()),
            Ok((header, path)) => self.paths.entry(header).or_default().push(path),
            Err(why) => self.fault(match shown {
                Some(name) => format!("that of '{name}' {why}"),
                None => format!("one {why}"),
            }),
        }
    }

    /// Only the first is told.
    fn fault(&mut self, fault: String) {
        if self.faults.is_empty() {
            self.faults.push(fault);
        }
    }
}

fn checked<'a>(
    annotation: &Value,
    schema: &Map<String, Value>,
    path: Option<&[&'a str]>,
) -> Result<(Box<str>, Vec<&'a str>), &'static str> {
    let path = path.filter(|path| !path.is_empty());
    let path = path.ok_or("is not on a property that is reached by properties alone")?;
    if path.len() > DEEPEST {
        return Err("is too deep within objects");
    }
    let name = annotation.as_str().ok_or("is not a string")?;
    // RFC 9110 §5.6.2, `token`.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err("is no name for a header");
    }
    let kind = schema.get("type").and_then(Value::as_str);
    if !matches!(kind, Some("string" | "integer" | "boolean")) {
        return Err("is on what is not of the type string, integer or boolean");
    }
    Ok((name.to_ascii_lowercase().into(), path.to_vec()))
}
