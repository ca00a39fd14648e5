//! Finds a gateway that is its own server. Each has a number, drawn when it starts. It says it with what it asks
//! of servers; it answers those who say theirs with all that are behind it: its own, and those that its servers
//! have answered with. Whoever finds its own number in an answer would offer what it offers, without an end. Whichever
//! connection closes the ring finds it, for the others stand already; and if several do at once, the next request does.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// Who asks.
pub const VIA: HeaderName = HeaderName::from_static("mcproxy-via");
/// Who is behind who answers.
pub const BEHIND: HeaderName = HeaderName::from_static("mcproxy-behind");

/// So many are told of, and believed.
const MOST: usize = 64;

/// Sixteen hexadecimal digits.
type Number = u64;

/// What is known to be behind one server, as long as it is one.
#[derive(Debug, Default)]
pub struct Behind(Arc<Mutex<BTreeSet<Number>>>);

static ALL: Mutex<Vec<Weak<Mutex<BTreeSet<Number>>>>> = Mutex::new(Vec::new());

fn own() -> Number {
    static OWN: OnceLock<Number> = OnceLock::new();
    *OWN.get_or_init(|| fastrand::u64(..))
}

/// This gateway's own number.
pub(super) fn own_header() -> HeaderValue {
    header(&[own()].into())
}

/// Whether a request comes from this gateway itself.
#[must_use]
pub fn is_from_us(headers: &HeaderMap) -> bool {
    headers.contains_key(VIA) && read(headers, &VIA).contains(&own())
}

/// What a request of another gateway is answered with; `None` for all others.
#[must_use]
pub fn answer(headers: &HeaderMap) -> Option<HeaderValue> {
    if !headers.contains_key(VIA) {
        return None;
    }
    let mut all = lock(&ALL);
    all.retain(|behind| behind.strong_count() > 0);
    let behind = all.iter().filter_map(Weak::upgrade);
    let numbers = behind.flat_map(|behind| lock(&behind).clone());
    let mut told: BTreeSet<Number> = numbers.take(MOST - 1).collect();
    told.insert(own());
    Some(header(&told))
}

/// Those who are named in an answer, if this gateway is one of them.
pub(super) fn names_us(headers: &HeaderMap) -> Option<String> {
    if !headers.contains_key(BEHIND) {
        return None;
    }
    let numbers = read(headers, &BEHIND);
    let is_alone = numbers.len() == 1;
    numbers.contains(&own()).then(|| {
        let by = if is_alone { "" } else { "others" };
        by.to_owned()
    })
}

impl Behind {
    /// Takes from an answer who is behind the server.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        if !headers.contains_key(BEHIND) {
            return;
        }
        let numbers = read(headers, &BEHIND);
        let mut known = lock(&self.0);
        if known.is_empty() && !numbers.is_empty() {
            lock(&ALL).push(Arc::downgrade(&self.0));
        }
        *known = numbers;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(headers: &HeaderMap, name: &HeaderName) -> BTreeSet<Number> {
    let texts = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let numbers = texts.flat_map(|text| text.split(','));
    let numbers = numbers.filter_map(|number| Number::from_str_radix(number.trim(), 16).ok());
    numbers.take(MOST).collect()
}

fn header(numbers: &BTreeSet<Number>) -> HeaderValue {
    let texts: Vec<String> = numbers
        .iter()
        .map(|number| format!("{number:016x}"))
        .collect();
    // Digits and commas are always a header's.
    HeaderValue::from_str(&texts.join(",")).unwrap_or_else(|_| HeaderValue::from_static(""))
}
