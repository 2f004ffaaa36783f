// One file on its way to the server. Short ones go in one piece; long ones by tus 1.0.0, a chunk at a time, and go on where
// they stopped, also after this page was closed. Where the browser can digest, the server is asked first whether it has
// the bytes.

import { Problem, get } from "./api.js";

const WHOLE_BYTES_MAX = 8 * 1024 * 1024;
const CHUNK_BYTES = 8 * 1024 * 1024;
/** A browser digests what it holds in memory. */
const DIGEST_BYTES_MAX = 64 * 1024 * 1024;
const RETRIES_MAX = 5;
const STORED = "belljar.upload ";
const TUS = { "tus-resumable": "1.0.0" };

function hex(buffer) {
  return [...new Uint8Array(buffer)].map((it) => it.toString(16).padStart(2, "0")).join("");
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Uploads that this browser began and has not ended: their names, and where they stand. */
export function unfinished() {
  const keys = Object.keys(localStorage).filter((it) => it.startsWith(STORED));
  const entries = keys.map((key) => ({ key, ...JSON.parse(localStorage.getItem(key)) }));
  return entries.filter((it) => Date.parse(it.expires) > Date.now() || void localStorage.removeItem(it.key));
}

/** Forgets one of those. */
export function forget(key) {
  localStorage.removeItem(key);
}

/** Tells by `change` events how it goes: `state`, `sent`, `id`, `problem`. */
export class Transfer extends EventTarget {
  constructor(file) {
    super();
    this.file = file;
    this.key = `${STORED}${file.name} ${file.size} ${file.lastModified}`;
    this.state = "waiting";
    this.sent = 0;
    this.id = null;
    this.problem = null;
    this.request = null;
  }

  get resumable() {
    return this.file.size > WHOLE_BYTES_MAX;
  }

  get ended() {
    return ["stored", "known", "cancelled"].includes(this.state);
  }

  /** Sends it, or goes on with it. */
  async start() {
    try {
      this.#become("checking");
      const known = await this.#known();
      if (this.state !== "checking") return;
      if (known) {
        this.#end("known", known);
        return;
      }
      this.#become("sending");
      const id = this.resumable ? await this.#inChunks() : await this.#whole();
      if (id) this.#end("stored", id);
    } catch (problem) {
      if (this.state === "paused" || this.state === "cancelled") return;
      this.problem = problem;
      this.#become("failed");
    }
  }

  /** Stops it; `start` goes on. */
  pause() {
    this.#become("paused");
    this.request?.abort();
  }

  /** Gives it up, on the server as well. */
  cancel() {
    this.#become("cancelled");
    this.request?.abort();
    const begun = localStorage.getItem(this.key);
    localStorage.removeItem(this.key);
    if (begun) fetch(JSON.parse(begun).url, { method: "DELETE", headers: TUS }).catch(() => undefined);
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }

  #end(state, id) {
    localStorage.removeItem(this.key);
    [this.id, this.sent] = [id, this.file.size];
    this.#become(state);
  }

  #progress(sent) {
    this.sent = sent;
    this.dispatchEvent(new Event("change"));
  }

  async #known() {
    if (!globalThis.crypto?.subtle || this.file.size > DIGEST_BYTES_MAX) return null;
    const id = hex(await crypto.subtle.digest("SHA-1", await this.file.arrayBuffer()));
    return (await get(`/web/known/${id}`)).stored ? id : null;
  }

  async #whole() {
    const path = `/upload?filename=${encodeURIComponent(this.file.name)}`;
    const answer = await this.#send({ method: "POST", path, body: this.file, at: 0 });
    return JSON.parse(answer.responseText).file_id;
  }

  async #inChunks() {
    let { url, offset } = (await this.#former()) ?? (await this.#begin());
    let failures = 0;
    while (this.state === "sending") {
      this.#progress(offset);
      try {
        const body = this.file.slice(offset, offset + CHUNK_BYTES);
        const headers = { ...TUS, "upload-offset": offset, "content-type": "application/offset+octet-stream" };
        const answer = await this.#send({ method: "PATCH", path: url, headers, body, at: offset });
        offset = Number(answer.getResponseHeader("upload-offset"));
        const id = answer.getResponseHeader("belljar-file-id");
        if (id) return id;
        failures = 0;
      } catch (problem) {
        const passing = problem.status === 0 || problem.status === 408 || problem.status === 409 || problem.status >= 500;
        failures += 1;
        if (this.state !== "sending" || !passing || failures > RETRIES_MAX) throw problem;
        await new Promise((done) => setTimeout(done, 500 * 2 ** failures));
        const now = await this.#ask(url).catch(() => null);
        if (now?.id) return now.id;
        offset = now?.offset ?? offset;
      }
    }
    return null;
  }

  async #begin() {
    const headers = { ...TUS, "upload-length": this.file.size, "upload-metadata": `filename ${base64(this.file.name)}` };
    const answer = await this.#send({ method: "POST", path: "/resumable", headers, body: null, at: 0 });
    const url = answer.getResponseHeader("location");
    const expires = answer.getResponseHeader("upload-expires");
    localStorage.setItem(this.key, JSON.stringify({ url, expires, name: this.file.name, size: this.file.size }));
    return { url, offset: 0 };
  }

  /** Where a former page stopped with the same file. */
  async #former() {
    const begun = unfinished().find((it) => it.key === this.key);
    if (!begun) return null;
    try {
      const { offset } = await this.#ask(begun.url);
      return { url: begun.url, offset };
    } catch {
      localStorage.removeItem(this.key);
      return null;
    }
  }

  async #ask(url) {
    const answer = await this.#send({ method: "HEAD", path: url, headers: TUS, body: null, at: this.sent });
    return { offset: Number(answer.getResponseHeader("upload-offset")), id: answer.getResponseHeader("belljar-file-id") };
  }

  /** `fetch` does not tell how much it has sent. */
  #send({ method, path, headers = {}, body, at }) {
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      this.request = request;
      request.open(method, path);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      if (body) request.upload.onprogress = (event) => this.#progress(at + event.loaded);
      request.onload = () => (request.status < 300 ? done(request) : failed(refusal(request)));
      request.onerror = () => failed(new Problem(0, { title: "No answer", detail: "The connection was lost." }));
      request.onabort = () => failed(new Problem(0, { title: "Stopped", detail: "The upload was stopped." }));
      request.send(body);
    });
  }
}

function refusal(request) {
  try {
    return new Problem(request.status, JSON.parse(request.responseText));
  } catch {
    return new Problem(request.status, { title: request.statusText, detail: `The server answers ${request.status}.` });
  }
}
