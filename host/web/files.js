// The first view: a place to drop files, and those that are stored, newest first.

import { get } from "./api.js";
import { dropZone } from "./drop.js";
import { h, put } from "./dom.js";
import { bytes, moment, plain } from "./words.js";
import { repeat } from "./watch.js";

const EVERY_MS = 5000;
const PAGE = 50;

function row(it) {
  return h(
    "li",
    {},
    h("a", { href: `#/file/${it.file_id}` }, plain(it.filename)),
    h("span", { class: "type" }, it.media_type),
    h("span", { class: "size" }, bytes(it.size_bytes)),
    h("span", { class: "when" }, moment(it.created)),
  );
}

/** Draws the view. */
export async function showFiles(view, _, signal) {
  const list = h("ul", { class: "rows" });
  const more = h("div", {});
  const empty = h("p", { class: "faint", hidden: true }, "Nothing is stored yet.");
  put(view, h("h1", { class: "unseen" }, "Files"), dropZone(), h("h2", {}, "Stored"), empty, list, more);
  let pages = 1;
  let shown = "";
  const draw = async () => {
    const uploads = [];
    let next = `/upload?limit=${PAGE}`;
    for (let page = 0; page < pages && next; page += 1) {
      const answer = await get(next, signal);
      uploads.push(...answer.uploads);
      next = answer.next;
    }
    empty.hidden = uploads.length > 0;
    const now = JSON.stringify([uploads.map((it) => it.file_id), next]);
    if (now === shown) return;
    shown = now;
    // The focus stays where it is while others add to the list.
    const held = document.activeElement?.getAttribute("href");
    put(list, uploads.map(row));
    put(more, next && h("button", { type: "button", onclick: () => ((pages += 1), draw()) }, "Show more"));
    if (held?.startsWith("#/file/")) list.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus();
  };
  await draw();
  repeat(draw, { everyMs: EVERY_MS, signal });
}
