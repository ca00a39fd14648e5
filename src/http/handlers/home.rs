//! `GET /`: tells somebody with a browser what this is and where a client connects. A client that was
//! given the address without its path, and wants events, would not read it.

use crate::http::accept;
use crate::http::problem::Problem;
use hyper::header::{ACCEPT, HOST, HeaderMap};
use warp::Reply;
use warp::reply::Response;

// By value: a filter hands its own clone over.
#[expect(clippy::needless_pass_by_value, reason = "called by a warp filter")]
pub(in crate::http) fn answer(headers: HeaderMap) -> Result<Response, Problem> {
    if accept::names(&headers.get_all(ACCEPT), "text/event-stream") {
        return Err(Problem::NotFound);
    }
    // The guard has let this host in: it is a name or an address, nothing that needs escaping.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.unwrap_or("this address");
    let version = env!("CARGO_PKG_VERSION");
    let page = format!(
        "mcproxy {version}, an MCP gateway\n\n\
         Connect an MCP client to  http://{host}/mcp  (transport: Streamable HTTP)\n\
         or, if it is an older one, http://{host}/sse  (transport: SSE)\n\n\
         Claude Code:  claude mcp add --transport http mcproxy http://{host}/mcp\n\n\
         Health:  http://{host}/healthz\n\
         Ready:   http://{host}/readyz\n\
         State:   http://{host}/status\n\
         Metrics: http://{host}/metrics\n"
    );
    Ok(page.into_response())
}
