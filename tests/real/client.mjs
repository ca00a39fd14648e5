// The TypeScript SDK's client: real calls through the gateway's SSE endpoint.
//
//     client.mjs SCENARIO URL PLAN
//
// PLAN is what the bare servers said (oracle.rs). Each scenario prints what it has reached, one
// phrase a line, and ends with code 1 and both sides on stderr when something is not as it should be.

import { AssertionError, deepStrictEqual } from "node:assert";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { McpError, ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

const SEPARATOR = "__";

const reached = (phrase) => console.log(phrase);

function fail(complaint) {
  console.error(complaint);
  process.exit(1);
}

function must(condition, complaint) {
  if (!condition) fail(complaint);
}

function mustEqual(what, seen, wanted) {
  try {
    deepStrictEqual(seen, wanted);
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    fail(`${what} differs (+ gateway, - bare pipe):\n${error.message}`);
  }
}

/** Resolves with the promise, or fails the script when it takes too long. */
function within(milliseconds, what, promise) {
  const timer = setTimeout(() => fail(`${what}: nothing within ${milliseconds} ms`), milliseconds);
  return promise.finally(() => clearTimeout(timer));
}

/** A condition that others wait for; it can be set again and again. */
class Signal {
  #set = false;
  #waiting = [];

  set() {
    this.#set = true;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  clear() {
    this.#set = false;
  }

  wait() {
    return this.#set ? Promise.resolve() : new Promise((wake) => this.#waiting.push(wake));
  }
}

class Gateway {
  constructor(client, changed) {
    this.client = client;
    this.changed = changed;
  }

  /** Every page's tools, in order. */
  async tools() {
    const tools = [];
    let cursor;
    do {
      const page = await this.client.listTools(cursor === undefined ? undefined : { cursor });
      tools.push(...page.tools);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return tools;
  }

  async call(server, { tool, arguments: args }, options) {
    try {
      const params = { name: server.name + SEPARATOR + tool, arguments: args };
      return { result: await this.client.callTool(params, undefined, options) };
    } catch (error) {
      if (!(error instanceof McpError)) throw error;
      // The SDK writes the code before the message; the server did not.
      const message = error.message.replace(`MCP error ${error.code}: `, "");
      const data = error.data === undefined ? {} : { data: error.data };
      return { error: { code: error.code, message, ...data } };
    }
  }

  async compare(server, call) {
    const what = `${server.name}: ${call.tool} ${JSON.stringify(call.arguments)}`;
    mustEqual(what, await this.call(server, call), call.outcome);
  }
}

async function connect(url) {
  const changed = new Signal();
  const client = new Client({ name: "tests-real", version: "1" });
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => changed.set());
  client.onerror = (error) => fail(`the transport failed: ${error.stack}`);
  await client.connect(new SSEClientTransport(new URL(url)));
  return new Gateway(client, changed);
}

/** The list as it must be: each server's own, in the order of the configuration. */
const merged = (plan) =>
  plan.flatMap((server) => server.tools.map((tool) => ({ ...tool, name: server.name + SEPARATOR + tool.name })));

const named = (plan, ...names) => names.map((name) => plan.find((server) => server.name === name));

/** A call that may be repeated: the first that succeeds and stores nothing. */
const goodCall = (server) => server.calls.find((call) => !call.fails && !call.tool.startsWith("create_"));

const failed = (outcome) => "error" in outcome || outcome.result.isError === true;

/** Calls to some servers, one after another each, until told to stop; none may fail. */
class Traffic {
  #over = false;
  #counts = new Map();
  #runs;

  constructor(gateway, servers) {
    this.#runs = servers.map((server) => this.#run(gateway, server));
  }

  async #run(gateway, server) {
    const call = goodCall(server);
    for (let count = 0; !this.#over; count += 1) {
      this.#counts.set(server.name, count);
      const outcome = await gateway.call(server, call);
      must(!failed(outcome), `${server.name} failed: ${JSON.stringify(outcome)}`);
    }
  }

  /** Waits until every server has answered some more calls. */
  async goesOn(calls = 5) {
    const goal = new Map([...this.#counts].map(([name, count]) => [name, count + calls]));
    while ([...goal].some(([name, count]) => this.#counts.get(name) < count)) await pause(10);
  }

  async stop() {
    this.#over = true;
    await Promise.all(this.#runs);
  }
}

const scenarios = {
  /** Lists and answers are the bare servers' own. */
  async compare(gateway, plan) {
    mustEqual("tools/list", await gateway.tools(), merged(plan));
    for (const server of plan) {
      for (const call of server.calls) await gateway.compare(server, call);
    }
    reached("same");
  },

  /** A server is killed in the middle of a call; the session goes on. */
  async crash(gateway, plan) {
    const [everything] = named(plan, "everything");
    const traffic = new Traffic(gateway, named(plan, "filesystem", "memory", "git"));
    await traffic.goesOn();
    const before = await gateway.tools();
    const inFlight = new Signal();
    const long = { tool: "trigger-long-running-operation", arguments: { duration: 50, steps: 500 } };
    const call = gateway.call(everything, long, { onprogress: () => inFlight.set() });
    await within(20_000, "progress", inFlight.wait());
    reached("in flight");
    const outcome = await within(10_000, "the killed server's answer", call);
    const text = JSON.stringify(outcome);
    must(failed(outcome), `a killed server's call succeeded: ${text}`);
    must(text.includes("everything"), `the error does not name the server: ${text}`);
    reached("answered");
    mustEqual("the list after the kill", await gateway.tools(), before);
    await within(30_000, "the next call", gateway.compare(everything, goodCall(everything)));
    reached("works again");
    await traffic.goesOn();
    await traffic.stop();
  },

  /** `git` goes and `time` comes while calls to the others run. */
  async edit(gateway, plan) {
    const [time, git] = named(plan, "time", "git");
    const others = plan.filter((server) => server !== time && server !== git);
    const before = merged(plan.filter((server) => server !== time));
    const after = merged(plan.filter((server) => server !== git));
    mustEqual("tools/list before", await gateway.tools(), before);
    const traffic = new Traffic(gateway, others);
    await traffic.goesOn();
    gateway.changed.clear();
    reached("calls run");
    const names = (tools) => tools.map((tool) => tool.name).join();
    let seen;
    do {
      // Only a notification makes this client look again: whoever is not told sees nothing.
      await within(30_000, "tools/list_changed", gateway.changed.wait());
      gateway.changed.clear();
      seen = await gateway.tools();
    } while (names(seen) !== names(after));
    mustEqual("tools/list after", seen, after);
    for (const call of time.calls) await gateway.compare(time, call);
    const outcome = await gateway.call(git, goodCall(git));
    must(failed(outcome), `a removed tool answered: ${JSON.stringify(outcome)}`);
    reached("changed");
    await traffic.goesOn();
    await traffic.stop();
  },
};

const [scenario, url, file] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(file, "utf8"));
const gateway = await connect(url);
await scenarios[scenario](gateway, plan);
process.exit(0);
