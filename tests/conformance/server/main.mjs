// The server that the conformance suite knows by its names: every tool, prompt and resource that
// its scenarios for the revisions up to 2025-11-25 ask for. It speaks on stdin and stdout, as a
// server behind the gateway does. With `--http PORT` it answers the suite itself, by the SDK's own
// transport: what it then scores is the baseline.

import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";

import { serveHttp } from "./http.mjs";
import { offerPrompts } from "./prompts.mjs";
import { offerResources } from "./resources.mjs";
import { offerTools } from "./tools.mjs";

function newServer() {
  const server = new Server(
    { name: "conformance-fixture", version: "1.0.0" },
    { capabilities: { logging: {} }, instructions: "Everything that the conformance suite calls." },
  );
  offerTools(server);
  offerPrompts(server);
  offerResources(server);
  return server;
}

const [flag, port] = process.argv.slice(2);
if (flag === "--http") {
  serveHttp(Number(port), newServer);
} else {
  // Questions to a client that has gone would keep it alive.
  process.stdin.once("end", () => process.exit());
  await newServer().connect(new StdioServerTransport());
}
