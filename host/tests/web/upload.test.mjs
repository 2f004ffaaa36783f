// Files on their way up, and from one to its drawn result.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { asked, begin, choose, stored, visit } from "./kit.mjs";

let stage;
before(async () => (stage = await begin()));
after(() => stage?.end());

const CSV = { name: "heights.csv", mimeType: "text/csv", buffer: Buffer.from("name;height;age\nZoe;1,5;41\nTom;2,5;42\nAnn;NA;43\n") };
const sha1 = (bytes) => createHash("sha1").update(bytes).digest("hex");

const drop = (tab, files) =>
  tab.evaluate((given) => {
    const data = new DataTransfer();
    for (const [name, text] of given) data.items.add(new File([Uint8Array.from(atob(text), (it) => it.charCodeAt(0))], name));
    for (const kind of ["dragenter", "dragover", "drop"]) document.querySelector("main").dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }, files);

test("a video is dropped, and its result appears", async () => {
  const movie = readFileSync(new URL("../../../guest-analyses/video/samples/testsrc.mp4", import.meta.url));
  const { page, close } = await visit(stage);
  const tab = await page();
  await drop(tab, [["testsrc.mp4", movie.toString("base64")]]);
  await tab.getByRole("heading", { level: 1, name: "Video" }).waitFor();
  await tab.locator(".titled .chip.successful").waitFor();
  await tab.waitForFunction(() => document.querySelector(".artifact video")?.readyState >= 1);
  // What is seen stands above what is read, and leaves some of that to be seen.
  const [film, facts] = [await tab.locator(".artifact video").boundingBox(), await tab.locator(".result .facts-list").first().boundingBox()];
  assert.ok(film.y + film.height < facts.y && facts.y < 700, JSON.stringify([film, facts]));
  await tab.getByRole("link", { name: "Other analyses of this file" }).click();
  await tab.getByRole("heading", { level: 1, name: "testsrc.mp4" }).waitFor();
  await tab.locator(".runs").getByRole("link", { name: "Video", exact: true }).waitFor();
  await tab.goBack();
  await tab.goBack();
  await tab.locator(".rows a", { hasText: "testsrc.mp4" }).waitFor();
  assert.equal(await tab.locator(".transfers li").count(), 0);
  await close();
});

test("what is brought alone takes nobody away from what is looked at by now", async () => {
  const { page, close } = await visit(stage);
  const tab = await page();
  let answer;
  const held = new Promise((done) => (answer = done));
  await tab.route("**/upload?filename=*", (route) => held.then(() => route.continue()));
  const sent = tab.waitForRequest("**/upload?filename=*");
  await tab.locator("#choose").setInputFiles({ ...CSV, name: "later.csv", buffer: Buffer.from("a;b\n1;2\n") });
  await sent;
  await tab.getByRole("link", { name: "Analyses" }).click();
  await tab.getByRole("heading", { level: 1, name: "Analyses" }).waitFor();
  answer();
  await tab.getByRole("status").filter({ hasText: "later.csv: stored" }).waitFor({ state: "attached" });
  await tab.getByRole("link", { name: "Files" }).click();
  await tab.getByRole("button", { name: "Analyse: later.csv" }).click();
  await tab.getByRole("heading", { level: 1, name: "CSV profile" }).waitFor();
  await close();
});

test("what is made for such a file is offered first", async () => {
  const { page, close } = await visit(stage);
  const tab = await page();
  const first = async (name, bytes) => {
    await tab.goto(`/#/file/${await stored(stage, name, bytes)}`);
    await tab.getByRole("heading", { level: 1, name }).waitFor();
    await tab.getByRole("heading", { name: "Made for such files" }).waitFor();
    return tab.locator(".choice .title").first().textContent();
  };
  assert.equal(await first("first.csv", "a;b\n3;4\n"), "CSV profile");
  assert.equal(await first("first.log", "2024-01-01T00:00:00Z INFO began\n"), "Log");
  assert.equal(await first("first.txt", "some words\n"), "Text");
  assert.equal(await first("first.json", "[{\"a\":1}]"), "Table");
  await close();
});

test("from an upload to its drawn result", async () => {
  const { page, close } = await visit(stage);
  const tab = await page();
  await tab.locator("#choose").setInputFiles(CSV);
  await tab.getByRole("heading", { level: 1, name: "CSV profile" }).waitFor();
  await tab.locator(".titled .chip.successful").waitFor();
  const columns = tab.getByRole("table", { name: /^Columns/ });
  assert.equal(await columns.getByRole("row").count(), 4);
  // Words are not broken for want of room: a table is scrolled.
  const linesOf = (cell) => {
    const text = document.createRange();
    text.selectNodeContents(cell);
    return text.getClientRects().length;
  };
  assert.equal(await columns.getByRole("cell", { name: "integer", exact: true }).first().evaluate(linesOf), 1);
  await tab.getByText("windows-1252").or(tab.getByText("utf-8")).first().waitFor();
  await tab.getByRole("heading", { name: "Run record" }).waitFor();
  assert.match(await tab.getByRole("region", { name: "Commands" }).textContent(), new RegExp(`curl -F file=@heights.csv ${stage.url}/upload\ncurl .*"analysis":"csv-profile".*\ncurl ${stage.url}/results/`));

  await tab.getByRole("link", { name: CSV.name }).click();
  await (await choose(tab, "Entropy")).click();
  await tab.locator(".titled .chip.successful").waitFor();
  await tab.getByRole("img", { name: /^Histogram: line chart of 256 points/ }).locator("path.line").waitFor();
  const frame = tab.locator("iframe.drawing");
  assert.equal(await frame.getAttribute("sandbox"), "");
  await tab.frameLocator("iframe.drawing").locator("svg").waitFor();
  await close();
});

test("what is there already is not sent again", async () => {
  const bytes = randomBytes(300_000);
  await stored(stage, "there.bin", bytes);
  const { page, close } = await visit(stage);
  const tab = await page();
  const sent = [];
  tab.on("request", (request) => request.method() !== "GET" && sent.push(request.url()));
  await tab.locator("#choose").setInputFiles({ name: "again.bin", mimeType: "application/octet-stream", buffer: bytes });
  await tab.getByRole("status").filter({ hasText: "again.bin: already there, nothing was sent" }).waitFor({ state: "attached" });
  // Nothing is made for bytes of which nobody knows what they are: one chooses.
  await tab.waitForURL(`**/#/file/${sha1(bytes)}`);
  assert.deepEqual(sent, []);
  await close();
});

test("many at once, dropped and chosen, an empty one among them", async () => {
  const { page, close } = await visit(stage);
  const tab = await page();
  const files = [0, 1, 2, 3, 4, 5].map((it) => ({ name: `many-${it}.txt`, mimeType: "text/plain", buffer: Buffer.from("x".repeat(it)) }));
  await tab.locator("#choose").setInputFiles(files);
  await drop(tab, ["dropped", "beside"].map((it) => [`${it}.txt`, btoa(it)]));
  await tab.waitForFunction(() => document.querySelectorAll(".transfers .stored").length === 8);
  await tab.locator(".rows a", { hasText: "dropped.txt" }).waitFor();
  await tab.getByRole("button", { name: "Dismiss all that have ended" }).click();
  assert.equal(await tab.locator(".transfers li").count(), 0);
  await close();
});

test("a large one is paused, and goes on after the page was closed", async () => {
  const bytes = randomBytes(40 * 1024 * 1024);
  const file = { name: "large.bin", mimeType: "application/octet-stream", buffer: bytes };
  const { context, page, close } = await visit(stage);
  const tab = await page();
  // The name of what was begun holds when the file was changed, which is always now for a file that is made up.
  await context.addInitScript(() => Object.defineProperty(File.prototype, "lastModified", { get: () => 1 }));
  await tab.reload();
  const slow = await context.newCDPSession(tab);
  const link = (upload) => slow.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: upload });
  await link(12 * 1024 * 1024);
  await tab.locator("#choose").setInputFiles(file);
  const row = tab.locator(".transfers li", { hasText: "large.bin" });
  await tab.waitForFunction(() => document.querySelector(".transfers progress")?.value > 0.3);
  await row.getByRole("button", { name: "Pause: large.bin" }).click();
  await row.getByText(/^stopped at/).waitFor();
  await tab.reload();
  await tab.getByText("Stopped on an earlier visit").waitFor();
  await link(-1);
  const offsets = [];
  tab.on("request", (request) => request.method() === "PATCH" && offsets.push(Number(request.headers()["upload-offset"])));
  await tab.locator("#choose").setInputFiles(file);
  await tab.waitForURL(`**/#/file/${sha1(bytes)}`);
  assert.ok(offsets[0] >= 8 * 1024 * 1024, `it went on at ${offsets[0]}`);
  const facts = await (await fetch(`${stage.url}/upload/${sha1(bytes)}`)).json();
  assert.equal(facts.size_bytes, bytes.length);
  await tab.goto("/");
  await tab.locator(".rows a", { hasText: "large.bin" }).waitFor();
  assert.equal(await tab.getByText("Stopped on an earlier visit").count(), 0);
  await close();
});

test("a lost connection is taken up where it broke", async () => {
  const bytes = randomBytes(20 * 1024 * 1024);
  const { page, close } = await visit(stage, { expected: [/net::ERR_/] });
  const tab = await page();
  let broken = 0;
  await tab.route("**/resumable/*", (route) => {
    if (route.request().method() === "PATCH" && route.request().headers()["upload-offset"] !== "0" && broken < 1) {
      broken += 1;
      return route.abort("connectionreset");
    }
    return route.continue();
  });
  await tab.locator("#choose").setInputFiles({ name: "broken.bin", mimeType: "application/octet-stream", buffer: bytes });
  await tab.waitForURL(`**/#/file/${sha1(bytes)}`);
  assert.equal(broken, 1);
  assert.equal((await fetch(`${stage.url}/upload/${sha1(bytes)}`)).status, 200);
  await close();
});

test("a file is kept, and deleted after a question", async () => {
  const id = await stored(stage, "short-lived.txt", "short-lived");
  const { page, close } = await visit(stage);
  const tab = await page(`/#/file/${id}`);
  await tab.getByRole("button", { name: "Keep" }).click();
  await tab.getByRole("button", { name: "Kept", pressed: true }).waitFor();
  assert.equal((await (await fetch(`${stage.url}/upload/${id}`)).json()).pinned, true);
  await tab.getByRole("button", { name: "Delete" }).click();
  await tab.getByRole("dialog").getByRole("button", { name: "Not now" }).click();
  assert.equal((await fetch(`${stage.url}/upload/${id}`)).status, 200);
  await tab.getByRole("button", { name: "Delete" }).click();
  await tab.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await tab.waitForURL("**/#/");
  assert.equal((await fetch(`${stage.url}/upload/${id}`)).status, 410);
  await close();
});

test("what is deleted elsewhere is told to be gone, once", async () => {
  const id = await stored(stage, "elsewhere.txt", "deleted elsewhere");
  const run = await asked(stage, { file_id: id, analysis: "dummy" });
  // The browser tells its console of the one answer that it is gone.
  const { page, close } = await visit(stage, { expected: [/410/, /404/] });
  const [file, result] = [await page(`/#/file/${id}`), await page(`/#/run/${run}`)];
  let askedAgain = 0;
  for (const tab of [file, result]) {
    await tab.getByRole("heading", { level: 2 }).first().waitFor();
    tab.on("response", (answer) => (askedAgain += [404, 410].includes(answer.status()) ? 1 : 0));
  }
  assert.equal((await fetch(`${stage.url}/upload/${id}`, { method: "DELETE" })).status, 204);
  for (const tab of [file, result]) {
    await tab.bringToFront();
    await tab.getByRole("heading", { level: 1, name: "This cannot be shown" }).waitFor();
    await tab.waitForTimeout(5000);
  }
  assert.equal(askedAgain, 2);
  await close();
});
