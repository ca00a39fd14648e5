// The TypeScript SDK 2.x (`@modelcontextprotocol/client`), under the names that client.mjs and
// features.mjs use; sdk1.mjs is its twin.

import {
  Client as Plain,
  ProtocolError as Failure,
  SSEClientTransport,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

export { Failure };

/** A client as the SDK has it, in the era of its job. */
export class Client extends Plain {
  constructor({ era }, info, options) {
    const mode = era === "modern" ? { pin: "2026-07-28" } : era;
    super(info, { ...options, versionNegotiation: { mode } });
  }

  /** The result without what only 2026-07-28 puts there: who answers, and how long that may be kept. */
  async request(...asked) {
    const { resultType, ttlMs, cacheScope, _meta, ...result } = await super.request(...asked);
    const { "io.modelcontextprotocol/serverInfo": _, ...meta } = _meta ?? {};
    return Object.keys(meta).length > 0 ? { ...result, _meta: meta } : result;
  }

  revision() {
    return this.getNegotiatedProtocolVersion();
  }

  /** Without a handshake nobody is told of what changes but who listens. */
  async hear(uris = []) {
    if (this.getProtocolEra() !== "modern") return undefined;
    return this.listen({ toolsListChanged: true, resourcesListChanged: true, resourceSubscriptions: uris });
  }
}

/** A way to the server that a job names. */
export function transport({ transport, url, headers, command, env }) {
  switch (transport) {
    case "sse":
      return new SSEClientTransport(new URL(url), { requestInit: { headers } });
    case "http":
      return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
    case "stdio":
      return new StdioClientTransport({ command: command[0], args: command.slice(1), env: env ?? undefined });
  }
}

/** Has `user` hear what the server tells. */
export function listen(client, user) {
  for (const method of ["message", "resources/list_changed", "resources/updated", "tools/list_changed"]) {
    client.setNotificationHandler(`notifications/${method}`, (message) => user.hear(message));
  }
}

/** Has `user` answer what the server asks. */
export function answer(client, user) {
  client.setRequestHandler("sampling/createMessage", ({ params }) => user.sample(params));
  client.setRequestHandler("elicitation/create", ({ params }) => user.elicit(params));
  client.setRequestHandler("roots/list", () => ({ roots: user.roots }));
}

export const call = (client, params, options) => client.callTool(params, options);
