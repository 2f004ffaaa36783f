// What is asked of the server, and what it says when it refuses.

import { parse } from "./words.js";

/** Why something was not answered: RFC 9457, or that nobody answered at all. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? "The server said no more than that.");
    this.status = status;
    this.title = body.title;
    this.reason = body.reason ?? null;
    this.errors = body.errors ?? [];
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { title: "No answer", detail: "The server cannot be reached." });
  }
  if (response.ok || options?.takes?.includes(response.status)) return response;
  let body = {};
  try {
    body = await response.json();
  } catch {
    // What stands before the server may not speak JSON.
  }
  throw new Problem(response.status, { title: response.statusText, ...body });
}

/** The JSON at a path. */
export async function get(path, signal) {
  return parse(await (await ask(path, { signal, headers: { accept: "application/json" } })).text());
}

/** The text at a path; of a long one no more than that many bytes. */
export async function getText(path, { signal, bytesMax } = {}) {
  const headers = bytesMax ? { range: `bytes=0-${bytesMax - 1}` } : {};
  return (await ask(path, { signal, headers })).text();
}

/** Sends JSON, and gives what is answered. */
export async function post(path, body) {
  const response = await ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return response.json();
}

/** Sends a method without a body, for which there is nothing to say. */
export async function send(method, path) {
  await ask(path, { method });
}

/** Has the browser keep a token, if the server takes it. */
export async function signIn(token) {
  // What is no header field was never a token.
  const authorization = `Bearer ${/^[\x21-\x7e]+$/.test(token) ? token : "?"}`;
  await ask("/session", { method: "PUT", headers: { authorization } });
}

/** Whether work can be taken; the server says so with 503 as well. */
export async function readiness(signal) {
  return (await ask("/readyz", { signal, takes: [503] })).json();
}

/** Every entry of a list, a page at a time, up to that many pages. */
export async function all(path, member, { signal, pagesMax = 10 } = {}) {
  const entries = [];
  for (let [next, pages] = [path, 0]; next && pages < pagesMax; pages += 1) {
    const page = await get(next, signal);
    entries.push(...page[member]);
    next = page.next;
  }
  return entries;
}
