//! The page at `/`, for people: HTML, style and scripts of our own, which are in the binary and have no
//! data in them. What it shows it asks for like everybody, with a token where one is asked for; so these
//! files themselves need none. `feed.rs` makes what it reads at `/status/stream`.

mod feed;

pub(super) use self::feed::{Feed, Feeder};

use super::accept;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, StatusCode};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;
use warp::Reply;
use warp::reply::Response;

/// A file of the page.
struct File {
    /// Its address is this below `/page/`; the document itself is at `/`.
    name: &'static str,
    media: &'static str,
    text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// All of them. The document is the first.
const FILES: [File; 9] = [
    File {
        name: "",
        media: "text/html; charset=utf-8",
        text: include_str!("page.html"),
    },
    File {
        name: "page.css",
        media: "text/css; charset=utf-8",
        text: include_str!("page.css"),
    },
    File {
        name: "icon.svg",
        media: "image/svg+xml",
        text: include_str!("icon.svg"),
    },
    File {
        name: "page.js",
        media: SCRIPT,
        text: include_str!("page.js"),
    },
    File {
        name: "stream.js",
        media: SCRIPT,
        text: include_str!("stream.js"),
    },
    File {
        name: "dom.js",
        media: SCRIPT,
        text: include_str!("dom.js"),
    },
    File {
        name: "servers.js",
        media: SCRIPT,
        text: include_str!("servers.js"),
    },
    File {
        name: "tools.js",
        media: SCRIPT,
        text: include_str!("tools.js"),
    },
    File {
        name: "lists.js",
        media: SCRIPT,
        text: include_str!("lists.js"),
    },
];

/// By which a browser knows that it has the newest, in the order of the files.
static TAGS: LazyLock<[HeaderValue; FILES.len()]> = LazyLock::new(|| FILES.map(|file| tag(&file)));

/// What goes with each file. Nothing is loaded from elsewhere, nothing is run that is no file of ours, and no
/// other page may show this one inside itself.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    // It may be kept, and is asked about each time.
    (CACHE_CONTROL, "no-cache"),
    (VARY, "accept"),
];

/// Whether a request asks for a file of the page: it needs no token, and no configuration.
pub(super) fn is_asked_for(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    let is_file = || match path {
        "/" => is_html(headers),
        _ => path.strip_prefix("/page/").is_some_and(is_known),
    };
    is_read && is_file()
}

/// Whether whoever asks at `/` is a browser.
pub(super) fn is_html(headers: &HeaderMap) -> bool {
    accept::names(&headers.get_all(ACCEPT), "text/html")
}

fn is_known(name: &str) -> bool {
    !name.is_empty() && FILES.iter().any(|file| file.name == name)
}

/// The file of that name, or that the browser has it already; `None` if there is none.
pub(super) fn answer(name: &str, headers: &HeaderMap) -> Option<Response> {
    let mut files = FILES.iter().zip(TAGS.iter());
    let (file, tag) = files.find(|(file, _)| file.name == name)?;
    let mut response = if is_held(tag, headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let media = HeaderValue::from_static(file.media);
        warp::reply::with_header(file.text, CONTENT_TYPE, media).into_response()
    };
    let own = response.headers_mut();
    own.insert(ETAG, tag.clone());
    for (name, value) in HEADERS {
        own.insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

/// A proxy that compresses marks the tag as a weak one.
fn is_held(tag: &HeaderValue, headers: &HeaderMap) -> bool {
    let held = headers.get_all(IF_NONE_MATCH).iter();
    let mut tags = held.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tags.any(|held| {
        let held = held.trim_ascii();
        held.strip_prefix(b"W/").unwrap_or(held) == tag.as_bytes()
    })
}

fn tag(file: &File) -> HeaderValue {
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(file.text));
    HeaderValue::try_from(format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(media: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(media))])
    }

    #[test]
    fn only_the_files_of_the_page_are_for_everybody() {
        let browser = accepting("text/html,application/xhtml+xml,*/*;q=0.8");
        for path in ["/", "/page/page.js", "/page/page.css"] {
            assert!(is_asked_for(&Method::GET, path, &browser), "{path}");
            assert!(!is_asked_for(&Method::POST, path, &browser), "{path}");
        }
        for path in [
            "/page/",
            "/page",
            "/page/none.js",
            "/page/../status",
            "/status",
            "/status/stream",
            "/mcp",
        ] {
            assert!(!is_asked_for(&Method::GET, path, &browser), "{path}");
        }
        for media in ["*/*", "text/plain", "application/json", "text/html;q=0"] {
            assert!(!is_asked_for(&Method::GET, "/", &accepting(media)));
        }
    }

    #[test]
    fn a_browser_that_has_it_is_told_so() {
        let first = answer("page.js", &HeaderMap::new()).unwrap();
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers().get(ETAG).unwrap().to_str().unwrap();
        for held in [tag.to_owned(), format!("\"other\", W/{tag}")] {
            let held = HeaderValue::try_from(held).unwrap();
            let again = answer("page.js", &HeaderMap::from_iter([(IF_NONE_MATCH, held)])).unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        }
        let other = answer("page.css", &HeaderMap::new()).unwrap();
        assert_ne!(other.headers().get(ETAG), first.headers().get(ETAG));
        assert!(answer("none.js", &HeaderMap::new()).is_none());
    }

    /// What the policy forbids would be left out by a browser without a word here.
    #[test]
    fn nothing_is_inline_or_from_elsewhere() {
        for file in &FILES {
            let text = file.text;
            for bad in [
                " style=",
                " onclick=",
                "innerHTML",
                "insertAdjacentHTML",
                "eval(",
                "document.cookie",
                "localStorage",
            ] {
                assert!(!text.contains(bad), "{}: {bad}", file.name);
            }
            let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
            for scheme in ["http://", "https://", "url(//"] {
                assert!(!elsewhere.contains(scheme), "{}: {scheme}", file.name);
            }
        }
        let html = FILES[0].text;
        for file in &FILES[1..] {
            let is_named = |text: &str| text.contains(&format!("/{}\"", file.name));
            assert!(
                FILES.iter().any(|other| is_named(other.text)),
                "{}",
                file.name
            );
        }
        assert!(!html.contains("<style") && html.matches("<script").count() == 1);
    }
}
