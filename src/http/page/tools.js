// The tools of all servers: asked for when they are looked at, searched here. One that is opened shows its
// description and schema, and, to who showed a token, a form to try it: the page is an MCP client then.

import { attr, byId, el, keyed, number, show, some, text } from "./dom.js";
import { ask, events, json } from "./stream.js";

/** So many are shown at a time. */
const SHOWN = 200;
const REVISION = "2025-06-18";

let state = { catalogue: null, tools: null, query: "", isOpen: false };
/** What each server says in full, by name; as of one catalogue. */
let full = new Map();

export function begin() {
  byId("tools-open").addEventListener("click", () => (state.isOpen ? shut() : open()));
  byId("tools-search").addEventListener("input", (event) => {
    state.query = event.target.value;
    if (state.isOpen) draw();
    else open();
  });
}

/** Shows the tools of one server. */
export function of(server) {
  byId("tools-search").value = state.query = `server:${server}`;
  open();
  byId("tools-search").focus();
  byId("tools").scrollIntoView({ block: "start" });
}

export function update(status) {
  const count = (status.servers ?? []).reduce((all, server) => all + (server.tools ?? 0), 0);
  text(byId("tools-count"), number(count));
  const catalogue = status.catalogue ?? String(count);
  if (catalogue === state.catalogue) return;
  state.catalogue = catalogue;
  full = new Map();
  if (state.isOpen) load();
}

function open() {
  state.isOpen = true;
  attr(byId("tools-open"), "aria-expanded", "true");
  show(byId("tools-body"), true);
  if (state.tools) draw();
  if (state.loaded !== state.catalogue) load();
}

function shut() {
  state.isOpen = false;
  attr(byId("tools-open"), "aria-expanded", "false");
  show(byId("tools-body"), false);
}

async function load() {
  const { catalogue } = state;
  try {
    const all = await json("status/tools");
    state.tools = all.map((tool) => ({ ...tool, words: [tool.name, tool.title, tool.description].join("\n").toLowerCase() }));
    state.loaded = catalogue;
    draw();
  } catch (problem) {
    text(byId("tools-found"), `The tools could not be asked for: ${problem.message}`);
  }
}

function draw() {
  const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
  const server = words.find((word) => word.startsWith("server:"))?.slice(7);
  const rest = words.filter((word) => !word.startsWith("server:"));
  const fits = (tool) =>
    (server === undefined || tool.server.toLowerCase() === server) &&
    rest.every((word) => tool.words.includes(word) || tool.server.toLowerCase().includes(word));
  const found = (state.tools ?? []).filter(fits);
  const more = found.length > SHOWN ? `, the first ${SHOWN} are shown` : "";
  text(byId("tools-found"), state.query || more ? `${some(found.length, "tool")} found${more}` : "");
  keyed(byId("tool-list"), found.slice(0, SHOWN), (tool) => `${tool.server}\n${tool.name}`, make, refresh);
}

function make(tool) {
  const row = el("li");
  row.button = el("button", { type: "button", class: "open", "aria-expanded": "false", onclick: () => toggle(row) }, tool.name);
  row.server = el("span", { class: "of" }, tool.server);
  row.tokens = el("span", { class: "n" });
  row.words = el("span", { class: "words" });
  row.append(el("div", { class: "tool" }, row.button, row.server, row.words, row.tokens));
  return row;
}

function refresh(row, tool) {
  row.tool = tool;
  text(row.words, tool.title || (tool.description ?? "").split("\n")[0]);
  text(row.tokens, `${number(tool.tokens)} tokens`);
}

function toggle(row) {
  if (row.body) {
    row.body.remove();
    row.body = null;
    attr(row.button, "aria-expanded", "false");
    return;
  }
  attr(row.button, "aria-expanded", "true");
  row.body = el("div", { class: "detail" });
  row.append(row.body);
  fill(row, row.body, row.tool);
}

async function fill(row, body, tool) {
  if (tool.description) body.append(el("p", { class: "said" }, tool.description));
  try {
    const said = await inFull(tool.server);
    const whole = said.tools?.find(({ name }) => name === tool.name);
    const schema = whole?.input_schema ?? {};
    body.append(el("h3", {}, "Arguments"), el("pre", { tabindex: "0", "aria-label": "JSON schema" }, JSON.stringify(schema, null, 2)));
    // The gateway tells what a server wrote to those only who may try it.
    if (said.log) body.append(form(tool, schema));
  } catch (problem) {
    body.append(el("p", { class: "bad" }, `Its schema could not be asked for: ${problem.message}`));
  }
}

function inFull(server) {
  if (!full.has(server)) {
    const asked = json(`status/servers/${encodeURIComponent(server)}`);
    asked.catch(() => full.delete(server));
    full.set(server, asked);
  }
  return full.get(server);
}

/** Arguments to begin with: what the schema demands. */
function sample(schema) {
  const empty = { string: "", number: 0, integer: 0, boolean: false, array: [], object: {} };
  const names = Array.isArray(schema.required) ? schema.required : [];
  const value = (name) => {
    const one = schema.properties?.[name] ?? {};
    return one.default ?? one.enum?.[0] ?? empty[one.type] ?? null;
  };
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, value(name)])), null, 2);
}

function form(tool, schema) {
  const field = el("textarea", { rows: "6", spellcheck: "false", "aria-label": `Arguments of ${tool.name}, as JSON` });
  field.value = sample(schema);
  const said = el("pre", { class: "result", tabindex: "0", "aria-label": "Result", hidden: true });
  const state = el("p", { class: "quiet", role: "status" });
  const button = el("button", { type: "submit" }, "Call it");
  const submit = async (event) => {
    event.preventDefault();
    let given;
    try {
      given = JSON.parse(field.value || "{}");
    } catch (problem) {
      text(state, `The arguments are no JSON: ${problem.message}`);
      return;
    }
    const began = performance.now();
    button.disabled = true;
    text(state, "Called; waiting for the answer");
    try {
      const answer = await call(tool, given);
      text(said, answer.words);
      text(state, `${answer.isError ? "It failed" : "Answered"} after ${number(performance.now() - began)} ms`);
    } catch (problem) {
      text(said, "");
      text(state, problem.message);
    }
    show(said, said.textContent !== "");
    button.disabled = false;
  };
  return el("form", { class: "try", onsubmit: submit }, el("h3", {}, "Try it"), field, button, state, said);
}

/** One call, in a session of its own. */
async function call(tool, given) {
  const first = await post({}, { id: 1, method: "initialize", params: { protocolVersion: REVISION, capabilities: {}, clientInfo: { name: "mcproxy page", version: "1" } } });
  const session = first.reply.headers.get("Mcp-Session-Id");
  const headers = { "Mcp-Session-Id": session, "MCP-Protocol-Version": first.result.protocolVersion };
  try {
    await post(headers, { method: "notifications/initialized" });
    const { result } = await post(headers, { id: 2, method: "tools/call", params: { name: tool.name, arguments: given } });
    return { isError: result.isError === true, words: plain(result) };
  } finally {
    ask("mcp", { method: "DELETE", headers }).catch(() => {});
  }
}

async function post(more, message) {
  const headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream", ...more };
  const reply = await ask("mcp", { method: "POST", headers, body: JSON.stringify({ jsonrpc: "2.0", ...message }) });
  if (message.id === undefined) return { reply };
  const { result, error } = await answer(reply, message.id);
  if (error) throw new Error(error.message);
  return { reply, result };
}

async function answer(reply, id) {
  if (!reply.headers.get("Content-Type")?.startsWith("text/event-stream")) return reply.json();
  for await (const { data } of events(reply.body)) {
    const said = data ? JSON.parse(data) : {};
    if (said.id === id && said.method === undefined) return said;
  }
  throw new Error("The stream ended without an answer.");
}

/** A result as plain text. */
function plain(result) {
  const parts = (result.content ?? []).map((part) => {
    if (part.type === "text") return part.text;
    if (part.data) return `[${part.type}, ${part.mimeType}, ${number(part.data.length * 0.75)} bytes]`;
    return JSON.stringify(part, null, 2);
  });
  if (!parts.length && result.structuredContent) parts.push(JSON.stringify(result.structuredContent, null, 2));
  return parts.join("\n") || "(nothing)";
}
