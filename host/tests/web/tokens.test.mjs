// Signing in, where the server wants a token.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AxeBuilder, begin, visit } from "./kit.mjs";

let stage;
before(async () => (stage = await begin("--require-tokens")));
after(() => stage?.end());

// A browser tells its console of every 401.
const expected = [/401.*\/session/];

function token(...options) {
  const data = join(stage.directory, "data");
  const made = spawnSync(process.env.BELLJAR, ["token", "create", "ann", "--tenant", "ann", "--data", data, ...options], { encoding: "utf8" });
  assert.equal(made.status, 0, made.stderr);
  return made.stdout.trim();
}

function revoke(secret) {
  const ended = spawnSync(process.env.BELLJAR, ["token", "revoke", secret.split("_")[1], "--data", join(stage.directory, "data")], { encoding: "utf8" });
  assert.equal(ended.status, 0, ended.stderr);
}

async function heeded(secret) {
  for (;;) {
    const answer = await fetch(`${stage.url}/me`, { headers: { authorization: `Bearer ${secret}` } });
    if (answer.status === 200) return;
    await new Promise((done) => setTimeout(done, 100));
  }
}

test("a first visit is asked for a token, and its console is told of nothing", async () => {
  const { page, close } = await visit(stage);
  const tab = await page(`/#/file/${"a".repeat(40)}`);
  await tab.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  assert.equal(await tab.title(), "Sign in – Belljar");
  await close();
});

test("whose token was revoked is told so, and asked for another", async () => {
  const secret = token();
  await heeded(secret);
  // It learns so from the one answer, while it looks at the list.
  const { page, close } = await visit(stage, { expected: [/401.*\/upload/] });
  const tab = await page();
  await tab.getByLabel("Token").fill(secret);
  await tab.getByRole("button", { name: "Sign in" }).click();
  await tab.locator("#choose").waitFor({ state: "attached" });
  revoke(secret);
  await tab.getByText("is not known here any more").waitFor();
  await tab.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  await close();
});

test("who has a token comes in, and who has none sees nothing", async () => {
  const secret = token();
  await heeded(secret);
  const { page, close, context } = await visit(stage, { expected });
  const tab = await page();
  await tab.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  assert.equal(await tab.locator("#choose").count(), 0);
  const found = await new AxeBuilder({ page: tab }).analyze();
  assert.deepEqual(found.violations, []);
  await tab.getByLabel("Token").fill("belljar_0000000000000000_x");
  await tab.getByLabel("Token").press("Enter");
  await tab.getByRole("alert").getByText("no token").waitFor();
  assert.ok(!(await tab.locator("main").innerText()).includes("`"), "what is code is drawn as such");
  // As the refusal writes it.
  await tab.getByLabel("Token").fill(`Bearer ${secret}`);
  await tab.getByRole("button", { name: "Sign in" }).click();
  await tab.locator("#choose").waitFor({ state: "attached" });
  assert.equal(await tab.evaluate(() => document.cookie), "", "no script reads it");
  await tab.locator("#choose").setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("abc") });
  await tab.locator(".titled .chip.successful").waitFor();
  const other = await context.newPage();
  await other.goto("/");
  await other.getByRole("link", { name: "a.txt" }).waitFor();
  await tab.getByRole("button", { name: "Sign out" }).click();
  await tab.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  await close();
});
