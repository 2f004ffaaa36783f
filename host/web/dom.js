// Elements, made by name. Nothing here or elsewhere on this page makes markup of a string: what a file or an analysis says
// is only ever text.

const SVG = "http://www.w3.org/2000/svg";

let count = 0;

/** An id that nothing else on the page has. */
export function newId(stem) {
  count += 1;
  return `${stem}-${count}`;
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((it) => it !== null && it !== undefined && it !== false));
  return element;
}

/** An element with attributes, listeners (`onclick`) and children; what is null or false is left out. */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same, of SVG. */
export function s(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/** Puts children in place of those there are. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((it) => it !== null && it !== undefined && it !== false));
  return element;
}

/** Says something to who listens instead of looking. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

async function copyText(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Only pages that came over TLS or from this machine have a clipboard.
  const area = h("textarea", { class: "unseen", value: text });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("no clipboard");
}

/** A button that copies what `text` gives. */
export function copyButton(text, { label = "Copy", what = "" } = {}) {
  const button = h("button", { type: "button", class: "quiet", "aria-label": what ? `${label} ${what}` : null }, label);
  button.addEventListener("click", async () => {
    let said = "Copied";
    try {
      await copyText(text());
    } catch {
      said = "Could not be copied";
    }
    button.textContent = said;
    announce(said);
    setTimeout(() => (button.textContent = label), 1600);
  });
  return button;
}

/** Asks before something that cannot be undone. */
export function confirmed({ title, text, action }) {
  return new Promise((done) => {
    const heading = newId("dialog");
    const dialog = h(
      "dialog",
      { "aria-labelledby": heading },
      h("h2", { id: heading }, title),
      h("p", {}, text),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", class: "danger", onclick: () => dialog.close("yes") }, action),
        h("button", { type: "button", onclick: () => dialog.close() }, "Not now"),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** What an author wrote, with what stands between backticks as code. */
export function prose(text) {
  return text.split(/`([^`]+)`/).map((part, at) => (at % 2 === 1 ? h("code", {}, part) : part));
}

/** A panel that says what went wrong. */
export function problemPanel(problem) {
  return h("div", { class: "panel bad", role: "alert" }, h("p", {}, h("strong", {}, problem.title ?? "That did not work")), h("p", {}, prose(problem.message)));
}

/** Puts why a view cannot be shown, or cannot any longer, in its place. */
export function notShown(view, problem) {
  put(view, h("h1", {}, "This cannot be shown"), problemPanel(problem), h("p", {}, h("a", { href: "#/" }, "Back to the files")));
}
