// What a tool or a prompt gives instead of a result when it has to ask its client first: requests by
// key, all at once, and a state that comes back with the answers. The tool is then run again. And
// errors that are the answer to the request, not a result.

import { createHmac, randomBytes } from "node:crypto";

import { text } from "./media.mjs";

/** An error of JSON-RPC. */
export class Failure extends Error {
  constructor(code, message, data) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export const INVALID_PARAMS = -32602;

const MISSING_CAPABILITY = -32021;

export class Asks {
  constructor(requests, state) {
    this.requests = requests;
    this.state = state;
  }

  /** Refuses a client that has not said that it answers all of this. */
  demand(can) {
    const kinds = Object.values(this.requests).map(({ method }) => method.split("/")[0]);
    const missing = kinds.filter((kind) => can?.[kind] === undefined);
    if (missing.length === 0) return;
    const requiredCapabilities = Object.fromEntries(missing.map((kind) => [kind, {}]));
    throw new Failure(MISSING_CAPABILITY, "the client lacks a capability", { requiredCapabilities });
  }
}

/** A form with these fields. */
export const form = (message, properties, required = Object.keys(properties)) => ({
  method: "elicitation/create",
  params: { mode: "form", message, requestedSchema: { type: "object", properties, required } },
});

/** A question to the client's model. */
export const model = (question, maxTokens = 100) => ({
  method: "sampling/createMessage",
  params: { messages: [{ role: "user", content: text(question) }], maxTokens },
});

export const roots = { method: "roots/list", params: {} };

const KEY = randomBytes(32);

const macOf = (payload) => createHmac("sha256", KEY).update(payload).digest("base64url");

/** A state that only this process can make. */
export function seal(value) {
  const payload = Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${payload}.${macOf(payload)}`;
}

/** What was sealed; `undefined` without a state. */
export function unseal(state) {
  if (state === undefined) return undefined;
  const [payload, mac] = state.split(".");
  if (mac !== macOf(payload)) throw new Failure(INVALID_PARAMS, "Invalid or expired requestState");
  return JSON.parse(Buffer.from(payload, "base64url"));
}
