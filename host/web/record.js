// The run record as people read it, and the commands that do the same without a browser.

import { copyButton, h } from "./dom.js";
import { bytes, duration, heading, moment, number, print, quoted } from "./words.js";

/** A limit's value by the unit that its name ends with. */
function measured(name, value) {
  if (/bytes(_peak)?$/.test(name) && !name.includes("per_byte")) return bytes(value);
  return name.endsWith("_ms") ? duration(value) : number(value);
}

/** Names and values of limits. */
export function limitRows(limits) {
  return Object.entries(limits).map(([name, value]) => [heading(name.replace(/_(bytes|ms)$/, "")), measured(name, value)]);
}

/** A command that asks a question, and waits for its end. */
export function askLine(question) {
  return `curl -H 'Prefer: wait=60' -d ${quoted(print(question, 0))} ${location.origin}/analyse`;
}

function times(it) {
  const rows = [["Asked", moment(it.accepted)]];
  if (it.started) rows.push(["Started", moment(it.started)]);
  if (it.finished) rows.push(["Ended", moment(it.finished)]);
  if (it.duration_ms !== null) rows.push(["Took", duration(it.duration_ms)]);
  if (it.attempts > 1) rows.push(["Attempts", number(it.attempts)]);
  return rows;
}

function usage(it) {
  if (!it.usage) return [];
  const { fuel, fuel_exact: exact, memory_bytes_peak: memory, bytes_read: read } = it.usage;
  return [
    ["Fuel", `${exact ? "" : "at least "}${number(fuel)}`],
    ["Memory, at most", bytes(memory)],
    ["Read of the file", bytes(read)],
  ];
}

/** Everything that is known of a run besides its result. */
export function recordView(it, file) {
  const rows = [
    ...times(it),
    ...usage(it),
    ["Args", h("code", {}, print(it.args, 0))],
    ["Module", h("code", {}, it.module_sha256)],
    it.superseded && ["", "The name stands for another module by now."],
    it.engine && ["Engine", h("code", {}, it.engine)],
  ].filter(Boolean);
  const pairs = (entries) => entries.map(([name, ...value]) => [h("dt", {}, name), h("dd", {}, value)]);
  const lines = [
    `curl -F ${quoted(`file=@${file.filename}`)} ${location.origin}/upload`,
    askLine({ file_id: it.file_id, analysis: it.analysis, args: it.args }),
    `curl ${location.origin}/results/${it.file_id}/${it.analysis_id}`,
  ].join("\n");
  return h(
    "section",
    { class: "record" },
    h("h2", {}, "Run record"),
    h("dl", { class: "pairs" }, pairs(rows)),
    h("details", {}, h("summary", {}, "Limits it was held to"), h("dl", { class: "pairs" }, pairs(limitRows(it.limits)))),
    h("h3", {}, "The same with curl"),
    h("pre", { tabindex: 0, role: "region", "aria-label": "Commands" }, lines),
    copyButton(() => lines, { what: "the commands" }),
  );
}
