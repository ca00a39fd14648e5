//! What a body is written in. JSON is sent as UTF-8 (RFC 8259 §8.1); a byte order mark that some
//! programs put before it is taken off, and what is anything else is named.

use super::problem::Problem;
use bytes::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};

const MARK: &[u8] = b"\xef\xbb\xbf";

/// Refuses a body that is compressed: nobody here would unpack it.
pub(super) fn check_coding(headers: &HeaderMap) -> Result<(), Problem> {
    for value in headers.get_all(CONTENT_ENCODING) {
        let text = String::from_utf8_lossy(value.as_bytes());
        let is_coded =
            |coding: &&str| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity");
        if let Some(coding) = text.split(',').map(str::trim).find(is_coded) {
            return Err(Problem::Coded(coding.chars().take(40).collect()));
        }
    }
    Ok(())
}

/// The body without its mark, if it is UTF-8 as far as can be seen at once.
pub(super) fn unmarked(body: Bytes, headers: &HeaderMap) -> Result<Bytes, Problem> {
    if let Some(charset) = foreign_charset(headers) {
        // Where all agree, it does not matter what it is called.
        let is_ascii = body.is_ascii() && !body.contains(&0);
        return if is_ascii {
            Ok(body)
        } else {
            Err(Problem::Charset(charset))
        };
    }
    match body.as_ref() {
        [0xef, 0xbb, 0xbf, ..] => Ok(body.slice(MARK.len()..)),
        // A message begins with a character of ASCII: the zeros beside it tell (RFC 4627 §3).
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, ..] | [_, 0, ..] => {
            Err(Problem::Charset("UTF-16 or UTF-32".to_owned()))
        }
        _ => Ok(body),
    }
}

/// What Content-Type says of the characters, if that is neither UTF-8 nor a part of it.
fn foreign_charset(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = text
        .split(';')
        .skip(1)
        .filter_map(|text| text.split_once('='));
    let (_, charset) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    let charset = charset.trim().trim_matches('"');
    let is_ours = ["", "utf-8", "utf8", "us-ascii", "ascii"];
    let is_ours = is_ours
        .iter()
        .any(|ours| charset.eq_ignore_ascii_case(ours));
    (!is_ours).then(|| charset.chars().take(40).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn headers(kind: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))])
    }

    fn read(kind: &'static str, body: &'static [u8]) -> Result<Bytes, String> {
        unmarked(Bytes::from_static(body), &headers(kind)).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_mark_is_taken_off_once() {
        for (body, expected) in [
            (&b"{}"[..], &b"{}"[..]),
            (b"\xef\xbb\xbf{}", b"{}"),
            (b"\xef\xbb\xbf", b""),
            (b"\xef\xbb\xbf\xef\xbb\xbf{}", b"\xef\xbb\xbf{}"),
            (b"\xef\xbb", b"\xef\xbb"),
            (b"", b""),
            (b"{", b"{"),
        ] {
            assert_eq!(read("application/json", body).unwrap(), expected);
        }
    }

    #[test]
    fn other_encodings_are_named() {
        for body in [
            &b"\xff\xfe{\0}\0"[..],
            b"\xfe\xff\0{\0}",
            b"{\0}\0",
            b"\0{\0}",
            b"\0\0\0{",
        ] {
            let problem = read("application/json; charset=utf-8", body).unwrap_err();
            assert!(problem.contains("UTF-16"), "{problem}");
        }
    }

    #[test]
    fn a_charset_matters_where_it_makes_a_difference() {
        for kind in [
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; version=1; Charset=utf8",
            "application/json; charset=US-ASCII",
            "application/json; charset=",
            "application/json; odd",
        ] {
            assert_eq!(read(kind, "{\"é\":1}".as_bytes()).unwrap(), "{\"é\":1}");
        }
        let latin = "application/json; charset=ISO-8859-1";
        assert_eq!(read(latin, b"{}").unwrap(), "{}");
        for (kind, body) in [
            (latin, &b"{\"\xe9\":1}"[..]),
            (latin, "{\"é\":1}".as_bytes()),
        ] {
            assert!(read(kind, body).unwrap_err().contains("ISO-8859-1"));
        }
        let problem = read("application/json; charset=utf-16le", b"{\0}\0").unwrap_err();
        assert!(problem.contains("utf-16le"), "{problem}");
    }

    #[test]
    fn what_is_compressed_is_refused() {
        let coded = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            check_coding(&headers)
                .err()
                .map(|problem| problem.to_string())
        };
        for plain in [&[][..], &["identity"], &[""], &["Identity, identity"]] {
            assert_eq!(coded(plain), None, "{plain:?}");
        }
        for (values, named) in [
            (&["gzip"][..], "gzip"),
            (&["deflate"], "deflate"),
            (&["br"], "br"),
            (&["identity, zstd"], "zstd"),
            (&["identity", "x-gzip"], "x-gzip"),
        ] {
            let problem = coded(values).unwrap();
            assert!(problem.contains(&format!("'{named}'")), "{problem}");
        }
    }
}
