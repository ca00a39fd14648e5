//! TOML. Its parser has places and a limit of its own for the depth.

use std::borrow::Cow;

use jsonc_parser::ast::{
    Array, BooleanLit, NumberLit, Object, ObjectProp, ObjectPropName, StringLit, Value,
};
use jsonc_parser::common::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::notes::{At, Finding, Notes};

pub(super) fn tree<'t>(text: &'t str, notes: &mut Notes) -> Option<Value<'t>> {
    match DeTable::parse(text) {
        Ok(table) => {
            let range = range(table.span());
            Some(object(text, range, table.into_inner()))
        }
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            // The first line alone: the others are about the place, or show the text.
            let why = error.message().lines().next().unwrap_or_default();
            let what = format!("this is no TOML here: {why}");
            notes.add(Finding::error(At::file(offset), what));
            None
        }
    }
}

fn range(span: std::ops::Range<usize>) -> Range {
    Range::new(span.start, span.end)
}

/// The members in the order of the text.
fn object<'t>(text: &'t str, range: Range, table: DeTable<'t>) -> Value<'t> {
    let members = table.into_iter().map(|(key, member)| {
        let at = self::range(key.span());
        ObjectProp {
            range: at,
            name: ObjectPropName::String(StringLit {
                range: at,
                value: key.into_inner(),
            }),
            value: value(text, member),
        }
    });
    let mut properties: Vec<_> = members.collect();
    properties.sort_by_key(|prop| prop.range.start);
    Value::Object(Object { range, properties })
}

fn value<'t>(text: &'t str, spanned: Spanned<DeValue<'t>>) -> Value<'t> {
    let range = range(spanned.span());
    let written = text.get(range.start..range.end).unwrap_or_default();
    match spanned.into_inner() {
        DeValue::String(value) => Value::StringLit(StringLit { range, value }),
        DeValue::Boolean(value) => Value::BooleanLit(BooleanLit { range, value }),
        DeValue::Integer(number) if number.radix() == 10 && !written.contains(['_', '+']) => {
            let value = written;
            Value::NumberLit(NumberLit { range, value })
        }
        DeValue::Float(_) if !written.contains(['_', '+', 'n']) => {
            let value = written;
            Value::NumberLit(NumberLit { range, value })
        }
        DeValue::Integer(number) => text_of(range, number.to_string()),
        DeValue::Float(number) => text_of(range, number.to_string()),
        DeValue::Datetime(_) => text_of(range, written.to_owned()),
        DeValue::Array(list) => {
            let elements = list.into_iter().map(|element| value(text, element));
            let elements = elements.collect();
            Value::Array(Array { range, elements })
        }
        DeValue::Table(table) => object(text, range, table),
    }
}

fn text_of<'t>(range: Range, text: String) -> Value<'t> {
    let value = Cow::Owned(text);
    Value::StringLit(StringLit { range, value })
}
