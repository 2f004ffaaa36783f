// Numbers, sizes and times as people write them, and JSON read without rounding.

const whole = new Intl.NumberFormat("en");
const UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB"];

/** A number with separators. */
export function number(value) {
  if (typeof value === "bigint" || Number.isInteger(value)) return whole.format(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential(4);
  return new Intl.NumberFormat("en", { maximumSignificantDigits: 7 }).format(value);
}

/** A number for where there is little room, 1.2M; with as many digits as tell it from its neighbours that far away. */
export function short(value, step = Infinity) {
  const unit = 1000 ** Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3 + 1e-9));
  const digits = Math.ceil(Math.log10(unit / step) - 1e-9);
  const [least, most] = digits > 2 ? [Math.min(20, digits), Math.min(20, digits)] : [0, 2];
  return new Intl.NumberFormat("en", { notation: "compact", minimumFractionDigits: least, maximumFractionDigits: most }).format(value);
}

/** A number with its magnitude as a word: 10 billion. */
export function spelled(value) {
  return new Intl.NumberFormat("en", { notation: "compact", compactDisplay: "long", maximumFractionDigits: 2 }).format(value);
}

/** A name that a stranger gave: what would turn its letters around or hide them is written out, as U+202E. */
export function plain(name) {
  return name.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, (it) => `[U+${it.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

/** A size. */
export function bytes(value) {
  let [rest, unit] = [Number(value), 0];
  while (rest >= 1000 && unit < UNITS.length - 1) [rest, unit] = [rest / 1000, unit + 1];
  if (unit === 0) return rest === 1 ? "1 byte" : `${rest} bytes`;
  return `${rest < 10 ? rest.toFixed(1) : Math.round(rest)} ${UNITS[unit]}`;
}

/** A stretch of time, given in milliseconds. */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

/** A moment as `<time>`: how long ago, and when exactly to who looks closer. */
export function moment(text) {
  const at = new Date(text);
  const element = document.createElement("time");
  element.dateTime = text;
  element.title = at.toLocaleString();
  element.textContent = ago(at.getTime() - Date.now()) ?? at.toLocaleDateString();
  return element;
}

function ago(ms) {
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const size = Math.abs(ms);
  if (size < 45e3) return ms > 0 ? "in a moment" : "just now";
  if (size < 45 * 60e3) return relative.format(Math.round(ms / 60e3), "minute");
  if (size < 22 * 3600e3) return relative.format(Math.round(ms / 3600e3), "hour");
  if (size < 26 * 86400e3) return relative.format(Math.round(ms / 86400e3), "day");
  return null;
}

const WRITTEN = { hz: "Hz", percent: "%", lufs: "LUFS", lu: "LU", dbfs: "dBFS", dbtp: "dBTP" };
const INITIALS = /\b(bom|crc32|dc|exif|id|ids|md5|rms|sha1|sha256|sha512|url|urls)\b/gi;

/** `keyframe_times_s` as a heading: Keyframe times (s). */
export function heading(key) {
  const unit = (_, it) => ` (${WRITTEN[it.toLowerCase()] ?? it})`;
  const words = key.replace(/_(bytes|bits|s|ms|us|hz|percent|px|lufs|lu|dbfs|dbtp)$/i, unit).replaceAll(/[_-]+/g, " ").replaceAll(INITIALS, (it) => it.toUpperCase().replace(/S$/, "s")).trim();
  return words ? words[0].toUpperCase() + words.slice(1) : key;
}

/** JSON, with integers that a double would round kept as they are. */
export function parse(text) {
  return JSON.parse(text, (_, value, context) => {
    const rounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
    return rounded && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context.source) : value;
  });
}

/** The same back. */
export function print(value, indent = 2) {
  const raw = (it) => (JSON.rawJSON ? JSON.rawJSON(String(it)) : Number(it));
  return JSON.stringify(value, (_, it) => (typeof it === "bigint" ? raw(it) : it), indent);
}

/** A word of a shell that means that text. */
export function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
