// The TypeScript SDK 1.x (`@modelcontextprotocol/sdk`), under the names that client.mjs and
// features.mjs use; sdk2.mjs is its twin.

import { Client as Plain } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  McpError as Failure,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";

export { Failure };

/** A client as the SDK has it; it knows one era. */
export class Client extends Plain {
  constructor(_, info, options) {
    super(info, options);
  }

  async hear() {}
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
  for (const schema of [
    LoggingMessageNotificationSchema,
    ResourceListChangedNotificationSchema,
    ResourceUpdatedNotificationSchema,
    ToolListChangedNotificationSchema,
  ]) {
    client.setNotificationHandler(schema, (message) => user.hear(message));
  }
}

/** Has `user` answer what the server asks. */
export function answer(client, user) {
  client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => user.sample(params));
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => user.elicit(params));
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: user.roots }));
}

export const call = (client, params, options) => client.callTool(params, undefined, options);
