// An MCP server that hopes to be shown as HTML: in its descriptions, its results, on stderr and on
// stdout, where it does not belong.

import { createInterface } from "node:readline";

const HTML = `<img src=x onerror="alert('struck')"><script>alert('struck')</script><b>bold</b>`;
const tool = { name: "echo", title: HTML, description: `Gives back what it gets. ${HTML}`, inputSchema: { type: "object", properties: { text: { type: "string", description: HTML } }, required: ["text"] } };

const answers = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: HTML, version: "1" } }),
  "tools/list": () => ({ tools: [tool] }),
  "tools/call": ({ arguments: { text } }) => ({ content: [{ type: "text", text: `${text} ${HTML}` }] }),
  ping: () => ({}),
};

console.error(`it began ${HTML}`);
console.log(`no JSON ${HTML}`);
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const answer = answers[method];
  const outcome = answer ? { result: answer(params ?? {}) } : { error: { code: -32601, message: "unknown" } };
  console.log(JSON.stringify({ jsonrpc: "2.0", id, ...outcome }));
}
