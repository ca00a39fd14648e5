// A server that echoes, made with the TypeScript SDK 1.x: a session for each client.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

const [, , , port] = process.argv;
const sessions = new Map();

async function session() {
  const server = new McpServer({ name: "echo", version: "1" });
  const echo = { description: "Says it again.", inputSchema: { text: z.string() } };
  server.registerTool("echo", echo, ({ text }) => ({ content: [{ type: "text", text }] }));
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => sessions.set(id, transport),
  });
  await server.connect(transport);
  return transport;
}

createServer(async (request, response) => {
  const known = sessions.get(request.headers["mcp-session-id"]);
  await (known ?? (await session())).handleRequest(request, response);
}).listen(Number(port), "127.0.0.1");
