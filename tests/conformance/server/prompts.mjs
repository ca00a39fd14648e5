// The prompts, and completion of their arguments and of the template's.

import {
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";

import { embedded, image, text } from "./media.mjs";

const user = (content) => ({ role: "user", content });

const required = (name, description) => ({ name, description, required: true });

/** By name: what prompts/list shows, and the messages of prompts/get. */
const PROMPTS = {
  test_simple_prompt: {
    description: "One message, no arguments",
    messages: () => [user(text("This is a simple prompt for testing."))],
  },
  test_prompt_with_arguments: {
    description: "One message with both arguments in it",
    arguments: [required("arg1", "Any text"), required("arg2", "Any other text")],
    messages: ({ arg1, arg2 }) => [
      user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
    ],
  },
  test_prompt_with_embedded_resource: {
    description: "A message that carries a resource of the given URI",
    arguments: [required("resourceUri", "The URI it is given")],
    messages: ({ resourceUri }) => [
      user(embedded(resourceUri, "text/plain", "Embedded resource content for testing.")),
      user(text("Please process the embedded resource above.")),
    ],
  },
  test_prompt_with_image: {
    description: "A message that is a picture",
    messages: () => [user(image), user(text("Please analyze the image above."))],
  },
};

/** What completes any argument. */
const SUGGESTIONS = ["testing", "test value", "paris", "park"];

/** Declares the prompts and answers for them. */
export function offerPrompts(server) {
  server.registerCapabilities({ prompts: { listChanged: true }, completions: {} });
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: Object.entries(PROMPTS).map(([name, { messages, ...shown }]) => ({ name, ...shown })),
  }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => {
    const prompt = PROMPTS[params.name];
    if (!prompt) throw new McpError(ErrorCode.InvalidParams, `no prompt ${params.name}`);
    return {
      description: prompt.description,
      messages: prompt.messages(params.arguments ?? {}),
    };
  });
  server.setRequestHandler(CompleteRequestSchema, ({ params }) => {
    const values = SUGGESTIONS.filter((one) => one.startsWith(params.argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
  });
}
