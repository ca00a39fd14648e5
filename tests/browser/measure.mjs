// How long the page takes until it is painted and until all is shown, and what it takes of a core while it is
// open. Without the test's driver: nothing but the browser and the page.
//
//   node measure.mjs '{"url": …, "servers": 100, "seconds": 20, "rounds": 5, "browser": …}'

import { chromium } from "playwright-core";

const job = JSON.parse(process.argv[2]);
const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: job.browser, args });
const median = (values) => values.sort((one, other) => one - other)[Math.floor(values.length / 2)];

async function open() {
  // A context of its own has nothing in its cache.
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(job.url);
  const shown = await page.evaluate(async (count) => {
    while (document.querySelectorAll("tr.server").length !== count) await new Promise(requestAnimationFrame);
    return performance.now();
  }, job.servers);
  const painted = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  return { context, page, painted, shown };
}

const [painted, shown] = [[], []];
for (let round = 0; round < job.rounds; round += 1) {
  const opened = await open();
  painted.push(opened.painted);
  shown.push(opened.shown);
  await opened.context.close();
}

const { context, page } = await open();
const devtools = await context.newCDPSession(page);
await devtools.send("Performance.enable");
const busy = async () => {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
};
await page.waitForTimeout(3000);
process.stdout.write("open\n");
const before = await busy();
await page.waitForTimeout(job.seconds * 1000);
const after = await busy();
const taken = (name) => (100 * (after[name] - before[name])) / (after.Timestamp - before.Timestamp);
console.log(JSON.stringify({ painted: median(painted), shown: median(shown), page: taken("ProcessTime") || taken("TaskDuration") }));
await browser.close();
