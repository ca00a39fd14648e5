//! Texts that are JSON and that some readers refuse all the same, so that with one entry they refuse
//! the whole list: numbers beyond what a double holds (Go, Rust), and what is nested too deep. An answer
//! spoils nothing but itself, and both official SDKs live with 1e999; but a whole number of more than
//! 4 300 digits leaves its call without an end in Python.

use super::super::depth;
use super::super::raw::scan::Scan;
use super::{Class, Fault};

/// Some readers take 128 levels, of which the list and the message around it are four.
const DEEPEST: usize = 120;
/// A number with fewer digits than this and without an exponent is below the largest double.
const LONG: usize = 300;
/// Python reads no whole number with more (`sys.int_info.default_max_str_digits`).
const DIGITS: usize = 4300;

/// Looks at an entry of a list, valid JSON.
pub(super) fn check(entry: &str) -> Result<(), Fault> {
    if depth::is_deeper_than(DEEPEST, entry.as_bytes()) {
        return Err(unreadable("is nested more than 120 deep"));
    }
    if has_infinity(entry) {
        return Err(unreadable("has a number that is too large for a double"));
    }
    Ok(())
}

/// Looks at the numbers of a part of an answer, valid JSON.
pub(super) fn check_digits(value: &str) -> Result<(), Fault> {
    let mut scan = Scan::new(value);
    while value.len() > DIGITS
        && let Some(scalar) = scan.next_scalar()
    {
        let digits = scalar.trim_start_matches('-');
        if digits.len() > DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(unreadable("has a whole number of more than 4300 digits"));
        }
    }
    Ok(())
}

fn unreadable(wanted: &'static str) -> Fault {
    Fault::new(Class::Unreadable, "", wanted)
}

/// Whether a number is so large that readers with 64 bits for it refuse it.
fn has_infinity(json: &str) -> bool {
    let mut scan = Scan::new(json);
    while let Some(scalar) = scan.next_scalar() {
        let may_be_large = scalar.len() >= LONG || scalar.contains(['e', 'E']);
        let is_number = scalar.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        if may_be_large && is_number && scalar.parse().is_ok_and(f64::is_infinite) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_a_double() {
        let large = format!("[{}]", "9".repeat(400));
        for json in ["{\"a\":[1,-1e400]}", "1E+999", &large] {
            assert!(has_infinity(json), "{json}");
        }
        let long = format!("[0.{}]", "9".repeat(400));
        for json in [
            "{\"1e999\":\"1e999\",\"a\":[true,null,1e308,1e-999]}",
            "\"\\\"1e999\"",
            &long,
        ] {
            assert!(!has_infinity(json), "{json}");
        }
    }

    #[test]
    fn nesting() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(check(&nested(DEEPEST)).is_ok());
        assert!(check(&nested(DEEPEST + 1)).is_err());
    }
}
