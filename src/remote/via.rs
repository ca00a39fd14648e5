//! Finds a gateway that is its own server. Each has a number, drawn when it starts. It answers other gateways with
//! all that are behind it: its own, and those that its servers have answered with. Whoever finds its own number in an
//! answer would offer what it offers, without an end. Whichever connection closes the ring finds it, for the others
//! stand already; and if several do at once, the next request does.
//!
//! Servers are not told that number, or each could have others believe that the gateway is behind it. What they are
//! told is another sign for each life of theirs, which only this gateway knows for its own: asked by itself, it
//! answers with that sign. A server that says its sign elsewhere has said nothing.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

/// A gateway asks, and what it knows itself by.
pub const VIA: HeaderName = HeaderName::from_static("mcproxy-via");
/// Who is behind who answers.
pub const BEHIND: HeaderName = HeaderName::from_static("mcproxy-behind");

/// So many are told of, and believed.
const MOST: usize = 64;

/// Sixteen hexadecimal digits.
type Number = u64;

/// How a server leads to this gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ring {
    /// It is this gateway.
    Itself,
    /// By way of others.
    Others,
}

/// What is known to be behind one server, as long as it is one.
#[derive(Debug, Default)]
pub struct Behind {
    numbers: Arc<Numbers>,
    is_listed: AtomicBool,
}

type Numbers = Mutex<BTreeSet<Number>>;

/// Those of all servers that have said any. This lock and the one of a server's numbers are never held together.
static ALL: Mutex<Vec<Weak<Numbers>>> = Mutex::new(Vec::new());

/// What nobody can tell who has not this process's secret (`SipHash` with keys that are drawn at the first use).
fn secret(purpose: &str, of: Number) -> Number {
    static SECRET: OnceLock<RandomState> = OnceLock::new();
    SECRET.get_or_init(RandomState::new).hash_one((purpose, of))
}

fn own() -> Number {
    secret("gateway", 0)
}

/// What one life of a server is told.
pub(super) fn new_sign() -> HeaderValue {
    static LIVES: AtomicU64 = AtomicU64::new(0);
    let life = LIVES.fetch_add(1, Ordering::Relaxed);
    value(&signed(secret("life", life)))
}

/// That number, and the proof that it is this gateway's.
fn signed(number: Number) -> String {
    format!("{number:016x}{:016x}", secret("proof", number))
}

fn is_sign(text: &str) -> bool {
    let number = text.get(..16);
    let number = number.and_then(|number| Number::from_str_radix(number, 16).ok());
    number.is_some_and(|number| signed(number) == text)
}

/// The sign of this gateway, if a request comes from itself.
#[must_use]
pub fn from_us(headers: &HeaderMap) -> Option<HeaderValue> {
    let ours = texts(headers, VIA).find(|text| is_sign(text));
    ours.map(value)
}

/// What a request of another gateway is answered with.
#[must_use]
pub fn answer() -> HeaderValue {
    let all: Vec<Arc<Numbers>> = lock(&ALL).iter().filter_map(Weak::upgrade).collect();
    let all = all.iter().map(|numbers| lock(numbers).clone());
    header(&in_turn(all.collect()))
}

/// This gateway's number, and one of each server by turns: who names many leaves room for the others.
fn in_turn(all: Vec<BTreeSet<Number>>) -> BTreeSet<Number> {
    let mut told = BTreeSet::from([own()]);
    let mut all: Vec<_> = all.into_iter().map(BTreeSet::into_iter).collect();
    while !all.is_empty() {
        all.retain_mut(|numbers| {
            let next = numbers.next().filter(|_| told.len() < MOST);
            next.map(|number| told.insert(number)).is_some()
        });
    }
    told
}

/// Whether an answer says that this gateway is behind it.
pub(super) fn names_us(headers: &HeaderMap) -> Option<Ring> {
    if texts(headers, BEHIND).any(is_sign) {
        return Some(Ring::Itself);
    }
    let is_named = read(headers).contains(&own());
    is_named.then_some(Ring::Others)
}

impl Behind {
    /// Takes from an answer who is behind the server.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        if !headers.contains_key(BEHIND) {
            return;
        }
        let numbers = read(headers);
        *lock(&self.numbers) = numbers;
        if !self.is_listed.swap(true, Ordering::Relaxed) {
            let mut all = lock(&ALL);
            all.retain(|numbers| numbers.strong_count() > 0);
            all.push(Arc::downgrade(&self.numbers));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn texts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let texts = texts.flat_map(|text| text.split(','));
    texts.map(str::trim).take(MOST)
}

/// Who is behind who answers so.
fn read(headers: &HeaderMap) -> BTreeSet<Number> {
    let numbers = texts(headers, BEHIND);
    let numbers = numbers.filter_map(|number| Number::from_str_radix(number, 16).ok());
    numbers.collect()
}

fn header(numbers: &BTreeSet<Number>) -> HeaderValue {
    let texts: Vec<String> = numbers
        .iter()
        .map(|number| format!("{number:016x}"))
        .collect();
    value(&texts.join(","))
}

/// Of digits and commas, which are always a header's.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_server_that_takes_back_what_it_says_stops_nobody_and_is_listed_once() {
        const TURNS: usize = 50_000;
        let (done, both) = channel();
        let behind = Arc::new(Behind::default());
        let (ours, told) = (Arc::clone(&behind), done.clone());
        thread::spawn(move || {
            for turn in 0..TURNS {
                let said = if turn % 2 == 0 { "1" } else { "zz" };
                ours.learn(&headers(BEHIND, said));
            }
            told.send(()).unwrap();
        });
        thread::spawn(move || {
            for _ in 0..TURNS {
                assert!(!answer().is_empty());
            }
            done.send(()).unwrap();
        });
        for _ in 0..2 {
            both.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        let ours = Arc::downgrade(&behind.numbers);
        let all = lock(&ALL);
        assert_eq!(
            all.iter().filter(|numbers| numbers.ptr_eq(&ours)).count(),
            1
        );
    }

    #[test]
    fn a_sign_is_of_one_life_and_of_this_gateway_alone() {
        let [one, two] = [new_sign(), new_sign()];
        assert_ne!(one, two);
        for sign in [one, two] {
            let text = sign.to_str().unwrap();
            assert_eq!(from_us(&headers(VIA, text)).as_ref(), Some(&sign));
            assert_eq!(names_us(&headers(BEHIND, text)), Some(Ring::Itself));
            let (number, proof) = text.split_at(16);
            let forged = format!("{proof}{number}");
            let ours = format!("{:016x}", own());
            for other in [number, proof, &forged, &ours, "-1", ""] {
                assert_eq!(from_us(&headers(VIA, other)), None, "{other}");
            }
        }
    }

    #[test]
    fn only_its_number_tells_a_gateway_that_it_is_behind_others_and_no_sign_is_passed_on() {
        let ours = format!("1,{:016x}", own());
        assert_eq!(names_us(&headers(BEHIND, &ours)), Some(Ring::Others));
        assert_eq!(names_us(&headers(BEHIND, "1,2")), None);
        let behind = Behind::default();
        let sign = new_sign();
        let said = format!("{},5", sign.to_str().unwrap());
        behind.learn(&headers(BEHIND, &said));
        assert_eq!(*lock(&behind.numbers), [5].into());
    }

    #[test]
    fn a_server_that_names_many_leaves_room_for_the_others() {
        let many: BTreeSet<Number> = (0..200).collect();
        let told = in_turn(vec![many.clone(), many, [1000, 1001].into()]);
        assert_eq!(told.len(), MOST);
        assert!(
            [own(), 1000, 1001]
                .iter()
                .all(|number| told.contains(number))
        );
    }
}
