// The fixture with the second SDK: 2026-07-28, and with `both` older revisions beside it. What it has
// to ask is in its results; for a client of an older revision the SDK makes requests of it.

import { createServer } from "node:http";
import { Readable } from "node:stream";

import {
  createMcpHandler,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  Server,
} from "@modelcontextprotocol/server";
import { serveStdio as serve } from "@modelcontextprotocol/server/stdio";

import { Asks } from "./asks.mjs";
import { CAPABILITIES, INFO, INSTRUCTIONS, OFFERS } from "./offers.mjs";

const CAN = "io.modelcontextprotocol/clientCapabilities";

/** Makes servers; `listeners` says what has changed where no server can. */
const factory = (listeners) => ({ era }) => {
  const options = { capabilities: CAPABILITIES, instructions: INSTRUCTIONS };
  const server = new Server(INFO, options);
  const isModern = era === "modern";
  const said = {
    tools: () => (listeners ? listeners().toolsChanged() : server.sendToolListChanged()),
    prompts: () => (listeners ? listeners().promptsChanged() : server.sendPromptListChanged()),
  };
  for (const [method, answer] of Object.entries(OFFERS)) {
    server.setRequestHandler(method, async ({ params }, { mcpReq, http }) => {
      const call = {
        isModern,
        meta: mcpReq._meta,
        can: isModern ? mcpReq.envelope[CAN] : server.getClientCapabilities(),
        answers: mcpReq.inputResponses,
        state: mcpReq.requestState(),
        notify: (method, params) => mcpReq.notify({ method, params }),
        log: (data) => mcpReq.log("info", data, INFO.name),
        changed: (list) => said[list](),
        closeStream: () => http?.closeSSE?.(),
      };
      const result = await answer(params ?? {}, call);
      if (!(result instanceof Asks)) return result;
      result.demand(call.can);
      const { requests: inputRequests, state: requestState } = result;
      return { resultType: "input_required", inputRequests, ...(requestState && { requestState }) };
    });
  }
  if (!isModern) {
    server.setRequestHandler("resources/subscribe", () => ({}));
    server.setRequestHandler("resources/unsubscribe", () => ({}));
  }
  return server;
};

export function serveStdio(era) {
  serve(factory(), { legacy: era === "modern" ? "reject" : "serve" });
}

/** Listens on loopback at `port`, 0 for a free one, and says where. */
export function serveHttp(port) {
  const handler = createMcpHandler(factory(() => handler.notify), { legacy: "reject" });
  const listener = createServer(async (request, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const asked = new Request(`http://${request.headers.host}${request.url}`, {
      method: request.method,
      headers: request.headers,
      body: request.method === "POST" ? Readable.toWeb(request) : undefined,
      duplex: "half",
      signal: gone.signal,
    });
    const refused = hostHeaderValidationResponse(asked, localhostAllowedHostnames());
    const { status, headers, body } = refused ?? (await handler.fetch(asked));
    response.writeHead(status, Object.fromEntries(headers));
    response.flushHeaders();
    if (!body) return response.end();
    // Who goes away in the middle of a stream is no failure of ours.
    Readable.fromWeb(body).on("error", () => response.destroy()).pipe(response);
  });
  listener.listen(port, "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${listener.address().port}`);
  });
}
