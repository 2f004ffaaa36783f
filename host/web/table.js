// Records as a table that is sorted by its headings, and long ones in pieces.

import { h, newId, put } from "./dom.js";
import { heading, number, print } from "./words.js";

const ROWS_AT_ONCE = 50;
const COLUMNS_MAX = 40;
const TEXT_SHOWN = 200;

/** The names of all members, in the order in which they come up. */
function columnsOf(records) {
  const names = new Set();
  for (const it of records.slice(0, 1000)) for (const name of Object.keys(it)) names.add(name);
  return [...names].slice(0, COLUMNS_MAX);
}

function isNumber(value) {
  return typeof value === "number" || typeof value === "bigint";
}

function cell(value) {
  if (value === undefined || value === null) return h("td", { class: "faint" }, value === null ? "–" : "");
  if (typeof value === "boolean") return h("td", {}, value ? "yes" : "no");
  if (isNumber(value)) return h("td", { class: "number" }, number(value));
  if (typeof value === "object") {
    const text = print(value, 0);
    const inside = text.length <= 60 ? h("code", {}, text) : h("details", {}, h("summary", {}, Array.isArray(value) ? `${value.length} entries` : `${Object.keys(value).length} members`), h("pre", {}, print(value)));
    return h("td", {}, inside);
  }
  const text = String(value);
  return h("td", {}, text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN)}…` : text);
}

function compare(a, b) {
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : Number(a > b);
  const known = (it) => it !== null && it !== undefined;
  if (known(a) !== known(b)) return known(a) ? -1 : 1;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

/** A table of records, one a row. */
export function tableView(records, caption) {
  const columns = columnsOf(records);
  const [body, more] = [h("tbody", {}), h("button", { type: "button" })];
  let [rows, shown, order] = [records, 0, null];
  const draw = () => {
    const next = rows.slice(shown, shown + ROWS_AT_ONCE);
    body.append(...next.map((it) => h("tr", {}, columns.map((name) => cell(it[name])))));
    shown += next.length;
    more.hidden = shown >= rows.length;
    more.textContent = `Show more (${number(rows.length - shown)} left)`;
  };
  const sort = (name, head) => {
    const down = order?.name === name && order.way === "ascending";
    order = { name, way: down ? "descending" : "ascending" };
    for (const it of head.parentElement.children) it.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order.way);
    rows = records.toSorted((a, b) => compare(a[name], b[name]) * (down ? -1 : 1));
    shown = 0;
    put(body);
    draw();
  };
  const heads = columns.map((name) => {
    const head = h("th", { scope: "col" });
    const numeric = records.slice(0, 20).some((it) => isNumber(it[name]));
    if (numeric) head.className = "number";
    head.append(h("button", { type: "button", class: "sort", title: name, onclick: () => sort(name, head) }, heading(name)));
    return head;
  });
  more.addEventListener("click", draw);
  draw();
  const title = newId("caption");
  const table = h("table", {}, h("caption", { id: title }, caption, " ", h("span", { class: "faint" }, `${number(records.length)} ${records.length === 1 ? "row" : "rows"}`)), h("thead", {}, h("tr", {}, heads)), h("tbody", {}));
  table.tBodies[0].replaceWith(body);
  // What is wider than the page is scrolled, by keyboard as well.
  return h("div", { class: "table" }, h("div", { class: "scroll", role: "region", tabindex: 0, "aria-labelledby": title }, table), more);
}

/** The records of comma-separated text, by its first line; null when it is no table. */
export function recordsOf(text, delimiter = ",") {
  const lines = [];
  let [line, field, quoted] = [[], "", false];
  for (let at = 0; at < text.length; at += 1) {
    const it = text[at];
    if (quoted) {
      if (it !== '"') field += it;
      else if (text[at + 1] === '"') [field, at] = [`${field}"`, at + 1];
      else quoted = false;
    } else if (it === '"' && field === "") quoted = true;
    else if (it === delimiter) [line, field] = [[...line, field], ""];
    else if (it === "\n") {
      lines.push([...line, field.replace(/\r$/, "")]);
      [line, field] = [[], ""];
    } else field += it;
  }
  if (field !== "" || line.length > 0) lines.push([...line, field]);
  const [names, ...rest] = lines;
  if (!names || names.length < 2 || rest.length === 0) return null;
  return rest.map((it) => Object.fromEntries(names.map((name, at) => [name || `column ${at + 1}`, it[at]])));
}
