// The TypeScript SDK 2.x (`@modelcontextprotocol/client`), under the names that client.mjs and
// features.mjs use; sdk1.mjs is its twin.

import {
  Client,
  ProtocolError as Failure,
  SSEClientTransport,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

export { Client, Failure };

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
