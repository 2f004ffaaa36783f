// Signing in, where the server wants a token: it is kept in a cookie that nothing on this page can read.

import { get, Problem, send, signIn } from "./api.js";
import { announce, h, prose, put } from "./dom.js";

/** Why a browser that was let in is not any longer. */
const ENDED = {
  expired: "The token that this browser kept has expired.",
  unknown: "The token that this browser kept is not known here any more.",
};

/** Who is here: `standing` is `open` where nobody is asked, and `in` for whoever is let in. */
export function whoIsHere() {
  return get("/session");
}

/** Draws a form for the token; `then` goes on once it is taken. */
export function showSignIn(view, standing, then) {
  const wrong = h("p", { class: "wrong", id: "token-wrong", role: "alert" });
  const input = h("input", { type: "password", id: "token", autocomplete: "current-password", required: true, spellcheck: "false", "aria-describedby": "token-about token-wrong" });
  const about = h("p", { class: "faint", id: "token-about" }, prose("As `belljar token create` wrote it: `belljar_…`"));
  const form = h(
    "form",
    {
      class: "fields",
      onsubmit: async (event) => {
        event.preventDefault();
        try {
          await signIn(input.value.trim().replace(/^bearer\s+/i, ""));
        } catch (problem) {
          if (!(problem instanceof Problem)) throw problem;
          put(wrong, prose(problem.message));
          input.setAttribute("aria-invalid", "true");
          input.focus();
          return;
        }
        announce("Signed in");
        then();
      },
    },
    h("div", { class: "field" }, h("label", { for: "token" }, "Token"), input, about, wrong),
    h("div", {}, h("button", { type: "submit", class: "primary" }, "Sign in")),
  );
  put(view, h("h1", {}, "Sign in"), ENDED[standing] && h("p", {}, ENDED[standing]), h("p", {}, "This server asks for a token. Who runs it can make one for you."), form);
}

/** Says who is here, with the way out. */
export function showAccount(nav, me) {
  const leave = async () => {
    await send("DELETE", "/session");
    location.reload();
  };
  nav.append(h("button", { type: "button", class: "quiet", onclick: leave, title: `${me.name}, of the tenant ${me.tenant}` }, "Sign out"));
}
