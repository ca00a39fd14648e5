//! YAML, from its parser's events: one document, its aliases filled in up to a limit.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use jsonc_parser::ast::{
    Array, BooleanLit, NullKeyword, NumberLit, Object, ObjectProp, ObjectPropName, StringLit, Value,
};
use jsonc_parser::common::{Range, Ranged as _};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::DEEPEST;
use crate::config::notes::{At, Finding, Notes};

/// So many values has a tree at most, those that aliases repeat included.
const MOST: usize = 100_000;

pub(super) fn tree<'t>(text: &'t str, notes: &mut Notes) -> Option<Value<'t>> {
    let mut building = Building::new(text);
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(found) => found,
            Err(error) => {
                let offset = building.offsets.of(error.marker());
                let what = format!("this is no YAML here: {}", error.info());
                notes.add(Finding::error(At::file(offset), what));
                return None;
            }
        };
        let range = building.offsets.range(span);
        if let Err(what) = building.take(event, range) {
            notes.add(Finding::error(At::file(range.start), what));
            return None;
        }
    }
    if building.root.is_none() {
        let what = "the file is empty";
        notes.add(Finding::error(At::file(0), what));
    }
    building.root
}

/// From the parser's places, which count characters, to those of bytes. Events come in the order of
/// the text, nearly: each is looked for from the one before.
struct Offsets<'t> {
    text: &'t str,
    characters: usize,
    bytes: usize,
}

impl Offsets<'_> {
    fn of(&mut self, marker: &Marker) -> usize {
        if self.text.is_ascii() {
            return marker.index().min(self.text.len());
        }
        if marker.index() < self.characters {
            (self.characters, self.bytes) = (0, 0);
        }
        let rest = self.text.get(self.bytes..).unwrap_or_default();
        let wanted = marker.index() - self.characters;
        let found = rest.char_indices().nth(wanted);
        let (characters, bytes) = match found {
            Some((at, _)) => (wanted, at),
            None => (rest.chars().count(), rest.len()),
        };
        self.characters += characters;
        self.bytes += bytes;
        self.bytes
    }

    fn range(&mut self, span: Span) -> Range {
        let start = self.of(&span.start);
        Range::new(start, self.of(&span.end))
    }
}

/// A list or an object that has not ended.
struct Open<'t> {
    anchor: usize,
    range: Range,
    /// The values so far when it began.
    before: usize,
    holds: Holds<'t>,
}

enum Holds<'t> {
    Elements(Vec<Value<'t>>),
    Members {
        properties: Vec<ObjectProp<'t>>,
        key: Option<StringLit<'t>>,
        merged: Vec<Object<'t>>,
    },
}

struct Building<'t> {
    text: &'t str,
    offsets: Offsets<'t>,
    open: Vec<Open<'t>>,
    /// What an alias stands for, and how many values that is.
    anchors: HashMap<usize, (Value<'t>, usize)>,
    values: usize,
    root: Option<Value<'t>>,
}

impl<'t> Building<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            offsets: Offsets {
                text,
                characters: 0,
                bytes: 0,
            },
            open: Vec::new(),
            anchors: HashMap::new(),
            values: 0,
            root: None,
        }
    }

    fn take(&mut self, event: Event<'t>, range: Range) -> Result<(), &'static str> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err("a second document starts here; one is read")
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Scalar(text, style, anchor, _) => {
                let value = scalar(self.text, text, style, range);
                self.add(value, anchor, 1)
            }
            Event::Alias(anchor) => {
                let (value, count) = self
                    .anchors
                    .get(&anchor)
                    .ok_or("what this alias stands for has not ended before it")?;
                let count = *count;
                self.room(count)?;
                let value = value.clone();
                self.add(value, 0, count)
            }
            Event::SequenceStart(anchor, _) => {
                self.open(anchor, range, Holds::Elements(Vec::new()))
            }
            Event::MappingStart(anchor, _) => {
                let holds = Holds::Members {
                    properties: Vec::new(),
                    key: None,
                    merged: Vec::new(),
                };
                self.open(anchor, range, holds)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range),
        }
    }

    fn room(&self, count: usize) -> Result<(), &'static str> {
        if self.values.saturating_add(count) > MOST {
            return Err("with its aliases filled in the file has more than 100000 values");
        }
        Ok(())
    }

    fn open(&mut self, anchor: usize, range: Range, holds: Holds<'t>) -> Result<(), &'static str> {
        if self.open.len() >= DEEPEST {
            return Err("the nesting is too deep");
        }
        let before = self.values;
        self.open.push(Open {
            anchor,
            range,
            before,
            holds,
        });
        Ok(())
    }

    fn close(&mut self, end: Range) -> Result<(), &'static str> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let range = Range::new(open.range.start, end.end);
        let value = match open.holds {
            Holds::Elements(elements) => Value::Array(Array { range, elements }),
            Holds::Members {
                mut properties,
                merged,
                ..
            } => {
                let names = properties.iter().map(|own| own.name.as_str().to_owned());
                let mut names: HashSet<String> = names.collect();
                let more = merged.into_iter().flat_map(|object| object.properties);
                properties.extend(more.filter(|prop| names.insert(prop.name.as_str().to_owned())));
                Value::Object(Object { range, properties })
            }
        };
        let inside = self.values - open.before;
        self.values -= inside;
        self.add(value, open.anchor, inside + 1)
    }

    /// Puts a value of `count` values where it belongs.
    fn add(&mut self, value: Value<'t>, anchor: usize, count: usize) -> Result<(), &'static str> {
        self.room(count)?;
        self.values += count;
        if anchor > 0 {
            // What is kept for an alias counts like what it is repeated as.
            self.room(count)?;
            self.values += count;
            self.anchors.insert(anchor, (value.clone(), count));
        }
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(value);
            return Ok(());
        };
        match &mut open.holds {
            Holds::Elements(elements) => elements.push(value),
            Holds::Members {
                properties,
                key,
                merged,
            } => match key.take() {
                None => *key = Some(name(self.text, value)?),
                Some(key) if key.value == "<<" => merged.extend(objects(value)),
                Some(key) => properties.push(ObjectProp {
                    range: key.range,
                    name: ObjectPropName::String(key),
                    value,
                }),
            },
        }
        Ok(())
    }
}

fn name<'t>(text: &'t str, value: Value<'t>) -> Result<StringLit<'t>, &'static str> {
    match value {
        Value::StringLit(text) => Ok(text),
        Value::NumberLit(_) | Value::BooleanLit(_) | Value::NullKeyword(_) => {
            let range = value.range();
            let value = Cow::Borrowed(text.get(range.start..range.end).unwrap_or_default());
            Ok(StringLit { range, value })
        }
        Value::Array(_) | Value::Object(_) => Err("a name is a text"),
    }
}

/// What `<<` merges: one object, or a list of them.
fn objects(value: Value<'_>) -> Vec<Object<'_>> {
    match value {
        Value::Object(object) => vec![object],
        Value::Array(list) => list.elements.into_iter().flat_map(objects).collect(),
        Value::StringLit(_)
        | Value::NumberLit(_)
        | Value::BooleanLit(_)
        | Value::NullKeyword(_) => Vec::new(),
    }
}

/// A scalar by YAML 1.2's core schema; whatever is in quotes is a text.
fn scalar<'t>(text: &'t str, value: Cow<'t, str>, style: ScalarStyle, range: Range) -> Value<'t> {
    if style != ScalarStyle::Plain {
        return Value::StringLit(StringLit { range, value });
    }
    match &*value {
        "" | "~" | "null" | "Null" | "NULL" => Value::NullKeyword(NullKeyword { range }),
        "true" | "True" | "TRUE" => Value::BooleanLit(BooleanLit { range, value: true }),
        "false" | "False" | "FALSE" => Value::BooleanLit(BooleanLit {
            range,
            value: false,
        }),
        number if is_number(number) => {
            let written = text.get(range.start..range.end);
            match written.filter(|written| *written == number) {
                Some(value) => Value::NumberLit(NumberLit { range, value }),
                None => Value::StringLit(StringLit { range, value }),
            }
        }
        _ => Value::StringLit(StringLit { range, value }),
    }
}

/// A number as JSON has it too; others stay texts.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
        && serde_json::from_str::<serde_json::Number>(text).is_ok()
}
