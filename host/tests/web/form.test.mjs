// The form that is drawn from the schema of an analysis' args.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { begin, choose, stored, visit } from "./kit.mjs";

let stage;
let file;
before(async () => {
  stage = await begin();
  file = await stored(stage, "it's.txt", "words");
});
after(() => stage?.end());

async function opened(options) {
  const { page, close } = await visit(stage, options);
  const tab = await page(`/#/file/${file}`);
  const run = await choose(tab, "Echo");
  await run.waitFor();
  return { tab, run, close };
}

const printed = async (tab) => {
  await tab.locator(".titled .chip.successful").waitFor();
  const [, result] = /#\/run\/(.*)$/.exec(tab.url());
  return (await fetch(`${stage.url}/results/${result}`)).json();
};

test("every kind of field, with its default and its description", async () => {
  const { tab, run, close } = await opened();
  assert.equal(await tab.getByLabel("Name").inputValue(), "abc");
  assert.equal(await tab.getByLabel("Count").inputValue(), "3");
  assert.match(await tab.getByLabel("Count").evaluate((it) => document.getElementById(it.getAttribute("aria-describedby").split(" ")[0]).textContent), /How many/);
  await tab.getByLabel("Share").fill("0.5");
  await tab.getByLabel("Unit").selectOption("m");
  await tab.getByLabel("Loud").check();
  await tab.getByRole("group", { name: "Kinds" }).getByLabel("c").check();
  await tab.getByLabel("Words").fill("one\ntwo words\n");
  await tab.getByRole("group", { name: "Edge" }).getByLabel("Width").fill("4");
  await tab.getByLabel("Any").fill('{"x": [1, null]}');
  await run.click();
  const expected = { name: "abc", count: 3, share: 0.5, unit: "m", loud: true, kinds: ["a", "c"], words: ["one", "two words"], edge: { width: 4 }, any: { x: [1, null] } };
  assert.deepEqual(await printed(tab), expected);
  await close();
});

test("what is left out is left to the defaults", async () => {
  const { tab, run, close } = await opened();
  await run.click();
  assert.deepEqual(await printed(tab), { name: "abc", count: 3, unit: "s", loud: false, kinds: ["a"] });
  await close();
});

test("what the browser can tell is told at the field, and nothing is sent", async () => {
  const { tab, run, close } = await opened();
  const sent = [];
  tab.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
  const wrong = async (label, value) => {
    const field = tab.getByLabel(label);
    await field.fill(value);
    await run.click();
    assert.equal(await field.getAttribute("aria-invalid"), "true", label);
    assert.ok(await field.evaluate((it) => it === document.activeElement), label);
    const said = await field.evaluate((it) => document.getElementById(it.getAttribute("aria-describedby").split(" ").at(-1)).textContent);
    assert.ok(said.length > 5, label);
  };
  await wrong("Count", "10");
  await tab.getByLabel("Count").fill("9");
  await wrong("Width", "6");
  await tab.getByLabel("Width").fill("");
  await wrong("Any", "{");
  await tab.getByLabel("Any").fill("");
  await tab.getByRole("group", { name: "Kinds" }).getByLabel("a").uncheck();
  await run.click();
  await tab.getByText("Choose at least 1.").waitFor();
  assert.deepEqual(sent, []);
  await close();
});

test("what only the server can tell is told at the field as well", async () => {
  const { tab, run, close } = await opened({ expected: [/422/] });
  await tab.getByLabel("Name").fill("ABC");
  await tab.getByLabel("Share").fill("0");
  await run.click();
  const [name, share] = [tab.getByLabel("Name"), tab.getByLabel("Share")];
  await tab.waitForFunction(() => document.querySelectorAll("[aria-invalid=true]").length === 2);
  assert.equal(await name.getAttribute("aria-invalid"), "true");
  assert.ok(await name.evaluate((it) => it === document.activeElement));
  await share.fill("0.1");
  await name.fill("abc");
  await run.click();
  assert.equal((await printed(tab)).share, 0.1);
  await close();
});

test("the command beside the form asks the same", async () => {
  const { tab, run, close } = await opened();
  await tab.getByLabel("Words").fill("it's; $(here)");
  await tab.getByText("The same with curl").click();
  const command = await tab.getByRole("region", { name: "The command" }).textContent();
  const taken = JSON.parse(execFileSync("sh", ["-c", `${command} -sS`], { encoding: "utf8" }));
  await run.click();
  assert.deepEqual((await printed(tab)).words, ["it's; $(here)"]);
  assert.ok(tab.url().endsWith(`${taken.file_id}/${taken.analysis_id}`));
  const lines = await tab.getByRole("region", { name: "Commands" }).textContent();
  assert.ok(lines.startsWith(String.raw`curl -F 'file=@it'\''s.txt' `), lines);
  await close();
});
