"""python3 -m unittest"""

import unittest

from words import Words


def count(text: str, letters_min: int) -> int:
    words = Words(letters_min)
    for byte in text.encode():
        words.feed(bytes([byte]))
    return words.end()


class WordsTest(unittest.TestCase):
    def test_words_are_counted(self):
        for text, letters_min, words in [("one or two", 0, 3), ("one or two", 3, 2), (" très\n", 4, 1), ("très", 5, 0), ("", 0, 0)]:
            self.assertEqual(count(text, letters_min), words, text)
