// One file: what it is, what can be run on it, and what was.

import { Problem, all, get, post, send } from "./api.js";
import { preview } from "./artifacts.js";
import { announce, confirmed, copyButton, h, notShown, problemPanel, prose, put } from "./dom.js";
import { argsForm } from "./form.js";
import { askLine } from "./record.js";
import { repeat, tell } from "./watch.js";
import { bytes, moment, plain } from "./words.js";

const EVERY_MS = 3000;
/** Of its runs, before one asks for all. */
const RUNS_SHOWN = 6;
/** What says nothing of a file: an analysis that takes it is not made for it. */
const ANYTHING = ["*/*", "application/octet-stream"];

/** What can be run on a file, what is made for such files first, and of that what is named after them: a log is text as well. */
async function fitting(file, signal) {
  const fits = await all(`/upload/${file.file_id}/analyses`, "analyses", { signal });
  const type = file.media_type.split(";")[0].trim().toLowerCase();
  const [general, ...special] = type.split(/[/.+-]/);
  const words = [/\.(\w+)$/.exec(file.filename)?.[1].toLowerCase(), ...special.reverse(), general];
  const rank = (fit) => {
    const taken = fit.accepts.filter((it) => !ANYTHING.includes(it));
    const named = words.findIndex((it) => fit.name.split("-").includes(it));
    return {
      ...fit,
      made: taken.some((it) => it === type || (it.endsWith("/*") && it.slice(0, -2) === general)),
      named: named < 0 ? words.length : named,
      kin: taken.filter((it) => special.some((word) => it.includes(word))).length,
    };
  };
  return fits.map(rank).sort((a, b) => b.made - a.made || a.named - b.named || b.kin - a.kin);
}

/** Asks what is made for such a file, and gives the address of the run; that of the file where one has to choose. */
export async function analyse(id) {
  try {
    const [best] = await fitting(await get(`/upload/${id}`));
    if (best?.made) {
      const taken = await post("/analyse", best.question);
      tell();
      return `#/run/${taken.file_id}/${taken.analysis_id}`;
    }
  } catch (problem) {
    // The view of the file shows what can be done about it.
    if (!(problem instanceof Problem)) throw problem;
  }
  return `#/file/${id}`;
}

function head(it, looking) {
  const said = h("div", { role: "status" });
  const pin = h("button", { type: "button", "aria-pressed": String(it.pinned === true), title: "What is kept stays until it is deleted, whatever is removed for its age or for room" }, it.pinned ? "Kept" : "Keep");
  pin.addEventListener("click", async () => {
    const kept = pin.getAttribute("aria-pressed") === "true";
    try {
      await send(kept ? "DELETE" : "PUT", `/upload/${it.file_id}/pin`);
      pin.setAttribute("aria-pressed", String(!kept));
      pin.textContent = kept ? "Keep" : "Kept";
      announce(kept ? "The rules of retention say when it goes." : "It stays until it is deleted.");
    } catch (problem) {
      put(said, problemPanel(problem));
    }
  });
  const remove = async () => {
    const text = `${plain(it.filename)} and all its results are removed. This cannot be undone.`;
    if (!(await confirmed({ title: "Delete this file?", text, action: "Delete" }))) return;
    // From here on its runs are not looked for.
    looking.hold();
    try {
      await send("DELETE", `/upload/${it.file_id}`);
      tell();
      location.hash = "#/";
    } catch (problem) {
      looking.release();
      put(said, problemPanel(problem));
    }
  };
  const digest = (name, value) => [h("dt", {}, name), h("dd", {}, h("code", {}, value), " ", copyButton(() => value, { what: name }))];
  return [
    h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Files")),
    h("h1", {}, plain(it.filename)),
    h("p", { class: "facts" }, h("span", {}, it.media_type), h("span", {}, bytes(it.size_bytes)), h("span", {}, "stored ", moment(it.created)), it.expires && h("span", {}, "goes ", moment(it.expires))),
    h(
      "div",
      { class: "actions" },
      h("a", { class: "button", href: it.download, download: it.filename }, "Download"),
      pin,
      h("button", { type: "button", class: "danger", onclick: remove }, "Delete"),
    ),
    said,
    h("details", {}, h("summary", {}, "SHA-1 and SHA-256"), h("dl", { class: "pairs" }, digest("SHA-1", it.sha1), digest("SHA-256", it.sha256))),
  ];
}

function choices(title, fits, file) {
  return fits.length > 0 && [title && h("h3", {}, title), h("ul", { class: "choices" }, fits.map((it) => choice(it, file)))];
}

/** An analysis in the list; its form is drawn when it is opened. */
function choice(fit, file) {
  const body = h("div", { class: "body" });
  const details = h(
    "details",
    { class: "choice", name: "choice" },
    h("summary", {}, h("span", { class: "title" }, fit.title || fit.name), h("code", { class: "faint" }, fit.name), h("span", { class: "describes" }, prose(fit.description))),
    body,
  );
  details.addEventListener("toggle", async () => {
    if (!details.open || body.firstChild) return;
    put(body, h("p", { class: "faint" }, "One moment …"));
    try {
      put(body, ask(await get(fit.about), fit, file));
    } catch (problem) {
      put(body, problemPanel(problem));
    }
  });
  return h("li", {}, details);
}

function ask(analysis, fit, file) {
  const line = h("code", {});
  const said = h("div", {});
  const question = () => ({ file_id: file.file_id, analysis: fit.name, args: form.read() });
  const form = argsForm(analysis.args, fit.question.args ?? {}, {
    changed: () => (line.textContent = askLine(question())),
    submitted: async () => {
      put(said);
      try {
        const taken = await post("/analyse", question());
        tell();
        location.hash = `#/run/${taken.file_id}/${taken.analysis_id}`;
      } catch (problem) {
        if (problem.errors?.length > 0 && form.refused(problem.errors)) return;
        put(said, problemPanel(problem));
      }
    },
    action: `Run ${analysis.title || analysis.name}`,
  });
  line.textContent = askLine(question());
  return [
    form.element,
    said,
    h("details", { class: "curl" }, h("summary", {}, "The same with curl"), h("pre", { tabindex: 0, role: "region", "aria-label": "The command" }, line), copyButton(() => line.textContent, { what: "the command" })),
  ];
}

function runRow(it, titles) {
  return h(
    "li",
    {},
    h("a", { href: `#/run/${it.file_id}/${it.analysis_id}` }, titles.get(it.analysis) ?? it.analysis),
    h("span", { class: `chip ${it.status}` }, it.reason ?? it.status),
    it.revoked && h("span", { class: "chip failed" }, "revoked"),
    h("span", { class: "when" }, moment(it.accepted)),
  );
}

/** Draws the view. */
export async function showFile(view, [id], signal) {
  const file = await get(`/upload/${id}`, signal);
  const runs = h("ul", { class: "rows runs" });
  const more = h("button", { type: "button", class: "more", onclick: () => ((shownMax = Infinity), (before = null), draw(signal)) });
  const ran = h("section", { hidden: true }, h("h2", {}, "Runs"), runs, more);
  let shownMax = RUNS_SHOWN;
  const shown = preview({ ...file, name: plain(file.filename) }, { framed: null });
  const fits = await fitting(file, signal);
  const titles = new Map(fits.map((it) => [it.name, it.title || it.name]));
  const [made, others] = [fits.filter((it) => it.made), fits.filter((it) => !it.made)];
  let before = null;
  const draw = async (signal) => {
    const results = await all(`/results/${id}`, "results", { signal });
    results.sort((a, b) => b.accepted.localeCompare(a.accepted));
    ran.hidden = results.length === 0;
    const now = JSON.stringify(results);
    if (now === before) return;
    before = now;
    const held = document.activeElement?.getAttribute("href");
    put(runs, results.slice(0, shownMax).map((it) => runRow(it, titles)));
    more.hidden = results.length <= shownMax;
    more.textContent = `Show all ${results.length}`;
    if (held?.startsWith("#/run/")) runs.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus();
  };
  await draw(signal);
  const looking = repeat(draw, { everyMs: EVERY_MS, signal, gone: (problem) => notShown(view, problem) });
  put(
    view,
    head(file, looking),
    shown && h("section", { "aria-label": "The file" }, shown),
    ran,
    h("section", {}, h("h2", {}, "Run an analysis"), fits.length === 0 && h("p", { class: "faint" }, "None of those installed takes such a file."), choices("Made for such files", made, file), choices(made.length > 0 && "For any file", others, file)),
  );
}
