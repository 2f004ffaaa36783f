// Numbers over time as lines: drawn anew at the width there is, with what stands under the pointer said below, and the
// numbers themselves as a table for who would rather read.

import { h, put, s } from "./dom.js";
import { tableView } from "./table.js";
import { number, short } from "./words.js";

const HEIGHT = 240;
const MARGIN = { top: 12, right: 12, bottom: 28, left: 56 };
/** How wide a digit of a label is, at most. */
const DIGIT = 8;
const POINTS_MAX = 1200;
/** Lines across, about. */
const ROWS = 4;
/** Lines that can be told apart. */
export const SERIES_MAX = 4;

/** A step of 1, 2 or 5, of which about so many cover the range. */
function stepOf(low, high, wanted) {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((it) => it * power).find((it) => it >= rough);
}

function ticks(low, high, wanted) {
  const step = stepOf(low, high, wanted);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step + 1e-9) - first;
  return Array.from({ length: count + 1 }, (_, at) => (first + at) * step);
}

function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const it of values) {
    if (!Number.isFinite(it)) continue;
    if (it < low) low = it;
    if (it > high) high = it;
  }
  return [low, high];
}

/** Of many points those that a narrow picture can show: of each stretch the least and the greatest. */
function thinned(points) {
  if (points.length <= POINTS_MAX) return points;
  const stretch = Math.ceil(points.length / (POINTS_MAX / 2));
  const kept = [];
  for (let at = 0; at < points.length; at += stretch) {
    const part = points.slice(at, at + stretch);
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low[0] <= high[0] ? [low, high] : [high, low]));
  }
  return kept;
}

function scales({ x, series }, width) {
  const [left, right] = range(x.values);
  let [low, high] = range(series.flatMap((it) => it.values));
  // A line that starts near nothing starts at nothing.
  if (low > 0 && low < high / 2) low = 0;
  if (low === high) [low, high] = low >= 0 ? [0, high * 2 || 1] : [low * 2, 0];
  const step = stepOf(low, high, ROWS);
  [low, high] = [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
  const rows = ticks(low, high, ROWS).map((it) => [it, short(it, step)]);
  const start = Math.max(MARGIN.left, 12 + DIGIT * Math.max(...rows.map(([, text]) => text.length)));
  const inner = width - start - MARGIN.right;
  const tall = HEIGHT - MARGIN.top - MARGIN.bottom;
  return {
    bounds: { left, right, low, high },
    start,
    inner,
    rows,
    toX: (it) => start + ((it - left) / (right - left || 1)) * inner,
    toY: (it) => MARGIN.top + (1 - (it - low) / (high - low)) * tall,
  };
}

function lines(data, { toX, toY }) {
  return data.series.map(({ values }, at) => {
    const points = values.map((y, index) => [data.x.values[index], y]).filter(([, y]) => Number.isFinite(y));
    const d = thinned(points).map(([x, y], index) => `${index === 0 ? "M" : "L"}${toX(x).toFixed(1)} ${toY(y).toFixed(1)}`);
    return s("path", { d: d.join(""), class: `line series-${at}` });
  });
}

function axes(scale, width) {
  const { left, right } = scale.bounds;
  const across = scale.rows.map(([it, text]) => [
    s("line", { class: "grid", x1: scale.start, x2: width - MARGIN.right, y1: scale.toY(it), y2: scale.toY(it) }),
    s("text", { x: scale.start - 8, y: scale.toY(it) + 4, "text-anchor": "end" }, text),
  ]);
  const wanted = Math.max(2, Math.floor(width / 120));
  const along = ticks(left, right, wanted).map((it) =>
    s("text", { x: scale.toX(it), y: HEIGHT - 8, "text-anchor": it === right ? "end" : "middle" }, short(it, stepOf(left, right, wanted))),
  );
  return [across, along];
}

function nearest(values, wanted) {
  let best = 0;
  for (let at = 1; at < values.length; at += 1) if (Math.abs(values[at] - wanted) < Math.abs(values[best] - wanted)) best = at;
  return best;
}

function summary(data, title) {
  const each = data.series.map(({ name, values }) => {
    const [low, high] = range(values);
    return `${name} from ${number(low)} to ${number(high)}`;
  });
  return `${title}: line chart of ${data.x.values.length} points, ${each.join(", ")}`;
}

/** A chart of `{ x: { name, values }, series: [{ name, values }] }`. */
export function chartView(data, title) {
  const stage = h("div", { class: "stage" });
  const readout = h("p", { class: "readout faint" });
  const legend = data.series.length > 1 && h("ul", { class: "legend" }, data.series.map((it, at) => h("li", { class: `series-${at}` }, it.name)));
  const rest = () => (readout.textContent = `${number(data.x.values.length)} points`);
  const draw = (width) => {
    const scale = scales(data, width);
    const cursor = s("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" });
    const picture = s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": summary(data, title) }, axes(scale, width), lines(data, scale), cursor);
    picture.addEventListener("pointermove", (event) => {
      const { left, right } = scale.bounds;
      const share = (event.offsetX - scale.start) / scale.inner;
      const at = nearest(data.x.values, left + share * (right - left));
      const x = scale.toX(data.x.values[at]);
      for (const [name, value] of [["x1", x], ["x2", x], ["visibility", "visible"]]) cursor.setAttribute(name, value);
      const said = data.series.map((it) => `${it.name}: ${Number.isFinite(it.values[at]) ? number(it.values[at]) : "–"}`);
      readout.textContent = `${data.x.name} ${number(data.x.values[at])} · ${said.join(" · ")}`;
    });
    picture.addEventListener("pointerleave", () => {
      cursor.setAttribute("visibility", "hidden");
      rest();
    });
    put(stage, picture);
  };
  let before = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width > 0 && width !== before) draw((before = width));
  }).observe(stage);
  rest();
  const numbers = h("details", {}, h("summary", {}, "The numbers"));
  numbers.addEventListener("toggle", () => {
    if (numbers.childElementCount > 1) return;
    const record = (x, at) => ({ [data.x.name]: x, ...Object.fromEntries(data.series.map((it) => [it.name, it.values[at]])) });
    numbers.append(tableView(data.x.values.map(record), title));
  });
  return h("figure", { class: "chart" }, h("figcaption", {}, title), legend, stage, readout, numbers);
}
