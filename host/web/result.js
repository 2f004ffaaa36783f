// What an analysis answered, drawn: single values as facts, records as tables, numbers in a row as charts, files as they
// look. Which is which is told by the JSON alone; what its author says of it in a schema is said beside it. The whole
// is there as a tree as well.

import { artifactView } from "./artifacts.js";
import { SERIES_MAX, chartView } from "./chart.js";
import { copyButton, h, prose } from "./dom.js";
import { tableView } from "./table.js";
import { treeView } from "./tree.js";
import { bytes, heading, number } from "./words.js";

const CHART_POINTS_MIN = 8;
const LIST_SHOWN = 12;
const DEPTH_MAX = 3;
/** Members that are drawn in all; what has more is looked at as a tree. */
const MEMBERS_MAX = 400;
const SEEN = /^(image\/(?!svg)|audio\/|video\/)/;
const TIMES = /^(t|x|ts|at|time|timestamp|second|seconds|frame)$|_(s|ms|us|seconds)$/i;

const isNumber = (it) => typeof it === "number" && Number.isFinite(it);
const isRecord = (it) => it !== null && typeof it === "object" && !Array.isArray(it);
const isScalar = (it) => it === null || typeof it !== "object";

function fact(key, value, schema) {
  const about = schema?.description;
  return [h("dt", {}, heading(key)), h("dd", {}, said(key, value), about && h("span", { class: "about" }, prose(about)))];
}

function said(key, value) {
  if (value === null) return h("span", { class: "faint" }, "nothing");
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number" || typeof value === "bigint") {
    const size = /(^|_)bytes$/.test(key) && value >= 1000;
    return [number(value), size && h("span", { class: "faint" }, ` (${bytes(value)})`)];
  }
  if (typeof value === "object") return value.length === 0 ? h("span", { class: "faint" }, "none") : value.map((it) => (typeof it === "number" ? number(it) : String(it))).join(", ");
  const long = value.length > 24 && /^[0-9a-f]+$/i.test(value);
  return long ? [h("code", {}, value), " ", copyButton(() => value, { what: key })] : value;
}

/** Records whose one member goes up, and others that are numbers: these over that. */
function overTime(records) {
  if (records.length < CHART_POINTS_MIN) return null;
  const names = Object.keys(records[0]).filter((name) => records.every((it) => isNumber(it[name])));
  const x = names.find((name) => TIMES.test(name) && records.every((it, at) => at === 0 || it[name] >= records[at - 1][name]));
  const rest = names.filter((name) => name !== x).slice(0, SERIES_MAX);
  if (!x || rest.length === 0) return null;
  const column = (name) => ({ name: heading(name), values: records.map((it) => it[name]) });
  return { x: column(x), series: rest.map(column) };
}

function inARow(values, key) {
  return { x: { name: "Number", values: values.map((_, at) => at) }, series: [{ name: heading(key), values }] };
}

function pairs(values, key) {
  return { x: { name: "x", values: values.map((it) => it[0]) }, series: [{ name: heading(key), values: values.map((it) => it[1]) }] };
}

function listed(values) {
  const shown = values.slice(0, LIST_SHOWN).map((it) => h("li", {}, said("", it)));
  if (values.length <= LIST_SHOWN) return h("ul", { class: "list" }, shown);
  return [h("ul", { class: "list" }, shown), h("details", {}, h("summary", {}, `All ${number(values.length)}`), h("ul", { class: "list" }, values.slice(LIST_SHOWN, 5000).map((it) => h("li", {}, said("", it)))))];
}

function block(title, about, ...content) {
  return h("section", { class: "block" }, h("h3", {}, title), about && h("p", { class: "about" }, prose(about)), content);
}

function array(key, value, schema) {
  const [title, about] = [heading(key), schema?.description];
  const note = about && h("p", { class: "about" }, prose(about));
  if (value.length >= CHART_POINTS_MIN && value.every(isNumber)) return h("section", { class: "block" }, chartView(inARow(value, key), title), note);
  if (value.length >= CHART_POINTS_MIN && value.every((it) => Array.isArray(it) && it.length === 2 && it.every(isNumber))) return h("section", { class: "block" }, chartView(pairs(value, key), title), note);
  if (value.every(isRecord)) {
    const chart = overTime(value);
    return h("section", { class: "block" }, note, chart && chartView(chart, title), tableView(value, title));
  }
  if (value.every(isScalar)) return block(title, about, listed(value));
  return block(title, about, treeView(value));
}

function object(key, value, { schema, depth, ...context }) {
  const entries = Object.values(value);
  const title = heading(key);
  if (entries.length >= 2 && entries.every((it) => isRecord(it) && Object.values(it).every(isScalar))) {
    return h("section", { class: "block" }, tableView(Object.entries(value).map(([name, it]) => ({ name, ...it })), title));
  }
  if (depth >= DEPTH_MAX) return block(title, schema?.description, treeView(value));
  return block(title, schema?.description, members(value, { schema, depth: depth + 1, ...context }));
}

/** Whether it is said in a line. */
function isShort(value) {
  return isScalar(value) || (Array.isArray(value) && value.length < CHART_POINTS_MIN && value.every((it) => isScalar(it) && String(it).length <= 24));
}

function members(value, context) {
  const { schema, artifacts, drawn, run } = context;
  const [facts, seen, blocks] = [[], [], []];
  for (const [key, it] of Object.entries(value)) {
    context.left.members -= 1;
    if (context.left.members < 0) {
      if (context.left.members === -1) blocks.push(h("p", { class: "faint" }, "There is more, in the JSON below."));
      break;
    }
    const about = schema?.properties?.[key];
    const artifact = typeof it === "string" && artifacts.get(it);
    if (artifact && !drawn.has(it)) {
      drawn.add(it);
      // What is seen or heard says more at a glance than what is read.
      const place = !context.depth && SEEN.test(artifact.media_type) ? seen : blocks;
      place.push(h("section", { class: "block" }, artifactView(artifact, run, heading(key)), about?.description && h("p", { class: "about" }, prose(about.description))));
    } else if (isShort(it)) facts.push(fact(key, it, about));
    else if (Array.isArray(it)) blocks.push(array(key, it, about));
    else blocks.push(object(key, it, { ...context, schema: about, depth: context.depth ?? 1 }));
  }
  return [seen, facts.length > 0 && h("dl", { class: "pairs facts-list" }, facts), blocks];
}

/** The result of a run. */
export function resultView(value, run, schema) {
  const artifacts = new Map(run.artifacts.map((it) => [it.download, it]));
  const drawn = new Set();
  let body;
  if (isRecord(value)) body = members(value, { schema, artifacts, drawn, run, left: { members: MEMBERS_MAX } });
  else if (Array.isArray(value)) body = array("result", value, schema);
  else body = h("p", { class: "single" }, said("", value));
  const others = run.artifacts.filter((it) => !drawn.has(it.download));
  return [
    h("section", { class: "result" }, h("h2", {}, "Result"), body),
    others.length > 0 && h("section", {}, h("h2", {}, "Files it wrote"), others.map((it) => artifactView(it, run))),
    h("section", {}, h("h2", {}, "As JSON"), treeView(value), h("p", {}, h("a", { href: `/results/${run.file_id}/${run.analysis_id}` }, "The JSON itself"))),
  ];
}
