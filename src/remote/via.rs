//! Finds a gateway that is its own server. Each has a number, drawn when it starts. It says it with what it asks
//! of servers; it answers those who say theirs with all that are behind it: its own, and those that its servers
//! have answered with. Whoever finds its own number in an answer would offer what it offers, without an end. Whichever
//! connection closes the ring finds it, for the others stand already; and if several do at once, the next request does.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

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
pub struct Behind {
    numbers: Arc<Numbers>,
    is_listed: AtomicBool,
}

type Numbers = Mutex<BTreeSet<Number>>;

/// Those of all servers that have said any. This lock and the one of a server's numbers are never held together.
static ALL: Mutex<Vec<Weak<Numbers>>> = Mutex::new(Vec::new());

fn own() -> Number {
    static OWN: OnceLock<Number> = OnceLock::new();
    *OWN.get_or_init(|| fastrand::u64(..))
}

/// This gateway's own number.
#[must_use]
pub fn own_header() -> HeaderValue {
    header(&[own()].into())
}

/// Whether a request comes from this gateway itself.
#[must_use]
pub fn is_from_us(headers: &HeaderMap) -> bool {
    headers.contains_key(VIA) && read(headers, &VIA).contains(&own())
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
