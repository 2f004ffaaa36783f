// Files as they look or sound: images, audio and video in place, which are sought in by ranges; tables and text by their
// beginning. What can hold code, HTML and SVG, is only ever shown in a sandbox that runs none.

import { getText } from "./api.js";
import { h, put } from "./dom.js";
import { recordsOf, tableView } from "./table.js";
import { bytes } from "./words.js";

const TEXT_BYTES_MAX = 16 * 1024;
const TABLE_BYTES_MAX = 64 * 1024;
const DRAWING_BYTES_LOOKED_AT = 2048;
const FRAMED = ["text/html", "image/svg+xml"];

function essence(mediaType) {
  return mediaType.split(";")[0].trim().toLowerCase();
}

/** The shape of a drawing, by the beginning of its root; null when it does not say. */
function shape(text) {
  const root = /<svg\b[^>]*>/i.exec(text)?.[0] ?? "";
  const size = (name) => Number(new RegExp(`\\s${name}=["'](\\d+(?:\\.\\d+)?)(?:px)?["']`).exec(root)?.[1]);
  const box = /\sviewBox=["']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+([\d.]+)[\s,]+([\d.]+)/i.exec(root);
  const [width, height] = [size("width") || Number(box?.[1]), size("height") || Number(box?.[2])];
  return width > 0 && height > 0 ? { width, height } : null;
}

function frame(it, path) {
  const drawing = essence(it.media_type) === "image/svg+xml";
  // No `allow-…`: it has no origin, runs nothing, opens nothing, leads nowhere.
  const element = h("iframe", { sandbox: "", src: path, title: it.name, referrerpolicy: "no-referrer", class: drawing ? "drawing" : "page" });
  if (drawing) {
    getText(it.download, { bytesMax: DRAWING_BYTES_LOOKED_AT }).then(
      (text) => {
        const { width, height } = shape(text) ?? { width: 16, height: 9 };
        element.style.aspectRatio = `${width} / ${height}`;
        if (width > 16) element.style.maxWidth = `${width}px`;
      },
      () => undefined,
    );
  }
  return element;
}

function beginning(it) {
  const place = h("div", {}, h("p", { class: "faint" }, "One moment …"));
  const type = essence(it.media_type);
  const table = { "text/csv": ",", "application/csv": ",", "text/tab-separated-values": "\t" }[type];
  const bytesMax = table ? TABLE_BYTES_MAX : TEXT_BYTES_MAX;
  const cut = it.size_bytes > bytesMax;
  const draw = (text) => {
    // What was cut off ends within a line.
    const whole = cut ? text.slice(0, text.lastIndexOf("\n") + 1 || undefined) : text;
    const records = table && recordsOf(whole, table);
    const note = cut && h("p", { class: "faint" }, `The first ${bytes(bytesMax)} of ${bytes(it.size_bytes)}.`);
    put(place, records ? tableView(records, it.name) : h("pre", { class: "text", tabindex: 0, role: "region", "aria-label": it.name }, whole), note);
  };
  const fetched = it.size_bytes === 0 ? Promise.resolve("") : getText(it.download, { bytesMax });
  fetched.then(draw, (problem) => put(place, h("p", { class: "faint" }, problem.message)));
  return place;
}

/** The file as it looks, or null for what only can be saved; `framed` is the path for what needs a sandbox. */
export function preview(it, { framed }) {
  const type = essence(it.media_type);
  if (FRAMED.includes(type)) return framed ? frame(it, framed) : null;
  if (type.startsWith("image/")) return h("img", { src: it.download, alt: it.name, loading: "lazy" });
  if (type.startsWith("audio/")) return h("audio", { src: it.download, controls: true, preload: "metadata", "aria-label": it.name });
  if (type.startsWith("video/")) return h("video", { src: it.download, controls: true, preload: "metadata", playsinline: true, "aria-label": it.name });
  if (type.startsWith("text/") || ["application/csv", "application/json", "application/xml"].includes(type)) return beginning(it);
  return null;
}

/** An artifact with its name, size and a link to save it. */
export function artifactView(it, { file_id, analysis_id }, title) {
  const framed = `/framed/${file_id}/${analysis_id}/${encodeURIComponent(it.name)}`;
  const caption = h("figcaption", {}, title && h("span", { class: "title" }, title), h("a", { href: it.download, download: it.name }, it.path.replace(/^\/?out\//, "")), h("span", { class: "faint" }, `${it.media_type}, ${bytes(it.size_bytes)}`));
  return h("figure", { class: "artifact" }, caption, preview(it, { framed }));
}
