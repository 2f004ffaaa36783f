// The page: which view the address asks for, and going from one to the next.

import { showAnalyses } from "./analyses.js";
import { acceptDrops } from "./drop.js";
import { showFile } from "./file.js";
import { showFiles } from "./files.js";
import { h, problemPanel, put } from "./dom.js";
import { showRun } from "./run.js";
import { showAccount, showSignIn, whoIsHere } from "./signin.js";
import { readiness } from "./api.js";
import { showStatus } from "./status.js";

const ROUTES = [
  [/^$/, showFiles],
  [/^analyses$/, showAnalyses],
  [/^file\/([0-9a-f]{40})$/, showFile],
  [/^run\/([0-9a-f]{40})\/([0-9a-f]{40})$/, showRun],
];

const main = document.getElementById("main");
let leaving = new AbortController();
let known = false;
const LOOK_EVERY_MS = 3000;

/** Who is here, before anything else is asked of the server. */
async function enter() {
  const me = await whoIsHere();
  if (me) showAccount(document.querySelector("nav"), me);
  known = true;
}

function nothing(view) {
  put(view, h("h1", {}, "There is nothing here"), h("p", {}, "The address leads nowhere on this page. ", h("a", { href: "#/" }, "Go to the files.")));
}

/** Shows it after all, once the server answers. */
async function again(signal) {
  while (!signal.aborted) {
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
    if (signal.aborted) return;
    if (await readiness(signal).catch(() => null)) return go(false);
  }
}

async function go(first) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const address = location.hash.replace(/^#\/?/, "");
  const [pattern, show] = ROUTES.find(([it]) => it.test(address)) ?? [/^/, nothing];
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.hash !== "" && link.hash === `#/${address}`;
    current ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  const view = h("div", { class: "view" });
  put(main, view);
  try {
    if (!known) await enter();
    await show(view, address.match(pattern).slice(1), signal);
  } catch (problem) {
    if (signal.aborted) return;
    if (problem.status === 401) {
      showSignIn(view, () => location.reload());
      return;
    }
    put(view, h("h1", {}, "This cannot be shown"), problemPanel(problem), h("p", {}, h("a", { href: "#/" }, "Back to the files")));
    if (problem.status === 0) again(signal);
  }
  if (signal.aborted) return;
  const title = view.querySelector("h1");
  document.title = title && address ? `${title.textContent} – Belljar` : "Belljar";
  if (first || !title) return;
  // Who listens is told where they are, and goes on from there by keyboard.
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
  scrollTo(0, 0);
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", () => go(false));
acceptDrops(document);
showStatus(document.getElementById("status"));
go(true);
