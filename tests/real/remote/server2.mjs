// A server that echoes, made with the TypeScript SDK 2.x: it has no sessions, and knows both eras.

import { createServer } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

const [, , , port] = process.argv;

function server() {
  const server = new McpServer({ name: "echo", version: "1" });
  const echo = { description: "Says it again.", inputSchema: z.object({ text: z.string() }) };
  server.registerTool("echo", echo, ({ text }) => ({ content: [{ type: "text", text }] }));
  return server;
}

createServer(toNodeHandler(createMcpHandler(server))).listen(Number(port), "127.0.0.1");
