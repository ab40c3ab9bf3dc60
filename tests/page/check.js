// Opens the pages that the tests have written, in a browser, and looks for what a reader would
// notice: errors, network access, overflow, lacking contrast or names, and requests that cannot be
// selected. Screenshots of everything go to a folder, for people.
//
//   node check.js PAGES SCREENSHOTS      CHROMIUM chooses the browser
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [folder, shots] = process.argv.slice(2).map((path) => resolve(path));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const profile = mkdtempSync(join(tmpdir(), "rollproof-page-"));
const problems = [];
const widths = [1280, 768, 360];
const themes = ["light", "dark"];
mkdirSync(shots, { recursive: true });

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  headless: true,
  userDataDir: profile,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function open(name, { width = 1280, theme = "light", script = true } = {}) {
  const page = await browser.newPage();
  const where = `${name}, ${width} px, ${theme}${script ? "" : ", no script"}`;
  const problem = (text) => problems.push(`${where}: ${text}`);
  page.on("console", (message) => problem(`console: ${message.text()}`));
  page.on("pageerror", (error) => problem(`error: ${error.message}`));
  page.on("dialog", async (dialog) => {
    problem(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) problem(`asks ${request.url()}`);
  });
  await page.setJavaScriptEnabled(script);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  await page.setViewport({ width, height: 900 });
  await page.goto(pathToFileURL(join(folder, `${name}.html`)).href);
  return { page, problem };
}

/** Looks at a page in every theme and width; at one that only differs in its text, in one width. */
async function look(name) {
  for (const width of name.startsWith("hostile-") ? [360] : widths) {
    for (const theme of themes) {
      const { page, problem } = await open(name, { width, theme });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) problem(`is ${wide} px wide`);
      await page.screenshot({ path: join(shots, `${name}-${width}-${theme}.png`), fullPage: true });
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
      // Under the page's own content security policy nothing else can be run: axe comes by the
      // debugger, which is not bound by it.
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      for (const one of violations) {
        problem(`axe ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html).join(" ")}`);
      }
      await page.close();
    }
  }
}

/** Without a script, everything that the page says must be there. */
async function withoutScript(name) {
  const { page, problem } = await open(name, { script: false });
  await page.screenshot({ path: join(shots, `${name}-no-script.png`), fullPage: true });
  const pdf = await page.pdf({ path: join(shots, `${name}.pdf`), format: "A4" });
  if (pdf.length < 10_000) problem("prints nothing");
  await page.close();
}

/** Selects a failed request with the pointer and with the keyboard, and zooms. */
async function use(name) {
  const { page, problem } = await open(name);
  // A comparison and a list of runs have no timeline.
  if (!(await page.$("#timeline"))) return page.close();
  const data = JSON.parse(await page.$eval("#data", (element) => element.textContent));
  const plain = (text) => text.replace(/\s+/g, " ").trim();
  const text = async () => plain(await page.$eval("#selected", (element) => element.innerText));
  const view = () => page.$eval("#timeline", (element) => +element.style.getPropertyValue("--span"));
  const expect = (held, what) => held || problem(what);

  if (data.failed.length) {
    // A click on the strip of a cause selects the nearest failed request.
    const [at, , , cause, task] = data.failed[Math.floor(data.failed.length / 2)];
    const axis = await (await page.$("#axis")).boundingBox();
    const strip = await page.$(".row.strip .plot");
    await strip.scrollIntoView();
    const box = await strip.boundingBox();
    await page.mouse.click(axis.x + ((at - data.from) / data.length) * axis.width, box.y + box.height / 2);
    const said = await text();
    expect(/^Failed request/.test(said), `a click selects nothing: ${said}`);
    expect(data.causes.some(({ text }) => said.includes(plain(`Cause: ${text}`))), `no cause in ${said}`);
    expect(/Task: /.test(said), `no task in ${said}`);
    if (task >= 0) expect(await page.$(".hit"), `the task is not marked: ${data.causes[cause].text}`);
    await page.screenshot({ path: join(shots, `${name}-selected.png`), fullPage: true });
    // The keyboard goes on from there.
    await page.focus("#timeline");
    await page.keyboard.press("p");
    expect((await text()) !== said || said.startsWith("Failed request 1 of"), "p does not go to the request before");
    await page.keyboard.press("Escape");
    expect((await text()) === "", "Escape keeps the selection");
    await page.keyboard.press("n");
    expect((await text()).startsWith("Failed request 1 of"), "n does not begin with the first");
  }
  await page.focus("#timeline");
  const whole = await view();
  await page.keyboard.press("+");
  expect((await view()) < whole, "+ does not zoom in");
  await page.keyboard.press("0");
  expect((await view()) === whole, "0 does not show the whole run");
  await (await page.$("#axis")).scrollIntoView();
  const axis = await (await page.$("#axis")).boundingBox();
  await page.mouse.move(axis.x + axis.width * 0.3, axis.y - 40);
  await page.mouse.down();
  await page.mouse.move(axis.x + axis.width * 0.6, axis.y - 40, { steps: 5 });
  await page.mouse.up();
  const zoomed = await view();
  expect(Math.abs(zoomed / whole - 0.3) < 0.05, `dragging over 30 % shows ${(zoomed / whole) * 100} %`);
  await page.screenshot({ path: join(shots, `${name}-zoomed.png`), fullPage: true });
  const mark = await page.$(".mark");
  if (mark) {
    const title = await mark.evaluate((element) => element.title);
    await mark.focus();
    const said = await page.$eval("#readout", (element) => element.textContent);
    expect(said === title, `a mark in focus is not read out: ${said}`);
  }
  await page.close();
}

try {
  const names = readdirSync(folder).filter((file) => file.endsWith(".html"));
  if (names.length < 10) problems.push(`only ${names.length} pages in ${folder}`);
  for (const file of names) {
    const name = basename(file, ".html");
    const size = statSync(join(folder, file)).size;
    if (size > 1_000_000) problems.push(`${name} has ${size} bytes`);
    await look(name);
    await withoutScript(name);
    await use(name);
    console.log(`${name}: ${Math.round(size / 1000)} kB`);
  }
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
for (const problem of problems) console.error(problem);
console.log(problems.length ? `${problems.length} problems` : `all pages are sound; screenshots in ${shots}`);
process.exit(problems.length ? 1 : 0);
