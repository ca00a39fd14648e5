// The prompts, and completion of their arguments and of the template's.

import { Asks, Failure, form, INVALID_PARAMS } from "./asks.mjs";
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
  test_input_required_result_prompt: {
    description: "Asks the user before it says anything",
    messages: (_, { answers }) => {
      const context = form("What context should the prompt use?", { context: { type: "string" } });
      const given = answers?.user_context;
      if (!given) return new Asks({ user_context: context });
      return [user(text(`Use this context: ${given.content?.context}`))];
    },
  },
};

let changes = 0;

/** Has another prompt at the end. */
export function changePrompt() {
  changes += 1;
}

const all = () => ({
  ...PROMPTS,
  [`test_change_${changes}`]: { description: "Comes and goes", messages: () => [user(text("here"))] },
});

/** What completes any argument. */
const SUGGESTIONS = ["testing", "test value", "paris", "park"];

export const offeredPrompts = {
  "prompts/list": () => ({
    prompts: Object.entries(all()).map(([name, { messages, ...shown }]) => ({ name, ...shown })),
  }),
  "prompts/get": ({ name, arguments: input }, call) => {
    const prompt = all()[name];
    if (!prompt) throw new Failure(INVALID_PARAMS, `no prompt ${name}`);
    const messages = prompt.messages(input ?? {}, call);
    if (messages instanceof Asks) return messages;
    return { description: prompt.description, messages };
  },
  "completion/complete": ({ argument }) => {
    const values = SUGGESTIONS.filter((one) => one.startsWith(argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
  },
};
