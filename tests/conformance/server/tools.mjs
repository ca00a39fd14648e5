// The tools. Those that ask the client something are in questions.mjs.

import { setTimeout as pause } from "node:timers/promises";

import { Asks, Failure, INVALID_PARAMS } from "./asks.mjs";
import { audio, embedded, image, text } from "./media.mjs";
import { changePrompt } from "./prompts.mjs";
import { QUESTIONS } from "./questions.mjs";

/** Between two notifications of one call, in milliseconds. */
const STEP = 50;

/** What the suite wants to see unchanged in tools/list (SEP-1613 and SEP-2106). */
const SCHEMA_2020_12 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "address",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" } },
  allOf: [{ anyOf: [{ required: ["name"] }, { required: ["address"] }] }],
  if: { required: ["address"] },
  then: { properties: { name: { minLength: 1 } } },
  else: { required: ["name"] },
  additionalProperties: false,
};

/** Three log messages, the last with the end of the work. */
async function log(_, call) {
  for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
    await call.log(data);
    await pause(STEP);
  }
  return [text("Logged three messages.")];
}

/** Three steps of progress, for a caller that has given a token. */
async function progress(_, { meta, notify }) {
  const progressToken = meta?.progressToken;
  for (const done of [0, 50, 100]) {
    if (progressToken !== undefined) {
      const params = { progressToken, progress: done, total: 100, message: `${done} of 100` };
      await notify("notifications/progress", params);
    }
    await pause(STEP);
  }
  return [text("Went three steps.")];
}

/** Closes the stream that the answer would go to, where there is one; the client comes back for it. */
async function reconnect(_, { closeStream }) {
  closeStream();
  await pause(2 * STEP);
  return [text("The stream was closed in the middle of this call.")];
}

/** One more tool, another after each call of the one that changes the list. */
let changes = 0;

async function changeTools(_, { changed }) {
  changes += 1;
  await changed("tools");
  return [text("The tools have changed.")];
}

async function changePrompts(_, { changed }) {
  changePrompt();
  await changed("prompts");
  return [text("The prompts have changed.")];
}

/** What a client mirrors into headers (SEP-2243). */
const MIRRORED = {
  type: "object",
  properties: {
    region: { type: "string", "x-mcp-header": "Region" },
    priority: { type: "integer", "x-mcp-header": "Priority" },
    verbose: { type: "boolean", "x-mcp-header": "Verbose" },
  },
  required: ["region"],
};

function fail() {
  throw new Error("This tool intentionally returns an error for testing");
}

/** By name: the description, `run` that gives the content of the result, and the input's schema. */
const TOOLS = {
  test_simple_text: {
    description: "Gives a text",
    run: () => [text("This is a simple text response for testing.")],
  },
  test_image_content: { description: "Gives a picture", run: () => [image] },
  test_audio_content: { description: "Gives a sound", run: () => [audio] },
  test_embedded_resource: {
    description: "Gives a resource",
    run: () => [
      embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."),
    ],
  },
  test_multiple_content_types: {
    description: "Gives a text, a picture and a resource",
    run: () => [
      text("Multiple content types test:"),
      image,
      embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
  },
  test_tool_with_logging: { description: "Logs while it works", run: log },
  test_tool_with_progress: { description: "Tells its progress", run: progress },
  test_error_handling: { description: "Fails", run: fail },
  test_reconnection: { description: "Closes its stream before it answers", run: reconnect },
  json_schema_2020_12_tool: {
    description: "Has a schema with much in it",
    inputSchema: SCHEMA_2020_12,
    run: (input) => [text(JSON.stringify(input))],
  },
  test_logging_tool: { description: "Logs while it works", run: log },
  test_trigger_tool_change: { description: "Replaces a tool", run: changeTools },
  test_trigger_prompt_change: { description: "Replaces a prompt", run: changePrompts },
  test_custom_header: {
    description: "Has arguments that are headers too",
    inputSchema: MIRRORED,
    run: (input) => [text(JSON.stringify(input))],
  },
  ...QUESTIONS,
};

const all = () => ({
  ...TOOLS,
  [`test_change_${changes}`]: { description: "Comes and goes", run: () => [text("here")] },
});

/** What a tool throws is its result, for the model to read; but for what is the request's fault. */
async function callTool({ name, arguments: input }, call) {
  const tool = all()[name];
  if (!tool) throw new Failure(INVALID_PARAMS, `no tool ${name}`);
  try {
    const content = await tool.run(input ?? {}, call);
    return content instanceof Asks ? content : { content };
  } catch (error) {
    if (error instanceof Failure) throw error;
    return { content: [text(error.message)], isError: true };
  }
}

export const offeredTools = {
  "tools/list": () => ({
    tools: Object.entries(all()).map(([name, { description, inputSchema }]) => ({
      name,
      description,
      inputSchema: inputSchema ?? { type: "object", properties: {} },
    })),
  }),
  "tools/call": callTool,
};
