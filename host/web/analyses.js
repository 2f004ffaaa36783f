// What can be run here: each analysis with what it says of itself, what it imports and what it is held to.

import { all } from "./api.js";
import { h, prose, put } from "./dom.js";
import { limitRows } from "./record.js";

function pair(name, ...value) {
  return [h("dt", {}, name), h("dd", {}, value)];
}

function homepage(text) {
  return /^https?:\/\//.test(text) ? h("a", { href: text, rel: "noopener noreferrer nofollow" }, text) : text;
}

function codes(texts) {
  return texts.length === 0 ? "none" : texts.map((it, at) => [at > 0 && " ", h("code", {}, it)]);
}

function card(it) {
  return h(
    "article",
    { class: "card", id: `analysis-${it.name}` },
    h("h2", {}, it.title || it.name, " ", h("span", { class: "faint" }, it.version)),
    h("p", {}, prose(it.description || "Its author says nothing of it.")),
    h("p", { class: "facts" }, h("code", {}, it.name), h("span", {}, "takes ", codes(it.accepts))),
    h(
      "details",
      {},
      h("summary", {}, "What it may do, and who wrote it"),
      h(
        "dl",
        { class: "pairs" },
        pair("Capabilities", codes(it.capabilities)),
        pair("Kind", h("code", {}, it.kind)),
        it.authors.length > 0 && pair("Authors", it.authors.join(", ")),
        it.license && pair("Licence", it.license),
        it.homepage && pair("Homepage", homepage(it.homepage)),
        pair("Signed by", it.signed_by ?? "nobody this server trusts by name"),
        pair("Module", h("code", {}, it.module_sha256)),
        limitRows(it.limits).map(([name, value]) => pair(`Limit: ${name}`, value)),
      ),
    ),
  );
}

/** Draws the view. */
export async function showAnalyses(view, _, signal) {
  const analyses = await all("/analyses", "analyses", { signal });
  put(
    view,
    h("h1", {}, "Analyses"),
    h("p", { class: "lead" }, "Each runs in a sandbox: it sees one file and its args, and has no network, no other file and no clock."),
    analyses.length === 0 && h("p", { class: "faint" }, "None is installed."),
    h("div", { class: "cards" }, analyses.map(card)),
  );
}
