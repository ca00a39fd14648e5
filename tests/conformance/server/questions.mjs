// The tools that ask the client: for a message of its model, for input of its user, for its roots.

import { Asks, form, model, roots, seal, unseal } from "./asks.mjs";
import { text } from "./media.mjs";

/** A schema of an object with one text that must be there. */
const one = (name, description) => ({
  type: "object",
  properties: { [name]: { type: "string", description } },
  required: [name],
});

/** Asks all of this at once, and shows what came back. */
const asking = (requests, show) => (input, call) => {
  const asked = typeof requests === "function" ? requests(input, call) : requests;
  const answers = call.answers ?? {};
  const isWhole = Object.keys(asked).every((key) => answers[key] !== undefined);
  return isWhole ? [text(show(answers))] : new Asks(asked);
};

const shown = ({ action, content }) =>
  `User response: action=${action}, content=${JSON.stringify(content ?? {})}`;

/** Shows a form with these fields and tells what the user did with it. */
const elicit = (message, properties, required) =>
  asking({ form: form(message, properties, required) }, (answers) => shown(answers.form));

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

const NAME = form("What is your name?", { name: { type: "string" } });

const CAPITAL = model("What is the capital of France?");

/** Two forms, the second only after the first: the state says how far it is. */
function twoRounds(_, { answers, state }) {
  const step = unseal(state)?.step ?? 0;
  const answered = answers?.[`step${step}`];
  if (step === 2 && answered) return [text(`Done: ${JSON.stringify(answered.content)}`)];
  if (step === 1 && answered) {
    const color = form("Step 2: What is your favorite color?", { color: { type: "string" } });
    return new Asks({ step2: color }, seal({ step: 2 }));
  }
  const name = form("Step 1: What is your name?", { name: { type: "string" } });
  return new Asks({ step1: name }, seal({ step: 1 }));
}

/** A form whose answer counts only with the state that was given with it. */
function confirm(_, { answers, state }) {
  const asked = unseal(state);
  if (asked && answers?.confirm) return [text("state-ok")];
  return new Asks({ confirm: form("Please confirm", { ok: { type: "boolean" } }) }, seal({ asked: true }));
}

/** One of each kind, and a state. */
function allKinds(_, { answers, state }) {
  const asked = { user_name: NAME, greeting: model("Generate a greeting", 50), client_roots: roots };
  const isWhole = unseal(state) && Object.keys(asked).every((key) => answers?.[key]);
  return isWhole ? [text(JSON.stringify(answers))] : new Asks(asked, seal({ asked: true }));
}

/** Only what the client has said that it answers. */
const possible = (_, { can }) => {
  const all = { user_name: NAME, capital_question: CAPITAL, client_roots: roots };
  const isPossible = ([, { method }]) => can?.[method.split("/")[0]] !== undefined;
  return Object.fromEntries(Object.entries(all).filter(isPossible));
};

/** Tells its progress before it asks. */
async function streaming(input, call) {
  const progressToken = call.meta?.progressToken;
  if (progressToken !== undefined) {
    await call.notify("notifications/progress", { progressToken, progress: 1, total: 2 });
  }
  return asking({ user_name: NAME }, (answers) => shown(answers.user_name))(input, call);
}

/** Entries of the table in tools.mjs. */
export const QUESTIONS = {
  test_sampling: {
    description: "Asks the client's model",
    inputSchema: one("prompt", "What the model is asked"),
    run: asking(
      ({ prompt }) => ({ model: model(prompt) }),
      (answers) => `LLM response: ${answers.model.content.text}`,
    ),
  },
  test_elicitation: {
    description: "Asks the user for two texts",
    inputSchema: one("message", "What the user is told"),
    run: (input, call) => elicit(input.message, ACCOUNT)(input, call),
  },
  test_elicitation_sep1034_defaults: {
    description: "Asks the user, with defaults",
    run: elicit("Please review the defaults.", DEFAULTS, []),
  },
  test_elicitation_sep1330_enums: {
    description: "Asks the user to choose",
    run: elicit("Please choose.", CHOICES, []),
  },
  test_missing_capability: {
    description: "Asks the client's model, whether or not it has one",
    run: asking({ model: CAPITAL }, (answers) => answers.model.content.text),
  },
  test_streaming_elicitation: { description: "Asks in the middle of its work", run: streaming },
  test_input_required_result_elicitation: {
    description: "Asks the user for a name",
    run: asking({ user_name: NAME }, ({ user_name }) => `Hello, ${user_name.content?.name}!`),
  },
  test_input_required_result_sampling: {
    description: "Asks the client's model for a capital",
    run: asking({ capital_question: CAPITAL }, (answers) => answers.capital_question.content.text),
  },
  test_input_required_result_list_roots: {
    description: "Asks for the client's roots",
    run: asking({ client_roots: roots }, (answers) => JSON.stringify(answers.client_roots.roots)),
  },
  test_input_required_result_request_state: {
    description: "Asks, and gives a state with it",
    run: confirm,
  },
  test_input_required_result_tampered_state: {
    description: "Asks, and gives a state that nobody may change",
    run: confirm,
  },
  test_input_required_result_multiple_inputs: {
    description: "Asks for three things at once",
    run: allKinds,
  },
  test_input_required_result_multi_round: { description: "Asks twice", run: twoRounds },
  test_input_required_result_capabilities: {
    description: "Asks what the client can be asked",
    run: asking(possible, (answers) => JSON.stringify(answers)),
  },
};
