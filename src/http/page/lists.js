// What else the status says: figures of the whole, faults of the configuration, what happened last, who is
// connected.

import { attr, byId, bytes, clock, el, keyed, lasting, number, show, some, text } from "./dom.js";
import { facts, reveal, tone } from "./servers.js";

/** So many servers in trouble are named. */
const NAMED = 5;
/** What is read out waits until things are quiet, so long at most. */
const QUIET = 1500;

let spoken = { timer: 0, words: "" };

/** Has a screen reader say something, when it has said what it is at. */
export function say(words) {
  clearTimeout(spoken.timer);
  spoken.timer = setTimeout(() => text(byId("said"), words), QUIET);
}

export function update(status, at) {
  summary(status);
  figures(status, at);
  faults(status.configuration ?? {});
  const isEmpty = !status.servers?.length && !status.configuration?.servers;
  show(byId("begin"), isEmpty && !status.configuration?.faulty);
  show(byId("servers"), !isEmpty);
  show(byId("tools"), !isEmpty);
  happened(status.events ?? []);
  sessions(status.sessions ?? {}, at);
  text(byId("version"), status.version ?? "");
}

function summary(status) {
  const servers = status.servers ?? [];
  const bad = servers.filter((server) => tone(server) === "bad");
  const waiting = servers.filter((server) => tone(server) === "wait");
  const asleep = servers.filter((server) => server.state === "asleep").length;
  let [words, how] = [`All ${some(servers.length, "server")} ready${asleep ? `, ${asleep} asleep` : ""}`, "good"];
  if (!servers.length) [words, how] = ["No servers", "wait"];
  else if (bad.length) [words, how] = [`${bad.length} of ${some(servers.length, "server")} down:`, "bad"];
  else if (waiting.length) [words, how] = [`${waiting.length} of ${some(servers.length, "server")} on the way up`, "wait"];
  else if (servers.length === 1 && !asleep) words = "The one server is ready";
  const node = byId("summary");
  if (!node.words) {
    node.replaceChildren();
    node.words = node.appendChild(el("span"));
    node.names = node.appendChild(el("span"));
  }
  attr(node, "data-tone", how);
  text(node.words, words);
  const names = bad.slice(0, NAMED).map(({ name }) => name);
  const make = (name) => el("button", { type: "button", class: "name", onclick: () => reveal(name) }, name);
  keyed(node.names, names, (name) => name, make, () => {});
  text(document.head.querySelector("title"), bad.length ? `(${bad.length} down) mcproxy` : "mcproxy");
  const now = [words, ...names].join(" ");
  if (spoken.words && spoken.words !== now) say(now);
  spoken.words = now;
}

let counted = null;

function figures(status, at) {
  counted = { status, at };
  tick();
}

/** What changes with the time alone. */
export function tick() {
  if (!counted) return;
  const { status, at } = counted;
  const servers = status.servers ?? [];
  const sum = (of) => servers.reduce((all, server) => all + (of(server) ?? 0), 0);
  const of = (places) => (places ? `${number(places.open)} of ${number(places.limit)}` : "");
  facts(byId("figures"), [
    ["Up for", lasting(status.uptime_seconds + (performance.now() - at) / 1000)],
    ["Calls in flight", number(status.calls_in_flight)],
    ["Sessions", of(status.sessions)],
    ["Connections", of(status.connections)],
    ["Tools", number(sum((server) => server.tools))],
    ["Tokens of their definitions", number(sum((server) => server.tools_tokens))],
  ]);
  for (const row of byId("session-list").held?.values() ?? []) {
    text(row.parts.since, lasting(row.client.seconds + (performance.now() - row.at) / 1000));
  }
}

function faults(configuration) {
  const told = (configuration.faults ?? []).map(({ severity, where, line, column, what, hint }) => {
    const place = [line && `line ${line}`, column && `column ${column}`].filter(Boolean).join(", ");
    return { where: [where, place].filter(Boolean).join(", "), what: what ?? "", hint: hint ?? "", isRemark: severity === "warning" };
  });
  const named = (configuration.refused ?? []).map((name) => ({ where: name, what: "this entry can't be used; the log says why", hint: "" }));
  const all = told.length ? told : named;
  if (!all.length && configuration.faulty) all.push({ where: "", what: "Something in the file can't be used; the log says what and where", hint: "" });
  const isBad = all.some(({ isRemark }) => !isRemark);
  text(byId("faults-title"), isBad ? "The configuration is not used as it stands" : "Remarks on the configuration");
  attr(byId("faults"), "data-tone", isBad ? "bad" : "wait");
  show(byId("faults"), all.length > 0);
  keyed(byId("fault-list"), all, (fault) => JSON.stringify(fault), (fault) =>
    el("li", {}, el("strong", {}, fault.where), " ", el("span", {}, fault.what), " ", el("em", {}, fault.hint)), () => {});
}

function happened(events) {
  show(byId("no-events"), events.length === 0);
  const seen = new Map();
  const told = events.map((event) => {
    const print = JSON.stringify(event);
    seen.set(print, (seen.get(print) ?? 0) + 1);
    return { event, key: `${print}${seen.get(print)}` };
  });
  keyed(byId("event-list"), told, ({ key }) => key, ({ event }) =>
    el("li", { "data-kind": event.kind ?? "" }, el("time", { datetime: event.at }, clock(event.at)),
      " ", el("strong", {}, event.server ?? ""), " ", el("span", {}, event.text ?? event.kind ?? "")), () => {});
}

function sessions(status, at) {
  const clients = status.clients ?? [];
  text(byId("sessions-count"), status.open === undefined ? "" : number(status.open));
  show(byId("no-sessions"), !status.open);
  show(byId("sessions-table"), clients.length > 0);
  const seen = new Map();
  const rows = clients.map((client) => {
    // A session has no name that may be shown: it is known by when it began.
    const began = Math.round((at - client.seconds * 1000) / 5000);
    const print = JSON.stringify([client.client, client.version, client.transport, client.profile, began]);
    seen.set(print, (seen.get(print) ?? 0) + 1);
    return { client, key: `${print}${seen.get(print)}` };
  });
  const make = () => {
    const cells = { name: el("th", { scope: "row" }), transport: el("td"), profile: el("td") };
    for (const name of ["since", "calls", "queued"]) cells[name] = el("td", { class: "n" });
    return Object.assign(el("tr", {}, ...Object.values(cells)), { parts: cells });
  };
  keyed(byId("session-list"), rows, ({ key }) => key, make, (row, { client }) => {
    const { name, transport, profile, since, calls, queued } = row.parts;
    Object.assign(row, { client, at });
    text(name, [client.client ?? "unnamed", client.version].filter(Boolean).join(" "));
    text(transport, client.transport);
    text(profile, client.profile ?? "");
    text(since, lasting(client.seconds));
    text(calls, number(client.calls_in_flight));
    text(queued, bytes(client.queued));
  });
}
