// node --test
import assert from "node:assert/strict";
import test from "node:test";

import { Words } from "./words.js";

test("words are counted", () => {
  for (const [text, lettersMin, expected] of [["one or two", 0, 3], ["one or two", 3, 2], [" très\n", 4, 1], ["très", 5, 0], ["", 0, 0]]) {
    const words = new Words(lettersMin);
    for (const byte of new TextEncoder().encode(text)) words.feed([byte]);
    assert.equal(words.end(), expected, text);
  }
});
