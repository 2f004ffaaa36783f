// An analysis for Belljar: a component of the world in wit/, which asks for the bytes it wants and returns JSON.
import { read } from "belljar:analysis/sample@1.0.0";

import { Words } from "./words.js";

const BLOCK_BYTES = 1 << 16;

// Args are checked by the host, and its defaults are filled in. A string that is thrown ends the run, as its reason.
export function analyse(args) {
  const words = new Words(JSON.parse(args).letters_min);
  for (let offset = 0, block; (block = read(offset, BLOCK_BYTES)).length > 0; offset += block.length) {
    words.feed(block);
  }
  return JSON.stringify({ words: words.end() });
}
