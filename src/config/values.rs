//! Reading one field of an entry as what it should be. Each function reports what is wrong and
//! answers `None`, and the reading goes on. What a field holds is never put into a message: it may
//! be a secret, or have one in it.

use std::time::Duration;

use jsonc_parser::ast::{Object, StringLit, Value};
use jsonc_parser::common::Ranged;

use super::amount::time_with_unit;
use super::error::quoted;
use super::notes::{At, Finding, Notes};

/// A value and where it stands.
pub(crate) struct Field<'v, T: ?Sized> {
    pub(crate) at: At,
    pub(crate) value: &'v T,
}

impl<'v, T: ?Sized> Field<'v, T> {
    pub(crate) fn new(at: At, value: &'v T) -> Self {
        Self { at, value }
    }
}

/// An object's fields by name. `null` is as good as absent, as programs write it that export their
/// own settings.
pub(crate) struct Fields<'v> {
    pub(crate) at: At,
    pub(crate) object: &'v Object<'v>,
}

impl<'v> Fields<'v> {
    /// The value of `name`, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<Field<'v, Value<'v>>> {
        let prop = self.object.get(name)?;
        let at = self.at.key(name, prop.value.start());
        let is_null = matches!(prop.value, Value::NullKeyword(_));
        (!is_null).then(|| Field::new(at, &prop.value))
    }
}

/// The fields of an entry, if it is an object.
pub(crate) fn fields<'v>(body: &Field<'v, Value<'v>>) -> Option<Fields<'v>> {
    let at = body.at.clone();
    let object = body.value.as_object()?;
    Some(Fields { at, object })
}

/// Refuses `null` for fields that keep something from clients: it says neither that all is meant nor
/// that nothing is.
pub(crate) fn refuse_nulls(fields: &Fields<'_>, keeps: impl Fn(&str) -> bool, notes: &mut Notes) {
    for prop in &fields.object.properties {
        let name = prop.name.as_str();
        if matches!(prop.value, Value::NullKeyword(_)) && keeps(name) {
            let at = fields.at.key(name, prop.value.start());
            let finding = Finding::error(at, format!("{} is null", quoted(name)));
            notes.add(finding.help("remove the field if all of it may be offered"));
        }
    }
}

/// The kind of a value, for messages.
pub(crate) fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::StringLit(_) => "a text",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(_) => "true or false",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::NullKeyword(_) => "null",
    }
}

fn wrong(field: &Field<'_, Value<'_>>, name: &str, expected: &str) -> Finding {
    let what = format!("'{name}' must be {expected}, not {}", kind(field.value));
    Finding::error(field.at.clone(), what)
}

/// A text. Without NUL, which no command line and no environment can carry.
pub(crate) fn text<'v>(
    field: &Field<'v, Value<'v>>,
    name: &str,
    notes: &mut Notes,
) -> Option<&'v str> {
    let Some(text) = field.value.as_string_lit() else {
        notes.add(wrong(field, name, "a text"));
        return None;
    };
    let text: &'v str = &text.value;
    if text.contains('\0') {
        let what = format!("'{name}' holds the character NUL, which no process can be given");
        notes.add(Finding::error(field.at.clone(), what));
        return None;
    }
    Some(text)
}

/// True or false.
pub(crate) fn flag(field: &Field<'_, Value<'_>>, name: &str, notes: &mut Notes) -> Option<bool> {
    if let Some(flag) = field.value.as_boolean_lit() {
        return Some(flag.value);
    }
    let finding = wrong(field, name, "true or false");
    let is_text = field.value.as_string_lit().is_some();
    notes.add(if is_text {
        finding.help("write it without quotes")
    } else {
        finding
    });
    None
}

/// The longest time that can be meant: a day.
const LONGEST: f64 = 86_400.0;
/// The shortest: below it a deadline has passed before anything can be done.
const SHORTEST: f64 = 0.001;

/// A time in seconds, fractions allowed, or with its unit, from a millisecond to a day.
pub(crate) fn seconds(
    field: &Field<'_, Value<'_>>,
    name: &str,
    notes: &mut Notes,
) -> Option<Duration> {
    let least = (SHORTEST, "leave the field out for the default");
    seconds_from(field, name, least, notes)
}

/// The same from `least` on; and what is said to who writes less.
pub(crate) fn seconds_from(
    field: &Field<'_, Value<'_>>,
    name: &str,
    (least, help): (f64, &str),
    notes: &mut Notes,
) -> Option<Duration> {
    let with_unit = |text: &StringLit<'_>| time_with_unit(&text.value);
    let seconds: f64 = match (
        field.value.as_number_lit(),
        field.value.as_string_lit().and_then(with_unit),
    ) {
        (Some(number), _) => number.value.parse().unwrap_or(f64::NAN),
        (None, Some(time)) => time.as_secs_f64(),
        (None, None) => {
            let help = format!(
                "write it in seconds and without quotes, such as \"{name}\": 30, or with a unit, such as \"30s\""
            );
            notes.add(wrong(field, name, "a number of seconds").help(help));
            return None;
        }
    };
    let refuse = |what: String| Finding::error(field.at.clone(), what);
    if seconds > LONGEST {
        let finding = refuse(format!("'{name}' is in seconds, and at most 86400 (a day)"));
        let is_number = field.value.as_number_lit().is_some();
        let help = is_number.then(|| in_milliseconds(seconds)).flatten();
        notes.add(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
        return None;
    }
    if seconds.is_nan() || seconds < least {
        let finding = refuse(format!("'{name}' must be at least {least} seconds"));
        notes.add(finding.help(help));
        return None;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// Other programs count in milliseconds, and 30000 seconds are eight hours.
pub(crate) fn in_milliseconds(seconds: f64) -> Option<String> {
    let meant = seconds / 1000.0;
    (seconds >= 1000.0 && meant <= LONGEST)
        .then(|| format!("if milliseconds were meant, write {meant}"))
}

/// A text, a number or a boolean as text: what a shell would make of them. The latter two with a
/// warning, since `1.0` or `yes` may not be spelt as its writer thinks.
pub(crate) fn scalar<'v>(
    field: &Field<'v, Value<'v>>,
    name: &str,
    notes: &mut Notes,
) -> Option<&'v str> {
    let text: &'v str = match field.value {
        Value::StringLit(_) => return text(field, name, notes),
        Value::NumberLit(number) => number.value,
        Value::BooleanLit(flag) if flag.value => "true",
        Value::BooleanLit(_) => "false",
        Value::Object(_) | Value::Array(_) | Value::NullKeyword(_) => {
            notes.add(wrong(field, name, "a text"));
            return None;
        }
    };
    let what = format!("'{name}' is {}, passed on as text", kind(field.value));
    notes.add(Finding::warning(field.at.clone(), what).help("put it into quotes"));
    Some(text)
}

/// A list of texts.
pub(crate) fn list<'v>(
    field: &Field<'v, Value<'v>>,
    name: &str,
    notes: &mut Notes,
) -> Vec<Field<'v, str>> {
    let Some(list) = field.value.as_array() else {
        let help = format!("one text for each: \"{name}\": [\"one\", \"two\"]");
        notes.add(wrong(field, name, "a list of texts").help(help));
        return Vec::new();
    };
    let mut texts = Vec::with_capacity(list.elements.len());
    for (index, value) in list.elements.iter().enumerate() {
        let element = Field::new(field.at.index(index, value.start()), value);
        let name = format!("{name}[{index}]");
        if let Some(text) = scalar(&element, &name, notes) {
            texts.push(Field::new(element.at, text));
        }
    }
    texts
}

/// Environment variables. One that is `null` is left out.
pub(crate) fn variables<'v>(
    field: &Field<'v, Value<'v>>,
    notes: &mut Notes,
) -> Vec<(&'v str, Field<'v, str>)> {
    let mut variables = texts(field, "env", notes);
    variables.retain(|(name, text)| {
        let is_name = !(name.is_empty() || name.contains(['=', '\0']));
        if !is_name {
            let what = format!("{} cannot be the name of a variable", quoted(name));
            notes.add(Finding::error(text.at.clone(), what));
        }
        is_name
    });
    variables
}

/// Texts by their names. One that is `null` is left out.
pub(crate) fn texts<'v>(
    field: &Field<'v, Value<'v>>,
    name: &str,
    notes: &mut Notes,
) -> Vec<(&'v str, Field<'v, str>)> {
    let Some(object) = field.value.as_object() else {
        let help = format!(r#"write "{name}": {{"NAME": "value"}}"#);
        notes.add(wrong(field, name, "an object").help(help));
        return Vec::new();
    };
    repeated(object, &field.at, notes);
    let mut texts = Vec::with_capacity(object.properties.len());
    for prop in &object.properties {
        let name = prop.name.as_str();
        let at = field.at.key(name, prop.value.start());
        if matches!(prop.value, Value::NullKeyword(_)) {
            let what = format!("{} is null and left out", quoted(name));
            notes.add(Finding::warning(at, what).help("write \"\" for an empty value"));
        } else if let Some(text) = scalar(&Field::new(at.clone(), &prop.value), &shown(name), notes)
        {
            texts.push((name, Field::new(at, text)));
        }
    }
    texts
}

fn shown(name: &str) -> String {
    quoted(name).trim_matches('\'').to_owned()
}

/// Reports fields that are in `object` twice: programs differ in which of them counts.
pub(crate) fn repeated(object: &Object<'_>, at: &At, notes: &mut Notes) {
    let mut seen = std::collections::HashSet::new();
    for prop in &object.properties {
        let name = prop.name.as_str();
        if !seen.insert(name) {
            let what = format!("{} is here twice", quoted(name));
            let at = at.key(name, prop.name.start());
            notes.add(Finding::error(at, what).help("keep one of them"));
        }
    }
}
