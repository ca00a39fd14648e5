// A host of MCP Apps (`@modelcontextprotocol/ext-apps`): its client is connected to the gateway, its bridge
// to the app of a page, which runs beside it here instead of in a frame. The argument is a job: where the
// gateway is, in which era, and which tools the page calls. What is seen goes to stdout, one JSON object.

import { App } from "@modelcontextprotocol/ext-apps";
import { AppBridge, getToolUiResourceUri, RESOURCE_MIME_TYPE } from "@modelcontextprotocol/ext-apps/app-bridge";
import { InMemoryTransport } from "@modelcontextprotocol/client";
import { Client, transport } from "./sdk2.mjs";

const APPS = "io.modelcontextprotocol/ui";

const job = JSON.parse(process.argv[2]);
const info = { name: "host", version: "1" };
const capabilities = { extensions: { [APPS]: { mimeTypes: [RESOURCE_MIME_TYPE] } } };
const client = new Client(job, info, { capabilities });
await client.connect(transport(job));

const pages = {};
for (const tool of (await client.listTools()).tools) {
  const uri = getToolUiResourceUri(tool);
  if (uri === undefined) continue;
  const { contents: [page] } = await client.readResource({ uri });
  pages[tool.name] = { uri, is: page.uri, mimeType: page.mimeType, isHtml: page.text.startsWith("<!DOCTYPE html>") };
}

const bridge = new AppBridge(client, info, { serverTools: {}, serverResources: {} });
const [host, view] = InMemoryTransport.createLinkedPair();
const initialized = new Promise((resolve) => (bridge.oninitialized = resolve));
await bridge.connect(host);
const app = new App({ name: "page", version: "1" }, {}, { autoResize: false });
await app.connect(view);
await initialized;

const calls = {};
for (const name of job.calls) {
  calls[name] = await app.callServerTool({ name, arguments: {} }).then(
    ({ content }) => content[0].text.split("\n")[0],
    (failure) => failure.message,
  );
}

console.log(JSON.stringify({ apps: client.getServerCapabilities().extensions?.[APPS] ?? null, pages, calls }));
await app.close();
await client.close();
