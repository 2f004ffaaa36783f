// Files, results and artifacts that try to become part of the page.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { asked, begin, stored, visit } from "./kit.mjs";

let stage;
let trap;
const reached = [];

before(async () => {
  stage = await begin();
  // Whoever is reached here was let out.
  trap = createServer((request, response) => {
    if (request.url === "/bait") response.setHeader("content-type", "text/html").end(hostile(""));
    // A browser asks for the icon of the bait by itself, and when it likes.
    else if (request.url === "/favicon.ico") response.writeHead(404).end();
    else response.end(void reached.push(request.url));
  });
  await new Promise((done) => trap.listen(0, "127.0.0.1", done));
});
after(async () => {
  await stage?.end();
  trap?.close();
});

/** Both HTML and SVG, each with every way out that its author could think of. */
function hostile(out) {
  const act = "parent.document.title='pwned';top.location='/pwned';fetch('/pwned')";
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="200" height="100" onload="${act}">
<script>${act}</script>
<image href="${out}/image" width="10" height="10"/>
<style>@import url(${out}/style); rect { fill: url(${out}/fill) }</style>
<foreignObject width="200" height="100"><div xmlns="http://www.w3.org/1999/xhtml">
<meta http-equiv="refresh" content="0;url=${out}/refresh"/>
<img src="${out}/img" onerror="${act}"/>
<iframe src="${out}/frame"></iframe>
<object data="${out}/object"></object>
<form action="${out}/form" id="f"><input name="a" autofocus="autofocus" onfocus="${act}"/><button>go</button></form>
<a href="${out}/link" target="_top">top</a>
<a href="javascript:${act}">script</a>
<base href="${out}/"/>
<link rel="stylesheet" href="${out}/link-style"/>
<video src="${out}/video" autoplay="autoplay"></video>
</div></foreignObject>
<rect width="100%" height="100%"/>
</svg>`;
}

const IN_THE_FRAME = [/Blocked script execution/, /Content Security Policy/, /framed\//, /Blocked form submission/, /sandboxed/];

test("without walls the same does get somewhere", async () => {
  const { page, close } = await visit(stage, { expected: [/./] });
  const tab = await page(`http://127.0.0.1:${trap.address().port}/bait`);
  await tab.waitForURL("**/pwned");
  assert.ok(reached.length > 3, `${reached}`);
  reached.length = 0;
  await close();
});

test("an artifact that tries to script the page gets nowhere", async () => {
  const out = `http://127.0.0.1:${trap.address().port}`;
  const file = await stored(stage, "hostile.txt", hostile(out));
  const run = await asked(stage, { file_id: file, analysis: "draws" });
  const { page, close } = await visit(stage, { expected: IN_THE_FRAME });
  const tab = await page(`/#/run/${run}`);
  const dialogs = [];
  tab.on("dialog", (dialog) => dialogs.push(dialog.message()));
  for (const kind of ["page", "drawing"]) {
    const frame = tab.locator(`iframe.${kind}`);
    await frame.scrollIntoViewIfNeeded();
    assert.equal(await frame.getAttribute("sandbox"), "");
    const inside = tab.frameLocator(`iframe.${kind}`);
    await inside.locator("rect").waitFor();
    await inside.getByRole("link", { name: "top" }).click();
    await inside.getByRole("button", { name: "go" }).click({ noWaitAfter: true });
  }
  await tab.waitForTimeout(1000);
  assert.deepEqual(reached, []);
  assert.deepEqual(dialogs, []);
  assert.match(await tab.title(), /^Draws/);
  assert.ok(tab.url().endsWith(`/#/run/${run}`));
  await tab.getByRole("heading", { name: "Run record" }).waitFor();
  await close();
});

test("nor does it when it is opened by itself", async () => {
  const file = await stored(stage, "alone.txt", hostile("http://127.0.0.1:1"));
  const run = await asked(stage, { file_id: file, analysis: "draws" });
  const { page, close } = await visit(stage, { expected: [/./] });
  for (const name of ["page.html", "drawing.svg"]) {
    const tab = await page(`/framed/${run}/${name}`);
    assert.equal(await tab.evaluate(() => origin).catch(() => "null"), "null", name);
    assert.ok(tab.url().endsWith(name));
    assert.equal(await tab.title(), "");
  }
  const download = await fetch(`${stage.url}/download/${run}/page.html`);
  assert.match(download.headers.get("content-disposition"), /^attachment/);
  await close();
});

test("names and texts are only ever text", async () => {
  const name = `<img src=x onerror="document.title='name'">.txt`;
  const file = await stored(stage, name, "named");
  const { page, close } = await visit(stage);
  const tab = await page("/");
  await tab.locator(".rows a", { hasText: name }).click();
  await tab.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  const run = await asked(stage, { file_id: file, analysis: "shapes" });
  await tab.goto(`/#/run/${run}`);
  await tab.getByText(`<img src=x onerror="document.title='markup'">`).first().waitFor();
  await tab.getByRole("heading", { name: "Run record" }).waitFor();
  await tab.waitForFunction(() => document.title.startsWith("Shapes"));
  assert.equal(await tab.locator("main script, main img[src=x]").count(), 0);
  await close();
});

test("a name cannot be made to read as another", async () => {
  const name = "photo\u202egpj.exe";
  await stored(stage, name, "no photo");
  const { page, close } = await visit(stage);
  const tab = await page("/");
  await tab.getByRole("link", { name: "photo[U+202E]gpj.exe" }).click();
  await tab.getByRole("heading", { level: 1, name: "photo[U+202E]gpj.exe" }).waitFor();
  assert.ok(!(await tab.locator("body").innerText()).includes("\u202e"));
  await close();
});

test("the page refuses code that is not its own", async () => {
  const { page, close } = await visit(stage, { expected: [/Content Security Policy/, /TrustedHTML/, /TrustedScript/] });
  const tab = await page("/");
  await tab.evaluate(() => {
    const script = document.createElement("script");
    try {
      script.textContent = "document.title = 'inline'";
    } catch {
      // Some refuse it here already.
    }
    document.body.append(script);
    try {
      document.body.insertAdjacentHTML("beforeend", "<p id=injected></p>");
    } catch {
      // As is right.
    }
  });
  assert.equal(await tab.title(), "Belljar");
  assert.equal(await tab.locator("#injected").count(), 0);
  await close();
});
