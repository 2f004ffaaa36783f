// What changes by itself: a run as it goes, lists that others add to, and other tabs of this browser.

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("belljar") : null;
const here = new EventTarget();
/** What a server answers of what it does not have any more. */
const GONE = [404, 410];

/** Tells every tab, this one too, that something has changed. */
export function tell() {
  channel?.postMessage("changed");
  here.dispatchEvent(new Event("changed"));
}

channel?.addEventListener("message", () => here.dispatchEvent(new Event("changed")));

/**
 * Does it now, again after that long while somebody looks, and at once when a tab tells of a change; `gone(problem)` is told
 * when there is nothing left to look at, and whoever is not let in any longer may sign in. Gives what holds it still while
 * this page deletes what it asks for, and lets it go on.
 */
export function repeat(work, { everyMs, signal, gone = null }) {
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  let timer = null;
  let asking = null;
  let held = false;
  const turn = async () => {
    clearTimeout(timer);
    if (asking || held || ended.aborted) return;
    asking = new AbortController();
    try {
      if (!document.hidden) await work(AbortSignal.any([ended, asking.signal]));
    } catch (error) {
      if (error.status === 401) {
        over.abort();
        location.reload();
      } else if (gone && GONE.includes(error.status)) {
        over.abort();
        gone(error);
      } else if (error.name !== "AbortError") console.warn(error.message);
    }
    asking = null;
    if (!held && !ended.aborted) timer = setTimeout(turn, everyMs);
  };
  document.addEventListener("visibilitychange", turn, { signal: ended });
  here.addEventListener("changed", turn, { signal: ended });
  ended.addEventListener("abort", () => clearTimeout(timer));
  turn();
  return {
    hold() {
      held = true;
      clearTimeout(timer);
      asking?.abort();
    },
    release() {
      held = false;
      turn();
    },
  };
}

const EVENTS = ["accepted", "started", "progress", "log", "artifact", "completed"];

/**
 * Tells of a run by `on[event](data)` until it has completed, and from `accepted` on anew when somebody looks again: a tab
 * that nobody looks at holds none of the few connections that a browser has for a server. Where events do not come through,
 * `on.lost` is called again and again instead, for who watches to look for itself; it gives true once there is nothing more
 * to watch.
 */
export function watch(path, on, signal) {
  const over = new AbortController();
  let source = null;
  const end = () => {
    source?.close();
    over.abort();
  };
  const look = () => {
    source?.close();
    source = document.hidden ? null : stream(path, { ...on, completed: (data) => (end(), on.completed(data)) }, over.signal);
  };
  signal.addEventListener("abort", end);
  document.addEventListener("visibilitychange", look, { signal: over.signal });
  look();
}

function stream(path, on, signal) {
  const source = new EventSource(`${path}/events`);
  for (const event of EVENTS) source.addEventListener(event, (message) => on[event]?.(JSON.parse(message.data)));
  source.addEventListener("error", async () => {
    // A browser connects again by itself, with the id of the last event, unless it was refused.
    if (source.readyState !== EventSource.CLOSED) return;
    while (!signal.aborted) {
      await new Promise((done) => setTimeout(done, 1500));
      if (signal.aborted || (await on.lost().catch(() => false))) return;
    }
  });
  return source;
}
