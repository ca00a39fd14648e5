//! `GET /`: shows somebody with a browser the page, and tells everybody else what this is and where a client
//! connects. A client that was given the address without its path, and wants events, would not read it.

use crate::http::problem::Problem;
use crate::http::{accept, page};
use hyper::header::{ACCEPT, HOST, HeaderMap, VARY};
use warp::Reply;
use warp::reply::Response;

pub(in crate::http) fn answer(headers: HeaderMap) -> Result<Response, Problem> {
    if accept::names(&headers.get_all(ACCEPT), "text/event-stream") {
        return Err(Problem::NotFound);
    }
    if page::is_html(&headers) {
        return file(String::new(), headers);
    }
    // The guard has let this host in: it is a name or an address, nothing that needs escaping.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.unwrap_or("this address");
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        "mcproxy {version}, an MCP gateway\n\n\
         Connect an MCP client to  http://{host}/mcp  (transport: Streamable HTTP)\n\
         or, if it is an older one, http://{host}/sse  (transport: SSE)\n\n\
         Claude Code:  claude mcp add --transport http mcproxy http://{host}/mcp\n\n\
         Health:  http://{host}/healthz\n\
         Ready:   http://{host}/readyz\n\
         State:   http://{host}/status\n\
         Metrics: http://{host}/metrics\n"
    );
    let text = warp::reply::with_header(text, VARY, "accept");
    Ok(text.into_response())
}

/// `GET /page/NAME`: a file of the page.
// By value: a filter hands its own over.
#[expect(clippy::needless_pass_by_value, reason = "called by a warp filter")]
pub(in crate::http) fn file(name: String, headers: HeaderMap) -> Result<Response, Problem> {
    page::answer(&name, &headers).ok_or(Problem::NotFound)
}
