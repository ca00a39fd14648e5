// What every connection of either era offers: the answers by method, whatever SDK carries them.
// Each takes the params and the `call`, which is what the SDK's adapter knows of the request:
//
//   isModern                whether it is of 2026-07-28
//   meta                    its `_meta`
//   can                     what its client can be asked for
//   answers, state          what a client that comes back brings: by key, and as it was sealed
//   notify(method, params)  a notification that belongs to it
//   log(data)               a message of level info, if the client wants it
//   changed(list)           says that "tools" or "prompts" have changed
//   closeStream()           breaks off the stream of its answer, where there is one
//
// Each gives a result, or an `Asks`.

import { offeredPrompts } from "./prompts.mjs";
import { offeredResources } from "./resources.mjs";
import { offeredTools } from "./tools.mjs";

export const INFO = { name: "conformance-fixture", version: "1.0.0" };

export const INSTRUCTIONS = "Everything that the conformance suite calls.";

export const CAPABILITIES = {
  logging: {},
  completions: {},
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
};

export const OFFERS = { ...offeredTools, ...offeredPrompts, ...offeredResources };
