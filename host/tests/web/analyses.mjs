// Analyses that do what a test wants to be looked at.

const open = `(import "wasi_snapshot_preview1" "path_open" (func $o (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))`;
const read = `(import "wasi_snapshot_preview1" "fd_read" (func $r (param i32 i32 i32 i32) (result i32)))`;
const write = `(import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))`;
const poll = `(import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))`;

function escaped(text) {
  return [...new TextEncoder().encode(text)].map((it) => `\\${it.toString(16).padStart(2, "0")}`).join("");
}

function word(value) {
  return [0, 8, 16, 24].map((it) => `\\${((value >> it) & 255).toString(16).padStart(2, "0")}`).join("");
}

/** Prints that text, or that value as JSON. */
function printing(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const size = new TextEncoder().encode(text).length;
  return `(module ${write} (memory (export "memory") ${Math.ceil((1024 + size) / 65536)})
    (data (i32.const 0) "${word(1024)}${word(size)}") (data (i32.const 1024) "${escaped(text)}")
    (func (export "_start") (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))`;
}

/** Copies the sample into a file of each name, and prints where they are. */
function copying(names) {
  const text = JSON.stringify(Object.fromEntries(names.map((it) => [it.split(".")[0], `/out/${it}`])));
  const places = names.map((it, at) => ({ at: 128 + at * 64, length: it.length, name: it }));
  const data = places.map((it) => `(data (i32.const ${it.at}) "${it.name}")`).join("\n");
  const copy = places.map(
    (it) => `(drop (call $o (i32.const 4) (i32.const 0) (i32.const ${it.at}) (i32.const ${it.length}) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 36)))
      (drop (call $w (i32.load (i32.const 36)) (i32.const 64) (i32.const 1) (i32.const 44)))`,
  );
  return `(module ${open} ${read} ${write} (memory (export "memory") 2)
    (data (i32.const 0) "the_file") ${data}
    (data (i32.const 64) "${word(4096)}${word(65536)}")
    (data (i32.const 80) "${word(1024)}${word(text.length)}") (data (i32.const 1024) "${escaped(text)}")
    (func (export "_start")
      (drop (call $o (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))
      (drop (call $r (i32.load (i32.const 32)) (i32.const 64) (i32.const 1) (i32.const 40)))
      (i32.store (i32.const 68) (i32.load (i32.const 40)))
      ${copy.join("\n")}
      (drop (call $w (i32.const 1) (i32.const 80) (i32.const 1) (i32.const 48)))))`;
}

/** Says `one`, sleeps, says `two`, prints `{}`. */
const telling = `(module ${poll} ${write} (memory (export "memory") 1)
  (data (i32.const 256) "${word(512)}${word(4)}${word(516)}${word(4)}${word(520)}${word(2)}")
  (data (i32.const 512) "one\\0atwo\\0a{}")
  (func (export "_start")
    (drop (call $w (i32.const 2) (i32.const 256) (i32.const 1) (i32.const 300)))
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 2500000000))
    (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
    (drop (call $w (i32.const 2) (i32.const 264) (i32.const 1) (i32.const 300)))
    (drop (call $w (i32.const 1) (i32.const 272) (i32.const 1) (i32.const 300)))))`;

/** Prints its args. */
const echoing = `(module ${read} ${write} (memory (export "memory") 2)
  (data (i32.const 0) "${word(1024)}${word(65536)}")
  (func (export "_start")
    (drop (call $r (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`;

const args = {
  type: "object",
  additionalProperties: false,
  required: ["name"],
  properties: {
    name: { type: "string", pattern: "^[a-z]+$", minLength: 1, description: "Small letters." },
    count: { type: "integer", minimum: 1, maximum: 9, default: 3, description: "How many." },
    share: { type: "number", exclusiveMinimum: 0, maximum: 1 },
    unit: { enum: ["m", "s"], default: "s" },
    loud: { type: "boolean", default: false },
    kinds: { type: "array", items: { enum: ["a", "b", "c"] }, uniqueItems: true, minItems: 1, default: ["a"] },
    words: { type: "array", items: { type: "string" } },
    edge: { type: "object", additionalProperties: false, properties: { width: { $ref: "#/$defs/width" } } },
    any: { description: "Whatever." },
  },
  $defs: { width: { type: "integer", maximum: 5 } },
};

const curve = Array.from({ length: 24 }, (_, at) => ({ time_s: at / 2, level: Math.round(Math.sin(at / 3) * 1000) / 1000, peak: at % 5 }));

const flood = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`part_${at}`, { list: Array.from({ length: 90 }, (_, it) => it), inner: Object.fromEntries(Array.from({ length: 40 }, (_, it) => [`k${it}`, "x"])) }]));

export const analyses = [
  { name: "crash", title: "Crash", description: "Does what no program may.", stdout: "none", wat: `(module (memory (export "memory") 1) (func (export "_start") unreachable))` },
  { name: "draws", title: "Draws", description: "Writes the file as HTML and as SVG.", wat: copying(["page.html", "drawing.svg"]) },
  { name: "teller", title: "Teller", description: "Tells how it goes.", wat: telling },
  { name: "echo", title: "Echo", description: "Prints its args.", args, examples: [{ args: { name: "abc" } }], wat: echoing },
  {
    name: "shapes",
    title: "Shapes",
    description: "A result of every shape.",
    result: { type: "object", properties: { length_s: { type: "number", description: "From start to end." } } },
    wat: printing({
      length_s: 11.5,
      size_bytes: 1234567,
      fine: true,
      nothing: null,
      markup: "<img src=x onerror=\"document.title='markup'\"><script>document.title='script'</script>",
      curve,
      rows: [
        { name: "beta", count: 2, within: { a: 1 } },
        { name: "alpha", count: 10, within: { a: 2 } },
        { name: "<b>gamma</b>", count: 1, within: { a: 3 } },
      ],
      by_name: { first: { low: 1, high: 2 }, second: { low: 3, high: 4 } },
      deep: { deeper: { deepest: { words: ["one", "two"], needle: "found it" } } },
    }),
  },
  { name: "flood", title: "Flood", description: "More than anyone wants to look at.", wat: printing(flood) },
  { name: "exact", title: "Exact", description: "A number that a double would round.", wat: printing('{"big":9007199254740993}') },
];
