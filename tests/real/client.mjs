// Either TypeScript SDK's client: real calls through the gateway.
//
//     client.mjs SDK JOBS PLAN
//
// SDK is `sdk1` or `sdk2`. JOBS is a JSON list, done one after another: {"name", "scenario",
// "transport": "sse" | "http" | "stdio", "era", "url" and "headers" or "command", "prefix", "page"}. PLAN is what
// the bare servers said (oracle.rs). A scenario prints observations as JSON lines (features.mjs) or what it has
// reached, one phrase a line; it ends with code 1 and both sides on stderr when something is not as
// it should be.

import { AssertionError, deepStrictEqual } from "node:assert";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

import * as features from "./features.mjs";
import { Observer, User, everything, plainError, until, within } from "./features.mjs";

const [name, jobs, plan] = process.argv.slice(2);
const sdk = await import(`./${name}.mjs`);

const SEPARATOR = "__";

// How many calls are in flight when the gateway is killed, and how many a busy user makes at a time.
const LOAD = 4;

// How long an SDK may take to find a gateway that is up again.
const RECONNECTS = 10_000;

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

/** A session as the scenarios use it; it can be told that the list changed. */
class Gateway {
  constructor(client, user) {
    this.client = client;
    this.user = user;
    this.era = client.getProtocolEra?.() ?? "legacy";
  }

  all(kind) {
    return everything(this.client, kind);
  }

  async call(server, { tool, arguments: args }, options) {
    try {
      const params = { name: server.name + SEPARATOR + tool, arguments: args };
      return { result: await sdk.call(this.client, params, options) };
    } catch (error) {
      if (!(error instanceof sdk.Failure)) throw error;
      return { error: plainError(error) };
    }
  }

  async compare(server, call) {
    const what = `${server.name}: ${call.tool} ${JSON.stringify(call.arguments)}`;
    mustEqual(what, await this.call(server, call), call.outcome);
  }

  forgetChanges() {
    this.user.told.length = 0;
  }

  /** Waits until it is told that the tools have changed. */
  async changed() {
    await until("tools/list_changed", () => this.user.heard("notifications/tools/list_changed"));
    this.forgetChanges();
  }
}

/** What 2026-07-28 took out of the definition of a tool, the SDK takes out too. */
const known = ({ execution, ...item }, era) => (execution === undefined || era === "modern" ? item : { ...item, execution });

/** The list as it must be: each server's own, in the order of the configuration. */
const merged = (plan, kind = "tools", era = "legacy") =>
  plan.flatMap((server) => server[kind].map((item) => ({ ...known(item, era), name: server.name + SEPARATOR + item.name })));

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

/** A call that takes a minute, and a promise of a sign that the server works on it. */
function longCall(gateway, server) {
  let sign;
  const inFlight = new Promise((resolve) => (sign = resolve));
  const long = { tool: "trigger-long-running-operation", arguments: { duration: 60, steps: 600 } };
  const call = gateway.call(server, long, { onprogress: sign });
  return { inFlight, call };
}

const scenarios = {
  /** Lists and answers are the bare servers' own. */
  async compare(gateway, plan) {
    mustEqual("tools/list", await gateway.all("tools"), merged(plan, "tools", gateway.era));
    mustEqual("prompts/list", await gateway.all("prompts"), merged(plan, "prompts"));
    const resources = plan.flatMap((server) => server.resources);
    mustEqual("resources/list", await gateway.all("resources"), resources);
    const templates = plan.flatMap((server) => server.templates);
    mustEqual("resources/templates/list", await gateway.all("resourceTemplates"), templates);
    for (const server of plan) {
      for (const call of server.calls) await gateway.compare(server, call);
      for (const { prompt, arguments: args, outcome } of server.gets) {
        const name = server.name + SEPARATOR + prompt;
        mustEqual(name, await gateway.client.getPrompt({ name, arguments: args }), outcome.result);
      }
      for (const { uri, outcome } of server.reads) {
        mustEqual(uri, await gateway.client.readResource({ uri }), outcome.result);
      }
    }
  },

  /** A server is killed in the middle of a call; the session goes on. */
  async crash(gateway, plan) {
    const [everything] = named(plan, "everything");
    const traffic = new Traffic(gateway, named(plan, "filesystem", "memory", "git"));
    await traffic.goesOn();
    const before = await gateway.all("tools");
    const { inFlight, call } = longCall(gateway, everything);
    await within(20_000, "progress", inFlight);
    reached("in flight");
    const outcome = await within(10_000, "the killed server's answer", call);
    const text = JSON.stringify(outcome);
    must(failed(outcome), `a killed server's call succeeded: ${text}`);
    must(text.includes("everything"), `the error does not name the server: ${text}`);
    reached("answered");
    mustEqual("the list after the kill", await gateway.all("tools"), before);
    await within(30_000, "the next call", gateway.compare(everything, goodCall(everything)));
    reached("works again");
    await traffic.goesOn();
    await traffic.stop();
  },

  /** `git` goes and `time` comes while calls to the others run. */
  async edit(gateway, plan) {
    const [time, git] = named(plan, "time", "git");
    const others = plan.filter((server) => server !== time && server !== git);
    const before = merged(plan.filter((server) => server !== time), "tools", gateway.era);
    const after = merged(plan.filter((server) => server !== git), "tools", gateway.era);
    mustEqual("tools/list before", await gateway.all("tools"), before);
    const traffic = new Traffic(gateway, others);
    await traffic.goesOn();
    gateway.forgetChanges();
    reached("calls run");
    const names = (tools) => tools.map((tool) => tool.name).join();
    let seen;
    do {
      // Only a notification makes this client look again: whoever is not told sees nothing.
      await gateway.changed();
      seen = await gateway.all("tools");
    } while (names(seen) !== names(after));
    mustEqual("tools/list after", seen, after);
    for (const call of time.calls) await gateway.compare(time, call);
    const outcome = await gateway.call(git, goodCall(git));
    must(failed(outcome), `a removed tool answered: ${JSON.stringify(outcome)}`);
    reached("changed");
    await traffic.goesOn();
    await traffic.stop();
  },

  recover: (gateway, _, see, errors) => recover(gateway, see, errors, false),
  busy: (gateway, _, see, errors) => recover(gateway, see, errors, true),
};

/**
 * The gateway itself is killed in the middle of calls and started again: what the user sees, who
 * calls again when it is up, or all the time, several calls at once.
 */
async function recover(gateway, see, errors, isBusy) {
  const server = { name: see.job.prefix.replace(SEPARATOR, "") };
  const echo = async (patience) => {
    try {
      const call = gateway.call(server, { tool: "echo", arguments: { message: "a" } });
      const outcome = await within(patience, "an answer", call);
      return ["result" in outcome, JSON.stringify(outcome)];
    } catch (error) {
      return [false, String(error)];
    }
  };
  /** What went wrong. */
  const echoes = async (patience) => {
    const outcomes = await Promise.all(Array.from({ length: isBusy ? LOAD : 1 }, () => echo(patience)));
    return outcomes.filter(([isGood]) => !isGood).map(([, seen]) => seen);
  };
  let failed = await echoes(20_000);
  must(failed.length === 0, `no echo before the kill: ${failed}`);
  const calls = Array.from({ length: LOAD }, () => longCall(gateway, server));
  const outcomes = calls.map(({ call }) => call.then(JSON.stringify, String));
  for (const { inFlight } of calls) await within(20_000, "progress", inFlight);
  gateway.forgetChanges();
  reached("in flight");
  let isUp = false;
  const upAgain = once(process.stdin, "data").then(() => (isUp = true));
  if (!isBusy) await upAgain;
  const failures = [];
  let isOver = false;
  let deadline;
  while (!isOver) {
    if (isUp) deadline ??= Date.now() + RECONNECTS;
    failed = await echoes(10_000);
    if (failed.length > 0 && failures.length === 0 && isBusy) reached("a call failed");
    failures.push(...new Set(failed.filter((seen) => !failures.includes(seen))));
    isOver = (failed.length === 0 && deadline !== undefined) || Date.now() > deadline;
    await pause(50);
  }
  see.saw("failures", failures);
  const late = pause(5_000, "no answer yet");
  see.saw("the calls in flight", await Promise.all(outcomes.map((outcome) => Promise.race([outcome, late]))));
  see.saw("transport errors", [...new Set(errors.map(String))]);
  if (failed.length > 0) return reached("is lost");
  gateway.forgetChanges();
  reached("goes on");
  const told = gateway.changed().then(() => "told", () => "not told");
  see.saw("a changed list", await told);
}

/** Somebody whose token is wrong, or who has none: what the SDK says. */
async function stranger(client, job) {
  client.onerror = () => {};
  const connecting = client.connect(sdk.transport(job)).then(() => fail("it was let in"), String);
  new Observer(job, sdk).saw("the refusal", await within(20_000, "a refusal", connecting));
  await client.close();
  reached(`done ${job.name}`);
}

async function run(job) {
  const user = new User(job.prefix ?? "");
  const asks = { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } };
  const answers = ["features", "eras"].includes(job.scenario);
  const client = new sdk.Client(job, { name: "tests-real", version: "1" }, { capabilities: answers ? asks : {} });
  sdk.listen(client, user);
  if (answers) sdk.answer(client, user);
  const errors = [];
  client.onerror = (error) => {
    // A gateway that is killed is an error, and a step of progress that comes together with the answer.
    if (job.scenario === "recover" || job.scenario === "busy") errors.push(error);
    else if (!error.message.includes("unknown token")) fail(`the transport failed: ${error.stack}`);
  };
  if (job.scenario === "stranger") return stranger(client, job);
  await client.connect(sdk.transport(job));
  const see = new Observer(job, sdk);
  if (job.era !== "legacy") see.saw("the revision", client.revision());
  if (job.scenario in scenarios) await client.hear();
  if (job.scenario in scenarios) await scenarios[job.scenario](new Gateway(client, user), servers, see, errors);
  else await features[job.scenario](client, user, see);
  client.onerror = () => {};
  await client.close();
  reached(`done ${job.name}`);
}

const servers = JSON.parse(readFileSync(plan, "utf8"));
for (const job of JSON.parse(jobs)) await run(job);
process.exit(0);
