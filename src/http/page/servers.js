// The supervision tree: a row for the gateway, one for each server below it, and what more there is to say of a
// server when its row is opened.

import { attr, bytes, byId, clock, duration, el, keyed, lasting, milliseconds, number, show, some, svg, text } from "./dom.js";
import { follow, json, token } from "./stream.js";

/** How bad a state is, for its colour; what is bad comes first. */
const TONES = { "crash-looping": "bad", unauthorized: "bad", backoff: "bad", starting: "wait", queued: "wait", stopping: "wait", stopped: "idle", asleep: "idle", ready: "good" };
const TONE_ORDER = ["bad", "wait", "idle", "good"];
const LINES = 200;
/** So many rows follow what their server writes: a browser has six connections to a gateway, of all its tabs. */
const FOLLOWED = 2;

export const tone = (server) => TONES[server.state] ?? "wait";

/** Calls of the last minute, or of this one, if it has more already. */
const rate = ({ calls }) => (calls?.per_minute ? Math.max(...calls.per_minute.slice(-2)) : null);

/** The columns: title, what is shown, by what it is sorted; `n` are numbers, `wide` go first where there is no room. */
const COLUMNS = [
  { id: "name", title: "Server", sort: (server) => server.name },
  { id: "state", title: "State", sort: (server) => TONE_ORDER.indexOf(tone(server)) },
  { id: "spark", title: "Last hour", wide: 1 },
  { id: "rate", title: "Calls/min", n: true, show: (server) => number(rate(server)), sort: (server) => -(rate(server) ?? -1) },
  { id: "flight", title: "In flight", n: true, wide: 2, show: (server) => number(server.calls_in_flight), sort: (server) => -server.calls_in_flight },
  { id: "p50", title: "p50", n: true, wide: 2, show: (server) => milliseconds(server.calls?.p50_ms), sort: (server) => -(server.calls?.p50_ms ?? -1) },
  { id: "p99", title: "p99", n: true, wide: 1, show: (server) => milliseconds(server.calls?.p99_ms), sort: (server) => -(server.calls?.p99_ms ?? -1) },
  { id: "cpu", title: "CPU", n: true, wide: 1, show: (server) => percent(server.processes?.cpu_percent), sort: (server) => -(server.processes?.cpu_percent ?? -1) },
  { id: "memory", title: "Memory", n: true, show: (server) => bytes(server.processes?.memory_bytes), sort: (server) => -(server.processes?.memory_bytes ?? -1) },
  { id: "tools", title: "Tools", n: true, wide: 2, show: (server) => number(server.tools), sort: (server) => -server.tools },
  { id: "restarts", title: "Restarts", n: true, wide: 1, show: (server) => number(server.restarts), sort: (server) => -(server.restarts ?? 0) },
  { id: "uptime", title: "Up for", n: true, wide: 1, sort: (server) => server.uptime_seconds ?? -1 },
  { id: "pid", title: "PID", n: true, wide: 3, show: (server) => server.pid ?? "", sort: (server) => server.pid ?? 0 },
  { id: "exit", title: "Last exit", wide: 3, show: (server) => exitWords(server.exits?.[0]), sort: (server) => -Date.parse(server.exits?.[0]?.at ?? 0) },
];

const percent = (value) => (value === null || value === undefined ? "" : `${value.toFixed(value < 10 ? 1 : 0)} %`);

function exitWords(exit) {
  if (!exit) return "";
  return `${clock(exit.at)} ${exit.why ?? ""}`;
}

let view = { servers: [], at: 0, sort: null, isUp: true, query: "" };
const opened = new Set();
let listening = [];
let hooks = { tools: () => {} };

/** Once, at the start. `hooks.tools(server)` shows the tools of a server. */
export function begin(given) {
  hooks = given;
  const head = byId("servers-head");
  for (const column of COLUMNS) {
    const classes = classOf(column);
    const cell = el("th", { scope: "col", class: classes });
    if (column.sort) {
      cell.append(el("button", { type: "button", onclick: () => sortBy(column.id) }, column.title));
      cell.setAttribute("aria-sort", "none");
    } else {
      cell.append(column.title);
    }
    cell.dataset.id = column.id;
    head.append(cell);
  }
  byId("servers-search").addEventListener("input", (event) => {
    view.query = event.target.value.trim().toLowerCase();
    draw();
  });
}

const classOf = (column) => [`c-${column.id}`, column.n && "n", column.wide && `wide${column.wide}`].filter(Boolean).join(" ");

/** Up, down, then as configured. */
function sortBy(id) {
  if (view.sort !== id) Object.assign(view, { sort: id, isUp: true });
  else if (view.isUp) view.isUp = false;
  else view.sort = null;
  for (const cell of byId("servers-head").children) {
    const direction = view.isUp ? "ascending" : "descending";
    if (cell.hasAttribute("aria-sort")) attr(cell, "aria-sort", cell.dataset.id === view.sort ? direction : "none");
  }
  draw();
}

/** Shows a status that came at `at`, by the page's own clock. */
export function update(status, at) {
  Object.assign(view, { status, servers: status.servers ?? [], at });
  draw();
}

function draw() {
  if (!view.status) return;
  const wanted = view.servers.filter((server) => server.name.toLowerCase().includes(view.query));
  const column = COLUMNS.find(({ id }) => id === view.sort);
  if (column) {
    const direction = view.isUp ? 1 : -1;
    const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
    wanted.sort((one, other) => direction * order(column.sort(one), column.sort(other)));
  }
  const all = view.servers.length;
  text(byId("servers-count"), wanted.length === all ? number(all) : `${number(wanted.length)} of ${number(all)}`);
  const rows = [{ name: "", root: true, ...root(view.status) }, ...wanted];
  keyed(byId("servers-root"), rows, ({ name }) => name, makeRow, updateRow);
}

/** The gateway as a row: what its servers have together. */
function root(status) {
  const servers = status.servers ?? [];
  const sum = (of) => servers.reduce((all, server) => all + (of(server) ?? 0), 0);
  const has = (of) => servers.some((server) => of(server) !== null && of(server) !== undefined);
  const perMinute = Array.from({ length: 60 }, (_, at) => sum((server) => server.calls?.per_minute?.[at]));
  const processes = has((server) => server.processes) && {
    cpu_percent: sum((server) => server.processes?.cpu_percent),
    memory_bytes: sum((server) => server.processes?.memory_bytes),
  };
  return {
    state: status.ready ? "ready" : "starting",
    uptime_seconds: status.uptime_seconds,
    calls: has((server) => server.calls) ? { per_minute: perMinute } : undefined,
    calls_in_flight: status.calls_in_flight,
    processes: processes || undefined,
    tools: sum((server) => server.tools),
    restarts: has((server) => server.restarts) ? sum((server) => server.restarts) : undefined,
  };
}

function makeRow(server) {
  const row = el("tr", { class: server.root ? "root" : "server" });
  row.cells_ = {};
  for (const column of COLUMNS) {
    const isName = column.id === "name";
    const cell = el(isName ? "th" : "td", { class: classOf(column), ...(isName && { scope: "row" }) });
    row.cells_[column.id] = cell;
    row.append(cell);
  }
  if (server.root) {
    row.cells_.name.append("mcproxy");
  } else {
    row.button = el("button", { type: "button", class: "open", "aria-expanded": "false", onclick: () => toggle(row) }, server.name);
    row.cells_.name.append(row.button);
    row.ended = () => close(row);
  }
  row.state_ = el("span", { class: "state" }, "");
  row.cells_.state.append(row.state_);
  row.line = svg("polyline", { points: "" });
  row.fill = svg("polygon", { points: "" });
  row.spark = svg("svg", { class: "spark", viewBox: "0 0 118 20", role: "img", "aria-label": "" }, row.fill, row.line);
  row.cells_.spark.append(row.spark);
  return row;
}

function updateRow(row, server) {
  row.server = server;
  for (const column of COLUMNS) if (column.show) text(row.cells_[column.id], column.show(server));
  spark(row, server.calls?.per_minute);
  attr(row, "data-tone", tone(server));
  tickRow(row);
  const shown = server.exits?.[0];
  attr(row.cells_.exit, "title", shown ? exitWords(shown) : null);
  if (row.companion) updateDetail(row);
  if (!server.root && opened.has(server.name) && !row.companion) open(row);
}

/** What changes with the time alone. */
export function tick() {
  for (const row of byId("servers-root").held?.values() ?? []) tickRow(row);
}

function tickRow(row) {
  const { server } = row;
  const passed = (performance.now() - view.at) / 1000;
  const isUp = server.uptime_seconds !== null && server.uptime_seconds !== undefined;
  text(row.cells_.uptime, isUp ? lasting(server.uptime_seconds + passed) : "");
  let words = server.state ?? "";
  if (typeof server.next_try_seconds === "number") {
    words += `, again in ${duration(Math.ceil(Math.max(0, server.next_try_seconds - passed)))}`;
  }
  text(row.state_, words);
}

function spark(row, counts) {
  const print = counts?.join(" ") ?? "";
  if (row.print === print) return;
  row.print = print;
  const most = Math.max(1, ...(counts ?? []));
  const points = (counts ?? []).map((count, at) => `${at * 2},${(19 - (count / most) * 18).toFixed(1)}`);
  attr(row.line, "points", points.join(" "));
  attr(row.fill, "points", points.length ? `0,20 ${points.join(" ")} ${(points.length - 1) * 2},20` : "");
  const all = (counts ?? []).reduce((sum, count) => sum + count, 0);
  attr(row.spark, "aria-label", counts ? `${some(all, "call")} in the last hour, ${number(Math.max(...counts))} in a minute at most` : "no calls are counted");
}

function toggle(row) {
  if (row.companion) {
    opened.delete(row.server.name);
    close(row);
  } else {
    opened.add(row.server.name);
    open(row);
  }
}

/** Opens the row of a server and goes there. */
export function reveal(name) {
  const search = byId("servers-search");
  if (view.query) {
    search.value = view.query = "";
    draw();
  }
  const row = byId("servers-root").held.get(name);
  if (!row) return;
  if (!row.companion) toggle(row);
  row.button.focus();
  row.scrollIntoView({ block: "nearest" });
}

function open(row) {
  const body = el("div", { class: "detail" });
  row.detail = {
    trouble: el("div", { class: "trouble" }),
    facts: el("dl", { class: "facts" }),
    exits: el("ol", { class: "exits" }),
    exitsTitle: el("h3", {}, "Exits"),
    notes: el("ul", { class: "notes" }),
    log: output("What it wrote on stderr"),
    junk: output("What it wrote on stdout that is no JSON-RPC"),
    dropped: output("Answers that were dropped"),
  };
  const { trouble, facts, exits, exitsTitle, notes, log, junk, dropped } = row.detail;
  const tools = el("button", { type: "button", onclick: () => hooks.tools(row.server.name) }, "Show its tools");
  body.append(trouble, facts, notes, exitsTitle, exits, log, junk, dropped, tools);
  row.companion = el("tr", { class: "more" }, el("td", { colspan: COLUMNS.length }, body));
  row.after(row.companion);
  attr(row.button, "aria-expanded", "true");
  updateDetail(row);
  if (token.get()) listen(row);
}

/** Lines under a heading, hidden until there are any. */
function output(title) {
  const lines = el("pre", { tabindex: "0", "aria-label": title });
  return Object.assign(el("div", { class: "log", hidden: true }, el("h3", {}, title), lines), { lines });
}

function close(row) {
  deafen(row);
  row.companion?.remove();
  row.companion = null;
  attr(row.button, "aria-expanded", "false");
}

/** What it writes, as it comes: for who showed a token. */
function listen(row) {
  if (listening.length >= FOLLOWED) deafen(listening[0]);
  listening.push(row);
  let isFresh = true;
  const { lines } = row.detail.log;
  row.follower = follow(`status/servers/${encodeURIComponent(row.server.name)}/log`, {
    event(line) {
      if (isFresh) lines.replaceChildren();
      isFresh = false;
      show(row.detail.log, true);
      const isAtEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 8;
      lines.append(el("span", {}, `${clock(line.at)}  ${line.text}\n`));
      while (lines.childElementCount > LINES) lines.firstElementChild.remove();
      if (isAtEnd) lines.scrollTop = lines.scrollHeight;
    },
    state(state) {
      // The next stream begins with the same lines.
      if (state === "lost") isFresh = true;
    },
    refused: (problem) => problem.status >= 500,
  });
}

function deafen(row) {
  row.follower?.stop();
  row.follower = null;
  listening = listening.filter((other) => other !== row);
}

/** What else of it only who showed a token is told; asked for when there is more of it. */
async function askForOutput({ server, detail }) {
  const print = `${server.junk_lines} ${server.dropped_answers}`;
  if (!token.get() || detail.print === print) return;
  detail.print = print;
  const said = await json(`status/servers/${encodeURIComponent(server.name)}`).catch(() => ({}));
  const parts = [[detail.junk, said.log?.junk, "text"], [detail.dropped, said.log?.dropped, "reason"]];
  for (const [part, lines = [], words] of parts) {
    show(part, lines.length > 0);
    text(part.lines, lines.map((line) => `${clock(line.at)}  ${line[words]}`).join("\n"));
  }
}

function updateDetail(row) {
  const { server, detail } = row;
  askForOutput(row);
  const { likely } = server;
  const troubles = [
    likely && ["Likely", likely.cause],
    likely?.remedy && ["Remedy", likely.remedy],
    server.why && ["Last end", server.why],
  ].filter(Boolean);
  list(detail.trouble, troubles, ([name]) => name, () => {
    const [name, words] = [el("strong"), el("span")];
    return Object.assign(el("p", {}, name, " ", words), { name, words });
  }, (line, [name, words]) => {
    text(line.name, name);
    text(line.words, words);
  });
  facts(detail.facts, factsOf(server));
  const notes = notesOf(server);
  list(detail.notes, notes, (note) => note, () => el("li"), text);
  const exits = server.exits ?? [];
  show(detail.exitsTitle, exits.length > 0);
  list(detail.exits, exits, (exit) => `${exit.at} ${exit.why}`, () => el("li"), (line, exit) => {
    const lived = exit.lived_seconds === undefined ? "" : ` after ${duration(exit.lived_seconds)}`;
    text(line, `${clock(exit.at)}  ${exit.why}${lived}`);
  });
}

function list(parent, items, key, make, update) {
  show(parent, items.length > 0);
  keyed(parent, items, key, make, update);
}

/** A list of names and what they have; without a value a name is left out. */
export function facts(parent, rows) {
  const filled = rows.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  keyed(parent, filled, ([name]) => name, ([name]) => {
    const value = el("dd");
    return Object.assign(el("div", {}, el("dt", {}, name), value), { value });
  }, (row, [, value]) => text(row.value, value));
}

const orNone = (count, words) => (count ? words(count) : "");

function factsOf(server) {
  const { processes, calls } = server;
  return [
    ["PID", server.pid],
    ["Processes", processes?.count],
    ["CPU", percent(processes?.cpu_percent)],
    ["CPU time", processes ? duration(processes.cpu_seconds) : ""],
    ["Memory", bytes(processes?.memory_bytes)],
    ["Calls", orNone(calls?.total, number)],
    ["Failed", orNone(calls?.failed, number)],
    ["In flight", number(server.calls_in_flight)],
    ["p50", milliseconds(calls?.p50_ms)],
    ["p99", milliseconds(calls?.p99_ms)],
    ["Restarts", number(server.restarts)],
    ["Failures in a row", orNone(server.failures, number)],
    ["Tools", number(server.tools)],
    ["Tokens", number(server.tools_tokens)],
    ["Instances", orNone(server.instances, number)],
    ["Lines that are no JSON-RPC", orNone(server.junk_lines, number)],
    ["Answers dropped", orNone(server.dropped_answers, number)],
  ];
}

function notesOf(server) {
  const said = (tool) => `${tool.held ? "Held back until it is approved" : "Defined in another way than before"}: ${tool.tool ?? JSON.stringify(tool)}`;
  const changed = (server.definitions_changed ?? []).map(said);
  const held = (server.definitions_changed ?? []).some((tool) => tool.held);
  const look = held ? [`On its machine, 'mcproxy approve ${server.name}' shows what is held back, and approves it`] : [];
  const unread = (server.unread ?? []).map((gap) => `${gap.list} could not be read: ${gap.why}`);
  const out = (server.left_out ?? []).map((odd) => `${odd.list}: ${some(odd.count, "entry", "entries")} left out (${odd.why})`);
  const ends = server.ends_after_calls ? [`It ends after ${some(server.ends_after_calls, "call")} each time, and is started again at once`] : [];
  return [...(server.warnings ?? []), ...changed, ...look, ...unread, ...out, ...ends];
}

