// The fixture with the first SDK as a Streamable HTTP server, one instance for each session.

import { randomUUID } from "node:crypto";

import { InMemoryEventStore } from "@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js";
import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { isInitializeRequest } from "@modelcontextprotocol/sdk/types.js";

/** How soon a client may come back for the rest of a stream, in milliseconds. */
const RETRY = 200;

/** Listens on loopback at `port`, 0 for a free one, and says where. */
export function serve(port, newServer) {
  const sessions = new Map();

  /** The transport of the session that the request names; a new one if it opens a session. */
  async function transportOf(request) {
    const id = request.headers["mcp-session-id"];
    if (id !== undefined || !isInitializeRequest(request.body)) return sessions.get(id);
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: new InMemoryEventStore(),
      retryInterval: RETRY,
      onsessioninitialized: (opened) => sessions.set(opened, transport),
      onsessionclosed: (closed) => sessions.delete(closed),
    });
    await newServer().connect(transport);
    return transport;
  }

  // It refuses a Host that is not this machine.
  const app = createMcpExpressApp();
  app.all("/mcp", async (request, response) => {
    const transport = await transportOf(request);
    if (transport) return transport.handleRequest(request, response, request.body);
    const status = request.headers["mcp-session-id"] === undefined ? 400 : 404;
    const error = { code: -32600, message: "no such session" };
    response.status(status).json({ jsonrpc: "2.0", id: null, error });
  });
  const listener = app.listen(port, "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${listener.address().port}`);
  });
}
