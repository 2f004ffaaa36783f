// The server at a glance: queue, workers, disk, and the walls around what runs.

import { readiness } from "./api.js";
import { h, put } from "./dom.js";
import { bytes, number } from "./words.js";
import { repeat } from "./watch.js";

const EVERY_MS = 5000;

function part(label, text, meter) {
  return h("div", { class: "glance" }, h("span", { class: "label" }, label), h("span", {}, text), meter);
}

function filled(value, max, label) {
  return h("meter", { min: 0, max, value, high: max * 0.8, low: max * 0.5, optimum: 0, "aria-label": label });
}

function draw(it) {
  const walls = it.walls.process ? "both walls stand" : `lacking: ${it.walls.lacking.join("; ")}`;
  const tone = it.ready && it.walls.process ? "good" : "warn";
  const word = it.ready ? "Ready" : "Takes no work";
  return [
    h("div", { class: "glance" }, h("span", { class: "label" }, "Server"), h("span", { class: `dot ${tone}` }, word)),
    part("Queue", `${number(it.queue.in_flight)} of ${number(it.queue.max)}`, filled(it.queue.in_flight, it.queue.max, "How full the queue is")),
    part("Workers", `up to ${it.workers.max}, ${it.workers.idle} ready`),
    part("Disk", it.disk.room ? `${bytes(it.disk.free_bytes)} free` : "full"),
    part("Sandbox", walls),
  ];
}

/** Keeps it up to date. */
export function showStatus(element) {
  const { signal } = new AbortController();
  return repeat(
    async () => {
      try {
        put(element, draw(await readiness(signal)));
        element.classList.remove("lost");
      } catch (problem) {
        // Said once, and where it is seen: what is shown above is of before.
        if (element.classList.contains("lost")) return;
        element.classList.add("lost");
        put(element, h("div", { class: "glance" }, h("span", { class: "label" }, "Server"), h("span", { class: "dot bad", role: "alert" }, `${problem.message} This page looks again by itself.`)));
      }
    },
    { everyMs: EVERY_MS, signal },
  );
}
