// The page: asks for the status, and for a token where one is needed; shows what comes.

import { attr, byId, show, text } from "./dom.js";
import * as lists from "./lists.js";
import * as servers from "./servers.js";
import { follow, json, token } from "./stream.js";
import * as tools from "./tools.js";

/** How long a page that nobody looks at goes on. */
const UNSEEN = 60000;
/** The gateway says something every 10 s. */
const SILENCE = 25000;
/** How often the status is asked for where the stream is refused. */
const POLL = 5000;

let stream = null;
let polling = 0;
let unseen = 0;

function shows(status) {
  const at = performance.now();
  show(byId("ask"), false);
  show(byId("all"), true);
  show(byId("forget"), token.get() !== null);
  servers.update(status, at);
  lists.update(status, at);
  tools.update(status);
}

function linked(state, words) {
  const node = byId("link");
  if (node.dataset.state !== state && node.dataset.state !== "wait") lists.say(state === "live" ? "The gateway is there again" : words);
  attr(node, "data-state", state);
  text(node, words);
}

function start() {
  stop();
  stream = follow("status/stream", {
    silence: SILENCE,
    event: shows,
    state(state) {
      if (state === "live") linked("live", "live");
      else linked("lost", "The gateway does not answer; trying again");
    },
    async refused(problem) {
      if (problem.status === 401 || (problem.status === 404 && token.get())) {
        askForToken(problem);
        return false;
      }
      if (problem.status === 503) {
        // As many pages are open as may be.
        polling = setInterval(poll, POLL);
        await poll();
        return false;
      }
      linked("lost", problem.message);
      return true;
    },
  });
}

function stop() {
  stream?.stop();
  clearInterval(polling);
  [stream, polling] = [null, 0];
}

async function poll() {
  try {
    shows(await json("status"));
    linked("live", "every 5 s");
  } catch (problem) {
    linked("lost", problem.status ? problem.message : "The gateway does not answer; trying again");
    if (problem.status === 401) {
      stop();
      askForToken(problem);
    }
  }
}

function askForToken(problem) {
  const wasShown = token.get() !== null;
  token.forget();
  show(byId("all"), false);
  show(byId("ask"), true);
  show(byId("forget"), false);
  text(byId("summary"), "\u00a0");
  byId("summary").words = null;
  attr(byId("summary"), "data-tone", null);
  linked("wait", "a token is needed");
  // One that is pinned to profiles is told that there is nothing here.
  const why = problem.status === 404 ? "it is for single profiles, and this page is about the whole gateway." : problem.message;
  text(byId("ask-fault"), wasShown ? `It was refused: ${why}` : "");
  byId("token").focus();
}

byId("ask-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("token");
  const given = field.value.trim();
  // What no header can carry is no token.
  if (!/^[\x21-\x7e]+$/.test(given)) {
    text(byId("ask-fault"), "A token has no blanks and no letters beyond ASCII.");
    return;
  }
  token.set(given);
  field.value = "";
  start();
});

byId("forget").addEventListener("click", () => {
  token.forget();
  location.reload();
});

document.addEventListener("visibilitychange", () => {
  clearTimeout(unseen);
  if (document.hidden) unseen = setTimeout(stop, UNSEEN);
  else if (!stream && !polling && byId("ask").hidden) start();
});

setInterval(() => {
  if (document.hidden) return;
  servers.tick();
  lists.tick();
}, 1000);

const mcp = new URL("mcp", document.baseURI).href;
text(byId("url-mcp"), mcp);
text(byId("url-sse"), new URL("sse", document.baseURI).href);
text(byId("claude"), `claude mcp add --transport http mcproxy ${mcp}`);
servers.begin({ tools: tools.of });
tools.begin();
start();
