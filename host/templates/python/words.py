"""Counts the words of a text, block by block. Nothing here knows of a sandbox, so that tests need none."""

import codecs


class Words:
    def __init__(self, letters_min: int):
        self.letters_min = letters_min
        self.words = 0
        self.rest = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, block: bytes) -> None:
        text = self.rest + self.decoder.decode(block)
        words = text.split()
        # The last one may go on in the next block.
        self.rest = words.pop() if words and not text[-1].isspace() else ""
        self._count(words)

    def end(self) -> int:
        self._count([self.rest] if self.rest else [])
        return self.words

    def _count(self, words: list[str]) -> None:
        self.words += sum(len(word) >= self.letters_min for word in words)
