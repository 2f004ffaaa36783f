// What the tests of the page share: a real server with analyses made for them, a headless Chromium, and pages whose every
// message to the console is kept: an error fails the test unless it was said to be expected.
//
// BELLJAR is the server, CHROMIUM the browser, MODULES a directory with playwright-core, @axe-core/playwright and wabt. With
// AS_THEY_LIE the page's files are those of `host/web` as they lie there, and not those that the server was built with.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { analyses } from "./analyses.mjs";

const require = createRequire(`${process.env.MODULES}/`);
const { chromium } = require("playwright-core");
export const { AxeBuilder } = require("@axe-core/playwright");

async function putAnalyses(directory) {
  const wabt = await require("wabt")();
  mkdirSync(directory);
  for (const { name, wat, ...descriptor } of analyses) {
    const module = wabt.parseWat(`${name}.wat`, wat);
    writeFileSync(join(directory, `${name}.wasm`), module.toBinary({}).buffer);
    writeFileSync(join(directory, `${name}.json`), JSON.stringify({ name, ...descriptor }));
  }
}

async function serve(directory, more) {
  const options = [...more, "--listen", "127.0.0.1:0", "--data", join(directory, "data"), "--analyses", join(directory, "analyses"), "--disk-reserve-bytes", "0"];
  const child = spawn(process.env.BELLJAR, ["serve", ...options], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, BELLJAR_LOG: "error" } });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("listening on ")) return { child, url: line.replace("listening on ", "") };
  }
  throw new Error("the server did not start");
}

/** Starts both; `end` stops them and removes what was stored. */
export async function begin(...more) {
  const directory = mkdtempSync(join(tmpdir(), "belljar-web-"));
  await putAnalyses(join(directory, "analyses"));
  const { child, url } = await serve(directory, more);
  const sandbox = process.getuid() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: sandbox });
  const end = async () => {
    await browser.close();
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await gone;
    rmSync(directory, { recursive: true, force: true });
  };
  return { browser, url, end, directory };
}

function fromDisk(route) {
  const name = new URL(route.request().url()).pathname.split("/").at(-1);
  const contentType = { js: "text/javascript", css: "text/css", svg: "image/svg+xml" }[name.split(".").at(-1)];
  return route.fulfill({ contentType, body: readFileSync(new URL(`../../web/${name}`, import.meta.url), "utf8") });
}

/** A context of its own; `page()` opens a tab of it, `close()` fails on what its console was told. */
export async function visit({ browser, url }, { expected = [], ...options } = {}) {
  const context = await browser.newContext({ baseURL: url, ...options });
  context.setDefaultTimeout(20_000);
  if (process.env.AS_THEY_LIE) await context.route(/\/web\/[^/]+\.(js|css|svg)$/, fromDisk);
  const errors = [];
  const page = async (address = "/") => {
    const it = await context.newPage();
    it.on("console", (message) => message.type() === "error" && errors.push(`${message.text()} (${message.location().url})`));
    it.on("pageerror", (error) => errors.push(String(error)));
    await it.goto(address);
    return it;
  };
  const close = async () => {
    await context.close();
    assert.deepEqual(errors.filter((it) => !expected.some((pattern) => pattern.test(it))), []);
  };
  return { context, page, close };
}

/** Stores a file without the page. */
export async function stored({ url }, name, bytes) {
  const answer = await fetch(`${url}/upload?filename=${encodeURIComponent(name)}`, { method: "POST", body: bytes });
  return (await answer.json()).file_id;
}

/** Asks without the page; waits for the end unless told not to. */
export async function asked({ url }, question, { wait = 60 } = {}) {
  const headers = wait ? { prefer: `wait=${wait}` } : {};
  const answer = await fetch(`${url}/analyse`, { method: "POST", headers, body: JSON.stringify(question) });
  const taken = await answer.json();
  return `${taken.file_id}/${taken.analysis_id}`;
}

/** Opens the form of an analysis on the view of a file. */
export async function choose(page, title) {
  await page.locator("summary", { has: page.getByText(title, { exact: true }) }).first().click();
  return page.getByRole("button", { name: `Run ${title}` });
}
