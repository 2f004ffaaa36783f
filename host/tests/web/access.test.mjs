// Who uses the page by keyboard, by ear, on a phone, or in the dark.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AxeBuilder, asked, begin, choose, stored, visit } from "./kit.mjs";

let stage;
let addresses;
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const DESK = { viewport: { width: 1280, height: 900 } };

before(async () => {
  stage = await begin();
  const file = await stored(stage, "heights and other measures of everyone.csv", "name;height\nZoe;1,5\nTom;2,5\nAnn;NA\n");
  const ask = (analysis, args = {}) => asked(stage, { file_id: file, analysis, args });
  addresses = {
    files: "/",
    analyses: "/#/analyses",
    file: `/#/file/${file}`,
    shapes: `/#/run/${await ask("shapes")}`,
    entropy: `/#/run/${await ask("entropy")}`,
    profile: `/#/run/${await ask("csv-profile")}`,
    failed: `/#/run/${await ask("crash")}`,
    running: `/#/run/${await asked(stage, { file_id: file, analysis: "dummy", args: { seconds: 600 } }, { wait: 0 })}`,
    nowhere: "/#/nowhere",
  };
});
after(() => stage?.end());

async function settled(tab) {
  await tab.locator("h1").waitFor({ state: "attached" });
  await tab.locator("#status meter").waitFor();
  await tab.waitForLoadState("networkidle").catch(() => undefined);
}

for (const [look, options] of Object.entries({ light: { ...DESK, colorScheme: "light" }, dark: { ...DESK, colorScheme: "dark" }, phone: { ...PHONE, colorScheme: "light" } })) {
  test(`axe finds no violation: ${look}`, async () => {
    const { page, close } = await visit(stage, { ...options, reducedMotion: "reduce" });
    for (const [name, address] of Object.entries(addresses)) {
      const tab = await page(address);
      await settled(tab);
      if (name === "file") await (await choose(tab, "Echo")).waitFor();
      if (name === "analyses") for (const it of await tab.locator("summary").all()) await it.click();
      // What stands in the sandbox is its author's.
      const { violations, passes } = await new AxeBuilder({ page: tab }).exclude("iframe").analyze();
      assert.deepEqual(violations.map((it) => [name, it.id, it.nodes.map((node) => `${node.html.slice(0, 200)} ${node.failureSummary}`)]), []);
      assert.ok(passes.length > 15, `axe looked at ${name}`);
      const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, `${name} is wider than the screen`);
      if (process.env.SHOTS) await tab.screenshot({ path: `${process.env.SHOTS}/${name}-${look}.png`, fullPage: name !== "shapes" });
      await tab.close();
    }
    await close();
  });
}

test("by keyboard alone from a file to its result", async () => {
  const { page, close } = await visit(stage, DESK);
  const tab = await page("/");
  await settled(tab);
  const focused = () => tab.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.id);
  const until = async (wanted) => {
    for (let presses = 0; presses < 60; presses += 1) {
      await tab.keyboard.press("Tab");
      if (wanted.test(await focused())) return;
    }
    assert.fail(`nothing that is ${wanted} can be reached`);
  };
  await tab.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the content");
  await tab.keyboard.press("Enter");
  await until(/^choose$/);
  await until(/^heights/);
  await tab.keyboard.press("Enter");
  await tab.getByRole("heading", { level: 1, name: /^heights/ }).waitFor();
  await tab.waitForFunction(() => document.activeElement.tagName === "H1");
  await until(/^SHA-1/);
  await until(/^Strings/);
  await tab.keyboard.press("Enter");
  await tab.getByRole("button", { name: "Run Strings" }).waitFor();
  await until(/^Run Strings$/);
  await tab.keyboard.press("Enter");
  await tab.locator(".titled .chip.successful").waitFor();
  await tab.waitForFunction(() => document.activeElement.tagName === "H1");
  await until(/^result/);
  await tab.keyboard.press("Enter");
  assert.equal(await tab.locator(".tree > details").first().getAttribute("open"), null);
  await close();
});

test("what changes is said", async () => {
  const { page, close } = await visit(stage, DESK);
  const tab = await page("/");
  await settled(tab);
  await tab.locator("#choose").setInputFiles({ name: "said.txt", mimeType: "text/plain", buffer: Buffer.from("said") });
  await tab.getByRole("status").filter({ hasText: "said.txt: stored" }).waitFor({ state: "attached" });
  await tab.getByRole("heading", { level: 1, name: "Text" }).waitFor();
  await tab.getByRole("link", { name: "said.txt" }).click();
  const run = await choose(tab, "Dummy");
  await run.click();
  await tab.getByRole("status").filter({ hasText: "The run is successful." }).waitFor({ state: "attached" });
  await close();
});

test("the first click on the list of files goes where it points", async () => {
  const { page, close } = await visit(stage, DESK);
  const tab = await page("/#/analyses");
  await tab.getByRole("link", { name: "Files" }).click();
  const link = tab.getByRole("link", { name: /^heights/ });
  await link.waitFor();
  await tab.waitForFunction(() => document.activeElement.tagName === "H1");
  const before = await link.boundingBox();
  await tab.mouse.move(before.x + 4, before.y + 4);
  await tab.mouse.down();
  assert.deepEqual(await link.boundingBox(), before);
  await tab.mouse.up();
  await tab.getByRole("heading", { level: 1, name: /^heights/ }).waitFor();
  // Nor does the list move when the place to choose files gets the focus.
  await tab.goto("/");
  await link.waitFor();
  const rested = await link.boundingBox();
  await tab.locator("#choose").focus();
  assert.deepEqual(await link.boundingBox(), rested);
  await close();
});
