// What changes by itself: a run as it goes, lists that others add to, and other tabs of this browser.

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("belljar") : null;
const here = new EventTarget();

/** Tells every tab, this one too, that something has changed. */
export function tell() {
  channel?.postMessage("changed");
  here.dispatchEvent(new Event("changed"));
}

channel?.addEventListener("message", () => here.dispatchEvent(new Event("changed")));

/** Does it now, again after that long while somebody looks, and at once when a tab tells of a change. */
export function repeat(work, { everyMs, signal }) {
  let timer = null;
  let busy = false;
  const turn = async () => {
    clearTimeout(timer);
    if (busy || signal.aborted) return;
    busy = true;
    try {
      if (!document.hidden) await work();
    } catch (error) {
      if (error.name !== "AbortError") console.warn(error.message);
    }
    busy = false;
    if (!signal.aborted) timer = setTimeout(turn, everyMs);
  };
  document.addEventListener("visibilitychange", turn, { signal });
  here.addEventListener("changed", turn, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  return turn();
}

const EVENTS = ["accepted", "started", "progress", "log", "artifact", "completed"];

/**
 * Tells of a run by `on[event](data)` until it has completed. Where events do not come through, `on.lost` is called again
 * and again instead, for who watches to look for itself; it gives true once there is nothing more to watch.
 */
export function watch(path, on, signal) {
  const source = new EventSource(`${path}/events`);
  signal.addEventListener("abort", () => source.close());
  for (const event of EVENTS) {
    source.addEventListener(event, (message) => {
      if (event === "completed") source.close();
      on[event]?.(JSON.parse(message.data));
    });
  }
  source.addEventListener("error", async () => {
    // A browser connects again by itself, with the id of the last event, unless it was refused.
    if (source.readyState !== EventSource.CLOSED) return;
    while (!signal.aborted) {
      await new Promise((done) => setTimeout(done, 1500));
      if (signal.aborted || (await on.lost().catch(() => false))) return;
    }
  });
}
