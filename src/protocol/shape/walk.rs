//! One pass over a text along the shape that it must have.

use std::borrow::Cow;
use std::ops::Range;

use super::super::raw::{self, scan::Scan};
use super::formats;
use super::readers;
use super::schema;
use super::{Class, Fault, Fit, Form, Member, Need, Shape};

/// So many members are named of those that were mended.
const NAMED: usize = 3;

/// The largest whole number that is one to JavaScript.
const LARGEST: f64 = 9_007_199_254_740_991.0;

/// Compares `text`, valid JSON, with `shape`. With `formats`, strings must have the form of what they
/// are too.
pub(super) fn fit(text: &str, shape: &Shape, formats: bool) -> Result<Fit, Fault> {
    let mut walk = Walk {
        scan: Scan::new(text),
        formats,
        edits: Vec::new(),
        named: Vec::new(),
    };
    walk.value(shape)?;
    if walk.edits.is_empty() {
        return Ok(Fit::Right);
    }
    let edits = walk.edits.iter();
    let edits = edits.map(|(span, with)| (span.clone(), with.as_bytes()));
    Ok(Fit::Mended {
        text: raw::splice(text.as_bytes(), edits.collect()).into(),
        members: walk.named,
    })
}

struct Walk<'a> {
    scan: Scan<'a>,
    formats: bool,
    edits: Vec<(Range<usize>, Cow<'static, str>)>,
    named: Vec<&'static str>,
}

/// What was seen of an object while its members are passed.
#[derive(Default)]
struct Seen {
    /// Bits of the form's members.
    written: u64,
    present: u64,
    has_others: bool,
    /// Whether a member stays, so that there is a comma before the next.
    has_kept: bool,
}

impl<'a> Walk<'a> {
    fn value(&mut self, shape: &Shape) -> Result<(), Fault> {
        match shape {
            Shape::Object(form) => self.object(form),
            Shape::Compiled(form) => {
                let written = self.scan.clone().value().unwrap_or_default();
                self.object(form)?;
                schema::check(written)
            }
            Shape::Kinds(kinds) => self.kind(kinds),
            Shape::List(of) => self.list(of),
            Shape::Each(of) => self.each(of),
            Shape::Free => {
                let value = self.free()?;
                check(value.starts_with('{'), "must be an object")
            }
            Shape::Text | Shape::Uri | Shape::Time | Shape::OneOf(_) => {
                let value = self.scan.value().unwrap_or_default();
                string(value, shape, self.formats)
            }
            Shape::Bool => {
                let value = self.scan.value().unwrap_or_default();
                check(matches!(value, "true" | "false"), "must be true or false")
            }
            Shape::Token => {
                let value = self.scan.value().unwrap_or_default();
                let is_token = value.starts_with('"') || number(value, shape).is_ok();
                check(is_token, "must be a string or a whole number")
            }
            Shape::Integer | Shape::Share => {
                let value = self.scan.value().unwrap_or_default();
                number(value, shape)
            }
        }
    }

    /// Passes a value that the schema leaves free. Entries are looked at as a whole for what is in those.
    fn free(&mut self) -> Result<&'a str, Fault> {
        let value = self.scan.value().unwrap_or_default();
        if !self.formats {
            readers::check_digits(value)?;
        }
        Ok(value)
    }

    fn list(&mut self, of: &Shape) -> Result<(), Fault> {
        check(self.scan.takes(b'['), "must be an array")?;
        if self.scan.takes(b']') {
            return Ok(());
        }
        loop {
            self.value(of).map_err(|fault| fault.within("[]"))?;
            if !self.scan.takes(b',') {
                break;
            }
        }
        self.end(b']')
    }

    fn each(&mut self, of: &Shape) -> Result<(), Fault> {
        check(self.scan.takes(b'{'), "must be an object")?;
        if self.scan.takes(b'}') {
            return Ok(());
        }
        loop {
            self.key()?;
            self.value(of).map_err(|fault| fault.within("*"))?;
            if !self.scan.takes(b',') {
                break;
            }
        }
        self.end(b'}')
    }

    /// Mostly `type` comes first, so that nothing is read twice.
    fn kind(&mut self, kinds: &'static [(&'static str, Form)]) -> Result<(), Fault> {
        check(self.scan.peek() == Some(b'{'), "must be an object")?;
        let mut ahead = self.scan.clone();
        ahead.takes(b'{');
        let mut kind = None;
        while let Some(key) = ahead.value().filter(|key| key.starts_with('"')) {
            ahead.takes(b':');
            let value = ahead.value();
            if raw::is_text(key, "type") {
                kind = value;
                break;
            }
            if !ahead.takes(b',') {
                break;
            }
        }
        let kind = kind.ok_or_else(|| Fault::missing("type"))?;
        let known = kinds.iter().find(|(name, _)| raw::is_text(kind, name));
        let (_, form) =
            known.ok_or_else(|| one_of(kinds.iter().map(|(name, _)| *name)).within("type"))?;
        self.object(form)
    }

    fn object(&mut self, form: &Form) -> Result<(), Fault> {
        check(self.scan.takes(b'{'), "must be an object")?;
        let start = self.scan.at();
        let mut seen = Seen::default();
        if !self.scan.takes(b'}') {
            let mut comma = start;
            loop {
                self.member(form, comma, &mut seen)?;
                if !self.scan.takes(b',') {
                    break;
                }
                comma = self.scan.at() - 1;
            }
            self.end(b'}')?;
        }
        self.missing(form, start, &seen)
    }

    fn key(&mut self) -> Result<&'a str, Fault> {
        let key = self.scan.value().filter(|key| key.starts_with('"'));
        key.filter(|_| self.scan.takes(b':')).ok_or_else(unreadable)
    }

    /// Passes a member. At `comma` it is parted from the one before it.
    fn member(&mut self, form: &Form, comma: usize, seen: &mut Seen) -> Result<(), Fault> {
        self.scan.peek();
        let begin = self.scan.at();
        let key = raw::string(self.key()?);
        let mut known = form.members.iter().enumerate();
        let known = known.find(|(_, member)| key.as_deref() == Some(member.name));
        let Some((place, member)) = known else {
            seen.has_others = true;
            seen.has_kept = true;
            self.free()?;
            return Ok(());
        };
        let bit = 1u64 << place;
        if seen.written & bit != 0 {
            return Err(Fault::repeated(member.name));
        }
        seen.written |= bit;
        if self.scan.peek() == Some(b'n') {
            let from = if seen.has_kept { comma } else { begin };
            let stays = self.null(member, from, seen.has_kept)?;
            seen.has_kept |= stays;
            seen.present |= if stays { bit } else { 0 };
            return Ok(());
        }
        seen.present |= bit;
        seen.has_kept = true;
        let checked = self.value(&member.shape);
        checked.map_err(|fault| fault.within(member.name))
    }

    /// Mends a member that is `null` and begins at `from`. Says whether it stays.
    fn null(&mut self, member: &Member, from: usize, has_comma: bool) -> Result<bool, Fault> {
        let value = self.scan.at();
        self.scan.value();
        let end = self.scan.at();
        match member.need {
            Need::Required => {
                let wanted = "must not be null";
                return Err(Fault::new(Class::Wrong, member.name, wanted));
            }
            Need::Optional => {
                let mut ahead = self.scan.clone();
                let is_followed = !has_comma && ahead.takes(b',');
                let end = if is_followed { ahead.at() } else { end };
                self.edits.push((from..end, Cow::Borrowed("")));
            }
            Need::Listed | Need::Filled => self.edits.push((value..end, Cow::Borrowed("[]"))),
        }
        self.name(member);
        Ok(member.need != Need::Optional)
    }

    /// Looks for what is not there, once all members of the object were passed that begins at `start`.
    fn missing(&mut self, form: &Form, start: usize, seen: &Seen) -> Result<(), Fault> {
        let is_there = |place: usize| seen.present & (1 << place) != 0;
        for (place, member) in form.members.iter().enumerate() {
            match member.need {
                _ if is_there(place) => {}
                Need::Optional => {}
                Need::Filled if !seen.has_others => {
                    let comma = if seen.has_kept { "," } else { "" };
                    let text = format!("{{\"{}\":[]{comma}", member.name);
                    self.edits.push((start - 1..start, Cow::Owned(text)));
                    self.name(member);
                }
                Need::Required | Need::Listed | Need::Filled => {
                    return Err(Fault::missing(member.name));
                }
            }
        }
        let has = |name: &&str| {
            let place = form.members.iter().position(|member| member.name == *name);
            place.is_some_and(is_there)
        };
        if form.one_of.is_empty() || form.one_of.iter().any(has) {
            return Ok(());
        }
        Err(Fault::missing(form.one_of.join("' or '")))
    }

    fn name(&mut self, member: &Member) {
        if self.named.len() < NAMED && !self.named.contains(&member.name) {
            self.named.push(member.name);
        }
    }

    fn end(&mut self, bracket: u8) -> Result<(), Fault> {
        let is_end = self.scan.takes(bracket);
        is_end.then_some(()).ok_or_else(unreadable)
    }
}

fn check(is_right: bool, wanted: &'static str) -> Result<(), Fault> {
    let wrong = || Fault::new(Class::Wrong, "", wanted);
    is_right.then_some(()).ok_or_else(wrong)
}

/// What is no JSON does not come here.
fn unreadable() -> Fault {
    Fault::new(Class::Unreadable, "", "is not JSON")
}

fn one_of(names: impl Iterator<Item = &'static str>) -> Fault {
    let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
    let wanted = format!("must be {}", names.join(" or "));
    Fault::new(Class::Wrong, "", wanted)
}

fn string(value: &str, shape: &Shape, has_form: bool) -> Result<(), Fault> {
    check(value.starts_with('"'), "must be a string")?;
    let said = || raw::string(value).unwrap_or_default();
    if let Shape::OneOf(names) = shape {
        let is_one = names.contains(&&*said());
        return is_one
            .then_some(())
            .ok_or_else(|| one_of(names.iter().copied()));
    }
    if has_form && matches!(shape, Shape::Uri) {
        return check(formats::is_uri(&said()), "must be an absolute URI");
    }
    let is_wrong = has_form && matches!(shape, Shape::Time) && !formats::is_time(&said());
    check(!is_wrong, "must be a time as in 2025-01-12T15:00:58Z")
}

fn number(value: &str, shape: &Shape) -> Result<(), Fault> {
    let is_number = value.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let number = value.parse::<f64>().ok().filter(|_| is_number);
    if matches!(shape, Shape::Share) {
        let is_share = number.is_some_and(|number| (0.0..=1.0).contains(&number));
        return check(is_share, "must be a number from 0 to 1");
    }
    let is_whole = number.is_some_and(|number| number.abs() <= LARGEST && number.fract() == 0.0);
    check(is_whole, "must be a whole number")
}
