// The resources, one template, and subscriptions that are taken and never used: nothing changes.

import {
  ListResourceTemplatesRequestSchema,
  ListResourcesRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

import { PICTURE } from "./media.mjs";

/** By URI: what resources/list shows, and what resources/read adds to it. */
const RESOURCES = {
  "test://static-text": {
    shown: { name: "static-text", description: "A text", mimeType: "text/plain" },
    content: { text: "This is the content of the static text resource." },
  },
  "test://static-binary": {
    shown: { name: "static-binary", description: "A picture", mimeType: "image/png" },
    content: { blob: PICTURE },
  },
  "test://watched-resource": {
    shown: { name: "watched-resource", description: "To subscribe to", mimeType: "text/plain" },
    content: { text: "Watched resource content." },
  },
};

/** The error code of resources/read for a URI that names nothing, up to 2025-11-25. */
const RESOURCE_NOT_FOUND = -32002;

const TEMPLATE = {
  uriTemplate: "test://template/{id}/data",
  name: "template",
  description: "An object that says which id it was asked for",
  mimeType: "application/json",
};

function read(uri) {
  const resource = RESOURCES[uri];
  if (resource) return { uri, mimeType: resource.shown.mimeType, ...resource.content };
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (!id) throw new McpError(RESOURCE_NOT_FOUND, "Resource not found", { uri });
  const data = { id, templateTest: true, data: `Data for ID: ${id}` };
  return { uri, mimeType: TEMPLATE.mimeType, text: JSON.stringify(data) };
}

/** Declares the resources and answers for them. */
export function offerResources(server) {
  server.registerCapabilities({ resources: { listChanged: true, subscribe: true } });
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: Object.entries(RESOURCES).map(([uri, { shown }]) => ({ uri, ...shown })),
  }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
    resourceTemplates: [TEMPLATE],
  }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => ({
    contents: [read(params.uri)],
  }));
  server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
}
