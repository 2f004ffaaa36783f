// The page: which view the address asks for, and going from one to the next.

import { showAnalyses } from "./analyses.js";
import { acceptDrops } from "./drop.js";
import { showFile } from "./file.js";
import { showFiles } from "./files.js";
import { h, notShown, put } from "./dom.js";
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
let here = null;
const LOOK_EVERY_MS = 3000;

/** Shows it to whoever is let in, which is found out before anything else is asked of the server. */
async function shown(view, show, ids, signal) {
  if (!here) {
    here = await whoIsHere();
    if (here.standing === "in") showAccount(document.querySelector("nav"), here);
  }
  if (here.standing === "open" || here.standing === "in") {
    try {
      return await show(view, ids, signal);
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      // Let in before, and not any longer.
      here = await whoIsHere();
    }
  }
  return showSignIn(view, here.standing, () => location.reload());
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
    await shown(view, show, address.match(pattern).slice(1), signal);
  } catch (problem) {
    if (signal.aborted) return;
    notShown(view, problem);
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
