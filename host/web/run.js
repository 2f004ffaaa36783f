// One run: as it goes, with its log and a way to dismiss it, and what came of it.

import { get, getText, post, send } from "./api.js";
import { artifactView } from "./artifacts.js";
import { announce, confirmed, h, notShown, problemPanel, put } from "./dom.js";
import { recordView } from "./record.js";
import { resultView } from "./result.js";
import { repeat, tell, watch } from "./watch.js";
import { bytes, duration, plain, spelled } from "./words.js";

const LOG_CHARACTERS_MAX = 200_000;
const LOOK_EVERY_MS = 5000;

/** What each reason means to who does not know the word. */
const REASONS = {
  "out-of-fuel": "It needed more work than it was granted.",
  "memory-limit": "It needed more memory than it was granted.",
  "stack-overflow": "It called itself too deeply.",
  trap: "It did something that no program may do, and was stopped.",
  "nonzero-exit": "It ended, saying that it failed.",
  "bad-output": "What it printed is no JSON.",
  "output-limit": "It wrote more than it may.",
  denied: "It tried to do what no analysis may.",
  deadline: "It took longer than it may.",
  "host-interrupted": "Its process or the server ended under it, several times.",
  "storage-full": "There was no room on the disk.",
  "engine-error": "The server could not carry it out.",
  dismissed: "Somebody dismissed it.",
  "file-deleted": "Its file was deleted.",
};

function isOver(record) {
  return record.status !== "accepted" && record.status !== "running";
}

/** Lines by which an analysis tells how far it is: that is shown above. */
const PROGRESS_LINE = /^@progress .*\n/gm;

/** The log, which grows while it is looked at. */
function logView() {
  let begun = "";
  const text = h("pre", { class: "text log", tabindex: 0, role: "region", "aria-label": "Log" });
  const element = h("details", { open: true, hidden: true }, h("summary", {}, "Log"), text);
  const add = (more) => {
    const [whole, rest] = cut(begun + more);
    begun = rest;
    const shown = whole.replaceAll(PROGRESS_LINE, "");
    const low = text.scrollTop + text.clientHeight >= text.scrollHeight - 8;
    text.append(shown);
    if (text.textContent.length > LOG_CHARACTERS_MAX) text.textContent = text.textContent.slice(-LOG_CHARACTERS_MAX);
    element.hidden = text.textContent === "";
    if (low) text.scrollTop = text.scrollHeight;
  };
  const clear = () => {
    begun = "";
    put(text);
    element.hidden = true;
  };
  return { element, add, clear };
}

/** What can be shown, and the beginning of a line that may be of progress. */
function cut(text) {
  const at = text.lastIndexOf("\n") + 1;
  const last = text.slice(at);
  const pending = last !== "" && ("@progress ".startsWith(last) || last.startsWith("@progress "));
  return pending ? [text.slice(0, at), last] : [text, ""];
}

function progressView(record) {
  const bar = h("progress", { max: 1, "aria-label": "Progress of the run" });
  const words = h("p", { class: "faint" }, "It waits for its turn.");
  const since = h("span", {});
  const timer = setInterval(() => {
    const began = Date.parse(record.started ?? record.accepted);
    since.textContent = duration(Math.max(0, Date.now() - began));
  }, 500);
  const show = (it) => {
    if (it.fraction > 0) bar.value = it.fraction;
    words.textContent = `${Math.floor(it.fraction * 100)} % · ${bytes(it.bytes_read)} of ${bytes(it.size_bytes)} read · ${spelled(it.fuel)} fuel of ${spelled(it.fuel_max)}`;
  };
  const started = (attempt) => (words.textContent = attempt > 1 ? `It runs, for the ${attempt}. time.` : "It runs.");
  if (record.status === "running") started(1);
  if (record.progress) show(record.progress);
  return { element: h("div", { class: "progress" }, bar, h("div", { class: "line" }, words, since)), show, started, stop: () => clearInterval(timer) };
}

class View {
  constructor(view, ids, signal) {
    const [file, run] = ids;
    Object.assign(this, { view, signal, path: `/results/${file}/${run}`, file: null, analysis: null, looking: null });
    this.head = h("div", {});
    this.live = h("div", { class: "live" });
    this.said = h("div", { role: "status" });
    this.log = logView();
    this.end = h("div", {});
    this.about = h("div", {});
    put(view, this.head, this.live, this.said, this.end, this.log.element, this.about);
  }

  async open() {
    const record = await this.look();
    this.file = await get(`/upload/${record.file_id}`, this.signal);
    this.analysis = await this.described(record);
    this.drawHead(record);
    if (isOver(record)) await this.drawEnd(record);
    else this.follow(record);
    // Asked again or removed in another tab.
    this.status = record.status;
    this.looking = repeat((signal) => this.refresh(signal), { everyMs: LOOK_EVERY_MS, signal: this.signal, gone: (problem) => notShown(this.view, problem) });
  }

  look(signal = this.signal) {
    return get(`${this.path}/run`, signal);
  }

  /** What its author says of it, if the name still stands for what ran. */
  async described(record) {
    const listed = (await get(`/upload/${record.file_id}/analyses?limit=500`, this.signal)).analyses;
    const there = listed.find((it) => it.name === record.analysis || (record.analysis.startsWith(`${it.name}_`) && /_\d+$/.test(record.analysis)));
    const about = there && (await get(there.about, this.signal));
    return about?.module_sha256 === record.module_sha256 ? about : { title: there?.title, result: null };
  }

  async refresh(signal) {
    if (this.following) return;
    const record = await this.look(signal);
    if (record.status === this.status && record.finished === this.finished) return;
    this.status = record.status;
    this.drawHead(record);
    if (isOver(record)) await this.drawEnd(record);
    else this.follow(record);
  }

  drawHead(record) {
    this.finished = record.finished;
    const title = this.analysis.title || record.analysis;
    const chip = h("span", { class: `chip ${record.status}` }, record.status);
    const old = this.head.querySelector("h1");
    if (old) {
      put(old, title);
      this.head.querySelector(".chip").replaceWith(chip);
      return;
    }
    put(
      this.head,
      h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Files"), " › ", h("a", { href: `#/file/${record.file_id}` }, plain(this.file.filename))),
      h("div", { class: "titled" }, h("h1", {}, title), chip, h("a", { class: "button quiet", href: `#/file/${record.file_id}` }, "Other analyses of this file")),
    );
  }

  follow(record) {
    this.following = true;
    put(this.end);
    put(this.about);
    this.log.clear();
    const progress = progressView(record);
    this.signal.addEventListener("abort", progress.stop);
    put(this.live, progress.element, h("button", { type: "button", onclick: () => this.dismiss() }, "Dismiss"));
    const completed = async () => {
      progress.stop();
      this.following = false;
      const ended = await this.look();
      this.status = ended.status;
      this.drawHead(ended);
      put(this.live);
      if (isOver(ended)) await this.drawEnd(ended);
      else this.follow(ended);
      announce(`The run is ${ended.status}.`);
      tell();
    };
    watch(
      this.path,
      {
        accepted: () => this.log.clear(),
        started: ({ attempt }) => {
          progress.started(attempt);
          this.drawHead({ ...record, status: "running" });
        },
        progress: progress.show,
        log: ({ text }) => this.log.add(text),
        completed: () => completed().catch((problem) => put(this.said, problemPanel(problem))),
        lost: async () => {
          const now = await this.look();
          if (now.progress) progress.show(now.progress);
          if (!isOver(now)) return false;
          await completed();
          return true;
        },
      },
      this.signal,
    );
  }

  async drawEnd(record) {
    put(this.live);
    const revoked = record.revoked && h("div", { class: "panel bad" }, h("p", {}, h("strong", {}, "Its module was revoked: "), record.revoked.reason));
    if (record.status === "successful") {
      const result = await get(this.path, this.signal);
      put(this.end, revoked, resultView(result, record, this.analysis.result));
    } else {
      put(this.end, revoked, this.failure(record));
    }
    await this.wholeLog(record);
    put(this.about, recordView(record, this.file), this.actions(record));
  }

  failure(record) {
    const tone = record.status === "dismissed" ? "" : " bad";
    const title = record.status === "dismissed" ? "It was dismissed" : "It has no result";
    return [
      h("div", { class: `panel${tone}` }, h("h2", {}, title), h("p", {}, REASONS[record.reason] ?? "", " ", record.reason && h("code", {}, record.reason)), record.detail && h("p", { class: "detail" }, record.detail)),
      record.artifacts.map((it) => artifactView(it, record)),
    ];
  }

  async wholeLog(record) {
    if (!record.finished) return;
    const text = await getText(`${this.path}/log`, { signal: this.signal });
    this.log.clear();
    if (text) this.log.add(text);
  }

  actions(record) {
    return h(
      "div",
      { class: "actions" },
      h("button", { type: "button", onclick: () => this.again(record) }, "Run again"),
      h("button", { type: "button", class: "danger", onclick: () => this.remove() }, "Remove this result"),
    );
  }

  async dismiss() {
    try {
      await send("DELETE", this.path);
      announce("Dismissed.");
      tell();
    } catch (problem) {
      put(this.said, problemPanel(problem));
    }
  }

  async again(record) {
    try {
      const question = { file_id: record.file_id, analysis: record.analysis, args: record.args, rerun: true };
      const taken = await post("/analyse", question);
      tell();
      const address = `#/run/${taken.file_id}/${taken.analysis_id}`;
      // The same question has the same address, unless the module is another by now.
      if (location.hash === address) await this.refresh();
      else location.hash = address;
      scrollTo(0, 0);
    } catch (problem) {
      put(this.said, problemPanel(problem));
    }
  }

  async remove() {
    const text = "The result and the files it wrote are removed. The same question can be asked again.";
    if (!(await confirmed({ title: "Remove this result?", text, action: "Remove" }))) return;
    // From here on it is not looked for.
    this.looking.hold();
    try {
      await send("DELETE", this.path);
      tell();
      location.hash = `#/file/${this.file.file_id}`;
    } catch (problem) {
      this.looking.release();
      put(this.said, problemPanel(problem));
    }
  }
}

/** Draws the view. */
export async function showRun(view, ids, signal) {
  await new View(view, ids, signal).open();
}
