// The tools that ask the client: for a message of its model, or for input of its user.

import { CreateMessageResultSchema, ElicitResultSchema } from "@modelcontextprotocol/sdk/types.js";

import { text } from "./media.mjs";

/** A schema of an object with one text that must be there. */
const one = (name, description) => ({
  type: "object",
  properties: { [name]: { type: "string", description } },
  required: [name],
});

async function sample({ prompt }, { sendRequest }) {
  const params = { messages: [{ role: "user", content: text(prompt) }], maxTokens: 100 };
  const request = { method: "sampling/createMessage", params };
  const answer = await sendRequest(request, CreateMessageResultSchema);
  return [text(`LLM response: ${answer.content.text}`)];
}

/** Shows a form with these fields and tells what the user did with it. */
async function elicit(message, properties, required, { sendRequest }) {
  const requestedSchema = { type: "object", properties, required };
  const params = { mode: "form", message, requestedSchema };
  const request = { method: "elicitation/create", params };
  const { action, content } = await sendRequest(request, ElicitResultSchema);
  return [text(`User response: action=${action}, content=${JSON.stringify(content ?? {})}`)];
}

/** A field of each primitive type, each with a default (SEP-1034). */
const DEFAULTS = {
  name: { type: "string", description: "A name", default: "John Doe" },
  age: { type: "integer", description: "An age", default: 30 },
  score: { type: "number", description: "A score", default: 95.5 },
  status: {
    type: "string",
    description: "A status",
    enum: ["active", "inactive", "pending"],
    default: "active",
  },
  verified: { type: "boolean", description: "Is it so?", default: true },
};

const OPTIONS = ["option1", "option2", "option3"];

const TITLED = [
  { const: "value1", title: "First Option" },
  { const: "value2", title: "Second Option" },
  { const: "value3", title: "Third Option" },
];

/** Every way to say what may be chosen (SEP-1330). */
const CHOICES = {
  untitledSingle: { type: "string", description: "One", enum: OPTIONS },
  titledSingle: { type: "string", description: "One, by title", oneOf: TITLED },
  legacyEnum: {
    type: "string",
    description: "One, by title, as it was written before 2025-11-25",
    enum: ["opt1", "opt2", "opt3"],
    enumNames: ["Option One", "Option Two", "Option Three"],
  },
  untitledMulti: {
    type: "array",
    description: "Some",
    minItems: 1,
    maxItems: 3,
    items: { type: "string", enum: OPTIONS },
  },
  titledMulti: {
    type: "array",
    description: "Some, by title",
    minItems: 1,
    maxItems: 3,
    items: { anyOf: TITLED },
  },
};

const ACCOUNT = {
  username: { type: "string", description: "User's response" },
  email: { type: "string", description: "User's email address" },
};

/** Entries of the table in tools.mjs. */
export const QUESTIONS = {
  test_sampling: {
    description: "Asks the client's model",
    inputSchema: one("prompt", "What the model is asked"),
    run: sample,
  },
  test_elicitation: {
    description: "Asks the user for two texts",
    inputSchema: one("message", "What the user is told"),
    run: ({ message }, extra) => elicit(message, ACCOUNT, ["username", "email"], extra),
  },
  test_elicitation_sep1034_defaults: {
    description: "Asks the user, with defaults",
    run: (_, extra) => elicit("Please review the defaults.", DEFAULTS, [], extra),
  },
  test_elicitation_sep1330_enums: {
    description: "Asks the user to choose",
    run: (_, extra) => elicit("Please choose.", CHOICES, [], extra),
  },
};
