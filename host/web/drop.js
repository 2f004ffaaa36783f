// Where files are dropped or chosen, and how those on their way are doing. They go on while other views are looked at.

import { announce, h, prose, put } from "./dom.js";
import { analyse } from "./file.js";
import { tell } from "./watch.js";
import { Transfer, forget, unfinished } from "./upload.js";
import { bytes, plain } from "./words.js";

const AT_ONCE = 2;
const rows = [];
const list = h("ul", { class: "transfers", "aria-label": "Uploads" });
const waiting = h("div", {});
const clear = h("button", { type: "button", class: "quiet more", hidden: true, onclick: () => rows.filter((it) => it.transfer.ended).forEach((it) => dismiss(it.row)) }, "Dismiss all that have ended");

const STATES = {
  waiting: () => "waits for its turn",
  checking: () => "looking whether it is there already",
  sending: (it) => `${share(it)} %, ${bytes(it.sent)} of ${bytes(it.file.size)}`,
  paused: (it) => `stopped at ${share(it)} %`,
  failed: (it) => it.problem.message,
  stored: () => "stored",
  known: () => "already there, nothing was sent",
  cancelled: () => "given up",
};

/** Whether the list of uploads is looked at. */
function atFiles() {
  return /^(#\/?)?$/.test(location.hash);
}

function share(it) {
  return it.file.size === 0 ? 100 : Math.floor((it.sent / it.file.size) * 100);
}

/** `alone`: whether there is nothing else that one waits for. */
function add(file, alone) {
  const transfer = new Transfer(file);
  const called = plain(file.name);
  const name = h("span", { class: "name" }, called);
  const state = h("span", { class: "state" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": `Upload of ${called}` });
  const buttons = h("span", { class: "actions" });
  const row = h("li", {}, name, state, buttons, bar);
  const button = (text, act) => h("button", { type: "button", class: "quiet", "aria-label": `${text}: ${called}`, onclick: act }, text);
  let shown = null;
  const draw = () => {
    put(state, prose(STATES[transfer.state](transfer)));
    bar.value = file.size === 0 ? 1 : transfer.sent / file.size;
    if (shown === transfer.state) return;
    shown = transfer.state;
    row.className = shown;
    bar.hidden = !["sending", "paused", "checking"].includes(shown);
    if (transfer.id) put(name, h("a", { href: `#/file/${transfer.id}` }, called));
    put(
      buttons,
      shown === "sending" && transfer.resumable && button("Pause", () => transfer.pause()),
      shown === "paused" && button("Go on", () => transfer.start()),
      shown === "failed" && button("Try again", () => transfer.start()),
      transfer.id && button("Analyse", async () => (location.hash = await analyse(transfer.id))),
      transfer.ended ? button("Dismiss", () => dismiss(row)) : button("Cancel", () => transfer.cancel()),
    );
    if (["stored", "known", "failed"].includes(shown)) announce(`${called}: ${state.textContent}`);
    drawClear();
    if (transfer.id) tell();
    if (transfer.id && alone) goOn(row, transfer);
    if (!["checking", "sending"].includes(shown)) next();
  };
  transfer.addEventListener("change", draw);
  rows.push({ row, transfer });
  list.prepend(row);
  draw();
}

/** From a file that was brought alone to what comes of it, unless something else is looked at by now. */
async function goOn(row, { id }) {
  const others = rows.filter((it) => it.row !== row && !it.transfer.ended);
  if (!atFiles() || others.length > 0) return;
  const address = await analyse(id);
  if (!atFiles()) return;
  dismiss(row);
  location.hash = address;
}

function dismiss(row) {
  rows.splice(
    rows.findIndex((it) => it.row === row),
    1,
  );
  row.remove();
  drawClear();
}

function drawClear() {
  clear.hidden = rows.filter((it) => it.transfer.ended).length < 2;
}

function next() {
  const busy = rows.filter((it) => ["checking", "sending"].includes(it.transfer.state)).length;
  const first = rows.find((it) => it.transfer.state === "waiting");
  if (first && busy < AT_ONCE) first.transfer.start();
}

function addAll(files) {
  for (const file of files) add(file, files.length === 1);
  next();
  drawUnfinished();
}

/** Those that an earlier visit left: the browser wants to be shown the file again. */
function drawUnfinished() {
  const going = new Set(rows.map((it) => it.transfer.key));
  const left = unfinished().filter((it) => !going.has(it.key));
  const row = (it) =>
    h(
      "li",
      {},
      `${plain(it.name)} (${bytes(it.size)}) `,
      h("button", { type: "button", class: "quiet", "aria-label": `Forget ${plain(it.name)}`, onclick: () => (forget(it.key), drawUnfinished()) }, "Forget"),
    );
  put(waiting, left.length > 0 && h("div", { class: "panel" }, h("p", {}, "Stopped on an earlier visit. Choose the same file again, and it goes on where it stopped:"), h("ul", {}, left.map(row))));
}

/** Takes files that are dropped anywhere. */
export function acceptDrops(document) {
  let depth = 0;
  const over = (change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("dropping", depth > 0);
  };
  const holds = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => holds(event) && over(1));
  document.addEventListener("dragleave", (event) => holds(event) && over(-1));
  document.addEventListener("dragover", (event) => holds(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    over(-depth);
    addAll(event.dataTransfer.files);
    if (!atFiles()) location.hash = "#/";
  });
}

/** The place to drop and choose files, with those on their way. */
export function dropZone() {
  const input = h("input", { type: "file", multiple: true, class: "unseen", id: "choose" });
  input.addEventListener("change", () => {
    addAll(input.files);
    input.value = "";
  });
  const label = h("label", { class: "drop", for: "choose" }, h("strong", {}, "Drop files here, or choose them"), h("span", {}, "A video, a picture, sound, a table, a log, a program, anything: it is analysed in a sandbox, and the result is drawn."));
  drawUnfinished();
  return h("section", { "aria-label": "Upload" }, input, label, waiting, list, clear);
}
