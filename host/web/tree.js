// JSON as a tree: branches that open, a search over keys and values, and a button that copies any part. A branch is drawn
// when it is opened, and a long one in pieces, so that a large result costs what one looks at.

import { copyButton, h, newId, put } from "./dom.js";
import { print } from "./words.js";

const AT_ONCE = 100;
const FOUND_MAX = 200;
const LOOKED_AT_MAX = 500_000;
const TEXT_SHOWN = 400;

function isBranch(value) {
  return value !== null && typeof value === "object";
}

function entriesOf(value) {
  return Array.isArray(value) ? value.map((it, at) => [at, it]) : Object.entries(value);
}

function kind(value) {
  return value === null ? "null" : typeof value === "bigint" ? "number" : typeof value;
}

function leaf(value) {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  const element = h("span", { class: `value ${kind(value)}` }, text.slice(0, TEXT_SHOWN));
  if (text.length <= TEXT_SHOWN) return element;
  const more = h("button", { type: "button", class: "quiet", onclick: () => put(element, text) }, `all ${text.length} characters`);
  return [element, " … ", more];
}

function named(key) {
  return h("span", { class: typeof key === "number" ? "key index" : "key" }, String(key));
}

function size(value) {
  const count = entriesOf(value).length;
  return Array.isArray(value) ? `[${count}]` : `{${count}}`;
}

function children(value, path) {
  const list = h("ul", {});
  const entries = entriesOf(value);
  let drawn = 0;
  const more = h("button", { type: "button", class: "quiet" });
  const draw = () => {
    const next = entries.slice(drawn, drawn + AT_ONCE);
    list.append(...next.map(([key, it]) => node(key, it, path)));
    drawn += next.length;
    more.textContent = `Show more (${entries.length - drawn} left)`;
    more.hidden = drawn >= entries.length;
  };
  more.addEventListener("click", draw);
  draw();
  return [list, more];
}

function node(key, value, path) {
  const here = `${path}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
  if (!isBranch(value) || entriesOf(value).length === 0) {
    return h("li", {}, named(key), ": ", isBranch(value) ? h("span", { class: "faint" }, Array.isArray(value) ? "[]" : "{}") : leaf(value));
  }
  return h("li", {}, branch(named(key), value, here, false));
}

function branch(title, value, path, open) {
  const details = h("details", {}, h("summary", {}, title, " ", h("span", { class: "faint" }, size(value))));
  const draw = () => {
    if (!details.open || details.childElementCount > 1) return;
    details.append(h("div", { class: "within" }, copyButton(() => print(value), { what: path || "all of it" }), children(value, path)));
  };
  details.addEventListener("toggle", draw);
  if (open) {
    details.open = true;
    draw();
  }
  return details;
}

/** Every path under which a key or a value has those letters. */
function search(value, wanted) {
  const found = [];
  const stack = [["", value]];
  let looked = 0;
  while (stack.length > 0 && found.length < FOUND_MAX && looked < LOOKED_AT_MAX) {
    const [path, it] = stack.pop();
    looked += 1;
    const key = path.slice(path.lastIndexOf("/") + 1);
    const here = isBranch(it) ? "" : String(it);
    if (key.toLowerCase().includes(wanted) || here.toLowerCase().includes(wanted)) found.push([path, it]);
    if (isBranch(it)) for (const [name, child] of entriesOf(it).reverse()) stack.push([`${path}/${name}`, child]);
  }
  return { found, whole: looked < LOOKED_AT_MAX && found.length < FOUND_MAX };
}

function hit([path, value]) {
  const title = h("span", { class: "key" }, path || "/");
  return h("li", {}, isBranch(value) ? branch(title, value, path, false) : [title, ": ", leaf(value)]);
}

/** The tree, with its search above it. */
export function treeView(value) {
  if (!isBranch(value)) return h("div", { class: "tree" }, leaf(value));
  const input = h("input", { type: "search", id: newId("search"), autocomplete: "off", spellcheck: "false" });
  const said = h("p", { class: "faint", role: "status" });
  const hits = h("ul", { class: "hits" });
  const whole = branch(h("span", { class: "key" }, "result"), value, "", true);
  let timer = null;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const wanted = input.value.trim().toLowerCase();
      whole.hidden = wanted !== "";
      const { found, whole: all } = wanted === "" ? { found: [], whole: true } : search(value, wanted);
      put(hits, found.map(hit));
      said.textContent = wanted === "" ? "" : `${all ? "" : "More than "}${found.length} found`;
    }, 150);
  });
  return h(
    "div",
    { class: "tree" },
    h("div", { class: "bar" }, h("label", { for: input.id }, "Search"), input, copyButton(() => print(value), { label: "Copy all", what: "of the JSON" })),
    said,
    hits,
    whole,
  );
}
