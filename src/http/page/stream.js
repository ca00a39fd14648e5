// How the page asks the gateway: by `fetch`, with the token that this tab was given, if there is one. A stream
// of events is read again and again until it is closed; between two tries is a pause that grows.

const KEY = "mcproxy-token";
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10000;

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

function headers(more) {
  const shown = token.get();
  return shown ? { ...more, Authorization: `Bearer ${shown}` } : more;
}

/** A reply other than a good one: its status, and what it says. */
export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

/** Asks for `path`, which is beside the page. */
export async function ask(path, options = {}) {
  const address = new URL(path, document.baseURI);
  const reply = await fetch(address, { cache: "no-store", ...options, headers: headers(options.headers) });
  if (reply.ok) return reply;
  throw new Refused(reply.status, await words(reply));
}

async function words(reply) {
  const said = await reply.text().catch(() => "");
  try {
    return JSON.parse(said).error.message;
  } catch {
    return said.slice(0, 500) || `HTTP status ${reply.status}`;
  }
}

export const json = async (path, options) => (await ask(path, options)).json();

/** The events of a body, as `{ event, data }`. `heard` is called for all that comes, comments too. */
export async function* events(body, heard = () => {}) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      rest += value;
      if (!value.includes("\n")) continue;
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(block) {
  let event = "message";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === "event") event = value;
    if (name === "data") data.push(value);
  }
  return data.length ? { event, data: data.join("\n") } : null;
}

/**
 * Follows a stream for as long as it is not stopped. `on.event(data)` gets what comes, `on.state` how it is:
 * "live", "lost" (with the milliseconds until the next try). `on.refused` gets a refusal and says whether to
 * go on trying. Without a word for `on.silence` milliseconds the gateway has gone.
 */
export function follow(path, on) {
  let controller = null;
  let pause = FIRST_PAUSE;
  let timer = 0;
  let isStopped = false;

  async function run() {
    clearTimeout(timer);
    controller = new AbortController();
    const own = controller;
    let watchdog = 0;
    const heard = () => {
      clearTimeout(watchdog);
      if (on.silence) watchdog = setTimeout(() => own.abort(), on.silence);
    };
    heard();
    let goesOn = true;
    try {
      const reply = await ask(path, { headers: { Accept: "text/event-stream" }, signal: own.signal });
      for await (const { data } of events(reply.body, heard)) {
        pause = FIRST_PAUSE;
        on.state?.("live");
        on.event(JSON.parse(data));
      }
    } catch (problem) {
      if (problem instanceof Refused) goesOn = (await on.refused?.(problem)) ?? true;
    } finally {
      clearTimeout(watchdog);
    }
    if (isStopped || own !== controller || !goesOn) return;
    // Not all pages at the same moment.
    const wait = pause * (0.75 + Math.random() / 2);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    on.state?.("lost", wait);
    timer = setTimeout(run, wait);
  }

  run();
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
      controller?.abort();
    },
  };
}
