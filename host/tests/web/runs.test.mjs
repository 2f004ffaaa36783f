// Runs as they go and end, and what came of them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { asked, begin, choose, stored, visit } from "./kit.mjs";

let stage;
let file;
before(async () => {
  stage = await begin();
  file = await stored(stage, "sample.txt", "some words\n");
});
after(() => stage?.end());

test("an analysis that fails says why, and so does the list", async () => {
  const { page, close } = await visit(stage);
  const tab = await page(`/#/file/${file}`);
  await (await choose(tab, "Crash")).click();
  await tab.getByRole("heading", { name: "It has no result" }).waitFor();
  await tab.locator(".panel code", { hasText: "trap" }).waitFor();
  assert.equal(await tab.locator(".titled .chip").textContent(), "failed");
  await tab.getByRole("link", { name: "sample.txt" }).click();
  await tab.locator(".runs .chip.failed", { hasText: "trap" }).waitFor();
  await close();
});

test("one that goes on is dismissed, and run again", async () => {
  const { page, close } = await visit(stage);
  const tab = await page(`/#/file/${file}`);
  const run = await choose(tab, "Dummy");
  await tab.getByLabel("Seconds").fill("60");
  await run.click();
  await tab.locator(".titled .chip.running").waitFor();
  await tab.getByText("It runs.").or(tab.getByText(/fuel of/)).first().waitFor();
  await tab.getByRole("button", { name: "Dismiss" }).click();
  await tab.getByRole("heading", { name: "It was dismissed" }).waitFor();
  await tab.getByRole("button", { name: "Run again" }).click();
  await tab.locator(".titled .chip.running").waitFor();
  await tab.getByRole("button", { name: "Dismiss" }).click();
  await tab.getByRole("heading", { name: "It was dismissed" }).waitFor();
  await close();
});

test("two tabs, and another browser, see the same", async () => {
  const [ours, theirs] = [await visit(stage), await visit(stage)];
  const [one, two] = [await ours.page(`/#/file/${file}`), await ours.page(`/#/file/${file}`)];
  const elsewhere = await theirs.page(`/#/file/${file}`);
  await one.bringToFront();
  const run = await choose(one, "Dummy");
  await one.getByLabel("Seconds").fill("61");
  await run.click();
  await one.locator(".titled .chip.running").waitFor();
  const running = (tab) => tab.locator(".runs .chip.running");
  await running(elsewhere).waitFor();
  await two.bringToFront();
  await running(two).waitFor();
  await two.locator(".runs li", { has: two.locator(".chip.running") }).getByRole("link").click();
  await two.getByRole("button", { name: "Dismiss" }).click();
  await two.getByRole("heading", { name: "It was dismissed" }).waitFor();
  await one.bringToFront();
  await one.getByRole("heading", { name: "It was dismissed" }).waitFor();
  await running(elsewhere).waitFor({ state: "detached" });
  await ours.close();
  await theirs.close();
});

test("a page that is loaded again in mid-run goes on watching", async () => {
  const { page, close } = await visit(stage);
  const tab = await page(`/#/file/${file}`);
  const run = await choose(tab, "Dummy");
  await tab.getByLabel("Seconds").fill("4");
  await run.click();
  await tab.locator(".titled .chip.running").waitFor();
  await tab.reload();
  await tab.getByRole("progressbar", { name: "Progress of the run" }).waitFor();
  await tab.locator(".titled .chip.running").waitFor();
  await tab.locator(".titled .chip.successful").waitFor();
  await tab.getByText("Slept seconds").waitFor();
  await close();
});

test("the log comes while it runs, and is there afterwards", async () => {
  const { page, close } = await visit(stage);
  const tab = await page(`/#/file/${file}`);
  await (await choose(tab, "Teller")).click();
  const log = tab.getByRole("region", { name: "Log" });
  await log.getByText("one").waitFor();
  assert.equal(await tab.locator(".titled .chip").textContent(), "running");
  assert.equal(await log.textContent(), "one\n");
  await tab.locator(".titled .chip.successful").waitFor();
  await tab.getByRole("heading", { name: "Run record" }).waitFor();
  assert.equal(await log.textContent(), "one\ntwo\n");
  await tab.reload();
  await tab.getByRole("heading", { name: "Run record" }).waitFor();
  assert.equal(await log.textContent(), "one\ntwo\n");
  await close();
});

test("where events do not come through, it looks for itself", async () => {
  const { page, close } = await visit(stage, { expected: [/events/] });
  const tab = await page(`/#/file/${file}`);
  await tab.route("**/events", (route) => route.fulfill({ status: 502, body: "" }));
  const run = await choose(tab, "Dummy");
  await tab.getByLabel("Seconds").fill("3");
  await run.click();
  await tab.locator(".titled .chip.successful").waitFor();
  await close();
});

test("a result of every shape is drawn, searched and copied", async () => {
  const { context, page, close } = await visit(stage);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const tab = await page(`/#/run/${await asked(stage, { file_id: file, analysis: "shapes" })}`);
  await tab.getByText("From start to end.").waitFor();
  await tab.getByText("(1.2 MB)").waitFor();
  await tab.getByRole("img", { name: /^Curve: line chart of 24 points, Level from -[\d.]+ to [\d.]+, Peak from 0 to 4/ }).waitFor();
  assert.equal(await tab.locator(".chart path.line").count(), 2);
  await tab.locator(".chart svg").hover();
  await tab.locator(".readout", { hasText: /Time \(s\) .* Level: / }).waitFor();
  await tab.getByText("The numbers").click();
  await tab.locator(".chart table").waitFor();
  assert.equal(await tab.locator(".chart").getByRole("row").count(), 25);

  const rows = tab.getByRole("table", { name: /^Rows/ });
  const first = () => rows.getByRole("row").nth(1).getByRole("cell").first().textContent();
  assert.equal(await first(), "beta");
  await rows.getByRole("button", { name: "Count" }).click();
  assert.equal(await first(), "<b>gamma</b>");
  await rows.getByRole("button", { name: "Count" }).click();
  assert.equal(await first(), "alpha");
  assert.equal(await rows.locator("[aria-sort=descending]").count(), 1);
  await tab.getByRole("table", { name: /^By name/ }).getByRole("cell", { name: "second" }).waitFor();

  const tree = tab.locator(".tree").last();
  await tree.getByLabel("Search").fill("NEEDLE");
  await tree.getByText("1 found").waitFor();
  await tree.locator(".hits", { hasText: "/deep/deeper/deepest/needle: \"found it\"" }).waitFor();
  await tree.getByRole("button", { name: "Copy all of the JSON" }).click();
  await tree.getByText("Copied").waitFor();
  const copied = JSON.parse(await tab.evaluate(() => navigator.clipboard.readText()));
  assert.equal(copied.deep.deeper.deepest.needle, "found it");
  assert.match(await tab.title(), /^Shapes/);
  await close();
});

test("a result that is too much to look at is drawn in part, and whole as a tree", async () => {
  const { page, close } = await visit(stage);
  const tab = await page(`/#/run/${await asked(stage, { file_id: file, analysis: "flood" })}`);
  await tab.getByText("There is more, in the JSON below.").first().waitFor();
  assert.ok((await tab.locator("main *").count()) < 20_000);
  await tab.locator(".tree").last().getByLabel("Search").fill("part_299");
  await tab.getByText(/found$/).waitFor();
  await tab.locator(".hits").getByText("/part_299", { exact: true }).waitFor();
  await close();
});

test("a tab that nobody looks at holds no connection, and goes on when somebody does", async () => {
  const { page, close } = await visit(stage);
  const own = await stored(stage, "looked-at.txt", "looked at");
  const tab = await page(`/#/run/${await asked(stage, { file_id: own, analysis: "teller" }, { wait: 0 })}`);
  const log = tab.getByRole("region", { name: "Log" });
  await log.getByText("one").waitFor();
  const look = (hidden) =>
    tab.evaluate((it) => {
      Object.defineProperty(document, "hidden", { value: it, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  const closed = tab.waitForEvent("requestfailed", (request) => request.url().endsWith("/events"));
  await look(true);
  await closed;
  await look(false);
  await tab.locator(".titled .chip.successful").waitFor();
  await tab.getByRole("heading", { name: "Run record" }).waitFor();
  assert.equal(await log.textContent(), "one\ntwo\n");
  await close();
});

test("numbers that lie close are told apart, and units are written as they are", async () => {
  const { page, close } = await visit(stage);
  const tab = await page("/");
  const said = await tab.evaluate(async () => {
    const { heading, number, short } = await import("/web/words.js");
    return { ticks: [7.9998, 7.99985, 7.9999].map((it) => short(it, 0.00005)), millions: short(1_170_000, 2000), round: [short(0, 200_000), short(400_000, 200_000)], number: number(7.999999), headings: ["sample_rate_hz", "peak_dbfs", "bom", "file_ids"].map(heading) };
  });
  assert.deepEqual(said, { ticks: ["7.99980", "7.99985", "7.99990"], millions: "1.170M", round: ["0", "400K"], number: "7.999999", headings: ["Sample rate (Hz)", "Peak (dBFS)", "BOM", "File IDs"] });
  await close();
});

test("a server that does not answer is said so where it is seen, and what was asked is shown once it does", async () => {
  const { context, page, close } = await visit(stage, { expected: [/net::ERR_/] });
  const tab = await page("/");
  await tab.locator("#status meter").waitFor();
  await context.setOffline(true);
  await tab.getByRole("link", { name: "Analyses" }).click();
  await tab.getByRole("heading", { name: "This cannot be shown" }).waitFor();
  const said = tab.locator("#status").getByRole("alert").filter({ hasText: "This page looks again by itself." });
  await said.waitFor();
  assert.ok((await said.boundingBox()).y < tab.viewportSize().height);
  await context.setOffline(false);
  await tab.getByRole("heading", { level: 1, name: "Analyses" }).waitFor();
  await tab.locator("#status meter").waitFor();
  await close();
});

test("no number is rounded", async () => {
  const { page, close } = await visit(stage);
  const tab = await page(`/#/run/${await asked(stage, { file_id: file, analysis: "exact" })}`);
  await tab.getByText("9,007,199,254,740,993").waitFor();
  await tab.locator(".tree .value", { hasText: "9007199254740993" }).waitFor();
  await close();
});

test("a video is played in place, and sought in by ranges", async () => {
  const descriptor = JSON.parse(readFileSync(new URL("../../../guest-analyses/video/descriptor.json", import.meta.url)));
  const example = descriptor.examples.find((it) => it.input_base64);
  const movie = await stored(stage, "movie.mp4", Buffer.from(example.input_base64, "base64"));
  const { page, close } = await visit(stage);
  const tab = await page(`/#/run/${await asked(stage, { file_id: movie, analysis: "video" })}`);
  const video = tab.locator(".artifact video");
  await video.waitFor();
  await tab.waitForFunction(() => document.querySelector("video").readyState >= 1);
  const at = await video.evaluate(
    (it) =>
      new Promise((done) => {
        it.addEventListener("seeked", () => done(it.currentTime));
        it.currentTime = 1;
      }),
  );
  assert.equal(at, 1);
  const ranged = await tab.evaluate(async () => (await fetch(document.querySelector("video").src, { headers: { range: "bytes=0-9" } })).status);
  assert.equal(ranged, 206);
  await close();
});

test("a result that is removed is not offered any more", async () => {
  const { page, close } = await visit(stage);
  const own = await stored(stage, "own.txt", "own");
  const tab = await page(`/#/run/${await asked(stage, { file_id: own, analysis: "digest" })}`);
  await tab.getByRole("button", { name: "Remove this result" }).click();
  await tab.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await tab.getByRole("heading", { name: "Run an analysis" }).waitFor();
  assert.equal(await tab.locator(".runs li").count(), 0);
  await close();
});
