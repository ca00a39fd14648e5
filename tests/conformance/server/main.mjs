// The server that the conformance suite knows by its names: every tool, prompt and resource that
// its scenarios ask for. It speaks on stdin and stdout, as a server behind the gateway does:
//
//   --era legacy   up to revision 2025-11-25, with the first SDK (the default)
//   --era modern   2026-07-28 alone, with the second SDK
//   --era both     either, with the second SDK
//
// With `--http PORT` it answers the suite itself, by the SDK's own transport: what it then scores is
// the baseline. What it offers is the same everywhere: tools.mjs, prompts.mjs, resources.mjs.

import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { era: { type: "string", default: "legacy" }, http: { type: "string" } },
});

const { serveHttp, serveStdio } =
  values.era === "legacy" ? await import("./legacy.mjs") : await import("./modern.mjs");
const { http: port, era } = values;
if (port !== undefined) {
  serveHttp(Number(port), era);
} else {
  // Questions to a client that has gone would keep it alive.
  process.stdin.once("end", () => process.exit());
  await serveStdio(era);
}
