//! Texts, numbers and lists of an entry, with their references in our form. What is of another kind is
//! a mistake at its place.

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged as _;
use serde_json::Number;

use super::means::{References, Time};
use super::references::translated;
use crate::config::notes::{Finding, Notes};
use crate::config::values::{Field, kind};

/// Reads what one program has written.
pub(super) struct Texts<'r> {
    pub(super) references: References,
    pub(super) notes: &'r mut Notes,
}

impl Texts<'_> {
    /// A text, or a number as one.
    pub(super) fn one(&mut self, field: &Field<'_, Value<'_>>) -> Option<String> {
        let text = match field.value {
            Value::StringLit(text) => translated(&text.value, self.references),
            Value::NumberLit(number) => number.value.to_owned(),
            Value::BooleanLit(flag) => flag.value.to_string(),
            Value::Object(_) | Value::Array(_) | Value::NullKeyword(_) => {
                self.wrong(field, "a text");
                return None;
            }
        };
        if text.contains('\0') {
            let what = "it holds the character NUL, which no process can be given";
            self.notes.add(Finding::error(field.at.clone(), what));
            return None;
        }
        Some(text)
    }

    /// A list of texts; one alone is a list of it.
    pub(super) fn all(&mut self, field: &Field<'_, Value<'_>>) -> Vec<String> {
        let Some(list) = field.value.as_array() else {
            return self.one(field).into_iter().collect();
        };
        let elements = list.elements.iter().enumerate();
        let texts = elements.filter_map(|(index, value)| {
            let at = field.at.index(index, value.start());
            // Codex: {"name": "X", "source": "local"}.
            let named = value.as_object().and_then(|object| object.get("name"));
            let value = named.map_or(value, |prop| &prop.value);
            self.one(&Field::new(at, value))
        });
        texts.collect()
    }

    /// The members of an object, as texts; `None` for one that is null.
    pub(super) fn members(
        &mut self,
        field: &Field<'_, Value<'_>>,
    ) -> Vec<(String, Option<String>)> {
        let Some(object) = field.value.as_object() else {
            self.wrong(field, "an object");
            return Vec::new();
        };
        let members = object.properties.iter().map(|prop| {
            let name = prop.name.as_str();
            let is_null = matches!(prop.value, Value::NullKeyword(_));
            let at = field.at.key(name, prop.value.start());
            let value = (!is_null).then(|| self.one(&Field::new(at, &prop.value)));
            (name.to_owned(), value.flatten())
        });
        members.collect()
    }

    /// A time in seconds, and what is to be said of it. One that cannot be meant is left out.
    pub(super) fn time(
        &mut self,
        unit: Time,
        field: &Field<'_, Value<'_>>,
    ) -> (Option<Number>, Option<String>) {
        let number = field.value.as_number_lit();
        let Some(number) = number.and_then(|number| number.value.parse::<f64>().ok()) else {
            self.wrong(field, "a number");
            return (None, None);
        };
        let is_milliseconds = match unit {
            Time::Seconds => false,
            Time::Milliseconds => true,
            Time::Either => number >= 1000.0,
        };
        let seconds = if is_milliseconds {
            number / 1000.0
        } else {
            number
        };
        if !(0.001..=86_400.0).contains(&seconds) {
            let what = "a time that is none, or longer than a day, left out";
            return (None, Some(what.to_owned()));
        }
        let said = is_milliseconds
            .then(|| format!("{number} milliseconds are written as {seconds} seconds"));
        let whole = seconds.to_string().parse::<u64>().ok().map(Number::from);
        (whole.or_else(|| Number::from_f64(seconds)), said)
    }

    fn wrong(&mut self, field: &Field<'_, Value<'_>>, expected: &str) {
        let found = kind(field.value);
        let what = format!("{expected} should be here, not {found}");
        self.notes.add(Finding::error(field.at.clone(), what));
    }
}
