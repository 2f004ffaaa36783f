"""An analysis for Belljar: a component of the world in wit/, which asks for the bytes it wants and returns JSON."""

import json

import wit_world
from componentize_py_types import Err
from wit_world.imports import sample

from words import Words

BLOCK_BYTES = 1 << 16


class WitWorld(wit_world.WitWorld):
    def analyse(self, args: str) -> str:
        """Args are checked by the host, and its defaults are filled in. What is raised as Err ends the run, as its reason."""
        words = Words(json.loads(args)["letters_min"])
        offset = 0
        while block := sample.read(offset, BLOCK_BYTES):
            offset += len(block)
            try:
                words.feed(block)
            except UnicodeDecodeError:
                raise Err("this is not UTF-8 text")
        return json.dumps({"words": words.end()})
