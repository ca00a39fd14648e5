//! A URI template (RFC 6570), taken apart to see which URIs it can have made. Both come from outside:
//! every step is counted, and there are no more than a [`Steps`] has left.

/// The longest template, and the longest URI, that are compared.
const LONGEST_TEMPLATE: usize = 2 << 10;
const LONGEST_URI: usize = 8 << 10;

/// What it takes to begin to compare: room for the places, and what is not in any cache.
const BEGIN: usize = 48;

/// How many more places of URIs may be looked at: one step each, of some nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps(pub(super) usize);

impl Steps {
    /// Whether there is anything left.
    pub(super) fn are_left(self) -> bool {
        self.0 > 0
    }

    pub(super) fn take(&mut self, steps: usize) {
        self.0 = self.0.saturating_sub(steps);
    }
}

/// A template. It says yes more often than it should rather than less: it chooses a server, and the
/// server decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template {
    parts: Box<[Part]>,
    is_too_long: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Literal(Box<str>),
    /// Expressions of one kind in a row: at least so many characters.
    Some {
        least: usize,
        may_hold_slash: bool,
    },
    /// An expression that begins with this character, or is missing, as variables need not be set.
    Maybe {
        first: u8,
        may_hold_slash: bool,
    },
}

impl Template {
    /// Takes `text` apart. Braces that are no expression stand for themselves.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let is_too_long = text.len() > LONGEST_TEMPLATE;
        let mut parts = Vec::new();
        let (mut literal, mut rest) = (String::new(), if is_too_long { "" } else { text });
        while let Some(open) = rest.find('{') {
            let (before, tail) = rest.split_at(open);
            literal.push_str(before);
            if let Some((part, length)) = Part::parse(tail) {
                push(&mut parts, &mut literal, Some(part));
                rest = tail.get(length..).unwrap_or_default();
            } else {
                literal.push('{');
                rest = tail.get(1..).unwrap_or_default();
            }
        }
        literal.push_str(rest);
        push(&mut parts, &mut literal, None);
        Self {
            parts: parts.into(),
            is_too_long,
        }
    }

    /// Whether URIs are compared with it at all.
    #[must_use]
    pub fn is_comparable(&self) -> bool {
        !self.is_too_long
    }

    /// What all that is made from this ends with, as far as that is known.
    pub(super) fn ending(&self) -> &str {
        match self.parts.last() {
            Some(Part::Literal(literal)) => literal,
            _ => "",
        }
    }

    /// What all that is made from this begins with.
    pub(super) fn beginning(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(literal)) => literal,
            _ => "",
        }
    }

    /// Whether `uri` can have been made from this. No, if that cannot be said in the `steps` left.
    pub(super) fn matches(&self, uri: &str, steps: &mut Steps) -> bool {
        steps.take(1);
        if !(self.is_comparable() && is_comparable(uri)) {
            return false;
        }
        let uri = uri.as_bytes();
        // What is fixed at both ends rules out most of what is not from here.
        let Some(rest) = uri.strip_prefix(self.beginning().as_bytes()) else {
            return false;
        };
        if self.parts.len() > 1 && !rest.ends_with(self.ending().as_bytes()) {
            return false;
        }
        let mut places = Places::of(uri, uri.len() - rest.len());
        steps.take(BEGIN + uri.len() / 64);
        let is_first_literal = matches!(self.parts.first(), Some(Part::Literal(_)));
        for part in self.parts.iter().skip(usize::from(is_first_literal)) {
            if !steps.are_left() || places.now.is_empty() {
                return false;
            }
            steps.take(places.pass(part));
        }
        places.now.has(uri.len())
    }
}

/// Whether `uri` is one that is compared at all.
#[must_use]
pub fn is_comparable(uri: &str) -> bool {
    uri.len() <= LONGEST_URI
}

/// Adds the literal before `part`, and `part`, joined to one of its kind.
fn push(parts: &mut Vec<Part>, literal: &mut String, part: Option<Part>) {
    if !literal.is_empty() {
        parts.push(Part::Literal(std::mem::take(literal).into()));
    }
    let Some(part) = part else { return };
    if let (
        Some(Part::Some {
            least,
            may_hold_slash,
        }),
        Part::Some {
            may_hold_slash: same,
            ..
        },
    ) = (parts.last_mut(), &part)
        && may_hold_slash == same
    {
        *least += 1;
    } else {
        parts.push(part);
    }
}

impl Part {
    /// Reads the `{…}` that `text` begins with, and says how long it is; `None` if it is no
    /// expression of RFC 6570 §2.2. Whether its names may be names is not looked at, nor are
    /// operators kept for later.
    fn parse(text: &str) -> Option<(Self, usize)> {
        let inner = text.strip_prefix('{')?;
        let operator = inner.bytes().next().filter(|c| b"+#./;?&".contains(c));
        let names = inner.get(usize::from(operator.is_some())..)?;
        // Up to what can be in no name, not up to the next '}': it may be far, and be looked for again.
        let is_no_name = |c: char| !(c.is_ascii_alphanumeric() || "_.%,:*-".contains(c));
        let (names, after) = names.split_at(names.find(is_no_name)?);
        if names.is_empty() || !after.starts_with('}') {
            return None;
        }
        let may_hold_slash = match operator {
            Some(b'+' | b'#' | b'?' | b'&') => true,
            Some(b'/') => names.contains(['*', ',']),
            Some(_) | None => false,
        };
        let part = match operator {
            None | Some(b'+') => Self::Some {
                least: 1,
                may_hold_slash,
            },
            Some(first) => Self::Maybe {
                first,
                may_hold_slash,
            },
        };
        Some((part, text.len() - after.len() + 1))
    }
}

/// At which places of the URI the parts so far can have ended: one pass over the URI for each part,
/// whatever is in it, where trying and going back could take for ever.
struct Places<'a> {
    uri: &'a [u8],
    now: Window,
    next: Window,
}

/// Some places, none of them before the first or behind the last.
struct Window {
    is_in: Vec<bool>,
    first: usize,
    last: usize,
}

impl Window {
    fn none(length: usize) -> Self {
        Self {
            is_in: vec![false; length + 1],
            first: usize::MAX,
            last: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.first == usize::MAX
    }

    fn has(&self, place: usize) -> bool {
        self.is_in.get(place) == Some(&true)
    }

    fn put(&mut self, place: usize) {
        if let Some(is_in) = self.is_in.get_mut(place) {
            *is_in = true;
            self.first = self.first.min(place);
            self.last = self.last.max(place);
        }
    }

    fn clear(&mut self) {
        if let Some(used) = self.is_in.get_mut(self.first..=self.last) {
            used.fill(false);
        }
        (self.first, self.last) = (usize::MAX, 0);
    }
}

impl<'a> Places<'a> {
    fn of(uri: &'a [u8], start: usize) -> Self {
        let mut now = Window::none(uri.len());
        now.put(start);
        let next = Window::none(uri.len());
        Self { uri, now, next }
    }

    /// Goes on to where `part` can end; how many steps that took.
    fn pass(&mut self, part: &Part) -> usize {
        let steps = match part {
            Part::Literal(literal) => self.pass_literal(literal.as_bytes()),
            Part::Some {
                least,
                may_hold_slash,
            } => self.pass_some(*least, *may_hold_slash),
            Part::Maybe {
                first,
                may_hold_slash,
            } => self.pass_maybe(*first, *may_hold_slash),
        };
        self.now.clear();
        std::mem::swap(&mut self.now, &mut self.next);
        steps
    }

    fn pass_literal(&mut self, literal: &[u8]) -> usize {
        let mut steps = 0;
        for at in self.now.first..=self.now.last {
            steps += 1;
            if self.now.has(at) {
                steps += 4 + literal.len() / 16;
                let rest = self.uri.get(at..).unwrap_or_default();
                if rest.starts_with(literal) {
                    self.next.put(at + literal.len());
                }
            }
        }
        steps
    }

    fn pass_some(&mut self, least: usize, may_hold_slash: bool) -> usize {
        // The first place from which it goes on up to here.
        let mut open: Option<usize> = None;
        for at in self.now.first..=self.uri.len() {
            if open.is_some_and(|open| at - open >= least) {
                self.next.put(at);
            }
            if open.is_none() && self.now.has(at) {
                open = Some(at);
            }
            if !may_hold_slash && self.uri.get(at) == Some(&b'/') {
                open = None;
            }
            if open.is_none() && at >= self.now.last {
                return at - self.now.first + 1;
            }
        }
        self.uri.len() - self.now.first + 1
    }

    fn pass_maybe(&mut self, first: u8, may_hold_slash: bool) -> usize {
        // Whether one that began before goes on up to here.
        let mut is_open = false;
        for at in self.now.first..=self.uri.len() {
            let is_start = self.now.has(at);
            if is_open || is_start {
                self.next.put(at);
            }
            let next = self.uri.get(at);
            let goes_on = may_hold_slash || next != Some(&b'/');
            is_open = (is_open && goes_on) || (is_start && next == Some(&first));
            if !is_open && at >= self.now.last {
                return at - self.now.first + 1;
            }
        }
        self.uri.len() - self.now.first + 1
    }
}

#[cfg(test)]
mod tests;
