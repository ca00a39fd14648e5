// The fixture with the first SDK: revisions up to 2025-11-25. What it has to ask it asks by requests
// of its own, all of a round at once.

import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  CreateMessageResultSchema,
  ElicitResultSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListResourcesRequestSchema,
  ListRootsResultSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

import { Asks } from "./asks.mjs";
import { CAPABILITIES, INFO, INSTRUCTIONS, OFFERS } from "./offers.mjs";

const SCHEMAS = {
  "tools/list": ListToolsRequestSchema,
  "tools/call": CallToolRequestSchema,
  "prompts/list": ListPromptsRequestSchema,
  "prompts/get": GetPromptRequestSchema,
  "completion/complete": CompleteRequestSchema,
  "resources/list": ListResourcesRequestSchema,
  "resources/templates/list": ListResourceTemplatesRequestSchema,
  "resources/read": ReadResourceRequestSchema,
};

const RESULTS = {
  "elicitation/create": ElicitResultSchema,
  "sampling/createMessage": CreateMessageResultSchema,
  "roots/list": ListRootsResultSchema,
};

/** Answers to all of them, by key. */
async function ask(requests, { sendRequest }) {
  const one = async ([key, request]) => [key, await sendRequest(request, RESULTS[request.method])];
  return Object.fromEntries(await Promise.all(Object.entries(requests).map(one)));
}

function newServer() {
  const options = { capabilities: CAPABILITIES, instructions: INSTRUCTIONS };
  const server = new Server(INFO, options);
  const said = {
    tools: () => server.sendToolListChanged(),
    prompts: () => server.sendPromptListChanged(),
  };
  for (const [method, answer] of Object.entries(OFFERS)) {
    server.setRequestHandler(SCHEMAS[method], async ({ params }, extra) => {
      const notify = (method, params) => extra.sendNotification({ method, params });
      const call = {
        isModern: false,
        meta: extra._meta,
        can: server.getClientCapabilities(),
        notify,
        log: (data) => notify("notifications/message", { level: "info", logger: INFO.name, data }),
        changed: (list) => said[list](),
        closeStream: () => extra.closeSSEStream?.(),
      };
      let result = await answer(params ?? {}, call);
      while (result instanceof Asks) {
        const { requests, state } = result;
        result = await answer(params, { ...call, answers: await ask(requests, extra), state });
      }
      return result;
    });
  }
  // Taken, and never used: nothing changes.
  server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
  return server;
}

export const serveStdio = () => newServer().connect(new StdioServerTransport());

export async function serveHttp(port) {
  // It loads slowly, and a gateway starts this server often.
  const { serve } = await import("./http.mjs");
  serve(port, newServer);
}
