// The resources, one template, and subscriptions that are taken and never used: nothing changes.

import { Failure, INVALID_PARAMS } from "./asks.mjs";
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

function read(uri, isModern) {
  const resource = RESOURCES[uri];
  if (resource) return { uri, mimeType: resource.shown.mimeType, ...resource.content };
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  const code = isModern ? INVALID_PARAMS : RESOURCE_NOT_FOUND;
  if (!id) throw new Failure(code, "Resource not found", { uri });
  const data = { id, templateTest: true, data: `Data for ID: ${id}` };
  return { uri, mimeType: TEMPLATE.mimeType, text: JSON.stringify(data) };
}

export const offeredResources = {
  "resources/list": () => ({
    resources: Object.entries(RESOURCES).map(([uri, { shown }]) => ({ uri, ...shown })),
  }),
  "resources/templates/list": () => ({ resourceTemplates: [TEMPLATE] }),
  "resources/read": ({ uri }, { isModern }) => ({ contents: [read(uri, isModern)] }),
};
