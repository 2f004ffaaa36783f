// A form drawn from the JSON Schema of an analysis' args: a field for each property, with its description, its default, and
// what is wrong with it beside it. What has no field of its own kind is written as JSON.

import { h, newId, prose, put } from "./dom.js";
import { heading, parse, print } from "./words.js";

const DEPTH_MAX = 6;
const LONG_TEXT = 200;
/** What an optional choice says when nothing is chosen. */
const UNSAID = "";

/** The schema with a reference to its own parts followed. */
function resolved(schema, root, depth = 0) {
  if (typeof schema?.$ref !== "string" || depth > DEPTH_MAX) return schema ?? {};
  const { $ref, ...rest } = schema;
  const parts = $ref.replace(/^#\/?/, "").split("/").filter(Boolean);
  const target = parts.reduce((it, part) => it?.[part.replaceAll("~1", "/").replaceAll("~0", "~")], root);
  return { ...resolved(target, root, depth + 1), ...rest };
}

/** One field: its element, what it reads, and a place to say what is wrong. */
class Field {
  constructor({ pointer, name, schema, required, input, group }) {
    Object.assign(this, { pointer, name, schema, required, input });
    this.wrong = h("p", { class: "wrong", id: newId("wrong"), hidden: true });
    const about = schema.description ? h("p", { class: "about", id: newId("about") }, prose(schema.description)) : null;
    const title = [schema.title ?? heading(name), required && h("span", { class: "faint" }, " (needed)")];
    const described = [about?.id, this.wrong.id].filter(Boolean).join(" ");
    if (group) {
      this.element = h("fieldset", { "aria-describedby": described }, h("legend", {}, title), about, group, this.wrong);
    } else {
      input.id = newId("field");
      input.setAttribute("aria-describedby", described);
      const label = h("label", { for: input.id }, title);
      const inLine = input.type === "checkbox";
      this.element = h("div", { class: inLine ? "field line" : "field" }, inLine ? [input, label] : [label, input], about, this.wrong);
    }
  }

  /** Says what is wrong, or that nothing is. */
  say(text) {
    this.wrong.textContent = text ?? "";
    this.wrong.hidden = !text;
    if (!this.input) return;
    text ? this.input.setAttribute("aria-invalid", "true") : this.input.removeAttribute("aria-invalid");
  }

  /** What can be told without asking the server. */
  check() {
    const text = this.input?.validity && !this.input.validity.valid ? this.input.validationMessage : this.wrongHere?.();
    this.say(text || null);
    return !text;
  }

  focus() {
    (this.input ?? this.element.querySelector("input, select, textarea"))?.focus();
  }
}

function choice(field, values, start) {
  const options = values.map((it, at) => h("option", { value: String(at) }, typeof it === "string" ? shown(it) : print(it, 0)));
  const optional = !field.required && start === undefined;
  const input = h("select", {}, optional && h("option", { value: UNSAID }, "not said"), options);
  const at = values.findIndex((it) => JSON.stringify(it) === JSON.stringify(start));
  input.value = at < 0 ? (optional ? UNSAID : "0") : String(at);
  return Object.assign(new Field({ ...field, input }), { read: () => (input.value === UNSAID ? undefined : values[Number(input.value)]) });
}

/** A choice that is a blank or a tab is called by its name. */
function shown(text) {
  return { "": "(empty)", "\t": "Tab", " ": "Blank", "\n": "New line" }[text] ?? text;
}

function yesOrNo(field, start) {
  const input = h("input", { type: "checkbox" });
  input.checked = start === true;
  const silent = !field.required && start === undefined;
  return Object.assign(new Field({ ...field, input }), { read: () => (silent && !input.checked ? undefined : input.checked) });
}

function numeric(field, start) {
  const { schema } = field;
  const step = schema.type === "integer" ? 1 : "any";
  const input = h("input", { type: "number", inputmode: step === 1 ? "numeric" : "decimal", min: schema.minimum, max: schema.maximum, step, required: field.required, value: start ?? "" });
  return Object.assign(new Field({ ...field, input }), { read: () => (input.value === "" ? undefined : Number(input.value)) });
}

function text(field, start) {
  const { schema } = field;
  const bounds = { maxlength: schema.maxLength, minlength: schema.minLength, required: field.required && schema.minLength > 0, spellcheck: "false", autocomplete: "off" };
  const long = schema.maxLength > LONG_TEXT || String(start ?? "").includes("\n") || schema.contentMediaType;
  const input = long ? h("textarea", { ...bounds, rows: 4 }) : h("input", { ...bounds, type: schema.format === "date" ? "date" : "text" });
  input.value = start ?? "";
  return Object.assign(new Field({ ...field, input }), { read: () => (input.value === "" && !field.required ? undefined : input.value) });
}

function several(field, values, start) {
  const boxes = values.map((it) => {
    const box = h("input", { type: "checkbox" });
    box.checked = (start ?? []).includes(it);
    return { it, box, label: h("label", {}, box, " ", String(it)) };
  });
  const silent = !field.required && start === undefined;
  const read = () => {
    const chosen = boxes.filter((it) => it.box.checked).map((it) => it.it);
    return silent && chosen.length === 0 ? undefined : chosen;
  };
  const { minItems, maxItems } = field.schema;
  const wrongHere = () => {
    const { length } = read() ?? [];
    if (read() && length < (minItems ?? 0)) return `Choose at least ${minItems}.`;
    return length > (maxItems ?? Infinity) ? `Choose at most ${maxItems}.` : null;
  };
  return Object.assign(new Field({ ...field, group: h("div", { class: "boxes" }, boxes.map((it) => it.label)) }), { read, wrongHere });
}

function lines(field, item, start) {
  const input = h("textarea", { rows: 3, spellcheck: "false", placeholder: "one a line", value: (start ?? []).join("\n") });
  const read = () => {
    const entries = input.value.split("\n").map((it) => it.trim()).filter(Boolean);
    if (entries.length === 0 && !field.required && start === undefined) return undefined;
    return item.type === "string" ? entries : entries.map(Number);
  };
  const wrongHere = () => (read()?.some(Number.isNaN) ? "Write one number a line." : null);
  return Object.assign(new Field({ ...field, input }), { read, wrongHere });
}

function json(field, start) {
  const input = h("textarea", { rows: 3, class: "mono", spellcheck: "false", value: start === undefined ? "" : print(start) });
  const read = () => (input.value.trim() === "" ? undefined : parse(input.value));
  const wrongHere = () => {
    try {
      return read() === undefined && field.required ? "Write JSON here." : null;
    } catch (error) {
      return `This is no JSON: ${error.message}`;
    }
  };
  const quietly = () => {
    try {
      return read();
    } catch {
      return undefined;
    }
  };
  return Object.assign(new Field({ ...field, input }), { read: quietly, wrongHere });
}

/** The field or fields of a property. */
function fields(field, start, root) {
  const { schema } = field;
  const begin = start ?? schema.default;
  const items = resolved(schema.items, root);
  if (schema.enum) return choice(field, schema.enum, begin);
  if (schema.type === "boolean") return yesOrNo(field, begin);
  if (schema.type === "integer" || schema.type === "number") return numeric(field, begin);
  if (schema.type === "string") return text(field, begin);
  if (schema.type === "array" && items.enum && schema.uniqueItems) return several(field, items.enum, begin);
  if (schema.type === "array" && ["string", "number", "integer"].includes(items.type)) return lines(field, items, begin);
  if (schema.type === "object" && schema.properties && field.pointer.split("/").length <= DEPTH_MAX) return within(field, begin, root);
  return json(field, begin);
}

function within(field, start, root) {
  const parts = properties(field.schema, start ?? {}, { root, pointer: field.pointer });
  const group = h("div", { class: "fields" }, parts.map((it) => it.element));
  const read = () => {
    const value = gathered(parts);
    return Object.keys(value).length === 0 && !field.required ? undefined : value;
  };
  const whole = new Field({ ...field, group });
  const check = () => parts.map((it) => it.check()).every(Boolean);
  return Object.assign(whole, { read, parts, check });
}

function properties(schema, start, { root, pointer }) {
  // What is needed comes first.
  const needed = (name) => Number(!(schema.required ?? []).includes(name));
  const entries = Object.entries(schema.properties ?? {}).sort(([a], [b]) => needed(a) - needed(b));
  return entries.map(([name, part]) => {
    const at = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const field = { pointer: at, name, schema: resolved(part, root), required: (schema.required ?? []).includes(name) };
    return fields(field, start[name], root);
  });
}

function gathered(parts) {
  const entries = parts.map((it) => [it.name, it.read()]).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}

function flat(parts) {
  return parts.flatMap((it) => [it, ...flat(it.parts ?? [])]);
}

/** The field that an error of the server is about. */
function culprit(all, { pointer, detail }) {
  const missing = /"([^"]+)" is a required property/.exec(detail)?.[1];
  const exact = missing === undefined ? pointer : `${pointer}/${missing}`;
  const fitting = all.filter((it) => exact === it.pointer || exact.startsWith(`${it.pointer}/`));
  return fitting.sort((a, b) => b.pointer.length - a.pointer.length)[0];
}

/** The form. `changed` and `submitted` are told; `refused` takes what the server says is wrong. */
export function argsForm(schema, start, { changed, submitted, action }) {
  const root = schema ?? {};
  const known = resolved(root, root);
  const free = !known.properties && known.type === "object" && known.additionalProperties !== false;
  const parts = free ? [] : properties(known, start, { root, pointer: "" });
  const whole = free ? json({ pointer: "", name: "args", schema: { description: "Its author does not say which args there are." }, required: false }, Object.keys(start).length > 0 ? start : undefined) : null;
  const shownParts = whole ? [whole] : parts;
  const all = flat(shownParts);
  const summary = h("div", {});
  const button = h("button", { class: "primary" }, action);
  const none = shownParts.length === 0 && h("p", { class: "faint" }, "It takes no args.");
  const element = h("form", { novalidate: true }, h("div", { class: "fields" }, none, shownParts.map((it) => it.element)), summary, button);
  const read = () => (whole ? (whole.read() ?? {}) : gathered(parts));
  const toFirst = () => all.find((it) => !it.wrong.hidden)?.focus();
  element.addEventListener("input", changed);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    put(summary);
    if (!shownParts.map((it) => it.check()).every(Boolean)) {
      toFirst();
      return;
    }
    button.disabled = true;
    await submitted();
    button.disabled = false;
    toFirst();
  });
  const refused = (errors) => {
    const homeless = [];
    for (const error of errors) {
      const field = culprit(all, error);
      field ? field.say(error.detail) : homeless.push(error);
    }
    put(summary, homeless.length > 0 && h("ul", { class: "wrong", role: "alert" }, homeless.map((it) => h("li", {}, it.detail))));
    return true;
  };
  return { element, read, refused };
}
