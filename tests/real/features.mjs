// Everything that a server offers and asks, used through either TypeScript SDK: each observation is
// printed as one JSON line, so that what is seen over HTTP can be compared with the bare pipe.

import { setTimeout as pause } from "node:timers/promises";

// Longer than any step takes on a busy machine.
const PATIENCE = 30_000;

const DOCUMENT = "demo://resource/static/document/features.md";
const TEXT = "demo://resource/dynamic/text/";

const SAMPLE = {
  role: "assistant",
  content: { type: "text", text: "grüße from a model" },
  model: "none",
  stopReason: "endTurn",
};
const FORM = { action: "accept", content: { name: "Ünal", check: true, integer: 7, number: 2.5 } };
const ROOTS = [
  { uri: "file:///first", name: "first" },
  { uri: "file:///second", name: "zweite" },
];

const CLOCK = /\d{1,2}:\d\d:\d\d( [AP]M)?/g;

/** The value without what differs from run to run: the time of day, in texts and in blobs. */
function scrub(value) {
  if (typeof value === "string") return value.replace(CLOCK, "TIME");
  if (Array.isArray(value)) return value.map(scrub);
  if (value === null || typeof value !== "object") return value ?? null;
  const fields = Object.fromEntries(Object.entries(value).map(([name, field]) => [name, scrub(field)]));
  if (value.mimeType === "text/plain" && "blob" in value) {
    fields.blob = scrub(Buffer.from(value.blob, "base64").toString());
  }
  return fields;
}

/** Whoever sits at the client: answers what servers ask, and remembers what they tell. */
export class User {
  roots = ROOTS.slice(0, 1);
  asked = [];
  told = [];

  constructor(prefix) {
    this.prefix = prefix;
  }

  sample(params) {
    this.asked.push({ sampling: params });
    return SAMPLE;
  }

  elicit(params) {
    this.asked.push({ elicitation: params });
    return params.mode === "url" ? { action: "accept" } : FORM;
  }

  hear(message) {
    this.told.push(message);
  }

  #of(method) {
    return this.told.filter((message) => message.method === method).map((message) => message.params);
  }

  /** Texts of log messages, under the loggers' own names. */
  logs() {
    const server = this.prefix.replace(/__$/, "");
    return this.#of("notifications/message").map(({ level, logger, data }) => {
      if (server) logger = logger === server ? undefined : logger?.replace(`${server}/`, "");
      return [level, logger ?? null, data];
    });
  }

  /** URIs of resources that were said to have changed. */
  updated() {
    return this.#of("notifications/resources/updated").map(({ uri }) => uri);
  }

  heard(method) {
    return this.#of(method).length > 0;
  }
}

/** Resolves with the promise, or rejects when it takes too long. */
export async function within(milliseconds, what, promise) {
  const timer = new AbortController();
  const late = pause(milliseconds, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what}: nothing within ${milliseconds} ms`);
  });
  // Whichever is second is nobody's.
  late.catch(() => {});
  return Promise.race([promise, late]).finally(() => timer.abort());
}

/** Waits for a condition that the transport makes true. */
export async function until(what, condition, patience = PATIENCE) {
  const deadline = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${patience} ms`);
    await pause(10);
  }
}

const LISTS = {
  tools: "listTools",
  prompts: "listPrompts",
  resources: "listResources",
  resourceTemplates: "listResourceTemplates",
};

/** Every page's items, in order. */
export async function everything(client, kind) {
  const items = [];
  let cursor;
  do {
    const page = await client[LISTS[kind]](cursor === undefined ? undefined : { cursor });
    items.push(...page[kind]);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
}

/** A failure as the server said it. */
export function plainError(error) {
  // The SDK writes the code before the message; the server did not.
  const message = error.message.replace(`MCP error ${error.code}: `, "");
  const data = error.data === undefined ? {} : { data: error.data };
  return { code: error.code, message, ...data };
}

/** Prints what is seen, and turns failures into something to see. */
export class Observer {
  constructor(job, sdk) {
    this.job = job;
    this.sdk = sdk;
  }

  saw(about, value) {
    console.log(JSON.stringify({ job: this.job.name, about, saw: scrub(value) }));
  }

  async outcome(about, promise) {
    try {
      this.saw(about, { result: await within(PATIENCE, about, promise) });
    } catch (error) {
      if (!(error instanceof this.sdk.Failure)) throw error;
      // An SDK that refuses by itself speaks of the name that it knows.
      const { message, ...rest } = plainError(error);
      this.saw(about, { error: { ...rest, message: message.replace(this.job.prefix, "") } });
    }
  }
}

/** What servers offer: tools, prompts, resources, completions. */
async function offers(client, user, see, known = (item) => item) {
  const { prefix } = user;
  // Some tools are there for a client that can be asked; the server adds them a moment after its start.
  await see.outcome("echo", see.sdk.call(client, { name: `${prefix}echo`, arguments: { message: "grüße" } }));
  const late = `${prefix}get-roots-list`;
  await until("all tools", async () => (await everything(client, "tools")).some((tool) => tool.name === late));
  for (const kind of Object.keys(LISTS)) {
    let items = await everything(client, kind);
    if (kind === "tools" || kind === "prompts") {
      const own = items.filter((item) => item.name.startsWith(prefix));
      items = own.map((item) => ({ ...item, name: item.name.slice(prefix.length) }));
    }
    see.saw(`list of ${kind}`, items.map(known));
  }
  for (const [name, args] of [
    ["simple-prompt", undefined],
    ["args-prompt", { city: "Zürich", state: "ZH" }],
    ["args-prompt", {}],
    ["completable-prompt", { department: "Sales", name: "Eve" }],
    ["resource-prompt", { resourceType: "Text", resourceId: "3" }],
    ["resource-prompt", { resourceType: "Blob", resourceId: "4" }],
    ["resource-prompt", { resourceType: "None", resourceId: "4" }],
  ]) {
    const asked = client.getPrompt({ name: prefix + name, arguments: args });
    await see.outcome(`prompt ${name} ${JSON.stringify(args)}`, asked);
  }
  for (const uri of [DOCUMENT, `${TEXT}5`, "demo://resource/dynamic/blob/6", `${TEXT}x`]) {
    await see.outcome(`read ${uri}`, client.readResource({ uri }));
  }
  const prompt = { type: "ref/prompt", name: `${prefix}completable-prompt` };
  const template = { type: "ref/resource", uri: `${TEXT}{resourceId}` };
  const context = { arguments: { department: "Marketing" } };
  for (const [about, params] of [
    ["a department", { ref: prompt, argument: { name: "department", value: "S" } }],
    ["a name", { ref: prompt, argument: { name: "name", value: "" }, context }],
    ["a resource", { ref: template, argument: { name: "resourceId", value: "12" } }],
  ]) {
    await see.outcome(`completion of ${about}`, client.complete(params));
  }
  for (const [tool, args] of [
    ["get-resource-links", { count: 2 }],
    ["get-resource-reference", { resourceType: "Text", resourceId: 2 }],
    ["get-annotated-message", { messageType: "error", includeImage: true }],
    ["simulate-research-query", { topic: "none" }],
  ]) {
    await see.outcome(tool, see.sdk.call(client, { name: prefix + tool, arguments: args }));
  }
}

/** The steps of a call. Those that come in one piece with its answer are lost: these SDKs look at the answer first. */
async function progress(client, user, see) {
  const steps = [];
  // Without a handshake the SDK tells of each round of questions by a step of its own; this server asks for roots.
  const onprogress = (step) => step.message?.startsWith("Fulfilling") || steps.push(step);
  const long = { name: `${user.prefix}trigger-long-running-operation`, arguments: { duration: 1.5, steps: 3 } };
  await see.outcome("a long call", see.sdk.call(client, long, { onprogress }));
  see.saw("its progress", steps[0]);
  see.saw("in order", steps.every((step, index) => step.progress === index + 1 && step.total === 3));
}

/** Logging by level, subscriptions, a list that changes. */
async function news(client, user, see) {
  const call = (tool, args) => see.sdk.call(client, { name: user.prefix + tool, arguments: args });
  const logged = (text) => user.logs().some(([, , data]) => String(data).includes(text));
  await client.setLoggingLevel("info");
  await client.subscribeResource({ uri: DOCUMENT });
  await until("a log message", () => logged("Received Subscribe"));
  await client.setLoggingLevel("error");
  await client.unsubscribeResource({ uri: DOCUMENT });
  await client.setLoggingLevel("debug");
  const other = `${TEXT}9`;
  await client.subscribeResource({ uri: other });
  await until("one more", () => logged(other));
  // The roots are asked for, and that logged, some time after the start.
  const isOfRoots = ([, , data]) => String(data).includes("Roots updated");
  see.saw("logs", user.logs().filter((log) => !isOfRoots(log)));
  await call("toggle-subscriber-updates", {});
  await until("an update", () => user.updated().includes(other));
  await call("toggle-subscriber-updates", {});
  see.saw("updated", [...new Set(user.updated())]);
  await client.unsubscribeResource({ uri: other });
  const data = { name: "a.gz", data: "data:text/plain,grüße", outputType: "resourceLink" };
  await see.outcome("a new resource", call("gzip-file-as-resource", data));
  await until("word of a new list", () => user.heard("notifications/resources/list_changed"));
  const uri = "demo://resource/session/a.gz";
  // Whoever merges lists may tell of an earlier change first.
  await until("the new list", async () => (await everything(client, "resources")).some((item) => item.uri === uri));
  await see.outcome("the new resource", client.readResource({ uri }));
}

/** What a server asks its client: sampling, elicitation by form and by URL, roots. */
async function asks(client, user, see) {
  const call = (tool, args) => see.sdk.call(client, { name: user.prefix + tool, arguments: args });
  const url = { url: "http://127.0.0.1/consent", message: "Bitte öffnen", elicitationId: "e-1" };
  await see.outcome("sampling", call("trigger-sampling-request", { prompt: "wörter", maxTokens: 9 }));
  await see.outcome("elicitation", call("trigger-elicitation-request", {}));
  await see.outcome("elicitation by URL", call("trigger-url-elicitation", url));
  await see.outcome("roots", call("get-roots-list", {}));
}

/** The same, what is wrong with it, and how it changes. */
async function questions(client, user, see) {
  const call = (tool, args) => see.sdk.call(client, { name: user.prefix + tool, arguments: args });
  await asks(client, user, see);
  see.saw("asked", user.asked);
  try {
    await call("trigger-url-elicitation", { url: "http://127.0.0.1/other", errorPath: true });
  } catch (error) {
    const seen = plainError(error);
    for (const elicitation of seen.data.elicitations) elicitation.elicitationId = "ID";
    see.saw("a required elicitation", seen);
  }
  user.roots = ROOTS;
  await client.sendRootsListChanged();
  await until("two roots", () => user.logs().some(([, , data]) => String(data).includes("2 root(s)")));
  await see.outcome("more roots", call("get-roots-list", {}));
  see.saw("logs of roots", user.logs().filter(([, , data]) => String(data).includes("Roots updated")).map(([, ...log]) => log));
}

/** What clients of either era can do. */
export async function eras(client, user, see) {
  // 2026-07-28 knows no tasks in the definition of a tool, and its client reads none.
  await offers(client, user, see, ({ execution, ...item }) => item);
  await progress(client, user, see);
  await asks(client, user, see);
  // Without a handshake a form needs no id.
  see.saw("asked", user.asked.map(({ elicitation: { elicitationId, ...rest } = {}, ...other }) => ({ ...rest, ...other })));
}

/** What is heard without a handshake: of a resource, and of a new list. */
export async function listening(client, user, see) {
  const call = (tool, args) => see.sdk.call(client, { name: user.prefix + tool, arguments: args });
  const other = `${TEXT}9`;
  const stream = await client.hear([other]);
  see.saw("granted", stream.honoredFilter);
  await call("toggle-subscriber-updates", {});
  await until("an update", () => user.updated().includes(other));
  await call("toggle-subscriber-updates", {});
  const name = `${Date.now()}.gz`;
  const data = { name, data: "data:text/plain,grüße", outputType: "resourceLink" };
  await call("gzip-file-as-resource", data);
  await until("word of a new list", () => user.heard("notifications/resources/list_changed"));
  const uri = `demo://resource/session/${name}`;
  await until("the new list", async () => (await everything(client, "resources")).some((item) => item.uri === uri));
  await stream.close();
  see.saw("the end of it", await stream.closed);
}

export async function features(client, user, see) {
  see.saw("instructions", client.getInstructions());
  await offers(client, user, see);
  await progress(client, user, see);
  await news(client, user, see);
  await questions(client, user, see);
}

/** A call that is given up ends at the server, which here holds a connection to a page. */
export async function cancel(client, user, see) {
  const { page, name: key } = see.job;
  const get = async (what) => (await fetch(`${page}/${what}/${key}`)).text();
  const name = `${user.prefix}fetch`;
  const abort = new AbortController();
  const given = { signal: abort.signal };
  const call = see.sdk.call(client, { name, arguments: { url: `${page}/never/${key}` } }, given);
  const outcome = call.then(() => "answered", () => "given up");
  see.saw("the page", await get("arrived"));
  abort.abort();
  see.saw("after the cancellation", await get("gone"));
  see.saw("the call", await outcome);
  await see.outcome("the next call", see.sdk.call(client, { name, arguments: { url: `${page}/page.txt` } }));
}
