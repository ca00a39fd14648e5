// A browser with one page, driven by the test: each line on stdin is a step, each line on stdout its outcome.
// What the page should never do is noted from its first moment and told when the test asks.
//
//   node drive.mjs '{"url": …, "theme": "dark", "width": 1280, "height": 800, "browser": "/usr/bin/chromium"}'

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const job = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = 20000;

// A browser that is root's has no sandbox of its own.
const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: job.browser, args });
const context = await browser.newContext({ viewport: { width: job.width, height: job.height }, colorScheme: job.theme });
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE);

const noted = [];
const own = new URL(job.url).origin;
page.on("console", (message) => {
  if (["error", "warning"].includes(message.type())) noted.push(`${message.type()}: ${message.text()}`);
});
page.on("pageerror", (error) => noted.push(`thrown: ${error.stack}`));
page.on("dialog", (dialog) => {
  noted.push(`dialog: ${dialog.message()}`);
  dialog.dismiss().catch(() => {});
});
context.on("request", (request) => {
  const { origin, protocol, search } = new URL(request.url());
  if (protocol !== "data:" && origin !== own) noted.push(`elsewhere: ${request.url()}`);
  if (search) noted.push(`in a URL: ${request.url()}`);
});
await page.addInitScript(() => {
  document.addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
});

// Not Playwright's own, which evaluates within the page, where the policy forbids it.
async function until(script) {
  const deadline = Date.now() + PATIENCE;
  while (!(await page.evaluate(script))) {
    if (Date.now() > deadline) throw new Error("in vain");
    await page.waitForTimeout(50);
  }
}

const steps = {
  goto: () => page.goto(job.url),
  reload: () => page.reload(),
  click: ({ on }) => page.click(on),
  fill: ({ on, text }) => page.fill(on, text),
  press: ({ key }) => page.keyboard.press(key),
  /** A JavaScript expression, evaluated until it is true. */
  wait: ({ script }) => until(script),
  eval: ({ script }) => page.evaluate(script),
  theme: ({ theme }) => page.emulateMedia({ colorScheme: theme }),
  size: ({ width, height }) => page.setViewportSize({ width, height }),
  shot: ({ file }) => page.screenshot({ path: file }).then(() => null),
  cookies: () => context.cookies(),
  noted: () => noted,
  axe: () => page.evaluate(`${axe}; axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ target, failureSummary }) => target + " " + failureSummary).join("; ")))`),
};

for await (const line of createInterface({ input: process.stdin })) {
  const step = JSON.parse(line);
  let outcome;
  try {
    const value = await steps[step.do](step);
    outcome = { value: ["goto", "reload"].includes(step.do) ? null : (value ?? null) };
  } catch (problem) {
    const seen = await page.evaluate("document.body?.innerText").catch(() => "");
    outcome = { problem: `${problem.message}\n--- noted: ${noted.join("\n")}\n--- the page:\n${seen}` };
  }
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
await browser.close();
